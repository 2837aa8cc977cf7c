/** How many messages wait in stores that are closed, for whoever does not want to open them. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Waiting } from './closed-file.ts';

export type { Waiting } from './closed-file.ts';

/** For each of the files what `waitingIn` says. A thread of its own reads them, and ends with it. */
export function waitingInEach(files: readonly string[]): Promise<(Waiting | null)[]> {
  // .ts beside this one in the sources, .js where they were built.
  const extension = path.extname(fileURLToPath(import.meta.url));
  const worker = new Worker(new URL(`./waiting-worker${extension}`, import.meta.url), { workerData: files });
  worker.unref();
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread ended with exit code ${code}`)));
  });
}

/** What the thread runs that reads closed stores: a disk that is slow stalls nobody else. */
import './quiet.ts';
import { parentPort, workerData } from 'node:worker_threads';

if (parentPort === null) throw new Error('bug: this is a thread, not a program');

const { waitingIn } = await import('./closed-file.ts');
parentPort.postMessage((workerData as string[]).map((file) => waitingIn(file)));

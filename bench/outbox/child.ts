/**
 * The other sides of the benchmark run in processes of their own, so that their work is not counted as ours. A child says
 * once what it listens on and ends with the channel to its parent, however that ends.
 */
import { fork } from 'node:child_process';
import path from 'node:path';

/** Starts `bench/outbox/<name>.ts`. Resolves with what it says, and with its end. */
export async function startChild<Said>(name: string, args: readonly string[] = []): Promise<[Said, () => void]> {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  const child = fork(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const said = await new Promise<Said>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Said));
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  return [said, () => void child.kill()];
}

/** In the child. */
export function tellParent(message: object): void {
  process.on('disconnect', () => process.exit());
  process.send?.(message);
}

/** Starts child.ts and reads what it says. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Line } from './child.ts';

export class Child {
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor(task: 'hold' | 'work', file: string, seed = 0) {
    const script = path.join(import.meta.dirname, 'child.ts');
    this.#process = spawn(process.execPath, [...process.execArgv, script, task, file, String(seed)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#process, 'close');
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The next thing it says; undefined when it has ended. */
  async next(): Promise<Line | undefined> {
    const { done, value } = await this.#lines.next();
    return done === true ? undefined : (JSON.parse(value) as Line);
  }

  /** SIGKILL. Resolves when it is gone. What it said before can still be read. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

/** A `sending-process.ts` as its parent sees it: the lines that it writes, its stop, its kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { SendingOptions } from './sending-process.ts';

const program = path.join(import.meta.dirname, 'sending-process.ts');

export class SendingChild {
  readonly #process: ChildProcess;
  readonly #said: Promise<unknown>;
  readonly #exited: Promise<unknown>;
  #errors = '';

  /** `hear` is told each line: its first word and the rest. A line that a kill cut off is not told. */
  constructor(options: SendingOptions, hear: (word: string, rest: string) => void) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(options)]);
    this.#process = child;
    this.#exited = once(child, 'exit');
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    let unfinished = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (unfinished + text).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) {
        const space = line.indexOf(' ');
        if (space < 0) hear(line, '');
        else hear(line.slice(0, space), line.slice(space + 1));
      }
    });
    this.#said = once(child.stdout, 'close');
  }

  /** At once; what the process wrote is still heard. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Lets it stop in good order. */
  stop(): void {
    this.#process.stdin?.end();
  }

  /** Resolves when it has ended and all that it said was heard; rejects when it ended by a fault of its own. */
  async ended(): Promise<void> {
    await Promise.all([this.#exited, this.#said]);
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== 0 && signalCode !== 'SIGKILL') {
      throw new Error(`The process ended with ${exitCode ?? signalCode}: ${this.#errors}`);
    }
  }
}

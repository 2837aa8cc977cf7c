/** A store in a process of its own, asked from here: for what only a process can have, such as a disk or limits. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Outbox } from '../../../lib/outbox/outbox.ts';
import { errorFrom, type Trouble } from '../../../lib/outbox/sqlite/calls.ts';

export interface Question {
  readonly id: number;
  readonly op: keyof Outbox;
  readonly args: unknown[];
}

export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly trouble: Trouble });

interface Asking {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Remote {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #asking = new Map<number, Asking>();
  #asked = 0;

  /** `within` is a command that runs another, in the same process. */
  constructor(file: string, within: readonly string[] = []) {
    const script = path.join(import.meta.dirname, 'child.ts');
    const [command = '', ...args] = [...within, process.execPath, ...process.execArgv, script, 'answer', file];
    this.#process = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#ended = once(this.#process, 'exit');
    this.#process.on('message', (answer: Answer) => {
      const asking = this.#asking.get(answer.id);
      this.#asking.delete(answer.id);
      if ('value' in answer) asking?.resolve(answer.value);
      else asking?.reject(errorFrom(answer.trouble));
    });
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#asking.values()) reject(new Error(`the process ended: ${code ?? signal}`));
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Its store, which is not open yet. */
  readonly outbox = new Proxy({} as Outbox, {
    get:
      (_, op: keyof Outbox) =>
      (...args: unknown[]) =>
        this.#ask(op, args),
  });

  /** SIGKILL, wherever it is. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  #ask(op: keyof Outbox, args: unknown[]): Promise<unknown> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#asking.set(id, { resolve, reject });
      this.#process.send({ id, op, args } satisfies Question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }
}

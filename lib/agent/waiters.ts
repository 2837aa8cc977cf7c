/**
 * Inputs of flows that wait for what becomes of their messages. They live in memory only: after a restart the messages
 * go on, but nobody waits.
 */
import { PassingMap } from '../passing-map.ts';
import type { SendOutcome, SendStatus } from './outcome.ts';

/** How far a message must have come before its input is answered. */
export type Settle = 'stored' | 'accepted' | 'delivered';

/** What an input is answered with, one outcome for each message; some are not as far yet as it waits for. */
interface Input {
  readonly outcomes: SendOutcome[];
  open: number;
  resolve(outcomes: SendOutcome[]): void;
}

/** One open outcome of an input. A class, not a literal: see docs/decisions/0020. */
class Waiter {
  readonly input: Input;
  readonly index: number;

  constructor(input: Input, index: number) {
    this.input = input;
    this.index = index;
  }
}

type ById = PassingMap<string, Waiter[]>;

export class Waiters {
  readonly #accepted: ById = new PassingMap();
  readonly #delivered: ById = new PassingMap();
  #size = 0;
  #isStopped = false;

  /** Outcomes that are waited for. */
  get size(): number {
    return this.#size;
  }

  /**
   * Resolves when each message of an input has come as far as `level`, or to any end. `outcomes` says how far they are
   * now; it becomes the answer.
   */
  wait(outcomes: SendOutcome[], level: Settle): Promise<SendOutcome[]> {
    return new Promise((resolve) => {
      if (this.#isStopped) return resolve(outcomes);
      const input: Input = { outcomes, open: 0, resolve };
      const byId = level === 'delivered' ? this.#delivered : this.#accepted;
      for (let index = 0; index < outcomes.length; index++) {
        const { messageId, status } = outcomes[index] as SendOutcome;
        if (messageId === null || answers(level, status)) continue;
        add(byId, messageId, new Waiter(input, index));
        input.open++;
      }
      this.#size += input.open;
      if (input.open === 0) resolve(outcomes);
    });
  }

  has(messageId: string): boolean {
    return this.#accepted.has(messageId) || this.#delivered.has(messageId);
  }

  /** The ids of messages of which somebody waits to hear. */
  ids(which: (stored: SendOutcome) => boolean): string[] {
    const ids = new Set<string>();
    for (const byId of [this.#accepted, this.#delivered]) {
      for (const [id, waiting] of byId) if (waiting.some((waiter) => which(storedOf(waiter)))) ids.add(id);
    }
    return [...ids];
  }

  /** The gateway took it. */
  accepted(messageId: string): void {
    for (const waiter of take(this.#accepted, messageId)) {
      this.#answer(waiter, { ...storedOf(waiter), status: 'accepted' });
    }
  }

  /** It came to an end, or to where only the operator helps. */
  ended(messageId: string, outcome: SendOutcome): void {
    for (const byId of [this.#accepted, this.#delivered]) {
      for (const waiter of take(byId, messageId)) {
        const { warnings } = storedOf(waiter);
        this.#answer(waiter, warnings ? { ...outcome, warnings } : outcome);
      }
    }
  }

  /** It is sent again under another id: those who wait, wait for that one. */
  moved(messageId: string, newId: string): void {
    for (const byId of [this.#accepted, this.#delivered]) {
      for (const waiter of take(byId, messageId)) add(byId, newId, waiter);
    }
  }

  /** Answers everybody with how far their messages have come, and who comes from now on at once. */
  stop(): void {
    this.#isStopped = true;
    for (const byId of [this.#accepted, this.#delivered]) {
      for (const { input } of [...byId.values()].flat()) input.resolve(input.outcomes);
      byId.clear();
    }
    this.#size = 0;
  }

  #answer({ input, index }: Waiter, outcome: SendOutcome): void {
    input.outcomes[index] = outcome;
    input.open--;
    this.#size--;
    if (input.open === 0) input.resolve(input.outcomes);
  }
}

const NOBODY: readonly Waiter[] = [];

function add(byId: ById, messageId: string, waiter: Waiter): void {
  const waiting = byId.get(messageId);
  if (waiting) waiting.push(waiter);
  else byId.set(messageId, Array.of(waiter));
}

function take(byId: ById, messageId: string): readonly Waiter[] {
  const waiting = byId.get(messageId);
  if (!waiting) return NOBODY;
  byId.delete(messageId);
  return waiting;
}

/** What was known of the message when it was stored. */
function storedOf({ input, index }: Waiter): SendOutcome {
  return input.outcomes[index] as SendOutcome;
}

/** Statuses that answer an input which waits for `level`. */
function answers(level: Settle, status: SendStatus): boolean {
  if (status === 'stored') return level === 'stored';
  if (status === 'accepted') return level !== 'delivered';
  return true;
}

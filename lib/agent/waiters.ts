/**
 * Inputs of flows that wait for what becomes of their messages. They live in memory only: after a restart the messages
 * go on, but nobody waits.
 */
import type { SendOutcome, SendStatus } from './outcome.ts';

/** How far a message must have come before its input is answered. */
export type Settle = 'stored' | 'accepted' | 'delivered';

interface Waiter {
  readonly level: 'accepted' | 'delivered';
  readonly stored: SendOutcome;
  resolve(outcome: SendOutcome): void;
}

export class Waiters {
  readonly #byId = new Map<string, Waiter[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Resolves when the message has come as far as `level`, or to any end. `stored` is the answer when we stop before. */
  wait(messageId: string, level: 'accepted' | 'delivered', stored: SendOutcome): Promise<SendOutcome> {
    return new Promise((resolve) => this.#add(messageId, { level, stored, resolve }));
  }

  has(messageId: string): boolean {
    return this.#byId.has(messageId);
  }

  /** The ids of messages of which somebody waits to hear. */
  ids(which: (stored: SendOutcome) => boolean): string[] {
    return [...this.#byId].filter(([, waiting]) => waiting.some(({ stored }) => which(stored))).map(([id]) => id);
  }

  /** The gateway took it. */
  accepted(messageId: string): void {
    const waiting = this.#take(messageId, (waiter) => waiter.level === 'accepted');
    for (const { stored, resolve } of waiting) resolve({ ...stored, status: 'accepted' });
  }

  /** It came to an end, or to where only the operator helps. */
  ended(messageId: string, outcome: SendOutcome): void {
    for (const { resolve, stored } of this.#take(messageId, () => true)) {
      resolve(stored.warnings ? { ...outcome, warnings: stored.warnings } : outcome);
    }
  }

  /** It is sent again under another id: those who wait, wait for that one. */
  moved(messageId: string, newId: string): void {
    for (const waiter of this.#take(messageId, () => true)) this.#add(newId, waiter);
  }

  /** Answers everybody with how far their message has come. */
  stop(): void {
    const all = [...this.#byId.values()].flat();
    this.#byId.clear();
    this.#size = 0;
    for (const { stored, resolve } of all) resolve(stored);
  }

  #add(messageId: string, waiter: Waiter): void {
    const waiting = this.#byId.get(messageId);
    if (waiting) waiting.push(waiter);
    else this.#byId.set(messageId, [waiter]);
    this.#size++;
  }

  #take(messageId: string, which: (waiter: Waiter) => boolean): Waiter[] {
    const waiting = this.#byId.get(messageId);
    if (!waiting) return [];
    const taken = waiting.filter(which);
    if (taken.length === waiting.length) this.#byId.delete(messageId);
    else {
      this.#byId.set(
        messageId,
        waiting.filter((waiter) => !taken.includes(waiter)),
      );
    }
    this.#size -= taken.length;
    return taken;
  }
}

/** Statuses that answer an input which waits for `level`. */
export function answers(level: Settle, status: SendStatus): boolean {
  if (status === 'stored') return level === 'stored';
  if (status === 'accepted') return level !== 'delivered';
  return true;
}

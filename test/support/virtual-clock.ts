/** A clock that moves only when a test says so. */
import type { Clock, Timer } from '../../lib/clock.ts';

interface Armed {
  atMs: number;
  order: number;
  fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #armed = new Set<Armed>();

  constructor(startMs = Date.UTC(2026, 0, 5, 0, 0, 0)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  timer(delayMs: number, fire: () => void): Timer {
    const armed: Armed = { atMs: this.#nowMs + Math.max(delayMs, 0), order: this.#order++, fire };
    this.#armed.add(armed);
    return { cancel: () => void this.#armed.delete(armed) };
  }

  /** How many timers are armed: what a stopped component must bring back to where it was. */
  get armedCount(): number {
    return this.#armed.size;
  }

  /**
   * Moves to `now + ms`, firing what falls due in order. Between two timers the event loop turns, so that promises and
   * in-memory sockets settle before time goes on.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await turn();
    for (;;) {
      const next = this.#next();
      if (!next || next.atMs > endMs) break;
      this.#armed.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await turn();
    }
    this.#nowMs = endMs;
    await turn();
  }

  /** As when the machine was suspended: `ms` later, everything that fell due meanwhile fires late, once. */
  async suspend(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  /** As when a wrong clock is put right: it is another time, and timers fire after as long as before. */
  correct(ms: number): void {
    this.#nowMs += ms;
    for (const armed of this.#armed) armed.atMs += ms;
  }

  #next(): Armed | undefined {
    let first: Armed | undefined;
    for (const armed of this.#armed) {
      if (!first || armed.atMs < first.atMs || (armed.atMs === first.atMs && armed.order < first.order)) first = armed;
    }
    return first;
  }
}

/** Lets everything that is already queued on the event loop happen. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Shows the latest of many values, at most once in an interval: the first at once, the last for sure. */
import type { Clock, Timer } from '../lib/clock.ts';

export class Latest<T> {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #show: (value: T) => void;
  #shown: string | undefined;
  #next: { value: T } | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock, intervalMs: number, show: (value: T) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#show = show;
  }

  put(value: T): void {
    this.#next = { value };
    if (!this.#timer) this.#pass();
  }

  /** Nothing is shown any more. */
  end(): void {
    this.#next = null;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #pass(): void {
    const next = this.#next;
    this.#next = null;
    this.#timer = null;
    if (!next) return;
    const text = JSON.stringify(next.value);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#timer = this.#clock.timer(this.#intervalMs, () => this.#pass());
    this.#show(next.value);
  }
}

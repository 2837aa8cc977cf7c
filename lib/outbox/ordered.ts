/**
 * Items kept in the order of (time, seq), for what an engine keeps in memory: what an index is to a database. Adding, removing and
 * finding the first cost the same whether ten items wait or a million, since the order is held in short runs.
 */

export interface Timed {
  readonly atMs: number;
  readonly seq: number;
}

/** A run is split in two when it grows past this. */
const LONGEST_RUN = 512;

const before = (a: Timed, b: Timed): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);

export class Ordered<T extends Timed> {
  #runs: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    this.#size++;
    const runs = this.#runs;
    const at = Math.min(this.#runOf(item), runs.length - 1);
    const run = runs[at];
    if (run === undefined) {
      runs.push([item]);
      return;
    }
    const position = positionIn(run, item);
    if (position === run.length) run.push(item);
    else run.splice(position, 0, item);
    if (run.length > LONGEST_RUN) runs.splice(at + 1, 0, run.splice(LONGEST_RUN / 2));
  }

  /** Takes out the item with the time and seq of `item`; nothing happens when there is none. */
  delete(item: Timed): void {
    const at = this.#runOf(item);
    const run = this.#runs[at];
    if (run === undefined) return;
    const position = positionIn(run, item);
    const found = run[position];
    if (found === undefined || before(item, found)) return;
    if (position === 0) run.shift();
    else run.splice(position, 1);
    this.#size--;
    if (run.length === 0) this.#runs.splice(at, 1);
  }

  /** In order, from the beginning. Nothing may be added or deleted meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (const run of this.#runs) for (const item of run) yield item;
  }

  first(): T | undefined {
    return this.#runs[0]?.[0];
  }

  /** The first item whose time is later than `atMs`. */
  firstAfter(atMs: number): T | undefined {
    const edge = { atMs, seq: Number.POSITIVE_INFINITY };
    const run = this.#runs[this.#runOf(edge)];
    return run?.[positionIn(run, edge)];
  }

  /** Index of the first run that ends at or after `item`; the number of runs when none does. */
  #runOf(item: Timed): number {
    const runs = this.#runs;
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const last = runs[middle]?.at(-1);
      if (last !== undefined && before(last, item)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first item of `run` that is not before `item`. */
function positionIn<T extends Timed>(run: readonly T[], item: Timed): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = run[middle];
    if (candidate !== undefined && before(candidate, item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

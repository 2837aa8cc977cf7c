/** First in, first out. Taking the first costs the same however many wait. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #taken = 0;

  get size(): number {
    return this.#items.length - this.#taken;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Counted from the first. */
  at(index: number): T | undefined {
    return this.#items[this.#taken + index];
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const first = this.#items[this.#taken];
    this.#items[this.#taken++] = undefined;
    if (this.#taken > 1000 && this.#taken > this.#items.length / 2) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return first;
  }

  /** Takes them all. */
  clear(): T[] {
    const items = this.#items.slice(this.#taken) as T[];
    this.#items = [];
    this.#taken = 0;
    return items;
  }
}

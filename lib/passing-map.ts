/**
 * A Map for entries that come and go by the thousand, and whose values are garbage then, at once. Keys may stay until the next
 * full collection: they should be small.
 *
 * The table of a Map that has lived for a while stands among V8's old objects, and after some thousand additions another one
 * takes its place. What an abandoned table holds looks alive to V8's quick collections of young objects, and is copied by them,
 * and kept, until the next full one. So the Map in here holds numbers: what they stand for is in one array, which stays,
 * and forgets.
 */
export class PassingMap<K, V> {
  readonly #slots = new Map<K, number>();
  readonly #values: (V | undefined)[] = [];
  /** Slots of entries that were deleted. */
  readonly #free: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  has(key: K): boolean {
    return this.#slots.has(key);
  }

  get(key: K): V | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#values[slot];
  }

  set(key: K, value: V): void {
    const slot = this.#slots.get(key) ?? this.#newSlot(key);
    this.#values[slot] = value;
  }

  delete(key: K): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#values[slot] = undefined;
    this.#free.push(slot);
  }

  clear(): void {
    this.#slots.clear();
    this.#values.length = 0;
    this.#free.length = 0;
  }

  keys(): MapIterator<K> {
    return this.#slots.keys();
  }

  /** In the order in which the keys were added, as those of a Map. */
  *values(): Generator<V, void, undefined> {
    for (const slot of this.#slots.values()) yield this.#values[slot] as V;
  }

  *[Symbol.iterator](): Generator<[K, V], void, undefined> {
    for (const [key, slot] of this.#slots) yield [key, this.#values[slot] as V];
  }

  #newSlot(key: K): number {
    const slot = this.#free.pop() ?? this.#values.length;
    this.#slots.set(key, slot);
    return slot;
  }
}

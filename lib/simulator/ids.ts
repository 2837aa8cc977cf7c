/**
 * The MSG_IDs that were taken, with how often each was taken, reported and acknowledged. Bounded by forgetting the
 * oldest generation; without a bound it starts a new map before one map reaches the engine's limit.
 */

export interface SeenId {
  /** How often the message was taken. */
  taken: number;
  /** How often its report was sent. */
  reported: number;
  /** How often its report was acknowledged (SAM11), or followed by the next poll (SAM10). */
  acknowledged: number;
  /** A checksum of receiver and text: the same id with another one is a reuse for other content. */
  readonly print: number;
}

/** A Map holds some 16.7 million entries. */
const LARGEST_MAP = 8_000_000;
/** A bounded memory is cut into so many parts, of which the oldest is forgotten. */
const GENERATIONS = 4;

export class IdMemory {
  readonly #perMap: number;
  readonly #maps: Map<string, SeenId>[] = [new Map()];
  readonly #mostMaps: number;

  /** `limit` may be Infinity. */
  constructor(limit: number) {
    this.#perMap = Number.isFinite(limit) ? Math.max(1, Math.ceil(limit / GENERATIONS)) : LARGEST_MAP;
    this.#mostMaps = Number.isFinite(limit) ? GENERATIONS : Number.POSITIVE_INFINITY;
  }

  get(id: string): SeenId | undefined {
    for (const map of this.#maps) {
      const seen = map.get(id);
      if (seen) return seen;
    }
    return undefined;
  }

  /** Remembers a new id. The string is copied, since a decoded field keeps its whole frame alive. */
  add(id: string, print: number): SeenId {
    let newest = this.#maps[0];
    if (!newest || newest.size >= this.#perMap) {
      newest = new Map();
      this.#maps.unshift(newest);
      if (this.#maps.length > this.#mostMaps) this.#maps.pop();
    }
    const seen: SeenId = { taken: 1, reported: 0, acknowledged: 0, print };
    newest.set(ownString(id), seen);
    return seen;
  }

  get size(): number {
    return this.#maps.reduce((sum, map) => sum + map.size, 0);
  }

  *[Symbol.iterator](): IterableIterator<[string, Readonly<SeenId>]> {
    for (let i = this.#maps.length - 1; i >= 0; i--) yield* this.#maps[i] ?? [];
  }
}

/** A copy that does not point into a larger string. */
export function ownString(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** FNV-1a over the characters: enough to tell "the same message again" from "another message". */
export function fingerprint(receiver: string, text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < receiver.length; i++) hash = Math.imul(hash ^ receiver.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 0x1f, 0x01000193);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

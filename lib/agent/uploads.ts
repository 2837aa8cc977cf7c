/**
 * Which files the gateway holds, as far as one connection can know: a name is good for an hour on the connection that
 * uploaded it, and forgotten with the connection (protocol.md, Uploads).
 */
import type { Clock } from '../clock.ts';

const NAME_LIFE_MS = 60 * 60_000;
const MOST_NAMES = 10_000;

export class UploadedNames {
  readonly #clock: Clock;
  readonly #names = new Map<string, { fileName: string; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string): string | undefined {
    const known = this.#names.get(key);
    if (!known) return undefined;
    if (this.#clock.now() - known.atMs < NAME_LIFE_MS) return known.fileName;
    this.#names.delete(key);
    return undefined;
  }

  set(key: string, fileName: string): void {
    this.#names.delete(key);
    this.#names.set(key, { fileName, atMs: this.#clock.now() });
    if (this.#names.size <= MOST_NAMES) return;
    const oldest = this.#names.keys().next();
    if (!oldest.done) this.#names.delete(oldest.value);
  }

  clear(): void {
    this.#names.clear();
  }
}

/**
 * Where the files of msgs wait that wait for an answer. The agent keeps a picture on disk from the moment it takes the
 * message; but the msg that brought it goes on to the next node, or to a Catch node, and would hold it in memory until
 * then: in a long outage, all pictures of the outage. So beyond a bound they are taken out of their msgs into a file, and
 * put back, the same bytes in the same places, before the msg goes on.
 *
 * The file has no name from the moment it is made (where the system allows that): a crash leaves nothing behind.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What all waiting msgs together may hold in memory. */
const MOST_HELD_BYTES = 32_000_000;
/** Not worth a place in the file. */
const LEAST_BYTES = 4_096;
/** Deep enough for a list of messages, each with a list of `{ data, ext }`. */
const DEEPEST = 5;

/** Properties of a msg that can hold files. */
const HOLDERS = ['payload', 'files'] as const;
type Msg = { [K in (typeof HOLDERS)[number]]?: unknown };

/** Stands in a msg for the Buffer of that place in the file. */
class Parked {
  readonly at: number;
  readonly length: number;

  constructor(at: number, length: number) {
    this.at = at;
    this.length = length;
  }
}

/** Stands for a list or an object that holds some. */
class Opened {
  readonly isList: boolean;
  readonly parts: readonly (readonly [name: string, value: unknown])[];

  constructor(isList: boolean, parts: Opened['parts']) {
    this.isList = isList;
    this.parts = parts;
  }
}

interface Store {
  readonly file: Promise<{ handle: FileHandle; path: string }>;
  end: number;
  msgs: number;
}

export class ParkedFiles {
  readonly #mostHeldBytes: number;
  #heldBytes = 0;
  #store: Store | null = null;

  constructor(mostHeldBytes = MOST_HELD_BYTES) {
    this.#mostHeldBytes = mostHeldBytes;
  }

  /**
   * Takes the files out of the msg while there is no room in memory. Call what it returns, once, before the msg goes on.
   * Never rejects: a msg whose files cannot be written keeps them.
   */
  async park(msg: Msg, folder: string): Promise<() => Promise<void>> {
    const bytes = HOLDERS.reduce((sum, name) => sum + bytesIn(msg[name], 0), 0);
    if (bytes < LEAST_BYTES) return async () => {};
    if (this.#heldBytes + bytes <= this.#mostHeldBytes) {
      this.#heldBytes += bytes;
      return async () => {
        this.#heldBytes -= bytes;
      };
    }
    const store = this.#enter(folder);
    try {
      const { handle } = await store.file;
      const parked: Msg = {};
      for (const name of HOLDERS) if (name in msg) parked[name] = await takeOut(msg[name], handle, store, 0);
      Object.assign(msg, parked);
    } catch {
      return () => this.#leave(store);
    }
    return async () => {
      const { handle } = await store.file;
      for (const name of HOLDERS) if (name in msg) msg[name] = await putBack(msg[name], handle);
      await this.#leave(store);
    };
  }

  #enter(folder: string): Store {
    this.#store ??= { file: openNameless(folder), end: 0, msgs: 0 };
    this.#store.msgs++;
    return this.#store;
  }

  /** The file ends with the last msg in it: it never grows beyond what waits at a time, and what came before. */
  async #leave(store: Store): Promise<void> {
    if (--store.msgs > 0) return;
    if (this.#store === store) this.#store = null;
    const opened = await store.file.catch(() => null);
    await opened?.handle.close();
    if (opened) await rm(opened.path, { force: true });
  }
}

async function openNameless(folder: string): Promise<{ handle: FileHandle; path: string }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `.waiting-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  // Windows keeps the name until the file is closed.
  await rm(path, { force: true }).catch(() => {});
  return { handle, path };
}

/** Bytes of the Buffers in the value; `seen` keeps it from going round in circles. */
function bytesIn(value: unknown, depth: number, seen = new Set<object>()): number {
  if (Buffer.isBuffer(value)) return value.length;
  if (depth >= DEEPEST || !holdsParts(value) || seen.has(value)) return 0;
  seen.add(value);
  return Object.values(value).reduce<number>((sum, part) => sum + bytesIn(part, depth + 1, seen), 0);
}

/** What stands for the value meanwhile. The value itself stays as it is: others may use the same list or object. */
async function takeOut(value: unknown, handle: FileHandle, store: Store, depth: number): Promise<unknown> {
  if (bytesIn(value, depth) === 0) return value;
  if (Buffer.isBuffer(value)) {
    const parked = new Parked(store.end, value.length);
    store.end += value.length;
    await writeWhole(handle, value, parked.at);
    return parked;
  }
  const parts: [string, unknown][] = [];
  for (const [name, part] of Object.entries(value as object)) {
    parts.push([name, await takeOut(part, handle, store, depth + 1)]);
  }
  return new Opened(Array.isArray(value), parts);
}

async function putBack(value: unknown, handle: FileHandle): Promise<unknown> {
  if (value instanceof Parked) return readWhole(handle, value);
  if (!(value instanceof Opened)) return value;
  const parts: [string, unknown][] = [];
  for (const [name, part] of value.parts) parts.push([name, await putBack(part, handle)]);
  return value.isList ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}

async function writeWhole(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

async function readWhole(handle: FileHandle, { at, length }: Parked): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new Error('bug: a parked file is shorter than it was');
    done += bytesRead;
  }
  return bytes;
}

/** A list, or an object as flows write it, be it from the sandbox of a function node, which has its own Object. */
function holdsParts(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * A recording of what a process writes to its store, made by strace, and what a disk may hold of it when the power is cut:
 * everything that was synced, and any part of the rest.
 */
import fs from 'node:fs';
import path from 'node:path';

/** One thing that the recorded process did, in order. */
export type Event =
  /** It wrote to its standard output. */
  | { readonly kind: 'said'; readonly text: string }
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  | { readonly kind: 'rename'; readonly file: string; readonly to: string }
  /** `make` is of a folder. */
  | { readonly kind: 'create' | 'make' | 'remove' | 'sync'; readonly file: string };

/** What `strace -e trace=` must be given. Not every machine has those with a question mark. */
export const TRACED =
  'openat,close,pwrite64,write,ftruncate,fsync,fdatasync,' +
  '?unlink,?unlinkat,?rename,?renameat,?renameat2,?mkdir,?mkdirat';

/** Reads the output of `strace -f -xx -s <large>`, keeping what is about files in `folder`. */
export function readTrace(trace: string, folder: string): Event[] {
  const events: Event[] = [];
  /** By descriptor, what its file is called now; none once nothing is called so any more. */
  const paths = new Map<number, string>();
  /** By descriptor, where the next write goes that does not say where. */
  const positions = new Map<number, number>();
  /** The file of this name moved, or lost its name, also for those who have it open. */
  const moved = (file: string, to: string | null): void => {
    for (const [fd, open] of paths) {
      if (open === to) paths.delete(fd);
      if (open !== file) continue;
      if (to === null) paths.delete(fd);
      else paths.set(fd, to);
    }
  };
  /** By thread, a call that another thread's line interrupted. */
  const begun = new Map<string, string>();
  const isOurs = (file: string | undefined): file is string =>
    file !== undefined && (file === folder || file.startsWith(folder + path.sep)) && !file.endsWith('.lock');

  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const unfinished = / <unfinished \.\.\.>$/.exec(rest);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (unfinished !== null) {
      begun.set(thread, rest.slice(0, unfinished.index));
      // Another thread may be given the number before this one is told that it is free.
      if (rest.startsWith('close(')) paths.delete(Number.parseInt(rest.slice('close('.length), 10));
      continue;
    }
    if (resumed !== null && rest.startsWith('<... close ')) continue;
    const text = resumed === null ? rest : (begun.get(thread) ?? '') + (resumed[1] ?? '');
    const call = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(text);
    if (call === null) continue;
    const [, name, argument = '', returned] = call;
    const result = Number(returned);
    if (result < 0) continue;
    const strings = [...argument.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => unhex(hex));
    const fd = Number.parseInt(argument, 10);
    switch (name) {
      case 'openat': {
        const file = strings[0]?.toString() ?? '';
        paths.set(result, file);
        positions.set(result, 0);
        if (isOurs(file) && argument.includes('O_CREAT')) events.push({ kind: 'create', file });
        if (isOurs(file) && argument.includes('O_TRUNC')) events.push({ kind: 'truncate', file, size: 0 });
        break;
      }
      case 'close':
        paths.delete(fd);
        break;
      case 'write': {
        const bytes = strings[0]?.subarray(0, result) ?? Buffer.alloc(0);
        if (fd === 1) events.push({ kind: 'said', text: bytes.toString() });
        const file = paths.get(fd);
        const offset = positions.get(fd) ?? 0;
        positions.set(fd, offset + result);
        if (isOurs(file)) events.push({ kind: 'write', file, offset, bytes });
        break;
      }
      case 'pwrite64': {
        const file = paths.get(fd);
        const offset = Number(/, (\d+)$/.exec(argument)?.[1]);
        const bytes = strings[0]?.subarray(0, result) ?? Buffer.alloc(0);
        if (isOurs(file)) events.push({ kind: 'write', file, offset, bytes });
        break;
      }
      case 'ftruncate': {
        const file = paths.get(fd);
        if (isOurs(file)) events.push({ kind: 'truncate', file, size: Number(/, (\d+)$/.exec(argument)?.[1]) });
        break;
      }
      case 'fsync':
      case 'fdatasync': {
        const file = paths.get(fd);
        if (isOurs(file)) events.push({ kind: 'sync', file });
        break;
      }
      case 'mkdir':
      case 'mkdirat': {
        const file = strings[0]?.toString();
        // The folder of them all is there in the end, whatever becomes of the rest.
        if (isOurs(file) && file !== folder) events.push({ kind: 'make', file });
        break;
      }
      case 'unlink':
      case 'unlinkat': {
        const file = strings[0]?.toString();
        if (!isOurs(file)) break;
        moved(file, null);
        events.push({ kind: 'remove', file });
        break;
      }
      case 'rename':
      case 'renameat':
      case 'renameat2': {
        const [file, to] = strings.map(String);
        if (!isOurs(file) || !isOurs(to) || file === to) break;
        moved(file, to);
        events.push({ kind: 'rename', file, to });
        break;
      }
    }
  }
  return events;
}

function unhex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex');
}

type Change = Extract<Event, { kind: 'write' | 'truncate' }>;

/** A file, whatever it is called. */
interface Contents {
  /** What is on the disk for sure. */
  synced: Buffer;
  unsynced: Change[];
}

/** What a name in a folder stands for; null: for nothing. */
type Bearer = Contents | 'folder' | null;

interface Name {
  /** For sure, since its folder was synced. */
  synced: Bearer;
  /** What it came to stand for since. */
  unsynced: Bearer[];
}

/** A sector is written whole or not at all; a page of the database is eight of them. */
const SECTOR_BYTES = 512;

/**
 * A file and its names are synced apart: what is in it by a sync of the file, what it is called by one of its folder. Until
 * then each name is what it was, or what any of the changes since made it, whatever the names beside it are. So a file that
 * moves may be found under both names after a cut, or under neither; no file system does worse.
 */
export class Disk {
  readonly #names = new Map<string, Name>();

  take(event: Event): void {
    switch (event.kind) {
      case 'said':
        return;
      case 'create':
        // Opening what is there creates nothing.
        if (this.#bearer(event.file) === null) this.#call(event.file, { synced: Buffer.alloc(0), unsynced: [] });
        return;
      case 'make':
        this.#call(event.file, 'folder');
        return;
      case 'remove':
        this.#call(event.file, null);
        return;
      case 'rename':
        this.#call(event.to, this.#bearer(event.file));
        this.#call(event.file, null);
        return;
      case 'sync':
        this.#sync(event.file);
        return;
      default:
        this.#contents(event.file)?.unsynced.push(event);
    }
  }

  /** What is left after a cut now. `chance` decides, between 0 and 1, how much of what was not synced is. */
  *remains(chance: () => number): Generator<{ file: string; bytes: Buffer }, void, undefined> {
    const mood = chance();
    const survives = (): boolean => (mood < 0.2 ? false : mood > 0.8 ? true : chance() < 0.5);
    const found = new Map<string, Bearer>();
    for (const [file, { synced, unsynced }] of this.#names) {
      const seen = Math.floor(chance() * (unsynced.length + 1));
      found.set(file, seen === 0 ? synced : (unsynced[seen - 1] ?? null));
    }
    // By contents, since a file may be found under two names.
    const left = new Map<Contents, Buffer>();
    for (const [file, contents] of found) {
      if (contents === null || contents === 'folder' || found.get(path.dirname(file)) === null) continue;
      const { synced, unsynced } = contents;
      const bytes =
        left.get(contents) ?? unsynced.flatMap((change) => surviving(change, survives)).reduce(apply, synced);
      left.set(contents, bytes);
      yield { file, bytes };
    }
  }

  #bearer(file: string): Bearer {
    const name = this.#names.get(file);
    if (name === undefined) return null;
    return name.unsynced.length === 0 ? name.synced : (name.unsynced.at(-1) ?? null);
  }

  #contents(file: string): Contents | null {
    const bearer = this.#bearer(file);
    return bearer === 'folder' ? null : bearer;
  }

  #call(file: string, bearer: Bearer): void {
    const name = this.#names.get(file) ?? { synced: null, unsynced: [] };
    name.unsynced.push(bearer);
    this.#names.set(file, name);
  }

  #sync(file: string): void {
    const contents = this.#contents(file);
    if (contents !== null) {
      contents.synced = contents.unsynced.reduce(apply, contents.synced);
      contents.unsynced = [];
      return;
    }
    // A folder: the names in it stand.
    for (const [name, held] of this.#names) {
      if (path.dirname(name) !== file) continue;
      held.synced = this.#bearer(name);
      held.unsynced = [];
      if (held.synced === null) this.#names.delete(name);
    }
  }
}

/** The parts of a change that reached the disk. */
function surviving(change: Change, survives: () => boolean): Change[] {
  if (change.kind === 'truncate') return survives() ? [change] : [];
  const parts: Change[] = [];
  for (let at = 0; at < change.bytes.length; ) {
    const end = Math.min(at + SECTOR_BYTES - ((change.offset + at) % SECTOR_BYTES), change.bytes.length);
    if (survives()) parts.push({ ...change, offset: change.offset + at, bytes: change.bytes.subarray(at, end) });
    at = end;
  }
  return parts;
}

function apply(image: Buffer, change: Change): Buffer {
  const size = change.kind === 'truncate' ? change.size : Math.max(image.length, change.offset + change.bytes.length);
  const next = Buffer.alloc(size);
  image.copy(next, 0, 0, size);
  if (change.kind === 'write') change.bytes.copy(next, change.offset);
  return next;
}

export function writeRemains(remains: Iterable<{ file: string; bytes: Buffer }>, from: string, to: string): void {
  fs.rmSync(to, { recursive: true, force: true });
  fs.mkdirSync(to, { recursive: true });
  for (const { file, bytes } of remains) {
    const rebuilt = path.join(to, path.relative(from, file));
    fs.mkdirSync(path.dirname(rebuilt), { recursive: true });
    fs.writeFileSync(rebuilt, bytes);
  }
}

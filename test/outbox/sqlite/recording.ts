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
  | { readonly kind: 'create' | 'remove' | 'sync'; readonly file: string };

/** What `strace -e trace=` must be given. */
export const TRACED = 'openat,close,pwrite64,write,ftruncate,fsync,fdatasync,unlink,rename,mkdir';

/** Reads the output of `strace -f -xx -s <large>`, keeping what is about files in `folder`. */
export function readTrace(trace: string, folder: string): Event[] {
  const events: Event[] = [];
  const paths = new Map<number, string>();
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
      continue;
    }
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
        if (isOurs(file) && argument.includes('O_CREAT')) events.push({ kind: 'create', file });
        break;
      }
      case 'close':
        paths.delete(fd);
        break;
      case 'write': {
        const bytes = strings[0] ?? Buffer.alloc(0);
        if (fd === 1) events.push({ kind: 'said', text: bytes.toString('utf8', 0, result) });
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
      case 'unlink': {
        const file = strings[0]?.toString();
        if (isOurs(file)) events.push({ kind: 'remove', file });
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

interface Held {
  /** What is on the disk for sure. */
  synced: Buffer;
  unsynced: Change[];
  /** Whether the folder names it for sure, and what was done to its name since. */
  named: boolean;
  namings: ('create' | 'remove')[];
}

/** A sector is written whole or not at all; a page of the database is eight of them. */
const SECTOR_BYTES = 512;

export class Disk {
  readonly #files = new Map<string, Held>();

  take(event: Event): void {
    if (event.kind === 'said') return;
    if (event.kind === 'sync' && !this.#files.has(event.file)) {
      // The folder: the names in it stand.
      for (const [file, held] of this.#files) {
        if (path.dirname(file) !== event.file) continue;
        held.named = held.namings.at(-1) === undefined ? held.named : held.namings.at(-1) === 'create';
        held.namings = [];
        if (!held.named) this.#files.delete(file);
      }
      return;
    }
    const held = this.#files.get(event.file) ?? { synced: Buffer.alloc(0), unsynced: [], named: false, namings: [] };
    if (event.kind === 'create') {
      // Opening what is there creates nothing.
      if (this.#files.has(event.file) && held.namings.at(-1) !== 'remove') return;
      held.namings.push('create');
    } else if (event.kind === 'remove') held.namings.push('remove');
    else if (event.kind === 'sync') {
      held.synced = held.unsynced.reduce(apply, held.synced);
      held.unsynced = [];
    } else if (event.kind === 'write' || event.kind === 'truncate') held.unsynced.push(event);
    this.#files.set(event.file, held);
  }

  /** What is left after a cut now. `chance` decides, between 0 and 1, how much of what was not synced is. */
  *remains(chance: () => number): Generator<{ file: string; bytes: Buffer }, void, undefined> {
    const mood = chance();
    const survives = (): boolean => (mood < 0.2 ? false : mood > 0.8 ? true : chance() < 0.5);
    for (const [file, { synced, unsynced, named, namings }] of this.#files) {
      const seen = namings.slice(0, Math.floor(chance() * (namings.length + 1)));
      const isNamed = seen.at(-1) === undefined ? named : seen.at(-1) === 'create';
      if (!isNamed) continue;
      yield { file, bytes: unsynced.flatMap((change) => surviving(change, survives)).reduce(apply, synced) };
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
  for (const { file, bytes } of remains) fs.writeFileSync(path.join(to, path.relative(from, file)), bytes);
}

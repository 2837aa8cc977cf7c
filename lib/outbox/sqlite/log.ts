/**
 * The log beside the database: a file of entries, each synced before anybody hears of what it tells. One small write and
 * one sync keep what would take a database many pages.
 *
 * Entries are written one behind the other. Once the database has all that they tell of, the log begins anew at its start,
 * over what is there: each entry carries the number of its generation, and the database knows which one is valid. An entry
 * that a crash tore, or that belongs to an earlier generation, ends the log. What no crash leaves is damage, and refused.
 *
 * As with SQLite's own log, a sector that is written again with the same bytes is trusted to keep them.
 */
import fs from 'node:fs';
import { crc32 } from 'node:zlib';
import { storeError } from './problems.ts';

/** Before each entry: generation, length of the entry, and a checksum of both and of the entry. */
const HEADER_BYTES = 12;
const CHECKED_BYTES = 8;

/** How often as many bytes as stand behind the end are checked at most. */
const CHECKS_OF_REST = 4;

/** The file grows by so much at a time: to sync what changes its length takes a disk longer. */
const GROWTH_BYTES = 1024 * 1024;

export class Log {
  readonly #file: string;
  readonly #descriptor: number;
  #generation: number;
  #end = 0;
  #isSpent = false;
  /** Of the file; behind the end there is room, or what is old. */
  #size: number;
  /** Where entries get their headers. */
  #room = Buffer.alloc(0);

  /** `generation` is the valid one. The file must be there. */
  constructor(file: string, generation: number, flags: 'r' | 'r+' = 'r+') {
    this.#file = file;
    this.#generation = generation;
    this.#descriptor = fs.openSync(file, flags);
    this.#size = fs.fstatSync(this.#descriptor).size;
  }

  /** Only to be read: of the generation of its first entry, be that valid or the one before. */
  static ofClosedStore(file: string): Log {
    const log = new Log(file, 0, 'r');
    const header = Buffer.alloc(HEADER_BYTES);
    log.#readAt(header, 0);
    log.#generation = header.readUInt32LE(0);
    return log;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Of the entries. */
  get bytes(): number {
    return this.#end;
  }

  /** Whether the database is known to have all that the file tells of. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** When it returns, the file is not empty, whatever happens: an empty one can then only be what is left of another. */
  occupy(): void {
    if (this.#size > 0) return;
    this.#writeAt(Buffer.alloc(HEADER_BYTES), 0);
    fs.fdatasyncSync(this.#descriptor);
    this.#size = HEADER_BYTES;
  }

  /** At opening: the entries that are valid, in order. New ones go behind them. */
  read(): Buffer[] {
    const entries: Buffer[] = [];
    let end = 0;
    let found = this.#entryAt(end);
    for (; found?.generation === this.#generation; found = this.#entryAt(end)) {
      end += HEADER_BYTES + found.entry.length;
      entries.push(found.entry);
    }
    // The database says which generation is valid before an entry of it is written.
    if (end === 0 && found !== null && found.generation > this.#generation) {
      throw storeError('behind', { file: this.#file });
    }
    this.#refuseDamage(end);
    this.#end = end;
    this.#isSpent = end === 0;
    return entries;
  }

  /** When it returns, the entry is on disk. When it throws, it will not be read, if the disk lets us see to it. */
  append(entry: Uint8Array): void {
    const bytes = this.#framed(entry);
    try {
      this.#makeRoom(this.#end + bytes.length);
      this.#writeAt(bytes, this.#end);
      fs.fdatasyncSync(this.#descriptor);
    } catch (error) {
      this.#spoil();
      throw error;
    }
    this.#end += bytes.length;
    // Where no room was made, it has grown by itself.
    this.#size = Math.max(this.#size, this.#end);
    this.#isSpent = false;
  }

  /** After the database has all that the log tells of, and that `generation` is the valid one. */
  restart(generation: number): void {
    this.#generation = generation;
    this.#end = 0;
    this.#isSpent = true;
  }

  /** What the database has already is not left lying about. Before closing. */
  empty(): void {
    fs.ftruncateSync(this.#descriptor);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }

  /** To be used before the next. */
  #framed(entry: Uint8Array): Buffer {
    const bytes = HEADER_BYTES + entry.length;
    if (this.#room.length < bytes) this.#room = Buffer.allocUnsafeSlow(bytes);
    const framed = this.#room.subarray(0, bytes);
    framed.writeUInt32LE(this.#generation, 0);
    framed.writeUInt32LE(entry.length, 4);
    framed.writeUInt32LE(checksum(framed, entry), CHECKED_BYTES);
    framed.set(entry, HEADER_BYTES);
    return framed;
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#size) return;
    const size = Math.ceil(bytes / GROWTH_BYTES) * GROWTH_BYTES;
    try {
      this.#writeAt(Buffer.alloc(size - this.#size), this.#size);
      this.#size = size;
    } catch {
      // Where a mebibyte finds no room, the entry may.
      this.#size = fs.fstatSync(this.#descriptor).size;
    }
  }

  /**
   * Behind the end, no crash leaves a whole entry of this generation. Each is synced before the next is written; the next
   * after one that failed begins where that began, over its header; and what else is left of it is JSON, which holds none of
   * the zero bytes of a header. So what stood before such an entry was damaged later.
   */
  #refuseDamage(end: number): void {
    const rest = Buffer.alloc(this.#size - end);
    this.#readAt(rest, end);
    const generation = Buffer.alloc(4);
    generation.writeUInt32LE(this.#generation);
    // What only looks like headers, and like long entries, must not make opening take long.
    let bytesToCheck = rest.length * CHECKS_OF_REST;
    for (let at = rest.indexOf(generation); at >= 0 && bytesToCheck > 0; at = rest.indexOf(generation, at + 1)) {
      if (at + HEADER_BYTES <= rest.length) bytesToCheck -= Math.min(rest.readUInt32LE(at + 4), rest.length - at);
      if (this.#entryAt(end + at) !== null) throw storeError('logDamaged', { file: this.#file, at: end });
    }
  }

  /** Null where there is no whole entry, of whatever generation. */
  #entryAt(at: number): { generation: number; entry: Buffer } | null {
    const header = Buffer.alloc(HEADER_BYTES);
    if (this.#readAt(header, at) < HEADER_BYTES) return null;
    const [generation, length] = [header.readUInt32LE(0), header.readUInt32LE(4)];
    const left = this.#size - at - HEADER_BYTES;
    if (length === 0 || length > left) return null;
    const entry = Buffer.alloc(length);
    this.#readAt(entry, at + HEADER_BYTES);
    return checksum(header, entry) === header.readUInt32LE(CHECKED_BYTES) ? { generation, entry } : null;
  }

  /** Fewer bytes than asked only at the end of the file. */
  #readAt(bytes: Buffer, at: number): number {
    for (let done = 0; ; ) {
      const read = fs.readSync(this.#descriptor, bytes, done, bytes.length - done, at + done);
      done += read;
      if (read === 0 || done === bytes.length) return done;
    }
  }

  #writeAt(bytes: Buffer, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const written = fs.writeSync(this.#descriptor, bytes, done, bytes.length - done, at + done);
      if (written === 0) throw storeError('full', { file: this.#file, detail: 'nothing was written' });
      done += written;
    }
  }

  /** What was refused must not come back after a crash, if the disk lets us say so. */
  #spoil(): void {
    try {
      this.#writeAt(Buffer.alloc(HEADER_BYTES), this.#end);
      fs.fdatasyncSync(this.#descriptor);
    } catch {
      // Nothing more can be done; the next entry is written over it.
    }
  }
}

/** `header` holds what is checked of it in its first bytes. */
function checksum(header: Buffer, entry: Uint8Array): number {
  return crc32(entry, crc32(header.subarray(0, CHECKED_BYTES)));
}

/**
 * How a batch is kept: as an entry of the log, mostly. When much has come together, or rows must say it at once, all that
 * the log tells of is written into the database with it, and the log begins anew. When `keep` returns, the batch is on
 * disk; when it throws, nothing of it is.
 */
import type { AttachmentFolder } from './attachments.ts';
import type { Batch, StoreOptions } from './calls.ts';
import type { Database } from './database.ts';
import { joined } from './entry.ts';
import { isGone, logOf } from './file.ts';
import type { Log } from './log.ts';
import { Pending } from './pending.ts';
import { problemOf, storeError } from './problems.ts';
import { SQL } from './statements.ts';

/** Messages at most whose rows are not what the log tells of them. */
const MOST_UNWRITTEN = 16_384;
/** Rows of messages that have ended are written ahead when they have come to this share of that. */
const AHEAD_SHARE = 1 / 16;
/** So many go into one transaction, and so many are written before what has arrived meanwhile. */
const AHEAD_MOST = 1024;
const AHEAD_SLICE = 32;
/** A log that is longer is written into rows. */
const LONG_BYTES = 16 * 1024 * 1024;
/** Of a file that has a bound: so little that it finds room all the same. */
const LONG_SHARE = 1 / 16;
/** How much longer the log grows before a full disk is tried again. */
const RETRY_BYTES = 1024 * 1024;
/** In how many times its bound a file finds room for what moves on. */
const ROOM_TO_MOVE = 1.25;
/** What the log tells of was accepted within the bound, and finds its place in any case. */
const ROOM_FOR_ALL = 1000;

export class Commits {
  readonly #db: Database;
  readonly #log: Log;
  readonly #attachments: AttachmentFolder;
  readonly #options: StoreOptions;
  readonly #mostUnwritten: number;
  readonly #aheadFrom: number;
  readonly #longBytes: number;
  /** By hash, how often an attachment was put for messages to come. */
  readonly #awaited = new Map<string, number>();
  #anyAttachments: boolean;
  #pending = new Pending();
  /** Entries of the log that are not among what is pending yet. */
  #appended: Buffer[] = [];
  /** While rows are written ahead, those to come. The transaction is open. */
  #ahead: Iterator<number> | null = null;
  /** Rows could not be written, and all of them were not since. */
  #cannotWriteAhead = false;
  /** The log is not tried to be written into rows before it is so long, but for what is accepted. */
  #retryBytes = 0;
  /**
   * A commit of the database failed, and may all the same be what a crash leaves: it says that the log is spent. Nothing
   * goes into the log until another commit has taken its place.
   */
  #isUncertain = false;

  constructor(db: Database, log: Log, attachments: AttachmentFolder, options: StoreOptions) {
    this.#db = db;
    this.#log = log;
    this.#attachments = attachments;
    this.#options = options;
    this.#mostUnwritten = options.mostUnwritten ?? MOST_UNWRITTEN;
    this.#aheadFrom = Math.max(1, Math.ceil(this.#mostUnwritten * AHEAD_SHARE));
    this.#longBytes = Math.min(LONG_BYTES, (options.maxFileBytes ?? Number.POSITIVE_INFINITY) * LONG_SHARE);
    this.#anyAttachments = db.get(SQL.anyAttachments) !== undefined;
  }

  /** What the last process left in the log comes into rows; attachments that nobody needs go. */
  recover(): void {
    this.#appended = this.#log.read();
    this.writeRows();
    this.#attachments.removeAllBut((hash) => this.#hasUsers(hash));
  }

  /** All that is pending. What cannot be written stays in the log. */
  writeRows(): void {
    this.#write([], ROOM_FOR_ALL);
  }

  /** A change of rows that the log does not tell of: after `writeRows`, so that it tells of nothing. */
  change<T>(write: () => T): T {
    this.writeRows();
    return this.#inTransaction(write);
  }

  /** All of the batches, or none. */
  keep(batches: readonly Batch[]): void {
    const entries = batches.flatMap(({ entry }) => (entry ? Buffer.from(entry.buffer) : []));
    const inRows = batches.some((batch) => batch.inRows);
    const accepts = batches.some((batch) => batch.accepts);
    const isTooMuch = this.#isTooMuch(entries) && (accepts || this.#log.bytes >= this.#retryBytes);
    if (inRows || this.#isUncertain || isTooMuch) this.#writeWith(entries, inRows, accepts);
    else this.#append(entries);
    const awaited = batches.flatMap((batch) => batch.awaited);
    for (const hash of awaited) this.countAwaited(hash, -1);
    this.#removeUnused(awaited);
  }

  /**
   * When nobody waits: a few rows of messages that have ended, so that all is not written at once later. The log still tells
   * of them, and goes on. The transaction stays open, since it is the commit that takes time. Returns whether there may be
   * more to do.
   */
  writeAhead(): boolean {
    if (this.#isUncertain || this.#cannotWriteAhead || this.#options.maxFileBytes !== undefined) return false;
    const { pending } = this;
    if (this.#ahead === null && pending.endedSize < this.#aheadFrom) return false;
    try {
      if (this.#ahead === null) this.#db.begin();
      this.#ahead ??= pending.ended();
      const seqs = take(this.#ahead, AHEAD_SLICE);
      this.#writeMessages(pending, seqs);
      pending.written(seqs);
      if (seqs.length < AHEAD_SLICE || pending.writtenSize >= AHEAD_MOST) this.endAhead();
    } catch {
      this.#giveUpAhead();
    }
    return !this.#cannotWriteAhead;
  }

  /** Before anything else is written: ends what `writeAhead` has begun. Whoever reads sees it in any case. */
  endAhead(): void {
    if (this.#ahead === null) return;
    try {
      this.#commit();
      this.#ahead = null;
      this.#pending.deleteWritten();
    } catch {
      this.#giveUpAhead();
    }
  }

  /** Whoever needs it is told, when all of it is written. */
  #giveUpAhead(): void {
    this.#db.rollback();
    this.#ahead = null;
    this.#pending.forgetWritten();
    this.#cannotWriteAhead = true;
  }

  get pending(): Pending {
    for (const entry of this.#appended) this.#pending.add(entry);
    this.#appended = [];
    return this.#pending;
  }

  /** An attachment was put for messages to come, or these have come. */
  countAwaited(hash: string, by: 1 | -1): void {
    const count = (this.#awaited.get(hash) ?? 0) + by;
    if (count > 0) this.#awaited.set(hash, count);
    else this.#awaited.delete(hash);
  }

  /** To go into the log with all that is there. */
  #isTooMuch(entries: readonly Buffer[]): boolean {
    const bytes = entries.reduce((sum, { length }) => sum + length, this.#log.bytes);
    return this.pending.size >= this.#mostUnwritten || bytes > this.#longBytes;
  }

  /** All or none, as one entry of the log. */
  #append(entries: readonly Buffer[]): void {
    if (entries.length === 0) return;
    refuseGone(this.#options.file);
    refuseGone(logOf(this.#options.file));
    this.#log.append(joined(entries));
    this.#appended.push(...entries);
  }

  #writeWith(entries: readonly Buffer[], inRows: boolean, accepts: boolean): void {
    try {
      this.#write(entries, accepts ? 1 : ROOM_TO_MOVE);
    } catch (error) {
      // A disk that is full has room in the log for what moves on, or for some of it.
      if (inRows || accepts || this.#isUncertain || problemOf(error)?.problem !== 'full') throw error;
      this.#retryBytes = this.#log.bytes + RETRY_BYTES;
      this.#append(entries);
    }
  }

  /** All that is pending, and some entries. `room`: in how many times `maxFileBytes`. */
  #write(entries: readonly Buffer[], room: number): void {
    refuseGone(this.#options.file);
    this.endAhead();
    const parts = [this.pending, Pending.of(entries)];
    if (parts.every(({ tally }) => tally === null) && !this.#isUncertain) return;
    const generation = this.#log.generation + 1;
    if (this.#options.maxFileBytes !== undefined) this.#db.bound(this.#options.maxFileBytes * room);
    const unused = this.#inTransaction(() => {
      const hashes = parts.flatMap((part) => this.#writeAll(part));
      this.#db.run(SQL.writeGeneration, generation);
      return hashes;
    });
    this.#log.restart(generation);
    this.#cannotWriteAhead = false;
    this.#retryBytes = 0;
    this.#pending = new Pending();
    this.#removeUnused(unused);
  }

  #inTransaction<T>(write: () => T): T {
    this.#db.begin();
    try {
      const result = write();
      this.#commit();
      return result;
    } catch (error) {
      this.#db.rollback();
      throw error;
    }
  }

  /**
   * What makes a commit of SQLite's log valid is written last, and synced then. Where the disk was full, not all of it was
   * written, and it never was one; where anything else failed, nobody knows.
   */
  #commit(): void {
    try {
      this.#db.commit();
      this.#isUncertain = false;
    } catch (error) {
      if (problemOf(error)?.problem !== 'full') this.#isUncertain = true;
      throw error;
    }
  }

  /** Returns attachments that lost a user. */
  #writeAll(pending: Pending): string[] {
    const db = this.#db;
    this.#writeMessages(pending, pending.seqs());
    for (const [seq, hash] of pending.users) db.run(SQL.addUser, seq, hash);
    for (const row of pending.unmatched) db.run(SQL.insertUnmatched, ...row);
    for (const [seq, messageId] of pending.inbox) db.run(SQL.insertInbox, seq, messageId);
    for (const [key, { sentAtMs, seenAtMs }] of pending.duplicates) db.run(SQL.addDuplicate, key, sentAtMs, seenAtMs);
    for (const [bucket, messages] of pending.created) db.run(SQL.addCreated, bucket, messages);
    if (pending.tally !== null) {
      const [open, lastSeq, lastReportSeq] = pending.tally;
      db.run(SQL.writeTally, JSON.stringify(open), lastSeq, lastReportSeq);
    }
    const emitted = db.lists<[messageId: string]>(SQL.emit, JSON.stringify(pending.emitted)).flat();
    if (pending.users.length > 0) this.#anyAttachments = true;
    if (!this.#anyAttachments) return [];
    return db
      .lists<[hash: string]>(SQL.releaseUsers, JSON.stringify([...pending.ended()]), JSON.stringify(emitted))
      .flat();
  }

  #writeMessages(pending: Pending, seqs: Iterable<number>): void {
    const { fresh, changed } = pending.rowsOf(seqs);
    for (const values of fresh) this.#db.run(SQL.putMessage, ...values);
    for (const values of changed) this.#db.run(SQL.moveMessage, ...values);
  }

  /** Files that nobody needs any more. */
  #removeUnused(hashes: readonly string[]): void {
    try {
      for (const hash of new Set(hashes)) {
        if (!this.#awaited.has(hash) && !this.#hasUsers(hash)) this.#attachments.remove(hash);
      }
    } catch {
      // What was committed stays so, whatever becomes of the file: it goes at the next opening.
    }
  }

  #hasUsers(hash: string): boolean {
    return this.#db.get(SQL.hasUsers, hash) !== undefined;
  }
}

/** What is written into a file that has no name any more is gone with the process. */
function refuseGone(file: string): void {
  if (isGone(file)) throw storeError('gone', { file });
}

function take<T>(items: Iterator<T>, most: number): T[] {
  const taken: T[] = [];
  while (taken.length < most) {
    const { done, value } = items.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

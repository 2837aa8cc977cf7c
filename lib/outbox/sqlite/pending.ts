/**
 * What the log tells of and rows do not say yet: all its entries, carried out in memory. Of each message only the newest
 * self is left, so that its row is written once.
 */
import type { SQLInputValue } from 'node:sqlite';
import { PassingMap } from '../../passing-map.ts';
import type { DuplicateTimes } from '../outbox.ts';
import { type Entry, type Fixed, latest, type Moved, parted, readEntry, type Tally } from './entry.ts';
import { bucketOf, type ChangingValues, type MessageValues, OPEN_STATES, SUPPRESSED } from './rows.ts';

const NOTHING = Buffer.alloc(0);

/** Of a message that has no row yet: what never changes. A class, not a literal: see docs/decisions/0020. */
class Put {
  readonly messageId: string;
  readonly fixed: Fixed;
  readonly body: Buffer;

  constructor(messageId: string, fixed: Fixed, body: Buffer) {
    this.messageId = messageId;
    this.fixed = fixed;
    this.body = body;
  }
}

/** A message, and what it came to. A class for the same reason. */
class PendingMessage {
  put: Put | null;
  moved: Moved;
  reports: Buffer | null = null;
  /** What of it its row says now, in a transaction that is not committed. */
  written: Moved | null = null;

  constructor(put: Put | null, moved: Moved) {
    this.put = put;
    this.moved = moved;
  }
}

export interface OpenMessage {
  readonly seq: number;
  readonly state: number;
  readonly dueAtMs: number;
  readonly updatedAtMs: number;
  /** 0 where only its row says it. */
  readonly expireAtMs: number;
}

export class Pending {
  readonly #messages = new PassingMap<number, PendingMessage>();
  /** Seqs of those whose rows were written in a transaction that is not committed. */
  #written: number[] = [];
  #ended = 0;
  /** Of messages that have no row yet: the seq, by id. Null until somebody asks for any by its id, which is rare. */
  #seqs: Map<string, number> | null = null;
  /** Reports that flows have not seen: the id of the message, by seq. */
  readonly inbox = new Map<number, string>();
  /** Reports in the inbox of the database that they have seen. */
  readonly emitted: number[] = [];
  /** Messages created, by bucket. */
  readonly created = new Map<number, number>();
  /** Last times by duplicate key, as in the table. */
  readonly duplicates = new Map<string, DuplicateTimes>();
  readonly users: Entry['users'][number][] = [];
  readonly unmatched: Entry['unmatched'][number][] = [];
  tally: Tally | null = null;

  static of(entries: Iterable<Buffer>): Pending {
    const pending = new Pending();
    for (const entry of entries) pending.add(entry);
    return pending;
  }

  /** Of messages. */
  get size(): number {
    return this.#messages.size;
  }

  /** Of those that have ended. */
  get endedSize(): number {
    return this.#ended;
  }

  /** Rows of some of the messages, for `SQL.putMessage` and, where they are there already, for `SQL.moveMessage`. */
  rowsOf(seqs: Iterable<number>): { fresh: SQLInputValue[][]; changed: SQLInputValue[][] } {
    const fresh: SQLInputValue[][] = [];
    const changed: SQLInputValue[][] = [];
    for (const seq of seqs) {
      const message = this.#messages.get(seq);
      if (message === undefined) continue;
      const { put, moved, reports } = message;
      if (put === null) changed.push([...moved, reports, seq]);
      else fresh.push([seq, put.messageId, ...put.fixed, put.body, ...moved, reports]);
    }
    return { fresh, changed };
  }

  /** Rows of these were written, in a transaction that goes on. */
  written(seqs: readonly number[]): void {
    for (const seq of seqs) {
      const message = this.#messages.get(seq);
      if (message === undefined) continue;
      message.written = message.moved;
      this.#written.push(seq);
    }
  }

  get writtenSize(): number {
    return this.#written.length;
  }

  /** It was committed. Of what has changed meanwhile, that is left. */
  deleteWritten(): void {
    for (const [seq, message] of this.#takeWritten()) {
      if (message.put !== null) this.#seqs?.delete(message.put.messageId);
      message.put = null;
      if (message.moved === message.written) {
        this.#messages.delete(seq);
        if (message.moved[0] >= OPEN_STATES) this.#ended--;
      }
      message.written = null;
    }
  }

  /** It was not committed. */
  forgetWritten(): void {
    for (const [, message] of this.#takeWritten()) message.written = null;
  }

  *#takeWritten(): Generator<[seq: number, message: PendingMessage]> {
    const seqs = this.#written;
    this.#written = [];
    for (const seq of seqs) {
      const message = this.#messages.get(seq);
      if (message !== undefined) yield [seq, message];
    }
  }

  /** Messages as they are now of which there are rows, and of which there may be none. */
  newest(rows: readonly MessageValues[], messageIds: readonly string[] = []): MessageValues[] {
    const found = rows.map((row): MessageValues => {
      const pending = this.#messages.get(row[0]);
      if (pending === undefined) return row;
      const [seq, messageId, service, type, createdAtMs, expireAtMs, frameKey, body] = row;
      const fixed = [seq, messageId, service, type, createdAtMs, expireAtMs, frameKey, body] as const;
      return [...fixed, ...changingOf(pending)];
    });
    if (messageIds.length > 0) this.#seqs ??= this.#seqsById();
    for (const messageId of messageIds) {
      const seq = this.#seqs?.get(messageId) ?? 0;
      const message = this.#messages.get(seq);
      // What was written ahead was among the rows.
      if (!message?.put || message.written !== null) continue;
      found.push([seq, messageId, ...message.put.fixed, message.put.body.toString(), ...changingOf(message)]);
    }
    return found;
  }

  /** Whether any is so that has not ended. */
  someOpen(is: (message: OpenMessage) => boolean): boolean {
    for (const [seq, { put, moved }] of this.#messages) {
      const [state, , dueAtMs, updatedAtMs] = moved;
      if (state < OPEN_STATES && is({ seq, state, dueAtMs, updatedAtMs, expireAtMs: put?.fixed[3] ?? 0 })) return true;
    }
    return false;
  }

  seqs(): Iterable<number> {
    return this.#messages.keys();
  }

  /** Seqs of messages that have come to an end. */
  *ended(): Generator<number> {
    for (const [seq, { moved }] of this.#messages) if (moved[0] >= OPEN_STATES) yield seq;
  }

  /** One entry or several. */
  add(bytes: Buffer): void {
    for (const one of parted(bytes)) this.#add(readEntry(one));
  }

  #add(entry: Entry): void {
    this.tally = entry.tally;
    const { lines } = entry;
    let line = 0;
    for (const [seqs, messageIds, fixed, moved] of entry.put) {
      for (const [i, seq] of seqs.entries()) {
        this.#put(seq, new Put(messageIds[i] ?? '', fixed, lines[line++] ?? NOTHING), moved);
      }
      if (moved[0] !== SUPPRESSED) this.#countCreated(bucketOf(fixed[2]), seqs.length);
    }
    for (const [seqs, moved] of entry.moved) for (const seq of seqs) this.#move(seq, moved);
    for (const seq of entry.reports) {
      const reports = lines[line++] ?? NOTHING;
      const message = this.#messages.get(seq);
      if (message !== undefined) message.reports = reports;
    }
    for (const [seq, messageId] of entry.pending) this.inbox.set(seq, messageId);
    for (const seq of entry.emitted) if (!this.inbox.delete(seq)) this.emitted.push(seq);
    for (const [key, sentAtMs, seenAtMs] of entry.duplicates) {
      this.duplicates.set(key, latest(this.duplicates.get(key), { sentAtMs, seenAtMs }));
    }
    for (const user of entry.users) this.users.push(user);
    for (const report of entry.unmatched) this.unmatched.push(report);
  }

  #put(seq: number, put: Put, moved: Moved): void {
    this.#messages.set(seq, new PendingMessage(put, moved));
    if (moved[0] >= OPEN_STATES) this.#ended++;
    this.#seqs?.set(put.messageId, seq);
  }

  #seqsById(): Map<string, number> {
    const seqs = new Map<string, number>();
    for (const [seq, { put }] of this.#messages) if (put !== null) seqs.set(put.messageId, seq);
    return seqs;
  }

  #countCreated(bucket: number, messages: number): void {
    this.created.set(bucket, (this.created.get(bucket) ?? 0) + messages);
  }

  #move(seq: number, moved: Moved): void {
    const message = this.#messages.get(seq);
    if (moved[0] >= OPEN_STATES && !(message && message.moved[0] >= OPEN_STATES)) this.#ended++;
    if (message === undefined) this.#messages.set(seq, new PendingMessage(null, moved));
    else message.moved = moved;
  }
}

function changingOf({ moved, reports }: PendingMessage): ChangingValues {
  return [...moved, reports === null ? null : reports.toString()];
}

/**
 * What the caller's thread asks, answered by what was kept: the log knows better than rows. What is being decided there is
 * newer still: that is for the one who asks to know.
 */
import type { DuplicateTimes, SetBack, SweepRequest } from '../outbox.ts';
import type { AttachmentFolder } from './attachments.ts';
import type { Commits } from './commits.ts';
import type { Database } from './database.ts';
import { latest } from './entry.ts';
import type { OpenMessage } from './pending.ts';
import {
  ACCEPTED,
  fromUnmatched,
  HELD,
  IN_DOUBT,
  type KeptReport,
  type MessageValues,
  READY,
  type RememberedRow,
  SERVICES,
  STATE,
  TYPES,
  type UnmatchedRow,
} from './rows.ts';
import { SQL } from './statements.ts';
import { dropTexts, giveBackPages, prune } from './upkeep.ts';

/** In the order of claiming. */
export interface Position {
  readonly dueAtMs: number;
  readonly seq: number;
}

export class Questions {
  readonly #db: Database;
  readonly #commits: Commits;
  readonly #attachments: AttachmentFolder;

  constructor(db: Database, commits: Commits, attachments: AttachmentFolder) {
    this.#db = db;
    this.#commits = commits;
    this.#attachments = attachments;
  }

  messages(messageIds: readonly string[]): MessageValues[] {
    const rows = this.#db.lists<MessageValues>(SQL.messages, JSON.stringify(messageIds));
    return this.#commits.pending.newest(rows, messageIds);
  }

  /** Messages, and what is left of those that were pruned. */
  known(messageIds: readonly string[]): { messages: MessageValues[]; remembered: RememberedRow[] } {
    const remembered = this.#db.all<RememberedRow>(SQL.remembered, JSON.stringify(messageIds));
    return { messages: this.messages(messageIds), remembered };
  }

  inFlight(): MessageValues[] {
    return this.#db.lists(SQL.inFlight);
  }

  /**
   * READY, due and not expired, in order, from a message on: of so many rows. `end` is where those begin that were not
   * looked at, when any can be due at all.
   */
  claimable(
    service: number,
    nowMs: number,
    from: Position,
    most: number,
  ): { messages: MessageValues[]; end: Position | null } {
    const read = () =>
      this.#db.lists<MessageValues>(SQL.claimable, service, nowMs, from.dueAtMs, from.seq, nowMs, most);
    let rows = read();
    let last = rows.length < most ? undefined : rows.at(-1);
    // Rows that are to be written yet come behind, mostly.
    if (this.#writeBefore((message) => message.state === READY && (!last || isBefore(message, last)))) {
      rows = read();
      last = rows.length < most ? undefined : rows.at(-1);
    }
    const messages = this.#commits.pending.newest(rows).filter((row) => row[STATE] === READY);
    if (last !== undefined) return { messages, end: { dueAtMs: last[10], seq: last[0] + 1 } };
    const [dueAtMs] = this.#db.lists<[number]>(SQL.nextDue, service, nowMs, '[]').flat();
    return { messages, end: dueAtMs === undefined ? null : { dueAtMs, seq: 0 } };
  }

  /** When the next message that is READY falls due, and when one expires, but for some. */
  next(service: number, nowMs: number, butSeqs: readonly number[]): number[] {
    const known = new Set(butSeqs);
    this.#writeBefore(({ state, seq }) => state === READY && !known.has(seq));
    const but = JSON.stringify([...butSeqs, ...this.#commits.pending.seqs()]);
    const times = [
      this.#db.lists<[number]>(SQL.nextDue, service, nowMs, but),
      this.#db.lists<[number]>(SQL.nextExpiry, service, but),
    ];
    return times.flat(2);
  }

  /** So many of each kind, if there are, those that are overdue for longest, but for some. */
  overdue(request: SweepRequest, butSeqs: readonly number[]): MessageValues[] {
    const { nowMs, inDoubtBeforeMs, unreportedBeforeMs, limit } = request;
    const beforeMs = Math.max(...Object.values(unreportedBeforeMs), inDoubtBeforeMs.sms ?? 0, inDoubtBeforeMs.mms ?? 0);
    const known = new Set(butSeqs);
    this.#writeBefore(
      ({ seq, state, updatedAtMs, expireAtMs }) =>
        !known.has(seq) && (state === READY ? expireAtMs <= nowMs : updatedAtMs < beforeMs),
    );
    const waiting = (state: number, type: number, sinceMs: number, service: number | null): MessageValues[] =>
      this.#still(
        (row) => row[STATE] === state && row[11] < sinceMs && !known.has(row[0]),
        { limit, spare: known.size },
        (most) => this.#db.lists(SQL.waiting, state, type, sinceMs, service, most),
      );
    const found: MessageValues[][] = [];
    for (const [service, name] of SERVICES.entries()) {
      found.push(
        this.#still(
          (row) => row[STATE] === READY && row[5] <= nowMs && !known.has(row[0]),
          { limit, spare: known.size },
          (most) => this.#db.lists(SQL.expired, service, nowMs, most),
        ),
      );
      const sinceMs = inDoubtBeforeMs[name];
      if (sinceMs === null) continue;
      for (const type of TYPES.keys()) found.push(waiting(IN_DOUBT, type, sinceMs, service));
    }
    for (const [type, name] of TYPES.entries()) {
      for (const state of [ACCEPTED, HELD]) found.push(waiting(state, type, unreportedBeforeMs[name], null));
    }
    return found.flat();
  }

  /** So many, if there are, of which `afterSetBack` says something, but for some; of each kind in the order of `compareWaiting`. */
  fromLater({ nowMs, doubts, limit }: SetBack, butSeqs: readonly number[]): MessageValues[] {
    const known = new Set(butSeqs);
    const states = doubts ? [READY, IN_DOUBT] : [READY];
    const isLater = (state: number, updatedAtMs: number): boolean => updatedAtMs > nowMs && states.includes(state);
    this.#writeBefore(({ seq, state, updatedAtMs }) => isLater(state, updatedAtMs) && !known.has(seq));
    const later = (find: (most: number) => MessageValues[]): MessageValues[] =>
      this.#still((row) => isLater(row[STATE], row[11]) && !known.has(row[0]), { limit, spare: known.size }, find);
    const found = [...SERVICES.keys()].map((service) =>
      later((most) => this.#db.lists(SQL.readyLater, service, nowMs, nowMs, most)),
    );
    for (const type of doubts ? TYPES.keys() : []) {
      found.push(later((most) => this.#db.lists(SQL.doubtLater, type, nowMs, most)));
    }
    return found.flat();
  }

  /** The same of those that are held. */
  held(limit: number, butSeqs: readonly number[]): MessageValues[] {
    const known = new Set(butSeqs);
    this.#writeBefore(({ seq, state }) => state === HELD && !known.has(seq));
    const heldOf = (type: number): MessageValues[] =>
      this.#still(
        (row) => row[STATE] === HELD && !known.has(row[0]),
        { limit, spare: known.size },
        (most) => this.#db.lists(SQL.waiting, HELD, type, Number.MAX_SAFE_INTEGER, null, most),
      );
    return [...TYPES.keys()].flatMap(heldOf);
  }

  /** Reports that flows have not seen, in the order in which they came, with their messages. */
  inbox(limit: number): { messageId: string; report: KeptReport; message: MessageValues | null }[] {
    if (this.#commits.pending.inbox.size > 0) this.#commits.writeRows();
    const emitted = new Set(this.#commits.pending.emitted);
    const rows = this.#db.lists<[seq: number, messageId: string]>(SQL.inbox, limit + emitted.size);
    const pending = rows.filter(([seq]) => !emitted.has(seq)).slice(0, limit);
    const messages = new Map(this.messages(pending.map(([, messageId]) => messageId)).map((row) => [row[1], row]));
    return pending.flatMap(([seq, messageId]) => {
      const message = messages.get(messageId) ?? null;
      const kept = JSON.parse(message?.[15] ?? '[]') as KeptReport[];
      const report = kept.find(([keptSeq]) => keptSeq === seq) ?? this.#unmatched(messageId, seq);
      // Nothing can be told of one that is nowhere else.
      return report === undefined ? [] : [{ messageId, report, message }];
    });
  }

  /** What came for these ids while there was no such message, each as id and wire. */
  unmatched(messageIds: readonly string[]): string[] {
    return this.#db.lists<[string]>(SQL.unmatchedWires, JSON.stringify(messageIds)).flat();
  }

  duplicates(keys: readonly string[]): [string, DuplicateTimes][] {
    const { duplicates } = this.#commits.pending;
    const found: [string, DuplicateTimes][] = [];
    for (const key of new Set(keys)) {
      const row = this.#db.get<{ sent_at: number | null; seen_at: number }>(SQL.duplicate, key);
      const stored = row === undefined ? undefined : { sentAtMs: row.sent_at, seenAtMs: row.seen_at };
      const pending = duplicates.get(key);
      const times = pending === undefined ? stored : latest(stored, pending);
      if (times !== undefined) found.push([key, times]);
    }
    return found;
  }

  /** Messages that were created in a bucket or later. */
  createdSince(first: number): number {
    let count = this.#db.get<{ count: number }>(SQL.createdSince, first)?.count ?? 0;
    for (const [bucket, messages] of this.#commits.pending.created) if (bucket >= first) count += messages;
    return count;
  }

  putAttachment(bytes: Uint8Array<ArrayBuffer>): string {
    const hash = this.#attachments.put(bytes);
    this.#commits.countAwaited(hash, 1);
    // Given back now: this thread makes so little garbage that it is seldom collected.
    bytes.buffer.transfer(0);
    return hash;
  }

  readAttachment(hash: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#attachments.read(hash));
  }

  /** Those that are not here. */
  missingAttachments(hashes: readonly string[]): string[] {
    return hashes.filter((hash) => !this.#attachments.has(hash));
  }

  prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null): number {
    const pruned = this.#commits.change(() => prune(this.#db, olderThanMs, limit, forgetBeforeMs));
    giveBackPages(this.#db);
    return pruned;
  }

  dropTexts(endedBeforeMs: number, limit: number): number {
    return this.#commits.change(() => dropTexts(this.#db, endedBeforeMs, limit));
  }

  /** `limit` of the messages of which `find` finds rows and that are so still. `spare`: how many others `is` says no to. */
  #still(
    is: (row: MessageValues) => boolean,
    { limit, spare }: { limit: number; spare: number },
    find: (most: number) => MessageValues[],
  ): MessageValues[] {
    const { pending } = this.#commits;
    return pending
      .newest(find(limit + spare + pending.size))
      .filter(is)
      .slice(0, limit);
  }

  /** Before what only rows can answer: writes them when it is about any message that has a newer self. True when it did. */
  #writeBefore(isAbout: (message: OpenMessage) => boolean): boolean {
    if (!this.#commits.pending.someOpen(isAbout)) return false;
    this.#commits.writeRows();
    return true;
  }

  #unmatched(messageId: string, seq: number): KeptReport | undefined {
    const [row] = this.#db.lists<UnmatchedRow>(SQL.unmatched, messageId, seq);
    return row && fromUnmatched(row);
  }
}

const isBefore = ({ dueAtMs, seq }: Position, row: MessageValues): boolean =>
  dueAtMs < row[10] || (dueAtMs === row[10] && seq < row[0]);

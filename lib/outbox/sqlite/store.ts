/**
 * The store proper: what each call does, one after the other, in the worker thread. Every call runs inside a transaction
 * that `commits.ts` began and will end. What is remembered here goes back with the call that fails.
 *
 * What a call changes of messages stays in memory (`unwritten.ts`) and goes into the log as an entry of the whole commit.
 * The messages' rows are written when that has become too much, or when anything else changes in the database (what the
 * guards ask, who needs an attachment, reports that belong to no message, what is pruned), all together.
 */
import { type DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite';
import type { ClaimRequest, Counts, GuardQuery, Service, Settlement, SweepRequest } from '../outbox.ts';
import {
  afterDoubt,
  attachmentMissing,
  CLAIM_REACH,
  CREATED_MEMORY_BUCKETS,
  cancelled,
  claimed,
  expired,
  interrupted,
  type Move,
  NO_BATCH_LIMIT,
  released,
  reported,
  settled,
  unreported,
} from '../rules.ts';
import { isEnd } from '../states.ts';
import type { AttachmentFolder } from './attachments.ts';
import type { Accepted, StoreOptions, SweptJson } from './calls.ts';
import { entryJson, movedJson, putJson, readEntry, type Tally } from './entry.ts';
import {
  ACCEPTED,
  at,
  bucketOf,
  type Changing,
  changingValues,
  contentHashIn,
  fieldsJson,
  HELD,
  IN_DOUBT,
  IN_FLIGHT,
  inboxJson,
  listJson,
  type MessageRow,
  type MessageValues,
  messageRow,
  messageValues,
  type NewReportRow,
  type NewRow,
  OPEN_STATES,
  OUTCOMES,
  READY,
  type ReportRow,
  reportsIn,
  SERVICES,
  stateCode,
  stateOf,
  TYPES,
  withoutTexts,
  withReport,
} from './rows.ts';
import { PRUNE_CHUNK, SQL } from './statements.ts';
import { type Unwritten, UnwrittenMessages } from './unwritten.ts';

/** Messages whose rows are not written at most, and the characters of their bodies. */
const MOST_UNWRITTEN = 16_384;
const MOST_UNWRITTEN_CHARACTERS = 16 * 1024 * 1024;
/** Of a file that has a bound: so little that it finds room all the same. */
const MOST_UNWRITTEN_SHARE = 1 / 16;

/** Where a claim may begin to look among the rows: what is READY before that is unwritten, or had expired at `nowMs`. */
interface ClaimStart {
  readonly dueAtMs: number;
  readonly seq: number;
  readonly nowMs: number;
}

const ANYWHERE: ClaimStart = { dueAtMs: Number.MIN_SAFE_INTEGER, seq: 0, nowMs: Number.MIN_SAFE_INTEGER };

interface InboxRow {
  readonly seq: number;
  readonly message_id: string;
}

type Undo = () => void;

export class Store {
  readonly #db: DatabaseSync;
  readonly #attachments: AttachmentFolder;
  readonly #statements = new Map<string, StatementSync>();

  /** How many messages are in each open state, by service and state code. */
  #open: number[][] = [];
  #lastSeq = 0;
  #lastReportSeq = 0;
  /** No message that was ever accepted has an id that sorts behind this one. */
  #greatestId = '';
  #anyRemembered = false;
  #anyAttachments = false;
  #anyUnmatched = false;
  readonly #unwritten = new UnwrittenMessages();
  readonly #mostUnwritten: number;
  readonly #mostCharacters: number;
  /** In this transaction: messages that changed, and those whose rows were written since. */
  readonly #changed = new Set<MessageRow>();
  readonly #written = new Set<MessageRow>();
  /** In this transaction: reports that flows have seen. */
  readonly #emitted = new Set<number>();
  /** Reports that flows have seen, and that the inbox has still. */
  readonly #seen = new Set<number>();
  /** Messages created since the rows were written, by bucket. */
  readonly #created = new Map<number, number>();
  #claimStarts: ClaimStart[] = [ANYWHERE, ANYWHERE];
  /** By hash, how often an attachment was put for a call to come. */
  readonly #awaited = new Map<string, number>();
  /** Attachments that may have lost their last user in this transaction. */
  readonly #perhapsUnused = new Set<string>();
  #undo: Undo[] = [];

  constructor(db: DatabaseSync, attachments: AttachmentFolder, { mostUnwritten, maxFileBytes }: StoreOptions) {
    this.#db = db;
    this.#attachments = attachments;
    this.#mostUnwritten = mostUnwritten ?? MOST_UNWRITTEN;
    const share = (maxFileBytes ?? Number.POSITIVE_INFINITY) * MOST_UNWRITTEN_SHARE;
    this.#mostCharacters = Math.min(MOST_UNWRITTEN_CHARACTERS, share);
  }

  // What commits.ts calls around the calls.

  /** After opening the file, within a transaction: what the last process left behind, in the database and in the log. */
  recover(log: Iterable<string>, nowMs: number): void {
    const tally = this.#get<{ open: string; last_seq: number; last_report_seq: number }>(SQL.tally);
    if (tally === undefined) throw new Error('bug: the store has no tally');
    this.#setTally([JSON.parse(tally.open) as number[][], tally.last_seq, tally.last_report_seq]);
    this.#anyRemembered = this.#get(SQL.anyRemembered) !== undefined;
    this.#anyAttachments = this.#get(SQL.anyAttachments) !== undefined;
    this.#anyUnmatched = this.#get(SQL.anyUnmatched) !== undefined;
    for (const entry of log) this.#carryOut(entry);
    this.#greatestId = this.#get<{ id: string }>(SQL.greatestId)?.id ?? '';
    this.#moveAll(this.#messages(SQL.inFlight), (message) => interrupted(message, nowMs));
    this.#attachments.removeAllBut((hash) => this.#hasUsers(hash));
  }

  /** Whether so much is unwritten that it must be written now. */
  get isOverdue(): boolean {
    return this.#unwritten.size > this.#mostUnwritten || this.#unwritten.characters > this.#mostCharacters;
  }

  /** What this transaction changed, for the log; null when it changed nothing. */
  entry(): string | null {
    if (this.#changed.size + this.#emitted.size === 0) return null;
    const put: string[] = [];
    const moved: string[] = [];
    const pending: [seq: number, messageId: string][] = [];
    for (const row of this.#changed) {
      const unwritten = this.#unwritten.of(row);
      // One that was accepted by a call that failed then.
      if (unwritten === undefined) continue;
      if (unwritten.isKnown) moved.push(movedJson(row));
      else put.push(putJson(row));
      for (const seq of unwritten.pending) pending.push([seq, row.messageId]);
    }
    return entryJson(put, moved, { tally: this.#tally, pending, emitted: [...this.#emitted] });
  }

  /** After the entry is in the log. */
  logged(): void {
    for (const row of this.#changed) {
      const unwritten = this.#unwritten.of(row);
      if (unwritten !== undefined) unwritten.isKnown = true;
    }
    this.#endTransaction();
    this.#removeUnused();
  }

  /** Writes all that is unwritten into the database, and which generation of the log will tell what comes then. */
  write(generation: number): void {
    this.#writeRows();
    this.#takeSeen();
    for (const [bucket, messages] of this.#created) this.#run(SQL.addCreated, bucket, messages);
    const [open, lastSeq, lastReportSeq] = this.#tally;
    this.#run(SQL.writeTally, JSON.stringify(open), lastSeq, lastReportSeq, generation);
  }

  /** After the commit of what `write` wrote. */
  written(): void {
    for (const { row } of this.#unwritten) if (row.state === 'READY') this.#isReadyInRow(row);
    this.#unwritten.clear();
    this.#created.clear();
    this.#endTransaction();
    this.#removeUnused();
  }

  /** Files that nobody needs any more. */
  #removeUnused(): void {
    if (this.#perhapsUnused.size === 0) return;
    try {
      for (const hash of this.#perhapsUnused) {
        if (!this.#awaited.has(hash) && !this.#hasUsers(hash)) this.#attachments.remove(hash);
      }
    } catch {
      // What was committed stays so, whatever becomes of the file: it goes at the next opening.
    }
    this.#perhapsUnused.clear();
  }

  /** Before a call: what `backTo` needs to undo it. */
  mark(): number {
    const mark = this.#undo.length;
    const tally: Tally = [this.#open.map((counts) => [...counts]), this.#lastSeq, this.#lastReportSeq];
    this.#undo.push(() => this.#setTally(tally));
    return mark;
  }

  /** After the database was rolled back to where it was at `mark`. */
  backTo(mark: number): void {
    for (const undo of this.#undo.splice(mark).reverse()) undo();
    this.#claimStarts = [ANYWHERE, ANYWHERE];
  }

  /** After all of the transaction was rolled back. */
  rolledBack(): void {
    this.backTo(0);
    this.#endTransaction();
  }

  #endTransaction(): void {
    this.#undo = [];
    this.#changed.clear();
    this.#written.clear();
    this.#emitted.clear();
  }

  get #tally(): Tally {
    return [this.#open, this.#lastSeq, this.#lastReportSeq];
  }

  #setTally([open, lastSeq, lastReportSeq]: Tally): void {
    this.#open = open.map((counts) => [...counts]);
    this.#lastSeq = lastSeq;
    this.#lastReportSeq = lastReportSeq;
  }

  #carryOut(json: string): void {
    const entry = readEntry(json);
    for (const values of entry.put) {
      this.#run(SQL.putMessage, ...values);
      const { state, createdAtMs } = messageRow(values);
      if (state !== 'SUPPRESSED') this.#countCreated(createdAtMs, 1);
    }
    for (const values of entry.moved) this.#run(SQL.moveMessage, ...values);
    for (const values of entry.pending) this.#run(SQL.insertInbox, ...values);
    if (entry.emitted.length > 0) this.#run(SQL.emit, JSON.stringify(entry.emitted));
    this.#setTally(entry.tally);
  }

  // The calls.

  accept(rows: readonly NewRow[]): Accepted[] {
    const hashes = new Set<string>();
    for (const row of rows) for (const hash of row[11] ?? []) hashes.add(hash);
    for (const hash of hashes) if (!this.#attachments.has(hash)) throw attachmentMissing(hash);
    // Most ids carry the time: what sorts behind all that were accepted before was not.
    const perhapsKnown = rows.map(([messageId]) => messageId).filter((messageId) => messageId <= this.#greatestId);
    const known = this.#messagesOf(perhapsKnown);
    const remembered = this.#rememberedOf(perhapsKnown);
    const accepted = rows.map((row) => {
      const [messageId] = row;
      const repeated = known.get(messageId) ?? this.#unwritten.withId(messageId);
      return this.#repeatOf(row, repeated, remembered.get(messageId)) ?? this.#accept(row);
    });
    for (const hash of hashes) {
      this.#await(hash, -1);
      this.#perhapsUnused.add(hash);
    }
    return accepted;
  }

  exchange(settlements: readonly Settlement[], claim: ClaimRequest | null, nowMs: number): string {
    if (settlements.length > 0) this.#settle(settlements, nowMs);
    return claim === null ? '[]' : this.#claim(claim, nowMs);
  }

  takeReports(rows: readonly NewReportRow[], nowMs: number): { fresh: string; repeats: number } {
    const messageIds = rows.map(([messageId]) => messageId);
    const messages = this.#messagesOf(messageIds);
    const unmatched = this.#unmatchedWires(messageIds);
    const fresh: ReportRow[] = [];
    for (const [message_id, result, outcome, wire] of rows) {
      const row = messages.get(message_id);
      const isKnown = unmatched.has(message_id + wire) || (row && reportsIn(row).some((known) => known.wire === wire));
      if (isKnown) continue;
      const report = { seq: ++this.#lastReportSeq, message_id, received_at: nowMs, result, outcome, wire };
      fresh.push(report);
      if (row !== undefined) this.#keepReport(row, report, nowMs);
      else {
        unmatched.add(message_id + wire);
        this.#anyUnmatched = true;
        this.#run(SQL.insertUnmatched, message_id, report.seq, nowMs, result, outcome, wire);
        this.#run(SQL.insertInbox, report.seq, message_id);
      }
    }
    const json = fresh.map((report) => inboxJson(report, messages.get(report.message_id)));
    return { fresh: listJson(json), repeats: rows.length - fresh.length };
  }

  pendingReports(limit: number): string {
    if (this.#unwritten.arePending) this.#writeRows();
    this.#takeSeen();
    const pending = this.#all<InboxRow>(SQL.inbox, limit);
    const messages = this.#messagesOf(pending.map(({ message_id }) => message_id));
    const found: string[] = [];
    for (const { seq, message_id } of pending) {
      const row = messages.get(message_id);
      const report = (row && reportsIn(row).find((kept) => kept.seq === seq)) ?? this.#unmatched(message_id, seq);
      if (report === undefined) throw new Error(`bug: report ${seq} is in the inbox and nowhere else`);
      found.push(inboxJson(report, row));
    }
    return listJson(found);
  }

  reportsEmitted(seqs: readonly number[]): void {
    const rows: MessageRow[] = [];
    const seen: number[] = [];
    for (const seq of seqs) {
      if (seq > this.#lastReportSeq) continue;
      this.#emitted.add(seq);
      const unwritten = this.#unwritten.ofReport(seq);
      if (unwritten === undefined) {
        if (!this.#seen.has(seq)) seen.push(seq);
        this.#seen.add(seq);
      } else {
        const others = unwritten.pending.filter((other) => other !== seq);
        this.#setPending(unwritten, others);
        rows.push(unwritten.row);
      }
    }
    this.#undo.push(() => {
      for (const seq of seqs) this.#emitted.delete(seq);
      for (const seq of seen) this.#seen.delete(seq);
    });
    if (!this.#anyAttachments) return;
    const taken = this.#takeSeen().map(({ message_id }) => message_id);
    for (const row of [...rows, ...this.#messagesOf(taken).values()]) this.#releaseAttachments(row);
  }

  sweep(request: SweepRequest): SweptJson {
    const { nowMs, inDoubtBeforeMs, unreportedBeforeMs, limit } = request;
    const isExpired = (row: MessageRow): boolean => row.state === 'READY' && row.expireAtMs <= nowMs;
    const isDoubtOver = ({ state, held, service, updatedAtMs }: MessageRow): boolean =>
      state === 'IN_DOUBT' &&
      !held &&
      updatedAtMs < (inDoubtBeforeMs[at(SERVICES, service)] ?? Number.NEGATIVE_INFINITY);
    const isUnreported = ({ state, held, type, updatedAtMs }: MessageRow): boolean =>
      (state === 'ACCEPTED' || held) && updatedAtMs < unreportedBeforeMs[at(TYPES, type)];
    this.#writeBefore((row) => isExpired(row) || isDoubtOver(row) || isUnreported(row));
    const swept = { expired: [] as string[], noReport: [] as string[], resent: [] as string[], held: [] as string[] };
    let left = limit;
    /** What `find` finds and is so still, the oldest of several searches first, of which each is in order. */
    const take = (isStill: (row: MessageRow) => boolean, ...found: MessageRow[][]): MessageRow[] => {
      const rows = found.flat().filter(isStill);
      if (found.length > 1) rows.sort((a, b) => a.updatedAtMs - b.updatedAtMs || a.seq - b.seq);
      const taken = rows.slice(0, left);
      left -= taken.length;
      return taken;
    };
    const most = (): number => left + this.#unwritten.size;
    for (const service of SERVICES.keys()) {
      const rows = take(isExpired, this.#messages(SQL.expired, service, nowMs, most()));
      this.#moveAll(rows, (message) => expired(message, nowMs));
      for (const row of rows) swept.expired.push(fieldsJson(row));
    }
    /** Held by this sweep: in their rows they are not so yet. */
    const heldNow: MessageRow[] = [];
    const waiting = (state: number, type: number, beforeMs: number, service: number | null): MessageRow[] =>
      this.#messages(SQL.waiting, state, type, beforeMs, service, most());
    for (const [service, name] of SERVICES.entries()) {
      const beforeMs = inDoubtBeforeMs[name];
      if (beforeMs === null) continue;
      const rows = take(isDoubtOver, ...TYPES.map((_, type) => waiting(IN_DOUBT, type, beforeMs, service)));
      this.#moveAll(rows, (message) => afterDoubt(message, request));
      for (const row of rows) {
        (row.held ? swept.held : swept.resent).push(fieldsJson(row));
        if (row.held) heldNow.push(row);
      }
    }
    for (const [type, name] of TYPES.entries()) {
      const beforeMs = unreportedBeforeMs[name];
      const found = [waiting(ACCEPTED, type, beforeMs, null), waiting(HELD, type, beforeMs, null)];
      const rows = take((row) => row.type === type && isUnreported(row), ...found, heldNow);
      this.#moveAll(rows, (message) => unreported(message, nowMs));
      for (const row of rows) swept.noReport.push(fieldsJson(row));
    }
    return {
      expired: listJson(swept.expired),
      noReport: listJson(swept.noReport),
      resent: listJson(swept.resent),
      held: listJson(swept.held),
      more: left <= 0,
    };
  }

  nextDueMs(service: Service, nowMs: number): number | null {
    const code = SERVICES.indexOf(service);
    const times = [this.#unwritten.firstDueAfter(code, nowMs)];
    for (const { expireAtMs } of this.#unwritten.ready(code)) times.push(expireAtMs);
    if (this.#readyInRows(code) > 0) {
      // Rows of which there is a newer self are passed over.
      const most = this.#unwritten.size + 1;
      const first = (rows: { seq: number; at: number }[]) => rows.find((row) => !this.#unwritten.withSeq(row.seq))?.at;
      times.push(first(this.#all(SQL.nextDue, code, nowMs, most)), first(this.#all(SQL.nextExpiry, code, most)));
    }
    const next = times.reduce<number>((least, time) => Math.min(least, time ?? least), Number.POSITIVE_INFINITY);
    return Number.isFinite(next) ? next : null;
  }

  cancel(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => cancelled(message, nowMs));
  }

  release(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => released(message, nowMs));
  }

  listHeld(limit: number): string {
    this.#writeBefore((row) => row.held);
    const most = limit + this.#unwritten.size;
    const found = TYPES.flatMap((_, type) =>
      this.#messages(SQL.waiting, HELD, type, Number.MAX_SAFE_INTEGER, null, most),
    );
    const held = found.filter(({ held }) => held);
    const oldest = held.sort((a, b) => a.updatedAtMs - b.updatedAtMs || a.seq - b.seq).slice(0, limit);
    return listJson(oldest.map(fieldsJson));
  }

  get(messageIds: readonly string[]): string {
    const messages = this.#messagesOf(messageIds);
    return listJson(messageIds.flatMap((id) => messages.get(id) ?? []).map(fieldsJson));
  }

  counts(): Counts {
    const open = (service: number): number => (this.#open[service] ?? []).reduce((sum, count) => sum + count, 0);
    const inState = (state: number): number => this.#open.reduce((sum, counts) => sum + (counts[state] ?? 0), 0);
    return {
      READY: inState(READY),
      IN_FLIGHT: inState(IN_FLIGHT),
      ACCEPTED: inState(ACCEPTED),
      IN_DOUBT: inState(IN_DOUBT) + inState(HELD),
      held: inState(HELD),
      openByService: { sms: open(0), mms: open(1) },
    };
  }

  recentDuplicates({ duplicateKeys, sinceMs }: GuardQuery): [string, { sentAtMs: number | null; seenAtMs: number }][] {
    const found: [string, { sentAtMs: number | null; seenAtMs: number }][] = [];
    for (const key of new Set(duplicateKeys)) {
      const times = this.#get<{ sent_at: number | null; seen_at: number }>(SQL.duplicate, ...[key, sinceMs]);
      if (times === undefined) continue;
      const { sent_at: sentAtMs, seen_at: seenAtMs } = times;
      found.push([key, { sentAtMs: sentAtMs !== null && sentAtMs >= sinceMs ? sentAtMs : null, seenAtMs }]);
    }
    return found;
  }

  createdSince(sinceMs: number): number {
    const first = bucketOf(sinceMs);
    let count = this.#get<{ count: number }>(SQL.createdSince, first)?.count ?? 0;
    for (const [bucket, messages] of this.#created) if (bucket >= first) count += messages;
    return count;
  }

  putAttachment(bytes: Uint8Array): string {
    const hash = this.#attachments.put(bytes);
    this.#await(hash, 1);
    return hash;
  }

  readAttachment(hash: string): Uint8Array {
    return this.#attachments.read(hash);
  }

  prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null): number {
    this.#takeSeen();
    // Now and then also what concerns nobody, so that memory and the log do not hold it for ever.
    this.#writeRows();
    const pruned = this.#pruneMessages(olderThanMs, limit);
    this.#run(SQL.pruneUnmatched, olderThanMs, limit);
    this.#run(SQL.pruneDuplicates, olderThanMs, limit);
    this.#pruneCreated(olderThanMs);
    if (forgetBeforeMs !== null) this.#run(SQL.forget, forgetBeforeMs, limit);
    return pruned;
  }

  dropTexts(endedBeforeMs: number, limit: number): number {
    // Only stores that drop texts pay for knowing which have some.
    this.#db.exec(SQL.indexTexts);
    this.#takeSeen();
    this.#writeBefore((row) => isEnd(row.state) && row.updatedAtMs < endedBeforeMs);
    let dropped = 0;
    let after = { updatedAtMs: Number.MIN_SAFE_INTEGER, seq: 0 };
    for (;;) {
      const { updatedAtMs, seq } = after;
      const rows = this.#lists<MessageValues>(SQL.withTexts, endedBeforeMs, updatedAtMs, seq, limit).map(messageRow);
      for (const found of rows) {
        if (dropped === limit) return dropped;
        after = found;
        const row = this.#unwritten.withSeq(found.seq) ?? found;
        if (!isEnd(row.state) || row.updatedAtMs >= endedBeforeMs) continue;
        if (row.state === 'FAILED' && this.#hasReportsWaiting(row)) continue;
        this.#run(SQL.dropTexts, withoutTexts(row.body), row.seq);
        this.#takeOut(row);
        dropped++;
      }
      if (rows.length < limit) return dropped;
    }
  }

  // The parts.

  /** What a message is answered with whose id was accepted before, or undefined. */
  #repeatOf(fresh: NewRow, known: MessageRow | undefined, remembered: Remembered | undefined): Accepted | undefined {
    const body = fresh[BODY];
    if (known !== undefined) {
      return contentHashIn(known.body) === contentHashIn(body) ? { repeat: fieldsJson(known) } : 'conflict';
    }
    if (remembered === undefined) return undefined;
    if (remembered.content_hash !== contentHashIn(body)) return 'conflict';
    return { repeat: fieldsJson(rememberedRow(fresh, remembered)) };
  }

  #accept(fresh: NewRow): Accepted {
    const row = freshRow(fresh, this.#lastSeq + 1);
    this.#lastSeq = row.seq;
    if (row.messageId > this.#greatestId) this.#greatestId = row.messageId;
    this.#unwritten.add(row, false);
    this.#undo.push(() => {
      this.#unwritten.delete(row);
      this.#changed.delete(row);
    });
    this.#changed.add(row);
    this.#count(row, 1);
    const { seq, state, createdAtMs } = row;
    const [duplicateKey, hashes] = [fresh[10], fresh[11]];
    if (hashes !== null && state === 'READY') {
      this.#anyAttachments = true;
      for (const hash of hashes) this.#run(SQL.addUser, seq, hash);
    }
    const sent = state !== 'SUPPRESSED';
    if (sent) {
      this.#countCreated(createdAtMs, 1);
      this.#undo.push(() => this.#countCreated(createdAtMs, -1));
    }
    if (duplicateKey !== '') this.#run(SQL.addDuplicate, duplicateKey, sent ? createdAtMs : null, createdAtMs);
    return 'stored';
  }

  #settle(settlements: readonly Settlement[], nowMs: number): void {
    const messages = this.#messagesOf(settlements.flatMap(({ messageIds }) => messageIds));
    const seen = new Set<string>();
    for (const settlement of settlements) {
      for (const messageId of settlement.messageIds) {
        if (seen.has(messageId)) throw new Error(`bug: message ${messageId} is settled twice at once`);
        seen.add(messageId);
        const row = messages.get(messageId);
        if (row === undefined) throw new Error(`bug: message ${messageId} is settled but not stored`);
        const move = settled(row, settlement, nowMs);
        if (move !== null) this.#move(row, move);
      }
    }
  }

  #claim({ service, max }: ClaimRequest, nowMs: number): string {
    const code = SERVICES.indexOf(service);
    let frame: MessageRow[] = [];
    let next = ANYWHERE;
    // Mostly what is oldest is all of one lane, and found at once; else the search goes as far as it must.
    for (const reach of [max, CLAIM_REACH]) {
      const { inRows, end } = this.#claimableInRows(code, nowMs, reach);
      const waiting = inOrder(inRows, this.#claimableUnwritten(code, nowMs, reach)).slice(0, reach);
      frame = oneFrame(waiting, max);
      const taken = new Set(frame);
      const left = inRows.find((row) => !taken.has(row));
      next = left ? { dueAtMs: left.dueAtMs, seq: left.seq, nowMs } : end;
      if (waiting.length < reach || frame.length >= Math.min(max, frame[0]?.batchLimit ?? max)) break;
    }
    this.#claimStarts[code] = next;
    this.#moveAll(frame, (message) => claimed(message, nowMs));
    return listJson(frame.map(fieldsJson));
  }

  /** READY, due and not expired, in order. */
  #claimableUnwritten(service: number, nowMs: number, most: number): MessageRow[] {
    const claimable: MessageRow[] = [];
    for (const row of this.#unwritten.ready(service)) {
      if (row.dueAtMs > nowMs || claimable.length === most) break;
      if (row.expireAtMs > nowMs) claimable.push(row);
    }
    return claimable;
  }

  /** The same of messages of which there is no newer self than their rows; and where those end that were looked at. */
  #claimableInRows(service: number, nowMs: number, most: number): { inRows: MessageRow[]; end: ClaimStart } {
    const known = this.#claimStarts[service] ?? ANYWHERE;
    let end = known.nowMs <= nowMs ? { ...known, nowMs } : { ...ANYWHERE, nowMs };
    const inRows: MessageRow[] = [];
    if (this.#readyInRows(service) === 0) return { inRows, end };
    for (;;) {
      const values = this.#lists<MessageValues>(SQL.claimable, service, nowMs, end.dueAtMs, end.seq, nowMs, most);
      const found = values.map(messageRow);
      for (const row of found) if (!this.#unwritten.withSeq(row.seq)) inRows.push(row);
      const last = found.at(-1);
      if (last) end = { dueAtMs: last.dueAtMs, seq: last.seq + 1, nowMs };
      if (found.length < most || inRows.length >= most) return { inRows, end };
    }
  }

  /** How many messages are READY and have no newer self than their rows. */
  #readyInRows(service: number): number {
    return (this.#open[service]?.[READY] ?? 0) - this.#unwritten.countReady(service);
  }

  #pruneMessages(olderThanMs: number, limit: number): number {
    const isOld = (row: MessageRow): boolean =>
      isEnd(row.state) && row.createdAtMs < olderThanMs && row.updatedAtMs < olderThanMs;
    const found = this.#findPrunable(olderThanMs, limit, isOld);
    // Room is made before any is taken: a store that is full can be pruned.
    for (const row of found) {
      this.#run(SQL.deleteMessage, row.seq);
      if (this.#anyUnmatched) this.#run(SQL.deleteUnmatched, row.messageId);
      this.#takeOut(row);
    }
    for (const row of found) {
      this.#run(
        SQL.remember,
        ...[
          row.messageId,
          row.seq,
          contentHashIn(row.body),
          stateCode(row.state, row.held),
          row.batchLimit,
          row.dueAtMs,
          row.updatedAtMs,
        ],
        ...[row.claims, row.result, row.detail],
      );
      this.#anyRemembered = true;
    }
    return found.length;
  }

  #pruneCreated(olderThanMs: number): void {
    const stored = this.#get<{ latest: number | null }>(SQL.latestCreated)?.latest ?? 0;
    const latest = Math.max(stored, ...this.#created.keys());
    const first = Math.max(bucketOf(olderThanMs), latest - CREATED_MEMORY_BUCKETS);
    this.#run(SQL.pruneCreated, first);
    for (const bucket of this.#created.keys()) if (bucket < first) this.#created.delete(bucket);
  }

  #findPrunable(olderThanMs: number, limit: number, isOld: (row: MessageRow) => boolean): MessageRow[] {
    const found: MessageRow[] = [];
    let after = 0;
    for (;;) {
      const rows = this.#messages(SQL.pruneScan, after);
      for (const row of rows) {
        if (found.length >= limit || row.createdAtMs >= olderThanMs) return found;
        after = row.seq;
        if (isOld(row) && !this.#hasReportsWaiting(row)) found.push(row);
      }
      if (rows.length < PRUNE_CHUNK) return found;
    }
  }

  #moveEach(messageIds: readonly string[], decide: (message: MessageRow) => Move | null): string {
    const messages = this.#messagesOf(messageIds);
    const moved: string[] = [];
    for (const messageId of messageIds) {
      const row = messages.get(messageId);
      const move = row === undefined ? null : decide(row);
      if (row === undefined || move === null) continue;
      this.#move(row, move);
      moved.push(fieldsJson(row));
    }
    return listJson(moved);
  }

  // Messages.

  #moveAll(rows: readonly MessageRow[], decide: (message: MessageRow) => Move): void {
    for (const row of rows) this.#move(row, decide(row));
  }

  /** Makes the row that it is given what it is then. */
  #move(row: MessageRow, values: Partial<Changing>): void {
    assertNumbers(row.messageId, values);
    this.#keepNewest(row);
    this.#count(row, -1);
    const before = this.#unwritten.change(row, values);
    this.#count(row, 1);
    this.#undo.push(() => this.#unwritten.change(row, before));
    this.#changed.add(row);
    this.#written.delete(row);
    this.#releaseAttachments(row);
  }

  /** From now on the newest self of the message is this object. */
  #keepNewest(row: MessageRow): void {
    if (this.#unwritten.add(row, true)) this.#undo.push(() => this.#unwritten.delete(row));
  }

  #keepReport(row: MessageRow, report: ReportRow, nowMs: number): void {
    const move = reported(row, { result: report.result, outcome: at(OUTCOMES, report.outcome) }, nowMs);
    const reports = withReport(row.reports, report);
    // Pending first: the attachments of a message stay while it has a report that is.
    this.#keepNewest(row);
    const unwritten = this.#unwritten.of(row);
    if (unwritten !== undefined) this.#setPending(unwritten, [...unwritten.pending, report.seq]);
    this.#move(row, { ...move, reports });
  }

  #setPending(unwritten: Unwritten, pending: readonly number[]): void {
    const before = this.#unwritten.setPending(unwritten, pending);
    this.#undo.push(() => this.#unwritten.setPending(unwritten, before));
  }

  /** Out of the inbox. */
  #takeSeen(): InboxRow[] {
    if (this.#seen.size === 0) return [];
    const seqs = [...this.#seen];
    this.#seen.clear();
    this.#undo.push(() => {
      for (const seq of seqs) this.#seen.add(seq);
    });
    return this.#all<InboxRow>(SQL.emit, JSON.stringify(seqs));
  }

  #unmatched(messageId: string, seq: number): ReportRow | undefined {
    return this.#get<ReportRow>(SQL.unmatched, messageId, seq);
  }

  /** What came for these ids while there was no such message, each as id and wire. */
  #unmatchedWires(messageIds: readonly string[]): Set<string> {
    if (!this.#anyUnmatched) return new Set();
    const found = this.#all<ReportRow>(SQL.unmatchedWires, JSON.stringify(messageIds));
    return new Set(found.map(({ message_id, wire }) => message_id + wire));
  }

  #count({ service, state, held }: MessageRow, by: 1 | -1): void {
    const counts = this.#open[service];
    const code = stateCode(state, held);
    if (code < OPEN_STATES && counts !== undefined) counts[code] = (counts[code] ?? 0) + by;
  }

  /** Messages as they are now, by id; those that are not stored are left out. */
  #messagesOf(messageIds: readonly string[]): Map<string, MessageRow> {
    const messages = new Map<string, MessageRow>();
    const others: string[] = [];
    for (const messageId of messageIds) {
      const row = this.#unwritten.withId(messageId);
      if (row === undefined) others.push(messageId);
      else messages.set(messageId, row);
    }
    if (others.length === 0) return messages;
    for (const row of this.#messages(SQL.messages, JSON.stringify(others))) messages.set(row.messageId, row);
    return messages;
  }

  #rememberedOf(messageIds: readonly string[]): Map<string, Remembered> {
    if (!this.#anyRemembered || messageIds.length === 0) return new Map();
    const remembered = this.#all<Remembered>(SQL.remembered, JSON.stringify(messageIds));
    return new Map(remembered.map((row) => [row.message_id, row]));
  }

  #countCreated(atMs: number, by: 1 | -1): void {
    const bucket = bucketOf(atMs);
    this.#created.set(bucket, (this.#created.get(bucket) ?? 0) + by);
  }

  // Rows.

  /** Before a question that only rows can answer: writes them when it is about any message that is unwritten. */
  #writeBefore(isAbout: (row: MessageRow) => boolean): void {
    if (this.#unwritten.some(isAbout)) this.#writeRows();
  }

  /** Those that are written leave `#unwritten` with the commit. */
  #writeRows(): void {
    const toWrite = [...this.#unwritten].filter(({ row }) => !this.#written.has(row));
    for (const { row } of toWrite) this.#written.add(row);
    this.#undo.push(() => {
      for (const { row } of toWrite) this.#written.delete(row);
    });
    for (const unwritten of toWrite) {
      const { row, isStored, pending } = unwritten;
      if (isStored) this.#run(SQL.moveMessage, ...changingValues(row), row.seq);
      else this.#run(SQL.putMessage, ...messageValues(row));
      if (pending.length === 0) continue;
      for (const seq of pending) this.#run(SQL.insertInbox, seq, row.messageId);
      this.#setPending(unwritten, []);
    }
  }

  /** A message whose row was written, and that is not what it was any more: the row is. */
  #takeOut(row: MessageRow): void {
    const unwritten = this.#unwritten.of(row);
    if (unwritten === undefined) return;
    this.#unwritten.delete(row);
    this.#undo.push(() => this.#unwritten.putBack(unwritten));
  }

  /** Its row is the newest self again. */
  #isReadyInRow({ service, dueAtMs, seq }: MessageRow): void {
    const start = this.#claimStarts[service] ?? ANYWHERE;
    if (dueAtMs < start.dueAtMs || (dueAtMs === start.dueAtMs && seq < start.seq)) {
      this.#claimStarts[service] = { dueAtMs, seq, nowMs: start.nowMs };
    }
  }

  // Attachments and statements.

  #hasReportsWaiting(row: MessageRow): boolean {
    if ((this.#unwritten.of(row)?.pending.length ?? 0) > 0) return true;
    if (this.#anyUnmatched && this.#get(SQL.waitingUnmatched, row.messageId) !== undefined) return true;
    const seqs = reportsIn(row).map(({ seq }) => seq);
    return seqs.length > 0 && this.#get(SQL.waitingReport, JSON.stringify(seqs)) !== undefined;
  }

  #hasUsers(hash: string): boolean {
    return this.#get(SQL.hasUsers, hash) !== undefined;
  }

  #releaseAttachments(row: MessageRow): void {
    if (!this.#anyAttachments || !isEnd(row.state) || this.#hasReportsWaiting(row)) return;
    const hashes = this.#all<{ hash: string }>(SQL.releaseUsers, row.seq);
    for (const { hash } of hashes) this.#perhapsUnused.add(hash);
  }

  #await(hash: string, by: 1 | -1): void {
    const before = this.#awaited.get(hash) ?? 0;
    const set = (count: number): void => {
      if (count > 0) this.#awaited.set(hash, count);
      else this.#awaited.delete(hash);
    };
    this.#undo.push(() => set(before));
    set(before + by);
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...params: SQLInputValue[]): { changes: number | bigint } {
    return this.#prepared(sql).run(...params);
  }

  #get<Row>(sql: string, ...params: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...params) as Row | undefined;
  }

  /** What a statement finds that selects messages: each as it is now, which its row may not be. */
  #messages(sql: string, ...params: SQLInputValue[]): MessageRow[] {
    return this.#lists<MessageValues>(sql, ...params).map(
      (values) => this.#unwritten.withSeq(values[0]) ?? messageRow(values),
    );
  }

  /** Rows as lists of values, which are quicker than objects; Node.js before 24 makes only these. */
  #lists<Values>(sql: string, ...params: SQLInputValue[]): Values[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#prepared(sql);
      if (RETURNS_LISTS) statement.setReturnArrays(true);
    }
    const rows: unknown[] = statement.all(...params);
    return (RETURNS_LISTS ? rows : rows.map((row) => Object.values(row as object))) as Values[];
  }

  #all<Row>(sql: string, ...params: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...params) as Row[];
  }
}

const RETURNS_LISTS = 'setReturnArrays' in StatementSync.prototype;

/** A row of `remembered`. */
interface Remembered {
  readonly message_id: string;
  readonly seq: number;
  readonly content_hash: string;
  readonly state: number;
  readonly batch_limit: number;
  readonly due_at: number;
  readonly updated_at: number;
  readonly claims: number;
  readonly result: number | null;
  readonly detail: string | null;
}

/** A message that was pruned, with the body of its repeat. */
function rememberedRow(repeat: NewRow, remembered: Remembered): MessageRow {
  const { seq, batch_limit: batchLimit, due_at: dueAtMs, updated_at: updatedAtMs, claims, result, detail } = remembered;
  const { state, held } = stateOf(remembered.state);
  const fresh = freshRow(repeat, seq);
  return { ...fresh, state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail };
}

/** Where `body` stands in a NewRow. */
const BODY = 12;

function freshRow(fresh: NewRow, seq: number): MessageRow {
  const [messageId, code, service, type, createdAtMs, dueAtMs, expireAtMs, result, detail, frameKey] = fresh;
  const { state, held } = stateOf(code);
  return {
    seq,
    messageId,
    service,
    type,
    createdAtMs,
    expireAtMs,
    frameKey,
    body: fresh[BODY],
    state,
    held,
    batchLimit: NO_BATCH_LIMIT,
    dueAtMs,
    updatedAtMs: createdAtMs,
    claims: 0,
    result,
    detail,
    reports: null,
  };
}

/** What the database would refuse must be refused by the call, not by the commit that comes to write it. */
function assertNumbers(
  messageId: string,
  { dueAtMs = 0, updatedAtMs = 0, batchLimit = 0, result }: Partial<Changing>,
): void {
  if ([dueAtMs, updatedAtMs, batchLimit, result ?? 0].every(Number.isSafeInteger)) return;
  throw new Error(`bug: message ${messageId} is given a number that is none of ours`);
}

/** Two lists, each in order of claiming, as one. */
function inOrder(some: readonly MessageRow[], others: readonly MessageRow[]): readonly MessageRow[] {
  if (some.length === 0) return others;
  if (others.length === 0) return some;
  return [...some, ...others].sort((a, b) => a.dueAtMs - b.dueAtMs || a.seq - b.seq);
}

/** The oldest row and those that may share a frame with it, as many as fit. */
function oneFrame(rows: readonly MessageRow[], max: number): MessageRow[] {
  const [head] = rows;
  if (head === undefined) return [];
  const alike = rows.filter((row) => row.frameKey === head.frameKey && row.batchLimit === head.batchLimit);
  return alike.slice(0, Math.min(max, head.batchLimit));
}

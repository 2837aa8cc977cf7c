/**
 * The store proper: what each call does to the database, one after the other, in the worker thread. Every call runs inside
 * a transaction that `commits.ts` began and will commit. What is remembered here beside the database (numbers, frames in
 * flight, attachments put and not accepted) is only what would be slow to ask, and goes back with the call that fails.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { ClaimRequest, Counts, GuardQuery, Service, Settlement, SweepRequest } from '../outbox.ts';
import {
  afterDoubt,
  attachmentMissing,
  CREATED_MEMORY_BUCKETS,
  cancelled,
  claimed,
  expired,
  interrupted,
  type Move,
  type Moving,
  NO_BATCH_LIMIT,
  released,
  reported,
  settled,
  unreported,
} from '../rules.ts';
import type { AttachmentFolder } from './attachments.ts';
import type { Accepted, SweptJson } from './calls.ts';
import {
  ACCEPTED,
  bucketOf,
  HELD,
  type HotRow,
  IN_DOUBT,
  IN_FLIGHT,
  inboxJson,
  listJson,
  type MessageRow,
  messageJson,
  movedRow,
  movingOf,
  type NewReportRow,
  type NewRow,
  OPEN_STATES,
  READY,
  type ReportRow,
  reportOf,
  SERVICES,
  STATE_CODES,
  TYPES,
} from './rows.ts';
import { PRUNE_CHUNK, SQL } from './statements.ts';

const SUPPRESSED = STATE_CODES.indexOf('SUPPRESSED');

/** Where a claim may begin to look: what is due before that had expired at `nowMs`. */
interface ClaimStart {
  readonly dueAtMs: number;
  readonly seq: number;
  readonly nowMs: number;
}

const ANYWHERE: ClaimStart = { dueAtMs: Number.MIN_SAFE_INTEGER, seq: 0, nowMs: Number.MIN_SAFE_INTEGER };

type PrunableRow = HotRow & Pick<MessageRow, 'created_at' | 'content_hash'>;

type Undo = () => void;

export class Store {
  readonly #db: DatabaseSync;
  readonly #attachments: AttachmentFolder;
  readonly #statements = new Map<string, StatementSync>();

  /** How many messages are in each open state, by service and state code. */
  #open: number[][] = [];
  #lastSeq = 0;
  #lastReportSeq = 0;
  #numbersChanged = false;
  #anyRemembered = false;
  #anyAttachments = false;
  /** What is IN_FLIGHT, by messageId: as much as there are connections times the largest frame. */
  readonly #inFlight = new Map<string, HotRow>();
  #claimStarts: ClaimStart[] = [ANYWHERE, ANYWHERE];
  /** By hash, how often an attachment was put for a call to come. */
  readonly #awaited = new Map<string, number>();
  /** Attachments that may have lost their last user in this transaction. */
  readonly #perhapsUnused = new Set<string>();
  #undo: Undo[] = [];

  constructor(db: DatabaseSync, attachments: AttachmentFolder) {
    this.#db = db;
    this.#attachments = attachments;
  }

  // What commits.ts calls around the calls.

  /** After opening the file, within a transaction: what the last process left behind. */
  recover(nowMs: number): void {
    const tally = this.#get<{ open: string; last_seq: number; last_report_seq: number }>(SQL.tally);
    if (tally === undefined) throw new Error('bug: the store has no tally');
    this.#open = JSON.parse(tally.open) as number[][];
    this.#lastSeq = tally.last_seq;
    this.#lastReportSeq = tally.last_report_seq;
    this.#anyRemembered = this.#get(SQL.anyRemembered) !== undefined;
    this.#anyAttachments = this.#get(SQL.anyAttachments) !== undefined;
    const interruptedRows = this.#all<HotRow>(SQL.inFlight);
    this.#moveAll(interruptedRows, (message) => interrupted(message, nowMs));
    this.#attachments.removeAllBut((hash) => this.#hasUsers(hash));
  }

  /** Before a commit. True when it will change anything. */
  writeNumbers(): void {
    if (!this.#numbersChanged) return;
    const open = JSON.stringify(this.#open);
    this.#run(SQL.writeTally, open, this.#lastSeq, this.#lastReportSeq);
    this.#numbersChanged = false;
  }

  /** After a commit: what is on disk now stays, and files that nobody needs go. */
  committed(): void {
    this.#undo = [];
    for (const hash of this.#perhapsUnused) {
      if (!this.#awaited.has(hash) && !this.#hasUsers(hash)) this.#attachments.remove(hash);
    }
    this.#perhapsUnused.clear();
  }

  /** Before a call: what `backTo` needs to undo it. */
  mark(): number {
    const open = this.#open.map((counts) => [...counts]);
    const [lastSeq, lastReportSeq] = [this.#lastSeq, this.#lastReportSeq];
    const mark = this.#undo.length;
    this.#undo.push(() => {
      this.#open = open;
      this.#lastSeq = lastSeq;
      this.#lastReportSeq = lastReportSeq;
    });
    return mark;
  }

  /** After the database was rolled back to where it was at `mark`. */
  backTo(mark: number): void {
    for (const undo of this.#undo.splice(mark).reverse()) undo();
    this.#claimStarts = [ANYWHERE, ANYWHERE];
    this.#numbersChanged = true;
  }

  // The calls.

  accept(rows: readonly NewRow[]): Accepted[] {
    const hashes = new Set<string>();
    for (const row of rows) for (const hash of row[12] ?? []) hashes.add(hash);
    for (const hash of hashes) if (!this.#attachments.has(hash)) throw attachmentMissing(hash);
    const created = new Map<number, number>();
    const accepted = rows.map((row) => this.#accept(row, created));
    for (const [bucket, messages] of created) {
      this.#run(SQL.addCreated, bucket, messages);
    }
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
    const taken: ReportRow[] = [];
    for (const [messageId, result, outcome, wire] of rows) {
      const known = this.#all<{ wire: string }>(SQL.wiresOf, messageId);
      if (known.some((row) => row.wire === wire)) continue;
      const seq = ++this.#lastReportSeq;
      this.#numbersChanged = true;
      this.#run(SQL.insertReport, ...[seq, messageId, nowMs, result, outcome, wire]);
      const report = { seq, message_id: messageId, received_at: nowMs, emitted: 0, result, outcome, wire };
      taken.push(report);
    }
    // Once all are stored, so that a message is read once where its reports come together, as they mostly do not.
    const messages = new Map<string, MessageRow>();
    for (const report of taken) {
      const row = messages.get(report.message_id) ?? this.#message(report.message_id);
      if (row === undefined) continue;
      const move = reported(movingOf(row), reportOf(report), nowMs);
      messages.set(row.message_id, move === null ? row : this.#moveOne(row, move));
    }
    const fresh = taken.map((report) => {
      const row = messages.get(report.message_id);
      return inboxJson(report, row === undefined ? null : messageJson(row));
    });
    return { fresh: listJson(fresh), repeats: rows.length - taken.length };
  }

  pendingReports(limit: number): string {
    const reports = this.#all<ReportRow>(SQL.pendingReports, limit);
    return listJson(
      reports.map((report) => {
        const row = this.#message(report.message_id);
        return inboxJson(report, row === undefined ? null : messageJson(row));
      }),
    );
  }

  reportsEmitted(seqs: readonly number[]): void {
    const list = JSON.stringify(seqs);
    this.#run(SQL.emit, list);
    if (!this.#anyAttachments) return;
    const rows = this.#all<{ seq: number; message_id: string; state: number }>(SQL.emittedMessages, list);
    for (const row of rows) this.#releaseAttachments(row);
  }

  sweep(request: SweepRequest): SweptJson {
    const { nowMs, inDoubtBeforeMs, limit } = request;
    const swept = { expired: [] as string[], noReport: [] as string[], resent: [] as string[], held: [] as string[] };
    let left = limit;
    /** The oldest of several searches, of which each is in order. */
    const take = (...found: MessageRow[][]): MessageRow[] => {
      const rows = found
        .flat()
        .sort((a, b) => a.updated_at - b.updated_at || a.seq - b.seq)
        .slice(0, left);
      left -= rows.length;
      return rows;
    };
    for (const [service] of SERVICES.entries()) {
      const rows = this.#all<MessageRow>(SQL.expired, ...[service, nowMs, left]);
      left -= rows.length;
      for (const row of this.#moveAll(rows, (message) => expired(message, nowMs))) swept.expired.push(messageJson(row));
    }
    const waiting = (state: number, type: number, beforeMs: number, service: number | null): MessageRow[] =>
      this.#all<MessageRow>(SQL.waiting, ...[state, type, beforeMs, service, left]);
    for (const [service, name] of SERVICES.entries()) {
      const beforeMs = inDoubtBeforeMs[name];
      if (beforeMs === null) continue;
      const rows = take(...TYPES.map((_, type) => waiting(IN_DOUBT, type, beforeMs, service)));
      for (const row of this.#moveAll(rows, (message) => afterDoubt(message, request))) {
        (row.state === HELD ? swept.held : swept.resent).push(messageJson(row));
      }
    }
    for (const [type, name] of TYPES.entries()) {
      const beforeMs = request.reportHorizonMs[name];
      const rows = take(waiting(ACCEPTED, type, beforeMs, null), waiting(HELD, type, beforeMs, null));
      for (const row of this.#moveAll(rows, (message) => unreported(message, nowMs))) {
        swept.noReport.push(messageJson(row));
      }
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
    const due = this.#get<{ at: number | null }>(SQL.nextDue, ...[code, nowMs])?.at;
    const expiry = this.#get<{ at: number | null }>(SQL.nextExpiry, code)?.at;
    const next = Math.min(due ?? Number.POSITIVE_INFINITY, expiry ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(next) ? next : null;
  }

  cancel(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => cancelled(message, nowMs));
  }

  release(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => released(message, nowMs));
  }

  get(messageIds: readonly string[]): string {
    const found: string[] = [];
    for (const messageId of messageIds) {
      const row = this.#message(messageId);
      if (row !== undefined) found.push(messageJson(row));
    }
    return listJson(found);
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
    const row = this.#get<{ count: number }>(SQL.createdSince, bucketOf(sinceMs));
    return row?.count ?? 0;
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
    const pruned = this.#pruneMessages(olderThanMs, limit);
    this.#pruneReports(olderThanMs, limit);
    this.#run(SQL.pruneDuplicates, ...[olderThanMs, limit]);
    this.#run(SQL.pruneCreated, ...[bucketOf(olderThanMs), CREATED_MEMORY_BUCKETS]);
    if (forgetBeforeMs !== null) {
      this.#run(SQL.forget, ...[forgetBeforeMs, limit]);
    }
    return pruned;
  }

  // The parts.

  #accept(row: NewRow, created: Map<number, number>): Accepted {
    const [messageId, state, service, type, createdAtMs, dueAtMs, expireAtMs] = row;
    const [result, detail, frameKey, contentHash, duplicateKey, hashes, body] = row.slice(7) as [
      ...[number | null, string | null, string, string, string, string[] | null, string],
    ];
    const fresh: MessageRow = {
      ...{ seq: this.#lastSeq + 1, message_id: messageId, state, service, type, batch_limit: NO_BATCH_LIMIT },
      ...{ created_at: createdAtMs, due_at: dueAtMs, expire_at: expireAtMs, updated_at: createdAtMs, claims: 0 },
      ...{ result, detail, frame_key: frameKey, content_hash: contentHash, body },
    };
    if (this.#anyRemembered) {
      const remembered = this.#get<Partial<MessageRow> & { content_hash: string }>(SQL.remembered, messageId);
      if (remembered !== undefined) {
        if (remembered.content_hash !== contentHash) return 'conflict';
        return { repeat: messageJson({ ...fresh, ...remembered }) };
      }
    }
    const { changes } = this.#run(
      SQL.insertMessage,
      ...[fresh.seq, messageId, state, service, type, dueAtMs, expireAtMs, createdAtMs, result, detail],
      ...[createdAtMs, frameKey, contentHash, body],
    );
    if (Number(changes) === 0) {
      const known = this.#message(messageId);
      if (known === undefined) throw new Error(`bug: message ${messageId} is neither new nor stored`);
      return known.content_hash === contentHash ? { repeat: messageJson(known) } : 'conflict';
    }
    this.#lastSeq = fresh.seq;
    this.#numbersChanged = true;
    this.#count(fresh, 1);
    if (state === READY) this.#becameReady(fresh);
    if (hashes !== null && state === READY) {
      this.#anyAttachments = true;
      for (const hash of hashes) this.#run(SQL.addUser, fresh.seq, hash);
    }
    const sent = state !== SUPPRESSED;
    if (sent) {
      const bucket = bucketOf(createdAtMs);
      created.set(bucket, (created.get(bucket) ?? 0) + 1);
    }
    if (duplicateKey !== '') {
      this.#run(SQL.addDuplicate, ...[duplicateKey, sent ? createdAtMs : null, createdAtMs]);
    }
    return 'stored';
  }

  #settle(settlements: readonly Settlement[], nowMs: number): void {
    const moves = new Map<HotRow, Move | null>();
    const seen = new Set<string>();
    for (const settlement of settlements) {
      for (const messageId of settlement.messageIds) {
        if (seen.has(messageId)) throw new Error(`bug: message ${messageId} is settled twice at once`);
        seen.add(messageId);
        const row = this.#inFlight.get(messageId) ?? this.#message(messageId);
        if (row === undefined) throw new Error(`bug: message ${messageId} is settled but not stored`);
        moves.set(row, settled(movingOf(row), settlement, nowMs));
      }
    }
    this.#write(moves);
  }

  #claim({ service, max }: ClaimRequest, nowMs: number): string {
    const code = SERVICES.indexOf(service);
    const known = this.#claimStarts[code] ?? ANYWHERE;
    const start = known.nowMs <= nowMs ? known : ANYWHERE;
    const head = this.#get<{ seq: number; due_at: number; frame_key: string; batch_limit: number }>(
      SQL.claimHead,
      ...[code, nowMs, start.dueAtMs, start.seq, nowMs],
    );
    if (head === undefined) {
      this.#claimStarts[code] = { dueAtMs: nowMs, seq: Number.MAX_SAFE_INTEGER, nowMs };
      return '[]';
    }
    this.#claimStarts[code] = { dueAtMs: head.due_at, seq: head.seq, nowMs };
    const rows = this.#all<MessageRow>(
      SQL.claimFrame,
      ...[code, nowMs, head.due_at, head.seq, nowMs],
      ...[head.frame_key, head.batch_limit, Math.min(max, head.batch_limit)],
    );
    const moves = new Map<MessageRow, Move>();
    for (const row of rows) moves.set(row, claimed(movingOf(row), nowMs));
    return listJson(this.#write(moves).map(messageJson));
  }

  #pruneMessages(olderThanMs: number, limit: number): number {
    const found = this.#findPrunable(olderThanMs, limit);
    // Room is made before any is taken: a store that is full can be pruned.
    for (const { seq } of found) this.#run(SQL.deleteMessage, seq);
    for (const row of found) {
      this.#run(
        SQL.remember,
        ...[row.message_id, row.seq, row.content_hash, row.state, row.batch_limit, row.due_at, row.updated_at],
        ...[row.claims, row.result, row.detail],
      );
      this.#anyRemembered = true;
    }
    return found.length;
  }

  #findPrunable(olderThanMs: number, limit: number): PrunableRow[] {
    const found: PrunableRow[] = [];
    let after = 0;
    for (;;) {
      const rows = this.#all<PrunableRow>(SQL.pruneScan, after);
      for (const row of rows) {
        if (found.length >= limit || row.created_at >= olderThanMs) return found;
        after = row.seq;
        const ended = row.state >= OPEN_STATES && row.updated_at < olderThanMs;
        if (ended && !this.#hasReportsWaiting(row.message_id)) found.push(row);
      }
      if (rows.length < PRUNE_CHUNK) return found;
    }
  }

  #pruneReports(olderThanMs: number, limit: number): void {
    let pruned = 0;
    let after = 0;
    for (;;) {
      const rows = this.#all<{ seq: number; received_at: number; emitted: number }>(SQL.reportScan, after);
      for (const { seq, received_at, emitted } of rows) {
        if (pruned >= limit || received_at >= olderThanMs) return;
        after = seq;
        if (emitted === 0) continue;
        this.#run(SQL.deleteReport, seq);
        pruned++;
      }
      if (rows.length < PRUNE_CHUNK) return;
    }
  }

  #moveEach(messageIds: readonly string[], decide: (message: Moving) => Move | null): string {
    const moved: string[] = [];
    for (const messageId of messageIds) {
      const row = this.#message(messageId);
      const move = row === undefined ? null : decide(movingOf(row));
      if (row !== undefined && move !== null) moved.push(messageJson(this.#moveOne(row, move)));
    }
    return listJson(moved);
  }

  #moveAll<Row extends HotRow>(
    rows: readonly Row[],
    decide: (message: Moving & { readonly expireAtMs: number }) => Move,
  ): Row[] {
    const moves = new Map<Row, Move>();
    for (const row of rows) moves.set(row, decide(movingOf(row)));
    return this.#write(moves);
  }

  #moveOne<Row extends HotRow>(row: Row, move: Move): Row {
    const next = movedRow(row, move);
    this.#run(
      SQL.moveOne,
      ...[next.state, next.updated_at, next.result, next.detail, next.claims, next.due_at, next.batch_limit, next.seq],
    );
    this.#moved(row, next);
    return next;
  }

  /**
   * Writes moves, one statement for all that are alike (a frame is claimed and settled as a whole). Returns the rows after
   * it, without those whose move is null.
   */
  #write<Row extends HotRow>(moves: ReadonlyMap<Row, Move | null>): Row[] {
    const written: Row[] = [];
    const alike = new Map<string, { next: Row; seqs: number[] }>();
    for (const [row, move] of moves) {
      if (move === null) continue;
      const next = movedRow(row, move);
      written.push(next);
      if (next.due_at !== row.due_at || next.batch_limit !== row.batch_limit) {
        this.#moveOne(row, move);
        continue;
      }
      const key = `${next.state} ${next.updated_at} ${next.claims} ${next.result} ${next.detail}`;
      const group = alike.get(key);
      if (group === undefined) alike.set(key, { next, seqs: [next.seq] });
      else group.seqs.push(next.seq);
      this.#moved(row, next);
    }
    for (const { next, seqs } of alike.values()) {
      this.#run(
        SQL.moveAlike,
        ...[next.state, next.updated_at, next.result, next.detail, next.claims, JSON.stringify(seqs)],
      );
    }
    return written;
  }

  /** Keeps what is remembered beside the database in step with a move. */
  #moved(row: HotRow, next: HotRow): void {
    this.#numbersChanged = true;
    this.#count(row, -1);
    this.#count(next, 1);
    if (next.state === READY) this.#becameReady(next);
    if (next.state === IN_FLIGHT || row.state === IN_FLIGHT) {
      const { message_id: messageId } = row;
      const before = this.#inFlight.get(messageId);
      this.#undo.push(() => {
        if (before === undefined) this.#inFlight.delete(messageId);
        else this.#inFlight.set(messageId, before);
      });
      if (next.state === IN_FLIGHT) this.#inFlight.set(messageId, hotOf(next));
      else this.#inFlight.delete(messageId);
    }
    this.#releaseAttachments(next);
  }

  #count({ service, state }: HotRow, by: 1 | -1): void {
    const counts = this.#open[service];
    if (state < OPEN_STATES && counts !== undefined) counts[state] = (counts[state] ?? 0) + by;
  }

  #becameReady({ service, due_at, seq }: HotRow): void {
    const start = this.#claimStarts[service] ?? ANYWHERE;
    if (due_at < start.dueAtMs || (due_at === start.dueAtMs && seq < start.seq)) this.#claimStarts[service] = ANYWHERE;
  }

  #message(messageId: string): MessageRow | undefined {
    return this.#get<MessageRow>(SQL.message, messageId);
  }

  #hasReportsWaiting(messageId: string): boolean {
    return this.#get(SQL.waitingReport, messageId) !== undefined;
  }

  #hasUsers(hash: string): boolean {
    return this.#get(SQL.hasUsers, hash) !== undefined;
  }

  #releaseAttachments({ seq, message_id, state }: Pick<HotRow, 'seq' | 'message_id' | 'state'>): void {
    if (!this.#anyAttachments || state < OPEN_STATES || this.#hasReportsWaiting(message_id)) return;
    const hashes = this.#all<{ hash: string }>(SQL.releaseUsers, seq);
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

  #all<Row>(sql: string, ...params: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...params) as Row[];
  }
}

/** The part of a row that is remembered while it is in flight: no text. */
function hotOf(row: HotRow): HotRow {
  const { seq, message_id, state, service, type, batch_limit, due_at, expire_at, updated_at, claims, result, detail } =
    row;
  return { seq, message_id, state, service, type, batch_limit, due_at, expire_at, updated_at, claims, result, detail };
}

/**
 * The store proper: what each call does to the database, one after the other, in the worker thread. Every call runs inside
 * a transaction that `commits.ts` began and will commit. What is remembered here beside the database (numbers, frames in
 * flight, attachments put and not accepted) is only what would be slow to ask, and goes back with the call that fails.
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
  type Moving,
  NO_BATCH_LIMIT,
  released,
  reported,
  settled,
  unreported,
} from '../rules.ts';
import type { AttachmentFolder } from './attachments.ts';
import type { Accepted, SweptJson } from './calls.ts';
import { Flights, type FrameRow, hotOf } from './flights.ts';
import {
  ACCEPTED,
  applyMove,
  bucketOf,
  type ClaimableRow,
  type ClaimableValues,
  claimableRow,
  contentHashIn,
  fieldsJson,
  HELD,
  type HotRow,
  IN_DOUBT,
  IN_FLIGHT,
  inboxJson,
  listJson,
  type MessageRow,
  type MessageValues,
  messageRow,
  movingOf,
  type NewReportRow,
  type NewRow,
  OPEN_STATES,
  OUTCOMES,
  READY,
  type ReportRow,
  SERVICES,
  STATE_CODES,
  TYPES,
} from './rows.ts';
import { PRUNE_CHUNK, SQL } from './statements.ts';

const SUPPRESSED = STATE_CODES.indexOf('SUPPRESSED');

/** Where a claim may begin to look: what is READY before that is in flight, or had expired at `nowMs`. */
interface ClaimStart {
  readonly dueAtMs: number;
  readonly seq: number;
  readonly nowMs: number;
}

const ANYWHERE: ClaimStart = { dueAtMs: Number.MIN_SAFE_INTEGER, seq: 0, nowMs: Number.MIN_SAFE_INTEGER };

type PrunableRow = HotRow & Pick<MessageRow, 'body'> & { created_at: number };

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
  readonly #flights = new Flights();
  /** Messages created in this transaction, by bucket. */
  readonly #created = new Map<number, number>();
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
    for (const { id, claimed_at, seqs } of this.#all<FrameRow>(SQL.frames)) {
      const rows = this.#messages(SQL.inFrame, seqs);
      for (const row of rows) applyMove(row, claimed(movingOf(row), claimed_at));
      this.#moveAll(rows, (message) => interrupted(message, nowMs));
      this.#run(SQL.deleteFrame, id);
    }
    this.#attachments.removeAllBut((hash) => this.#hasUsers(hash));
  }

  /** Before a commit: what was only remembered so far. */
  writeRemembered(): void {
    for (const { id, claimed_at, seqs } of this.#flights.changes()) {
      if (seqs === '[]') this.#run(SQL.deleteFrame, id);
      else this.#run(SQL.writeFrame, id, claimed_at, seqs);
    }
    for (const [bucket, messages] of this.#created) this.#run(SQL.addCreated, bucket, messages);
    if (!this.#numbersChanged) return;
    this.#run(SQL.writeTally, JSON.stringify(this.#open), this.#lastSeq, this.#lastReportSeq);
  }

  /** After a commit: what is on disk now stays, and files that nobody needs go. */
  committed(): void {
    this.#undo = [];
    this.#flights.committed();
    this.#created.clear();
    this.#numbersChanged = false;
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
    if (mark === 0) this.#created.clear();
  }

  // The calls.

  accept(rows: readonly NewRow[]): Accepted[] {
    const hashes = new Set<string>();
    for (const row of rows) for (const hash of row[11] ?? []) hashes.add(hash);
    for (const hash of hashes) if (!this.#attachments.has(hash)) throw attachmentMissing(hash);
    const created = new Map<number, number>();
    const accepted = rows.map((row) => this.#accept(row, created));
    for (const hash of hashes) {
      this.#await(hash, -1);
      this.#perhapsUnused.add(hash);
    }
    for (const [bucket, messages] of created) this.#created.set(bucket, messages + (this.#created.get(bucket) ?? 0));
    return accepted;
  }

  exchange(settlements: readonly Settlement[], claim: ClaimRequest | null, nowMs: number): string {
    if (settlements.length > 0) this.#settle(settlements, nowMs);
    return claim === null ? '[]' : this.#claim(claim, nowMs);
  }

  takeReports(rows: readonly NewReportRow[], nowMs: number): { fresh: string; repeats: number } {
    const taken: ReportRow[] = [];
    const messages = new Map<string, MessageRow | undefined>();
    let moves: [HotRow, Move][] = [];
    for (const [messageId, result, outcome, wire] of rows) {
      const known = this.#all<{ wire: string }>(SQL.wiresOf, messageId);
      if (known.some((row) => row.wire === wire)) continue;
      const seq = ++this.#lastReportSeq;
      this.#numbersChanged = true;
      if (messages.has(messageId)) {
        // Its second report at once: the first one's move counts.
        this.#write(moves);
        moves = [];
      } else messages.set(messageId, this.#message(messageId));
      const row = messages.get(messageId);
      this.#run(SQL.insertReport, messageId, seq, nowMs, row === undefined ? 0 : 1, result, outcome, wire);
      this.#run(SQL.insertInbox, seq, messageId);
      taken.push({ seq, message_id: messageId, received_at: nowMs, result, outcome, wire });
      if (row === undefined) continue;
      const move = reported(movingOf(row), { result, outcome: OUTCOMES[outcome] ?? 'pending' }, nowMs);
      if (move !== null) moves.push([row, move]);
    }
    this.#write(moves);
    const fresh = taken.map((report) => inboxJson(report, messages.get(report.message_id)));
    return { fresh: listJson(fresh), repeats: rows.length - taken.length };
  }

  pendingReports(limit: number): string {
    const reports = this.#all<ReportRow>(SQL.pendingReports, limit);
    return listJson(reports.map((report) => inboxJson(report, this.#message(report.message_id))));
  }

  reportsEmitted(seqs: readonly number[]): void {
    const list = JSON.stringify(seqs);
    const messageIds = this.#anyAttachments ? this.#all<{ message_id: string }>(SQL.inboxMessages, list) : [];
    this.#run(SQL.emit, list);
    for (const { message_id } of messageIds) {
      const row = this.#message(message_id);
      if (row !== undefined) this.#releaseAttachments(row);
    }
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
      const found = this.#messages(SQL.expired, service, nowMs, left + this.#flights.count(service));
      const rows = found.filter((row) => !this.#isInFlight(row)).slice(0, left);
      left -= rows.length;
      this.#moveAll(rows, (message) => expired(message, nowMs));
      for (const row of rows) swept.expired.push(fieldsJson(row));
    }
    const waiting = (state: number, type: number, beforeMs: number, service: number | null): MessageRow[] =>
      this.#messages(SQL.waiting, ...[state, type, beforeMs, service, left]);
    for (const [service, name] of SERVICES.entries()) {
      const beforeMs = inDoubtBeforeMs[name];
      if (beforeMs === null) continue;
      const rows = take(...TYPES.map((_, type) => waiting(IN_DOUBT, type, beforeMs, service)));
      this.#moveAll(rows, (message) => afterDoubt(message, request));
      for (const row of rows) {
        (row.state === HELD ? swept.held : swept.resent).push(fieldsJson(row));
      }
    }
    for (const [type, name] of TYPES.entries()) {
      const beforeMs = request.unreportedBeforeMs[name];
      const rows = take(waiting(ACCEPTED, type, beforeMs, null), waiting(HELD, type, beforeMs, null));
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
    const most = this.#flights.count(code) + 1;
    const first = (rows: { message_id: string; at: number }[]) => rows.find((row) => !this.#isInFlight(row))?.at;
    const due = first(this.#all(SQL.nextDue, code, nowMs, most));
    const expiry = first(this.#all(SQL.nextExpiry, code, most));
    const next = Math.min(due ?? Number.POSITIVE_INFINITY, expiry ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(next) ? next : null;
  }

  cancel(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => cancelled(message, nowMs));
  }

  release(messageIds: readonly string[], nowMs: number): string {
    return this.#moveEach(messageIds, (message) => released(message, nowMs));
  }

  listHeld(limit: number): string {
    const found = TYPES.flatMap((_, type) =>
      this.#messages(SQL.waiting, HELD, type, Number.MAX_SAFE_INTEGER, null, limit),
    );
    const oldest = found.sort((a, b) => a.updated_at - b.updated_at || a.seq - b.seq).slice(0, limit);
    return listJson(oldest.map(fieldsJson));
  }

  get(messageIds: readonly string[]): string {
    const found: string[] = [];
    for (const messageId of messageIds) {
      const row = this.#message(messageId);
      if (row !== undefined) found.push(fieldsJson(row));
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
    const pruned = this.#pruneMessages(olderThanMs, limit);
    this.#run(SQL.pruneReports, olderThanMs, limit);
    this.#run(SQL.pruneDuplicates, olderThanMs, limit);
    this.#pruneCreated(olderThanMs);
    if (forgetBeforeMs !== null) this.#run(SQL.forget, forgetBeforeMs, limit);
    return pruned;
  }

  // The parts.

  #accept(row: NewRow, created: Map<number, number>): Accepted {
    const [messageId, state, service, type, createdAtMs, dueAtMs, expireAtMs, result, detail, frameKey] = row;
    const [duplicateKey, hashes, body] = [row[10], row[11], row[12]];
    const fresh: MessageRow = {
      ...{ seq: this.#lastSeq + 1, message_id: messageId, state, service, batch_limit: NO_BATCH_LIMIT },
      ...{ due_at: dueAtMs, expire_at: expireAtMs, updated_at: createdAtMs, claims: 0, result, detail, body },
    };
    if (this.#anyRemembered) {
      const remembered = this.#get<Partial<MessageRow> & { content_hash: string }>(SQL.remembered, messageId);
      if (remembered !== undefined) {
        if (remembered.content_hash !== contentHashIn(body)) return 'conflict';
        return { repeat: fieldsJson({ ...fresh, ...remembered }) };
      }
    }
    const { changes } = this.#run(
      SQL.insertMessage,
      ...[fresh.seq, messageId, state, service, type, createdAtMs, dueAtMs, expireAtMs, createdAtMs],
      ...[result, detail, frameKey, body],
    );
    if (Number(changes) === 0) {
      const known = this.#message(messageId);
      if (known === undefined) throw new Error(`bug: message ${messageId} is neither new nor stored`);
      return contentHashIn(known.body) === contentHashIn(body) ? { repeat: fieldsJson(known) } : 'conflict';
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
    if (duplicateKey !== '') this.#run(SQL.addDuplicate, duplicateKey, sent ? createdAtMs : null, createdAtMs);
    return 'stored';
  }

  #settle(settlements: readonly Settlement[], nowMs: number): void {
    const moves: [HotRow, Move][] = [];
    const seen = new Set<string>();
    for (const settlement of settlements) {
      for (const messageId of settlement.messageIds) {
        if (seen.has(messageId)) throw new Error(`bug: message ${messageId} is settled twice at once`);
        seen.add(messageId);
        const flight = this.#flights.get(messageId);
        const row = flight === undefined ? this.#message(messageId) : hotOf(flight);
        if (row === undefined) throw new Error(`bug: message ${messageId} is settled but not stored`);
        const move = settled(movingOf(row), settlement, nowMs);
        if (move !== null) moves.push([row, move]);
      }
    }
    this.#write(moves);
  }

  #claim({ service, max }: ClaimRequest, nowMs: number): string {
    const code = SERVICES.indexOf(service);
    const known = this.#claimStarts[code] ?? ANYWHERE;
    const start = known.nowMs <= nowMs ? known : ANYWHERE;
    let next = start;
    let frame: ClaimableRow[] = [];
    // Mostly what is oldest is all of one lane, and found at once; else the search goes as far as it must.
    for (const reach of [max, CLAIM_REACH]) {
      const most = reach + this.#flights.count(code);
      const found = this.#lists<ClaimableValues>(SQL.claimable, code, nowMs, start.dueAtMs, start.seq, nowMs, most).map(
        (values) => claimableRow(values, code),
      );
      const waiting = found.filter((row) => !this.#isInFlight(row));
      frame = oneFrame(waiting.slice(0, reach), max);
      next = startAfter(start, found, waiting, frame, nowMs, this.#lastSeq);
      if (found.length < most || frame.length >= Math.min(max, frame[0]?.batch_limit ?? max)) break;
    }
    this.#claimStarts[code] = next;
    if (frame.length === 0) return '[]';
    for (const row of frame) {
      this.#count(row, -1);
      applyMove(row, claimed(movingOf(row), nowMs));
      this.#count(row, 1);
    }
    this.#numbersChanged = true;
    this.#undo.push(this.#flights.takeOff(frame, nowMs));
    return listJson(frame.map(fieldsJson));
  }

  #pruneMessages(olderThanMs: number, limit: number): number {
    const found = this.#findPrunable(olderThanMs, limit);
    // Room is made before any is taken: a store that is full can be pruned.
    for (const { seq, message_id } of found) {
      this.#run(SQL.deleteMessage, seq);
      this.#run(SQL.deleteReports, message_id);
    }
    for (const row of found) {
      this.#run(
        SQL.remember,
        ...[row.message_id, row.seq, contentHashIn(row.body), row.state, row.batch_limit, row.due_at, row.updated_at],
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

  #moveEach(messageIds: readonly string[], decide: (message: Moving) => Move | null): string {
    const moved: string[] = [];
    for (const messageId of messageIds) {
      const row = this.#message(messageId);
      const move = row === undefined ? null : decide(movingOf(row));
      if (row === undefined || move === null) continue;
      this.#moveOne(row, move);
      moved.push(fieldsJson(row));
    }
    return listJson(moved);
  }

  // Moves: each writes the row, and makes the row that it is given what it is then.

  #moveAll(rows: readonly HotRow[], decide: (message: Moving & { readonly expireAtMs: number }) => Move): void {
    this.#write(rows.map((row) => [row, decide(movingOf(row))]));
  }

  #moveOne(row: HotRow, move: Move): void {
    this.#change(row, move);
    const { state, updated_at, result, detail, claims, due_at, batch_limit, seq } = row;
    this.#run(SQL.moveOne, state, updated_at, result, detail, claims, due_at, batch_limit, seq);
  }

  /** One statement for all that are alike: a frame is settled as a whole. */
  #write(moves: readonly (readonly [HotRow, Move])[]): void {
    const groups: { readonly like: HotRow; readonly seqs: number[] }[] = [];
    for (const [row, move] of moves) {
      if (move.dueAtMs !== row.due_at || move.batchLimit !== row.batch_limit) {
        this.#moveOne(row, move);
        continue;
      }
      this.#change(row, move);
      const group = groups.find(({ like }) => isWrittenAlike(like, row));
      if (group === undefined) groups.push({ like: row, seqs: [row.seq] });
      else group.seqs.push(row.seq);
    }
    for (const { like, seqs } of groups) {
      const { state, updated_at, result, detail, claims } = like;
      this.#run(SQL.moveAlike, state, updated_at, result, detail, claims, JSON.stringify(seqs));
    }
  }

  /** Changes the row in memory, and what is remembered beside the database. */
  #change(row: HotRow, move: Move): void {
    if (row.state === IN_FLIGHT) {
      const undo = this.#flights.land(row.message_id);
      if (undo !== undefined) this.#undo.push(undo);
    }
    this.#count(row, -1);
    applyMove(row, move);
    this.#count(row, 1);
    this.#numbersChanged = true;
    if (row.state === READY) this.#becameReady(row);
    this.#releaseAttachments(row);
  }

  #count({ service, state }: HotRow, by: 1 | -1): void {
    const counts = this.#open[service];
    if (state < OPEN_STATES && counts !== undefined) counts[state] = (counts[state] ?? 0) + by;
  }

  #becameReady({ service, due_at, seq }: HotRow): void {
    const start = this.#claimStarts[service] ?? ANYWHERE;
    if (due_at < start.dueAtMs || (due_at === start.dueAtMs && seq < start.seq)) {
      this.#claimStarts[service] = { dueAtMs: due_at, seq, nowMs: start.nowMs };
    }
  }

  #isInFlight({ message_id }: { readonly message_id: string }): boolean {
    return this.#flights.get(message_id) !== undefined;
  }

  /** A message as it is now. */
  #message(messageId: string): MessageRow | undefined {
    const [row] = this.#messages(SQL.message, messageId);
    const flight = this.#flights.get(messageId);
    return row === undefined || flight === undefined ? row : Object.assign(row, flight);
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

  /** The rows of a statement that selects the columns of MESSAGE. */
  #messages(sql: string, ...params: SQLInputValue[]): MessageRow[] {
    return this.#lists<MessageValues>(sql, ...params).map(messageRow);
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

/** The oldest row and those that may share a frame with it, as many as fit. */
function oneFrame(rows: readonly ClaimableRow[], max: number): ClaimableRow[] {
  const [head] = rows;
  if (head === undefined) return [];
  const alike = rows.filter((row) => row.frame_key === head.frame_key && row.batch_limit === head.batch_limit);
  return alike.slice(0, Math.min(max, head.batch_limit));
}

/** Where the next claim may begin, when `found` is what lay there in order, and `frame` is taken of what is `waiting`. */
function startAfter(
  start: ClaimStart,
  found: readonly ClaimableRow[],
  waiting: readonly ClaimableRow[],
  frame: readonly ClaimableRow[],
  nowMs: number,
  lastSeq: number,
): ClaimStart {
  const left = waiting.find((row, i) => row !== frame[i]);
  if (left !== undefined) return { dueAtMs: left.due_at, seq: left.seq, nowMs };
  const last = found.at(-1);
  if (last !== undefined) return { dueAtMs: last.due_at, seq: last.seq + 1, nowMs };
  return { dueAtMs: Math.max(start.dueAtMs, nowMs), seq: lastSeq + 1, nowMs };
}

function isWrittenAlike(a: HotRow, b: HotRow): boolean {
  return (
    a.state === b.state &&
    a.updated_at === b.updated_at &&
    a.result === b.result &&
    a.detail === b.detail &&
    a.claims === b.claims
  );
}

/**
 * The outbox in memory: for tests, and the plain reading of the port's rules against which the durable engine is checked.
 * It keeps nothing: `close` and `open` on the same object stand for a restart.
 */
import { UshotError } from '../errors.ts';
import { Ordered, type Timed } from './ordered.ts';
import type {
  AcceptResult,
  ClaimRequest,
  Counts,
  DuplicateTimes,
  GuardQuery,
  InboxReport,
  MessageType,
  NewMessage,
  NewReport,
  Outbox,
  ReportIntake,
  Service,
  SetBack,
  Settlement,
  StoredMessage,
  Sweep,
  SweepRequest,
} from './outbox.ts';
import {
  afterDoubt,
  afterSetBack,
  assertTimes,
  attachmentHash,
  attachmentHashes,
  attachmentMissing,
  CLAIM_REACH,
  CREATED_BUCKET_MS,
  CREATED_MEMORY_BUCKETS,
  cancelled,
  claimed,
  compareWaiting,
  expired,
  freshMessage,
  inboxReport,
  interrupted,
  type Move,
  needsAttachments,
  type Remembered,
  recalled,
  released,
  reported,
  reportKey,
  settled,
  unreported,
} from './rules.ts';
import { isEnd, type State, states } from './states.ts';

interface Entry extends Timed {
  readonly message: StoredMessage;
}

interface ReportRow {
  readonly report: NewReport;
  readonly seq: number;
  readonly receivedAtMs: number;
  /** Whether its message was known when it came. */
  readonly matched: boolean;
  emitted: boolean;
}

interface Attachment {
  readonly bytes: Buffer;
  /** How often it was put and not yet accepted with a message. */
  awaited: number;
  /** seq of the messages that need it. */
  readonly users: Set<number>;
}

const byService = <T>(make: () => T): Record<Service, T> => ({ sms: make(), mms: make() });
const byType = <T>(make: () => T): Record<MessageType, T> => ({ SMS: make(), LMS: make(), MMS: make() });

export class MemoryOutbox implements Outbox {
  #isOpen = false;
  #lastSeq = 0;
  readonly #bySeq = new Map<number, StoredMessage>();
  readonly #seqOf = new Map<string, number>();
  readonly #remembered = new Map<string, Remembered>();

  readonly #ready = byService(() => new Ordered<Entry>());
  readonly #expiry = byService(() => new Ordered<Entry>());
  readonly #doubtful = byService(() => new Ordered<Entry>());
  readonly #unreported = byType(() => new Ordered<Entry>());
  readonly #counts = Object.fromEntries(Object.keys(states).map((state) => [state, 0])) as Record<State, number>;
  readonly #open = byService(() => 0);
  #held = 0;

  #lastReportSeq = 0;
  readonly #reports = new Map<number, ReportRow>();
  readonly #reportKeys = new Set<string>();
  readonly #notEmitted = new Set<number>();
  /** By messageId, how many of its reports are not emitted. */
  readonly #waitingReports = new Map<string, number>();

  readonly #duplicates = new Map<string, DuplicateTimes>();
  readonly #created = new Map<number, number>();
  readonly #attachments = new Map<string, Attachment>();

  async open(nowMs: number): Promise<void> {
    if (this.#isOpen) throw new Error('bug: the outbox is open already');
    this.#isOpen = true;
    for (const message of [...this.#bySeq.values()]) {
      if (message.state === 'IN_FLIGHT') this.#apply(message, interrupted(message, nowMs));
    }
    for (const [hash, attachment] of [...this.#attachments]) {
      attachment.awaited = 0;
      this.#dropIfUnused(hash);
    }
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  async accept(messages: readonly NewMessage[]): Promise<AcceptResult[]> {
    this.#assertOpen();
    messages.forEach(assertTimes);
    for (const message of messages) {
      for (const hash of attachmentHashes(message)) {
        if (!this.#attachments.has(hash)) throw attachmentMissing(hash);
      }
    }
    const results = messages.map((message) => this.#accept(message));
    const hashes = new Set(messages.flatMap(attachmentHashes));
    for (const hash of hashes) {
      const attachment = this.#attachments.get(hash);
      if (attachment !== undefined) attachment.awaited = Math.max(0, attachment.awaited - 1);
      this.#dropIfUnused(hash);
    }
    return results;
  }

  async exchange(
    settlements: readonly Settlement[],
    claim: ClaimRequest | null,
    nowMs: number,
    decided?: (claimed: readonly StoredMessage[]) => void,
  ): Promise<StoredMessage[]> {
    this.#assertOpen();
    const moves = new Map<StoredMessage, Move | null>();
    for (const settlement of settlements) {
      for (const messageId of settlement.messageIds) {
        const message = this.#find(messageId);
        if (message === undefined) throw new Error(`bug: message ${messageId} is settled but not stored`);
        if (moves.has(message)) throw new Error(`bug: message ${messageId} is settled twice at once`);
        moves.set(message, settled(message, settlement, nowMs));
      }
    }
    for (const [message, move] of moves) if (move !== null) this.#apply(message, move);
    const claimed = claim === null ? [] : this.#claim(claim, nowMs);
    decided?.(claimed);
    return claimed;
  }

  async takeReports(reports: readonly NewReport[], nowMs: number): Promise<ReportIntake> {
    this.#assertOpen();
    const rows: ReportRow[] = [];
    for (const report of reports) {
      const key = reportKey(report);
      if (this.#reportKeys.has(key)) continue;
      this.#reportKeys.add(key);
      const message = this.#find(report.messageId);
      const matched = message !== undefined;
      const row = { report, seq: ++this.#lastReportSeq, receivedAtMs: nowMs, matched, emitted: false };
      this.#reports.set(row.seq, row);
      this.#notEmitted.add(row.seq);
      this.#waitingReports.set(report.messageId, (this.#waitingReports.get(report.messageId) ?? 0) + 1);
      rows.push(row);
      const move = message === undefined ? null : reported(message, report, nowMs);
      if (message !== undefined && move !== null) this.#apply(message, move);
    }
    return { fresh: rows.map((row) => this.#inbox(row)), repeats: reports.length - rows.length };
  }

  async pendingReports(limit: number): Promise<InboxReport[]> {
    this.#assertOpen();
    const found: InboxReport[] = [];
    for (const seq of this.#notEmitted) {
      if (found.length >= limit) break;
      const row = this.#reports.get(seq);
      if (row !== undefined) found.push(this.#inbox(row));
    }
    return found;
  }

  async reportsEmitted(seqs: readonly number[]): Promise<void> {
    this.#assertOpen();
    for (const seq of seqs) {
      const row = this.#reports.get(seq);
      if (row === undefined || row.emitted) continue;
      row.emitted = true;
      this.#notEmitted.delete(seq);
      const { messageId } = row.report;
      const waiting = (this.#waitingReports.get(messageId) ?? 1) - 1;
      if (waiting > 0) this.#waitingReports.set(messageId, waiting);
      else this.#waitingReports.delete(messageId);
      const message = this.#find(messageId);
      if (message !== undefined) this.#releaseAttachments(message);
    }
  }

  async sweep(request: SweepRequest): Promise<Sweep> {
    this.#assertOpen();
    const { nowMs, inDoubtBeforeMs, limit } = request;
    const sweep = { expired: [], noReport: [], resent: [], held: [] } as Record<
      'expired' | 'noReport' | 'resent' | 'held',
      StoredMessage[]
    >;
    let moved = 0;
    const take = (entries: Iterable<Entry>, beforeMs: number, skip?: (message: StoredMessage) => boolean) => {
      const found: StoredMessage[] = [];
      for (const { atMs, message } of entries) {
        if (atMs >= beforeMs || moved >= limit) break;
        if (skip?.(message)) continue;
        found.push(message);
        moved++;
      }
      return found;
    };
    for (const service of ['sms', 'mms'] as const) {
      for (const message of take(this.#expiry[service], nowMs + 1)) {
        sweep.expired.push(this.#apply(message, expired(message, nowMs)));
      }
    }
    for (const service of ['sms', 'mms'] as const) {
      const beforeMs = inDoubtBeforeMs[service] ?? Number.NEGATIVE_INFINITY;
      for (const message of take(this.#doubtful[service], beforeMs, ({ held }) => held)) {
        const next = this.#apply(message, afterDoubt(message, request));
        (next.held ? sweep.held : sweep.resent).push(next);
      }
    }
    for (const type of ['SMS', 'LMS', 'MMS'] as const) {
      for (const message of take(this.#unreported[type], request.unreportedBeforeMs[type])) {
        sweep.noReport.push(this.#apply(message, unreported(message, nowMs)));
      }
    }
    return { ...sweep, more: moved >= limit };
  }

  async clockWasSetBack(request: SetBack): Promise<StoredMessage[]> {
    this.#assertOpen();
    const found = [...this.#bySeq.values()].filter((message) => afterSetBack(message, request) !== null);
    found.sort(compareWaiting);
    return found.slice(0, request.limit).map((message) => this.#apply(message, afterSetBack(message, request) as Move));
  }

  async nextDueMs(service: Service, nowMs: number): Promise<number | null> {
    this.#assertOpen();
    const due = this.#ready[service].firstAfter(nowMs)?.atMs ?? Number.POSITIVE_INFINITY;
    const expiry = this.#expiry[service].first()?.atMs ?? Number.POSITIVE_INFINITY;
    const next = Math.min(due, expiry);
    return Number.isFinite(next) ? next : null;
  }

  async cancel(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return this.#moveEach(messageIds, (message) => cancelled(message, nowMs));
  }

  async release(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return this.#moveEach(messageIds, (message) => released(message, nowMs));
  }

  async listHeld(limit: number): Promise<StoredMessage[]> {
    this.#assertOpen();
    const held = [...this.#bySeq.values()].filter((message) => message.held);
    return held.sort((a, b) => a.updatedAtMs - b.updatedAtMs || a.seq - b.seq).slice(0, limit);
  }

  async get(messageIds: readonly string[]): Promise<StoredMessage[]> {
    this.#assertOpen();
    return messageIds.map((messageId) => this.#find(messageId)).filter((message) => message !== undefined);
  }

  async counts(): Promise<Counts> {
    this.#assertOpen();
    const { READY, IN_FLIGHT, ACCEPTED, IN_DOUBT } = this.#counts;
    return { READY, IN_FLIGHT, ACCEPTED, IN_DOUBT, held: this.#held, openByService: { ...this.#open } };
  }

  async recentDuplicates({ duplicateKeys, sinceMs }: GuardQuery): Promise<Map<string, DuplicateTimes>> {
    this.#assertOpen();
    const found = new Map<string, DuplicateTimes>();
    for (const key of duplicateKeys) {
      const times = this.#duplicates.get(key);
      if (times === undefined || times.seenAtMs < sinceMs) continue;
      const { sentAtMs, seenAtMs } = times;
      found.set(key, { sentAtMs: sentAtMs !== null && sentAtMs >= sinceMs ? sentAtMs : null, seenAtMs });
    }
    return found;
  }

  async createdSince(sinceMs: number): Promise<number> {
    this.#assertOpen();
    const first = Math.floor(sinceMs / CREATED_BUCKET_MS);
    let count = 0;
    for (const [bucket, created] of this.#created) if (bucket >= first) count += created;
    return count;
  }

  async putAttachment(bytes: Buffer): Promise<string> {
    this.#assertOpen();
    const hash = attachmentHash(bytes);
    const attachment = this.#attachments.get(hash);
    if (attachment !== undefined) attachment.awaited++;
    else this.#attachments.set(hash, { bytes: Buffer.from(bytes), awaited: 1, users: new Set() });
    return hash;
  }

  async readAttachment(hash: string): Promise<Buffer> {
    this.#assertOpen();
    const attachment = this.#attachments.get(hash);
    if (attachment === undefined) throw attachmentMissing(hash);
    return Buffer.from(attachment.bytes);
  }

  async prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null = null): Promise<number> {
    this.#assertOpen();
    let pruned = 0;
    const messages = [...this.#bySeq.values()];
    const newestMs = messages.at(-1)?.createdAtMs ?? 0;
    for (const message of messages) {
      // Older ones come first; but for those that came while the clock was ahead, which must not end the search.
      if (pruned >= limit || (message.createdAtMs >= olderThanMs && message.createdAtMs <= newestMs)) break;
      if (!isEnd(message.state) || message.updatedAtMs >= olderThanMs) continue;
      if (this.#waitingReports.has(message.messageId)) continue;
      const { state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held, seq, contentHash } = message;
      this.#remembered.set(message.messageId, {
        ...{ state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held, seq, contentHash },
      });
      this.#bySeq.delete(seq);
      this.#seqOf.delete(message.messageId);
      this.#counts[state]--;
      for (const row of [...this.#reports.values()]) {
        if (row.report.messageId === message.messageId) this.#dropReport(row);
      }
      pruned++;
    }
    let reports = 0;
    for (const row of [...this.#reports.values()].toSorted(
      (a, b) => a.receivedAtMs - b.receivedAtMs || a.seq - b.seq,
    )) {
      if (row.matched || !row.emitted || row.receivedAtMs >= olderThanMs) continue;
      if (reports++ < limit) this.#dropReport(row);
    }
    for (const key of oldest(this.#duplicates, ({ seenAtMs }) => seenAtMs, olderThanMs, limit)) {
      this.#duplicates.delete(key);
    }
    const buckets = [...this.#created.keys()];
    const latest = buckets.reduce((a, b) => Math.max(a, b), 0);
    for (const bucket of buckets) {
      const isOld = bucket < Math.floor(olderThanMs / CREATED_BUCKET_MS);
      if (isOld || bucket < latest - CREATED_MEMORY_BUCKETS) this.#created.delete(bucket);
    }
    if (forgetBeforeMs !== null) {
      const forgotten = oldest(this.#remembered, ({ updatedAtMs }) => updatedAtMs, forgetBeforeMs, limit);
      for (const messageId of forgotten) this.#remembered.delete(messageId);
    }
    return pruned;
  }

  async dropTexts(endedBeforeMs: number, limit: number): Promise<number> {
    this.#assertOpen();
    const droppable = [...this.#bySeq.values()].filter(
      (message) =>
        isEnd(message.state) &&
        message.updatedAtMs < endedBeforeMs &&
        message.text + message.subject + message.url !== '' &&
        !(message.state === 'FAILED' && this.#waitingReports.has(message.messageId)),
    );
    const oldestFirst = droppable.toSorted((a, b) => a.updatedAtMs - b.updatedAtMs || a.seq - b.seq).slice(0, limit);
    for (const message of oldestFirst) this.#bySeq.set(message.seq, { ...message, text: '', subject: '', url: '' });
    return oldestFirst.length;
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new UshotError('USHOT_STORE', { problem: 'the store is not open' });
  }

  #find(messageId: string): StoredMessage | undefined {
    const seq = this.#seqOf.get(messageId);
    return seq === undefined ? undefined : this.#bySeq.get(seq);
  }

  #accept(message: NewMessage): AcceptResult {
    const { messageId, contentHash } = message;
    const known = this.#find(messageId);
    if (known !== undefined) {
      return known.contentHash === contentHash ? { kind: 'repeat', message: known } : { kind: 'conflict', messageId };
    }
    const remembered = this.#remembered.get(messageId);
    if (remembered !== undefined) {
      if (remembered.contentHash !== contentHash) return { kind: 'conflict', messageId };
      return { kind: 'repeat', message: recalled(message, remembered) };
    }
    const stored = freshMessage(message, ++this.#lastSeq);
    this.#seqOf.set(messageId, stored.seq);
    this.#bySeq.set(stored.seq, stored);
    this.#index(stored);
    if (!isEnd(stored.state)) {
      for (const hash of attachmentHashes(stored)) this.#attachments.get(hash)?.users.add(stored.seq);
    }
    this.#remember(message);
    return { kind: 'stored', messageId };
  }

  /** Notes the message for the guards. */
  #remember({ duplicateKey, createdAtMs, state }: NewMessage): void {
    const sent = state === 'READY';
    if (sent) {
      const bucket = Math.floor(createdAtMs / CREATED_BUCKET_MS);
      this.#created.set(bucket, (this.#created.get(bucket) ?? 0) + 1);
    }
    if (duplicateKey === '') return;
    const times = this.#duplicates.get(duplicateKey);
    const sentBefore = times?.sentAtMs ?? null;
    this.#duplicates.set(duplicateKey, {
      sentAtMs: sent ? Math.max(createdAtMs, sentBefore ?? createdAtMs) : sentBefore,
      seenAtMs: Math.max(createdAtMs, times?.seenAtMs ?? createdAtMs),
    });
  }

  #claim({ service, max }: ClaimRequest, nowMs: number): StoredMessage[] {
    const frame: StoredMessage[] = [];
    let room = max;
    let seen = 0;
    for (const { atMs, message } of this.#ready[service]) {
      if (atMs > nowMs || frame.length >= room) break;
      if (message.expireAtMs <= nowMs) continue;
      if (++seen > CLAIM_REACH) break;
      const head = frame[0] ?? message;
      room = Math.min(max, head.batchLimit);
      if (message.frameKey === head.frameKey && message.batchLimit === head.batchLimit) frame.push(message);
    }
    return frame.map((message) => this.#apply(message, claimed(message, nowMs)));
  }

  #moveEach(messageIds: readonly string[], decide: (message: StoredMessage) => Move | null): StoredMessage[] {
    this.#assertOpen();
    const moved: StoredMessage[] = [];
    for (const messageId of messageIds) {
      const message = this.#find(messageId);
      const move = message === undefined ? null : decide(message);
      if (message !== undefined && move !== null) moved.push(this.#apply(message, move));
    }
    return moved;
  }

  #inbox({ report, seq, receivedAtMs }: ReportRow): InboxReport {
    return inboxReport(report, seq, receivedAtMs, this.#find(report.messageId) ?? null);
  }

  #dropReport({ seq, report }: ReportRow): void {
    this.#reports.delete(seq);
    this.#reportKeys.delete(reportKey(report));
  }

  #apply(message: StoredMessage, move: Move): StoredMessage {
    const next = { ...message, ...move };
    this.#unindex(message);
    this.#bySeq.set(next.seq, next);
    this.#index(next);
    this.#releaseAttachments(next);
    return next;
  }

  #index(message: StoredMessage): void {
    this.#counts[message.state]++;
    if (!isEnd(message.state)) this.#open[message.service]++;
    if (message.held) this.#held++;
    for (const [index, atMs] of this.#indexesOf(message)) index.add({ atMs, seq: message.seq, message });
  }

  #unindex(message: StoredMessage): void {
    this.#counts[message.state]--;
    if (!isEnd(message.state)) this.#open[message.service]--;
    if (message.held) this.#held--;
    for (const [index, atMs] of this.#indexesOf(message)) index.delete({ atMs, seq: message.seq });
  }

  #indexesOf(message: StoredMessage): [Ordered<Entry>, number][] {
    const { service, type, state, held, updatedAtMs } = message;
    if (state === 'READY') {
      return [
        [this.#ready[service], message.dueAtMs],
        [this.#expiry[service], message.expireAtMs],
      ];
    }
    const indexes: [Ordered<Entry>, number][] = [];
    if (state === 'IN_DOUBT') indexes.push([this.#doubtful[service], updatedAtMs]);
    if (state === 'ACCEPTED' || held) indexes.push([this.#unreported[type], updatedAtMs]);
    return indexes;
  }

  #releaseAttachments(message: StoredMessage): void {
    if (message.files.length === 0) return;
    if (needsAttachments(message.state, this.#waitingReports.has(message.messageId))) return;
    for (const hash of attachmentHashes(message)) {
      this.#attachments.get(hash)?.users.delete(message.seq);
      this.#dropIfUnused(hash);
    }
  }

  #dropIfUnused(hash: string): void {
    const attachment = this.#attachments.get(hash);
    if (attachment !== undefined && attachment.awaited === 0 && attachment.users.size === 0) {
      this.#attachments.delete(hash);
    }
  }
}

/** The keys of the oldest entries from before a time, at most `limit`. */
function oldest<V>(
  map: ReadonlyMap<string, V>,
  timeOf: (value: V) => number,
  beforeMs: number,
  limit: number,
): string[] {
  const found = [...map].map(([key, value]) => ({ key, atMs: timeOf(value) })).filter(({ atMs }) => atMs < beforeMs);
  found.sort((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1));
  return found.slice(0, limit).map(({ key }) => key);
}

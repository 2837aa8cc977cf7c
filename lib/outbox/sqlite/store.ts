/**
 * The store proper: what each call decides and changes, in the caller's thread and in memory. What comes of it is kept by
 * the worker as a batch (`outbox.ts` sees to that), and nobody hears of it before.
 *
 * A call is a generator. First it says what it lacks, by yielding a promise of the worker's answer, or null; when that has
 * come, and all calls before it are carried out, it decides, and changes all at once. When it throws, `backTo` undoes what it
 * did; when a batch cannot be kept, all of it goes back.
 *
 * What a call did not ask for, since it was in memory when it began, stays there until it is over: nothing is forgotten
 * while any call has begun.
 */
import type {
  AcceptResult,
  ClaimRequest,
  Counts,
  DuplicateTimes,
  GuardQuery,
  InboxReport,
  NewMessage,
  NewReport,
  ReportIntake,
  Service,
  SetBack,
  Settlement,
  StoredMessage,
  Sweep,
  SweepRequest,
} from '../outbox.ts';
import {
  afterDoubt,
  afterSetBack,
  assertTimes,
  attachmentHashes,
  attachmentMissing,
  CLAIM_REACH,
  cancelled,
  claimed,
  compareWaiting,
  expired,
  freshMessage,
  inboxReport,
  interrupted,
  type Move,
  type Remembered,
  recalled,
  released,
  reported,
  settled,
  unreported,
} from '../rules.ts';
import { isEnd } from '../states.ts';
import type { Batch, Opened } from './calls.ts';
import { type Duplicate, entryBytes, latest, type Tally } from './entry.ts';
import { Live, LiveMessages } from './live.ts';
import type { Position, Questions } from './questions.ts';
import {
  ACCEPTED,
  bucketOf,
  HELD,
  IN_DOUBT,
  IN_FLIGHT,
  type KeptReport,
  keptReport,
  type MessageValues,
  messageOf,
  OPEN_STATES,
  READY,
  rememberedOf,
  reportOf,
  SERVICES,
  serviceCode,
  stateCode,
  TYPES,
  type UnmatchedRow,
  unmatchedRow,
  wireJson,
} from './rows.ts';

/** What the store asks of the worker. */
export interface Rows {
  ask<Name extends keyof Questions>(
    ask: Name,
    ...of: Parameters<Questions[Name]>
  ): Promise<ReturnType<Questions[Name]>>;
  /** All that was decided is on disk. */
  kept(): Promise<void>;
}

/** Yielded first by a call before which all others must have been carried out, and which those behind it must wait for. */
export const IN_TURN = Symbol('in turn');

/** What a call lacks: what a promise resolves with, or nothing. */
export type Lacking = Promise<unknown> | typeof IN_TURN | null;

/** Yields what it lacks, first of all and perhaps again, is given that, and returns what the caller is answered. */
export type Call<T> = Generator<Lacking, T, unknown>;

function* fetched<T>(promise: Promise<T>): Call<T> {
  return (yield promise) as T;
}

/** Messages in memory at most, once they are kept. */
const MOST_LIVE = 8192;

/** Where READY messages may begin that are not in memory: those before, in order of claiming, had expired at `nowMs`. */
interface ColdReady extends Position {
  readonly nowMs: number;
}

const ANYWHERE: ColdReady = { dueAtMs: Number.MIN_SAFE_INTEGER, seq: 0, nowMs: Number.MIN_SAFE_INTEGER };
const NEVER_MS = Number.MAX_SAFE_INTEGER;
const NO_REPORTS: readonly KeptReport[] = [];
const NO_MESSAGES: ReadonlyMap<string, Live> = new Map();
const NOTHING_KNOWN = { messages: NO_MESSAGES, remembered: new Map<string, Remembered>() };

/**
 * What a message was before it changed. `message` is null when it was not in memory. A class, not a literal: see
 * docs/decisions/0020.
 */
class Undo {
  readonly live: Live;
  readonly message: StoredMessage | null;
  readonly reports: readonly KeptReport[];

  constructor(live: Live, message: StoredMessage | null, reports: readonly KeptReport[]) {
    this.live = live;
    this.message = message;
    this.reports = reports;
  }
}

/** What changed since the last batch. */
class Changes {
  readonly tallyBefore: Tally;
  /** Each once. */
  readonly messages: Live[] = [];
  readonly undo: Undo[] = [];
  readonly pending: [seq: number, messageId: string][] = [];
  readonly emitted: number[] = [];
  readonly duplicates: Duplicate[] = [];
  readonly users: [seq: number, hash: string][] = [];
  readonly unmatched: UnmatchedRow[] = [];
  readonly awaited: string[] = [];
  accepts = false;
  inRows = false;

  constructor(tally: Tally) {
    this.tallyBefore = tally;
  }

  get lists(): unknown[][] {
    return [this.undo, this.pending, this.emitted, this.duplicates, this.users, this.unmatched, this.awaited];
  }

  get hasEntry(): boolean {
    return this.messages.length + this.emitted.length + this.unmatched.length > 0;
  }
}

/** How far the changes had come. */
export interface Mark {
  readonly tally: Tally;
  readonly lengths: readonly number[];
  readonly accepts: boolean;
  readonly inRows: boolean;
}

export class Store {
  readonly #rows: Rows;
  readonly #mostLive: number;
  readonly #live = new LiveMessages();
  /** How many messages are in each open state, by service and state code. */
  #open: number[][] = [];
  #lastSeq = 0;
  #lastReportSeq = 0;
  #greatestId: string;
  #anyUnmatched: boolean;
  /** Reports that keep attachments until flows have seen them. */
  readonly #keepFiles = new Set<number>();
  readonly #coldReady: Record<Service, ColdReady> = { sms: ANYWHERE, mms: ANYWHERE };
  #changes: Changes;
  /** Counts them. */
  #lastChanges = 1;
  /** What the worker is about to keep, in order. */
  readonly #handedOver: Changes[] = [];
  /** What is kept, and may be forgotten. */
  #toForget: Changes[] = [];
  /** How many messages changes hold. */
  #heldLive = 0;

  constructor(rows: Rows, opened: Opened, mostLive = MOST_LIVE) {
    this.#rows = rows;
    this.#mostLive = mostLive;
    this.#setTally(opened.tally);
    this.#greatestId = opened.greatestId;
    this.#anyUnmatched = opened.anyUnmatched;
    this.#changes = new Changes(this.#tally);
  }

  // Batches.

  get hasChanges(): boolean {
    const { hasEntry, awaited } = this.#changes;
    return hasEntry || awaited.length > 0;
  }

  /** What has changed, for the worker. Then comes `kept` or `sunk`. */
  handOver(): Omit<Batch, 'sunkBefore'> {
    const { messages, pending, emitted, duplicates, users, unmatched, awaited, accepts, inRows, hasEntry } =
      this.#changes;
    const changed: Live[] = [];
    // Not those that a call accepted which failed then.
    for (const live of messages) if (live.isLive) changed.push(live);
    const lists = { tally: this.#tally, pending, emitted, duplicates, users, unmatched };
    const entry = hasEntry ? entryBytes(changed, lists) : null;
    for (const live of changed) live.isKnown = true;
    this.#handedOver.push(this.#changes);
    this.#newChanges();
    return { entry, inRows, accepts, awaited };
  }

  /** The first that was handed over is on disk. */
  kept(): void {
    const changes = this.#handedOver.shift();
    if (changes !== undefined) this.#toForget.push(changes);
  }

  get hasToForget(): boolean {
    return this.#toForget.length > 0;
  }

  /**
   * Only while no call has begun that is not over. Messages leave memory that have ended, and when there are too many, all
   * that do not change: the worker has their newest self.
   */
  forget(): void {
    if (this.#toForget.length === 0) return;
    for (const changes of this.#toForget) this.#letGo(changes);
    this.#toForget = [];
    if (this.#live.size - this.#heldLive <= this.#mostLive) return;
    for (const live of this.#live) if (live.holds === 0) this.#drop(live);
  }

  sunk(): void {
    const { tallyBefore } = this.#handedOver[0] ?? this.#changes;
    const sunk = [...this.#handedOver.splice(0), this.#changes].reverse();
    for (const { undo } of sunk) this.#undo(undo, 0);
    for (const changes of sunk) this.#letGo(changes);
    this.#setTally(tallyBefore);
    this.#newChanges();
  }

  #newChanges(): void {
    this.#changes = new Changes(this.#tally);
    this.#lastChanges++;
  }

  #hold(live: Live): void {
    if (live.heldBy === this.#lastChanges) return;
    live.heldBy = this.#lastChanges;
    this.#changes.messages.push(live);
    if (live.holds++ === 0) this.#heldLive++;
  }

  #letGo({ messages }: Changes): void {
    for (const live of messages) {
      if (--live.holds > 0) continue;
      this.#heldLive--;
      if (live.isLive && isEnd(live.message.state)) this.#drop(live);
    }
  }

  /** Before a call changes anything. */
  mark(): Mark {
    const { lists, accepts, inRows } = this.#changes;
    return { tally: this.#tally, lengths: lists.map(({ length }) => length), accepts, inRows };
  }

  backTo({ tally, lengths, accepts, inRows }: Mark): void {
    const changes = this.#changes;
    this.#undo(changes.undo, lengths[0] ?? 0);
    for (const [i, list] of changes.lists.entries()) list.length = lengths[i] ?? 0;
    this.#setTally(tally);
    Object.assign(changes, { accepts, inRows });
  }

  #undo(undo: readonly Undo[], from: number): void {
    for (let i = undo.length - 1; i >= from; i--) {
      const { live, message, reports } = undo[i] as Undo;
      if (message === null) this.#drop(live);
      else this.#live.change(live, message, reports);
    }
  }

  /** What not every call that has begun can know from the worker. */
  get #recent(): Changes[] {
    return [...this.#toForget, ...this.#handedOver, this.#changes];
  }

  /** From now on, whoever asks for the message asks the worker. */
  #drop(live: Live): void {
    this.#live.delete(live);
    const { state, service, dueAtMs, seq } = live.message;
    if (state !== 'READY') return;
    const cold = this.#coldReady[service];
    if (isBefore({ atMs: dueAtMs, seq }, cold)) this.#coldReady[service] = { dueAtMs, seq, nowMs: cold.nowMs };
  }

  get #tally(): Tally {
    return [this.#open.map((counts) => [...counts]), this.#lastSeq, this.#lastReportSeq];
  }

  #setTally([open, lastSeq, lastReportSeq]: Tally): void {
    this.#open = open.map((counts) => [...counts]);
    this.#lastSeq = lastSeq;
    this.#lastReportSeq = lastReportSeq;
  }

  // The calls.

  /** After a restart: what was in flight may have gone out. */
  *interrupt(nowMs: number): Call<void> {
    const rows = yield* fetched(this.#rows.ask('inFlight'));
    for (const live of rows.map(liveRow)) this.#move(live, interrupted(live.message, nowMs));
  }

  *accept(messages: readonly NewMessage[]): Call<AcceptResult[]> {
    messages.forEach(assertTimes);
    const hashes = new Set<string>();
    for (const message of messages)
      if (message.files.length > 0) for (const hash of attachmentHashes(message)) hashes.add(hash);
    // Most ids carry the time: what sorts behind all that were accepted before was not.
    const perhapsKnown = messages.map(({ messageId }) => messageId).filter((id) => id <= this.#greatestId);
    const known = yield* this.#known(perhapsKnown);
    if (hashes.size > 0) {
      const [missing] = yield* fetched(this.#rows.ask('missingAttachments', [...hashes]));
      if (missing !== undefined) throw attachmentMissing(missing);
    }
    this.#changes.awaited.push(...hashes);
    return messages.map((message) => {
      if (message.messageId > this.#greatestId) return this.#accept(message);
      const repeated = this.#live.withId(message.messageId) ?? known.messages.get(message.messageId);
      return repeatOf(message, repeated, known.remembered.get(message.messageId)) ?? this.#accept(message);
    });
  }

  *exchange(settlements: readonly Settlement[], claim: ClaimRequest | null, nowMs: number): Call<StoredMessage[]> {
    const toSettle = yield* this.#messages(settlements.flatMap(({ messageIds }) => messageIds));
    // What is READY again may come before what is there, and ask for other company.
    const isDeep = settlements.some(({ to }) => to === 'READY');
    if (claim !== null) yield* this.#fetchReady(claim, nowMs, isDeep);
    let next = 0;
    for (const settlement of settlements) {
      for (const messageId of settlement.messageIds) {
        const live = toSettle[next++];
        if (live === undefined) throw new Error(`bug: message ${messageId} is settled but not stored`);
        const move = settled(live.message, settlement, nowMs);
        if (move !== null) this.#move(live, move);
      }
    }
    if (claim === null) return [];
    return this.#frame(claim, nowMs).frame.map((live) => this.#move(live, claimed(live.message, nowMs)));
  }

  *takeReports(reports: readonly NewReport[], nowMs: number): Call<ReportIntake> {
    const messageIds = reports.map(({ messageId }) => messageId);
    const messages = yield* this.#messages(messageIds);
    const unmatched = new Set(this.#anyUnmatched ? yield* fetched(this.#rows.ask('unmatched', messageIds)) : []);
    for (const recent of this.#recent) for (const [id, , , , , wire] of recent.unmatched) unmatched.add(id + wire);
    const fresh: { report: NewReport; seq: number; live: Live | undefined }[] = [];
    for (const [i, report] of reports.entries()) {
      const { messageId } = report;
      const live = messages[i];
      const seq = this.#lastReportSeq + 1;
      const kept = keptReport(report, seq, nowMs);
      if (isRepeat(messageId, kept, live, unmatched)) continue;
      this.#lastReportSeq = seq;
      this.#changes.pending.push([seq, messageId]);
      fresh.push({ report, seq, live });
      if (live !== undefined) {
        this.#keepReport(live, report, kept, nowMs);
        if (live.message.files.length > 0) this.#keepFiles.add(seq);
      } else {
        unmatched.add(messageId + wireJson(kept));
        this.#changes.unmatched.push(unmatchedRow(messageId, kept));
        this.#changes.inRows = true;
        this.#anyUnmatched = true;
      }
    }
    const inbox = fresh.map(({ report, seq, live }) => inboxReport(report, seq, nowMs, live?.message ?? null));
    return { fresh: inbox, repeats: reports.length - inbox.length };
  }

  *pendingReports(limit: number): Call<InboxReport[]> {
    yield IN_TURN;
    yield* fetched(this.#rows.kept());
    const pending = yield* fetched(this.#rows.ask('inbox', limit));
    return pending.map(({ messageId, report: kept, message }) => {
      const { report, seq, receivedAtMs } = reportOf(messageId, kept);
      const newest = this.#live.withId(messageId)?.message ?? (message && messageOf(message));
      if (newest && newest.files.length > 0) this.#keepFiles.add(seq);
      return inboxReport(report, seq, receivedAtMs, newest);
    });
  }

  *reportsEmitted(seqs: readonly number[]): Call<void> {
    yield null;
    for (const seq of seqs) {
      if (seq <= this.#lastReportSeq) this.#changes.emitted.push(seq);
      if (this.#keepFiles.delete(seq)) this.#changes.inRows = true;
    }
  }

  *sweep(request: SweepRequest): Call<Sweep> {
    yield IN_TURN;
    const { nowMs, inDoubtBeforeMs, unreportedBeforeMs, limit } = request;
    const isExpired = ({ state, expireAtMs }: StoredMessage): boolean => state === 'READY' && expireAtMs <= nowMs;
    const isDoubtOver = ({ state, held, service, updatedAtMs }: StoredMessage): boolean =>
      state === 'IN_DOUBT' && !held && updatedAtMs < (inDoubtBeforeMs[service] ?? Number.NEGATIVE_INFINITY);
    const isUnreported = ({ state, held, type, updatedAtMs }: StoredMessage): boolean =>
      (state === 'ACCEPTED' || held) && updatedAtMs < unreportedBeforeMs[type];
    const rows = yield* fetched(this.#rows.ask('overdue', request, this.#liveSeqs));
    const overdue = this.#newest(
      rows,
      (message) => isExpired(message) || isDoubtOver(message) || isUnreported(message),
    );
    let left = limit;
    const take = (is: (message: StoredMessage) => boolean, atMs: (message: StoredMessage) => number): Live[] => {
      const found = overdue.filter(({ message }) => is(message));
      found.sort((a, b) => atMs(a.message) - atMs(b.message) || a.seq - b.seq);
      const taken = found.slice(0, left);
      left -= taken.length;
      return taken;
    };
    const swept = { expired: [], noReport: [], resent: [], held: [] } as Record<
      'expired' | 'noReport' | 'resent' | 'held',
      StoredMessage[]
    >;
    for (const service of SERVICES) {
      const found = take(
        (message) => message.service === service && isExpired(message),
        ({ expireAtMs }) => expireAtMs,
      );
      for (const live of found) swept.expired.push(this.#move(live, expired(live.message, nowMs)));
    }
    for (const service of SERVICES) {
      const found = take(
        (message) => message.service === service && isDoubtOver(message),
        ({ updatedAtMs }) => updatedAtMs,
      );
      for (const live of found) {
        const message = this.#move(live, afterDoubt(live.message, request));
        (message.held ? swept.held : swept.resent).push(message);
      }
    }
    for (const type of TYPES) {
      const found = take(
        (message) => message.type === type && isUnreported(message),
        ({ updatedAtMs }) => updatedAtMs,
      );
      for (const live of found) swept.noReport.push(this.#move(live, unreported(live.message, nowMs)));
    }
    return { ...swept, more: left <= 0 };
  }

  *clockWasSetBack(request: SetBack): Call<StoredMessage[]> {
    yield IN_TURN;
    const rows = yield* fetched(this.#rows.ask('fromLater', request, this.#liveSeqs));
    const found = this.#newest(rows, (message) => afterSetBack(message, request) !== null);
    found.sort((a, b) => compareWaiting(a.message, b.message));
    return found.slice(0, request.limit).map((live) => this.#move(live, afterSetBack(live.message, request) as Move));
  }

  *nextDueMs(service: Service, nowMs: number): Call<number | null> {
    yield IN_TURN;
    const ready = this.#live.ready(service);
    const times: (number | null | undefined)[] = [ready.firstAfter(nowMs)?.atMs];
    for (const { message } of ready) times.push(message.expireAtMs);
    if (this.#countCold(service) > 0) {
      times.push(...(yield* fetched(this.#rows.ask('next', serviceCode(service), nowMs, this.#liveSeqs))));
    }
    const next = times.reduce<number>((least, time) => Math.min(least, time ?? least), Number.POSITIVE_INFINITY);
    return Number.isFinite(next) ? next : null;
  }

  *cancel(messageIds: readonly string[], nowMs: number): Call<StoredMessage[]> {
    return yield* this.#moveEach(messageIds, (message) => cancelled(message, nowMs));
  }

  *release(messageIds: readonly string[], nowMs: number): Call<StoredMessage[]> {
    return yield* this.#moveEach(messageIds, (message) => released(message, nowMs));
  }

  *listHeld(limit: number): Call<StoredMessage[]> {
    yield IN_TURN;
    const rows = yield* fetched(this.#rows.ask('held', limit, this.#liveSeqs));
    const held = this.#newest(rows, (message) => message.held).map(({ message }) => message);
    return held.sort((a, b) => a.updatedAtMs - b.updatedAtMs || a.seq - b.seq).slice(0, limit);
  }

  *get(messageIds: readonly string[]): Call<StoredMessage[]> {
    return (yield* this.#messages(messageIds)).flatMap((live) => live?.message ?? []);
  }

  *counts(): Call<Counts> {
    yield null;
    const inState = (state: number): number => this.#open.reduce((sum, counts) => sum + (counts[state] ?? 0), 0);
    const open = (service: Service): number =>
      (this.#open[serviceCode(service)] ?? []).reduce((sum, count) => sum + count, 0);
    return {
      READY: inState(READY),
      IN_FLIGHT: inState(IN_FLIGHT),
      ACCEPTED: inState(ACCEPTED),
      IN_DOUBT: inState(IN_DOUBT) + inState(HELD),
      held: inState(HELD),
      openByService: { sms: open('sms'), mms: open('mms') },
    };
  }

  *recentDuplicates({ duplicateKeys, sinceMs }: GuardQuery): Call<Map<string, DuplicateTimes>> {
    const found = new Map(yield* fetched(this.#rows.ask('duplicates', duplicateKeys)));
    const keys = new Set(duplicateKeys);
    for (const { duplicates } of this.#recent) {
      for (const [key, sentAtMs, seenAtMs] of duplicates) {
        if (keys.has(key)) found.set(key, latest(found.get(key), { sentAtMs, seenAtMs }));
      }
    }
    const recent = [...found].filter(([, { seenAtMs }]) => seenAtMs >= sinceMs);
    const sinceThen = (atMs: number | null): number | null => (atMs !== null && atMs >= sinceMs ? atMs : null);
    return new Map(recent.map(([key, { sentAtMs, seenAtMs }]) => [key, { sentAtMs: sinceThen(sentAtMs), seenAtMs }]));
  }

  *createdSince(sinceMs: number): Call<number> {
    yield IN_TURN;
    yield* fetched(this.#rows.kept());
    return yield* fetched(this.#rows.ask('createdSince', bucketOf(sinceMs)));
  }

  *putAttachment(bytes: Buffer): Call<string> {
    // Not before its turn: a call that has to begin anew must not put it twice.
    yield null;
    return yield* fetched(this.#rows.ask('putAttachment', new Uint8Array(bytes)));
  }

  *readAttachment(hash: string): Call<Buffer> {
    const { buffer, byteOffset, byteLength } = yield* fetched(this.#rows.ask('readAttachment', hash));
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  *prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null): Call<number> {
    yield IN_TURN;
    yield* fetched(this.#rows.kept());
    return yield* fetched(this.#rows.ask('prune', olderThanMs, limit, forgetBeforeMs));
  }

  *dropTexts(endedBeforeMs: number, limit: number): Call<number> {
    yield IN_TURN;
    yield* fetched(this.#rows.kept());
    return yield* fetched(this.#rows.ask('dropTexts', endedBeforeMs, limit));
  }

  // What calls lack.

  /** Messages by id, in order; undefined where there is none. */
  *#messages(messageIds: readonly string[]): Call<(Live | undefined)[]> {
    const found = messageIds.map((messageId) => this.#live.withId(messageId));
    const lacking = messageIds.filter((_, i) => found[i] === undefined);
    if (lacking.length === 0) yield null;
    const cold = lacking.length === 0 ? NO_MESSAGES : byId(yield* fetched(this.#rows.ask('messages', lacking)));
    // Calls before this one have been carried out since.
    return messageIds.map((messageId, i) => found[i] ?? this.#live.withId(messageId) ?? cold.get(messageId));
  }

  /** The same, and what is remembered of those that were pruned. */
  *#known(messageIds: readonly string[]): Call<typeof NOTHING_KNOWN> {
    const lacking = messageIds.filter((messageId) => this.#live.withId(messageId) === undefined);
    if (lacking.length === 0) {
      yield null;
      return NOTHING_KNOWN;
    }
    const { messages, remembered } = yield* fetched(this.#rows.ask('known', lacking));
    return {
      messages: byId(messages),
      remembered: new Map(remembered.map((row) => [row.message_id, rememberedOf(row)])),
    };
  }

  /** Brings into memory what a claim may take; `isDeep`: all that it may look at. */
  *#fetchReady(claim: ClaimRequest, nowMs: number, isDeep: boolean): Call<void> {
    const { service } = claim;
    if (this.#countCold(service) === 0) return;
    while (!(isDeep ? this.#isAllHere(service, nowMs) : this.#frame(claim, nowMs).isCertain)) {
      const from = this.#coldFrom(service, nowMs);
      const asked = this.#rows.ask('claimable', serviceCode(service), nowMs, from, CLAIM_REACH);
      const { messages, end } = yield* fetched(asked);
      for (const row of messages) if (this.#live.withId(row[1]) === undefined) this.#live.add(liveRow(row));
      this.#coldReady[service] = { ...(end ?? { dueAtMs: NEVER_MS, seq: 0 }), nowMs };
    }
  }

  /** What a claim takes of what is in memory; and whether it would be the same if all were. */
  #frame({ service, max }: ClaimRequest, nowMs: number): { frame: Live[]; isCertain: boolean } {
    const cold = this.#countCold(service) > 0 ? this.#coldFrom(service, nowMs) : null;
    const frame: Live[] = [];
    let room = max;
    let seen = 0;
    for (const live of this.#live.ready(service)) {
      if (frame.length >= room) return { frame, isCertain: true };
      if (cold !== null && !isBefore(live, cold)) break;
      const { message } = live;
      if (message.dueAtMs > nowMs) break;
      if (message.expireAtMs <= nowMs) continue;
      if (++seen > CLAIM_REACH) return { frame, isCertain: true };
      const head = frame[0]?.message ?? message;
      room = Math.min(max, head.batchLimit);
      if (message.frameKey === head.frameKey && message.batchLimit === head.batchLimit) frame.push(live);
    }
    return { frame, isCertain: frame.length >= room || cold === null || cold.dueAtMs > nowMs };
  }

  /** Whether all is in memory that a claim looks at, whatever it takes. */
  #isAllHere(service: Service, nowMs: number): boolean {
    const cold = this.#coldFrom(service, nowMs);
    if (this.#countCold(service) === 0 || cold.dueAtMs > nowMs) return true;
    let seen = 0;
    for (const live of this.#live.ready(service)) {
      if (live.atMs > nowMs || !isBefore(live, cold)) return false;
      if (live.message.expireAtMs > nowMs && ++seen === CLAIM_REACH) return true;
    }
    return false;
  }

  #coldFrom(service: Service, nowMs: number): ColdReady {
    const cold = this.#coldReady[service];
    return cold.nowMs <= nowMs ? cold : ANYWHERE;
  }

  /** How many messages are READY and not in memory. */
  #countCold(service: Service): number {
    return (this.#open[serviceCode(service)]?.[READY] ?? 0) - this.#live.ready(service).size;
  }

  // What calls change.

  #accept(message: NewMessage): AcceptResult {
    const stored = freshMessage(message, ++this.#lastSeq);
    const { messageId, seq, state, createdAtMs, duplicateKey, files } = stored;
    if (messageId > this.#greatestId) this.#greatestId = messageId;
    const live = new Live(stored, NO_REPORTS, false);
    const changes = this.#changes;
    this.#live.add(live);
    changes.undo.push(new Undo(live, null, NO_REPORTS));
    this.#hold(live);
    changes.accepts = true;
    this.#count(stored, 1);
    if (duplicateKey !== '')
      changes.duplicates.push([duplicateKey, state === 'READY' ? createdAtMs : null, createdAtMs]);
    if (files.length === 0 || state !== 'READY') return { kind: 'stored', messageId };
    for (const hash of attachmentHashes(stored)) {
      changes.users.push([seq, hash]);
      changes.inRows = true;
    }
    return { kind: 'stored', messageId };
  }

  *#moveEach(messageIds: readonly string[], decide: (message: StoredMessage) => Move | null): Call<StoredMessage[]> {
    const moved: StoredMessage[] = [];
    for (const live of yield* this.#messages(messageIds)) {
      const move = live === undefined ? null : decide(live.message);
      if (live !== undefined && move !== null) moved.push(this.#move(live, move));
    }
    return moved;
  }

  #keepReport(live: Live, report: NewReport, kept: KeptReport, nowMs: number): void {
    const move = reported(live.message, report, nowMs);
    this.#change(live, move === null ? live.message : withMove(live.message, move), [...live.reports, kept]);
  }

  #move(live: Live, move: Move): StoredMessage {
    const next = withMove(live.message, move);
    this.#change(live, next, live.reports);
    return next;
  }

  #change(live: Live, message: StoredMessage, reports: readonly KeptReport[]): void {
    const changes = this.#changes;
    if (!live.isLive) {
      this.#live.add(live);
      changes.undo.push(new Undo(live, null, NO_REPORTS));
    }
    changes.undo.push(new Undo(live, live.message, live.reports));
    this.#hold(live);
    this.#count(live.message, -1);
    this.#live.change(live, message, reports);
    this.#count(message, 1);
    if (message.files.length > 0 && isEnd(message.state)) changes.inRows = true;
  }

  #count({ service, state, held }: StoredMessage, by: 1 | -1): void {
    const counts = this.#open[serviceCode(service)];
    const code = stateCode(state, held);
    if (code < OPEN_STATES && counts !== undefined) counts[code] = (counts[code] ?? 0) + by;
  }

  get #liveSeqs(): number[] {
    return Array.from(this.#live, ({ seq }) => seq);
  }

  /** Messages that are so now, of rows and of what is in memory. */
  #newest(rows: readonly MessageValues[], is: (message: StoredMessage) => boolean): Live[] {
    const found: Live[] = [];
    for (const live of this.#live) if (is(live.message)) found.push(live);
    for (const row of rows) {
      if (this.#live.withId(row[1]) !== undefined) continue;
      const live = liveRow(row);
      if (is(live.message)) found.push(live);
    }
    return found;
  }
}

const isBefore = (live: { readonly atMs: number; readonly seq: number }, cold: ColdReady): boolean =>
  live.atMs < cold.dueAtMs || (live.atMs === cold.dueAtMs && live.seq < cold.seq);

const liveRow = (row: MessageValues): Live =>
  new Live(messageOf(row), row[15] === null ? NO_REPORTS : (JSON.parse(row[15]) as KeptReport[]), true);

const byId = (rows: readonly MessageValues[]): Map<string, Live> => new Map(rows.map((row) => [row[1], liveRow(row)]));

/** What a message is answered with whose id was accepted before, or undefined. */
function repeatOf(
  message: NewMessage,
  known: Live | undefined,
  remembered: Remembered | undefined,
): AcceptResult | undefined {
  const { messageId, contentHash } = message;
  const before = known?.message ?? remembered;
  if (before === undefined) return undefined;
  if (before.contentHash !== contentHash) return { kind: 'conflict', messageId };
  return { kind: 'repeat', message: known?.message ?? recalled(message, before as Remembered) };
}

/** Whether the same report came before: with the message, or when there was no such message. */
function isRepeat(messageId: string, report: KeptReport, live: Live | undefined, unmatched: Set<string>): boolean {
  const before = live?.reports ?? NO_REPORTS;
  if (before.length === 0 && unmatched.size === 0) return false;
  const wire = wireJson(report);
  return unmatched.has(messageId + wire) || before.some((kept) => wireJson(kept) === wire);
}

/** The message after a move. What the file would refuse is refused here, not when it comes to be kept. */
function withMove(message: StoredMessage, move: Move): StoredMessage {
  const { state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held } = move;
  const { isSafeInteger: isOurs } = Number;
  if (!isOurs(dueAtMs) || !isOurs(updatedAtMs) || !isOurs(batchLimit) || !isOurs(result ?? 0)) {
    throw new Error(`bug: message ${message.messageId} is given a number that is none of ours`);
  }
  return { ...message, state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held };
}

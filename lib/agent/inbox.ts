/**
 * The way back: reports are committed before they are acknowledged, what the gateway asks to send again is stored under
 * a new id, inputs that wait are told, and flows are given each report at least once.
 *
 * The order makes a crash harmless at any point: an uncommitted report is sent by the gateway again, a committed one is
 * found at the next start, and a resend's id follows from the first, so that it is stored once.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Language } from '../errors.ts';
import type { InboxReport, NewMessage, NewReport, Outbox, StoredMessage } from '../outbox/outbox.ts';
import { resultOf } from '../protocol/index.ts';
import { resendId } from './ids.ts';
import { type FlowReport, type ReportRecord, toFlowReport, toNewReport } from './reports.ts';

export type ReportListener = (report: FlowReport, carried: Readonly<Record<string, unknown>>) => void;

export interface InboxDeps {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly language: Language;
  readonly resendTries: number;
}

export interface InboxEvents {
  /** The message has its report. */
  ended(message: StoredMessage): void;
  /** The message failed for a passing reason and is sent again under `again.messageId`. */
  resent(message: StoredMessage, again: NewMessage): void;
  /** The store refused; it is asked again. Null: it works. */
  storeTrouble(error: unknown): void;
}

const STORE_RETRY_MS = 1_000;
/** How long marks wait for the next reports, to share their commit. */
const MARK_MS = 20;
const EMIT_AT_ONCE = 500;
/** Pauses before results 95 to 99 are sent again; the last holds for all further tries. */
const RESEND_PAUSES_MS = [30_000, 120_000, 600_000] as const;
const LAST_PAUSE_MS = 600_000;

export class Inbox {
  readonly #deps: InboxDeps;
  readonly #events: InboxEvents;
  readonly #listeners = new Set<ReportListener>();
  /** Reports that are being given to flows, so that none goes twice while its mark is on the way to the disk. */
  readonly #emitting = new Set<number>();
  /** Reports that were given and are to be marked so. Lost in a crash, they are given once more. */
  #given: number[] = [];
  #markTimer: Timer | null = null;
  /** Reports that are on their way to the disk, and from there to flows. */
  readonly #underWay = new Set<Promise<void>>();
  #stopped = false;

  constructor(deps: InboxDeps, events: InboxEvents) {
    this.#deps = deps;
    this.#events = events;
  }

  get listened(): boolean {
    return this.#listeners.size > 0;
  }

  listen(listener: ReportListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** No report is taken any more: what is not committed will come again. Resolves when what was given is marked so. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#underWay);
    await this.#markGiven();
  }

  /** Commits reports, then lets the link acknowledge them (`stored`). A store that refuses is asked until it takes them. */
  async take(records: readonly ReportRecord[], stored: () => void): Promise<void> {
    const { clock } = this.#deps;
    const reports = records.map(toNewReport);
    while (!this.#stopped) {
      try {
        return await this.#awaitedByStop(this.#takeOnce(reports, stored));
      } catch (error) {
        this.#events.storeTrouble(error);
        await new Promise<void>((resolve) => {
          clock.timer(STORE_RETRY_MS, resolve);
        });
      }
    }
  }

  async #takeOnce(reports: readonly NewReport[], stored: () => void): Promise<void> {
    const taking = this.#deps.outbox.takeReports(reports, this.#deps.clock.now());
    void this.#markGiven();
    const { fresh } = await taking;
    this.#events.storeTrouble(null);
    stored();
    await this.#process(fresh);
  }

  /** Takes up what was committed but not given to flows: after a start, and when the first flow listens. */
  resume(): Promise<void> {
    return this.#awaitedByStop(this.#resume());
  }

  async #resume(): Promise<void> {
    for (;;) {
      if (this.#stopped) return;
      const pending = await this.#deps.outbox.pendingReports(EMIT_AT_ONCE);
      const fresh = pending.filter(({ seq }) => !this.#emitting.has(seq));
      if (fresh.length === 0) return;
      await this.#process(fresh);
      await this.#markGiven();
      if (!this.listened || pending.length < EMIT_AT_ONCE) return;
    }
  }

  /** Reports that came before `beforeMs` and that no flow ever listened for are not given any more: the store must end somewhere. */
  async dropUnheard(beforeMs: number): Promise<void> {
    if (this.listened) return;
    const pending = await this.#deps.outbox.pendingReports(EMIT_AT_ONCE);
    const old = pending.filter(({ receivedAtMs }) => receivedAtMs < beforeMs);
    if (old.length > 0) await this.#deps.outbox.reportsEmitted(old.map(({ seq }) => seq));
  }

  async #awaitedByStop(work: Promise<void>): Promise<void> {
    this.#underWay.add(work);
    try {
      await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #process(reports: readonly InboxReport[]): Promise<void> {
    for (const { seq } of reports) this.#emitting.add(seq);
    const given: number[] = [];
    try {
      const again = await this.#sendAgain(reports);
      for (const report of reports) if (this.#finish(report, again.get(report.seq) ?? null)) given.push(report.seq);
    } finally {
      if (given.length < reports.length) this.#letGo(reports, new Set(given));
    }
    this.#given.push(...given);
    if (this.#stopped) await this.#markGiven();
    else this.#markTimer ??= this.#deps.clock.timer(MARK_MS, () => void this.#markGiven());
  }

  /** They may be given another time. */
  #letGo(reports: readonly InboxReport[], given: ReadonlySet<number>): void {
    for (const { seq } of reports) if (!given.has(seq)) this.#emitting.delete(seq);
  }

  /** A sync costs as much as storing a hundred reports: marks go with the next reports, or alone after a moment. */
  async #markGiven(): Promise<void> {
    this.#markTimer?.cancel();
    this.#markTimer = null;
    const seqs = this.#given;
    if (seqs.length === 0) return;
    this.#given = [];
    try {
      await this.#deps.outbox.reportsEmitted(seqs);
    } catch (error) {
      this.#events.storeTrouble(error);
    } finally {
      for (const seq of seqs) this.#emitting.delete(seq);
    }
  }

  /** True when the report needs no further care. */
  #finish(report: InboxReport, again: NewMessage | null): boolean {
    const { message, outcome } = report;
    if (outcome === 'pending') return true;
    if (message && again) this.#events.resent(message, again);
    else if (message) this.#events.ended(message);
    if (!this.listened) return false;
    const flowReport = toFlowReport(report, again?.messageId ?? null, this.#deps.language);
    for (const listener of this.#listeners) listener(flowReport, message?.carry ? JSON.parse(message.carry) : {});
    return true;
  }

  /** Stores what is to be sent again, by the report that asks for it. */
  async #sendAgain(reports: readonly InboxReport[]): Promise<ReadonlyMap<number, NewMessage>> {
    const nowMs = this.#deps.clock.now();
    const again = new Map<number, NewMessage>();
    for (const report of reports) {
      const message = report.message && this.#again(report, report.message, nowMs);
      if (message) again.set(report.seq, message);
    }
    if (again.size > 0) await this.#deps.outbox.accept([...again.values()]);
    return again;
  }

  #again(report: InboxReport, message: StoredMessage, nowMs: number): NewMessage | null {
    if (message.state !== 'FAILED' || !resultOf(report.resultRaw).retryable) return null;
    if (message.attempt >= this.#deps.resendTries) return null;
    // A report that late finds nothing left to send.
    if (message.text === '') return null;
    const dueAtMs = nowMs + (RESEND_PAUSES_MS[message.attempt] ?? LAST_PAUSE_MS);
    if (dueAtMs >= message.expireAtMs) return null;
    const firstId = message.retryOf ?? message.messageId;
    const attempt = message.attempt + 1;
    const { seq: _seq, batchLimit: _limit, updatedAtMs: _at, claims: _claims, held: _held, ...content } = message;
    const messageId = resendId(firstId, attempt);
    const times = { createdAtMs: nowMs, dueAtMs };
    return { ...content, ...times, messageId, retryOf: firstId, attempt, state: 'READY', detail: null, result: null };
  }
}

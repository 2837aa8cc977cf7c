/**
 * The agent of one account: it takes messages from flows, keeps them, sends them, and hands back what became of them.
 *
 *     flow    -> Intake (request.ts, guards.ts) -> store -> Sender, one a connection -> gateway
 *     gateway -> report link -> Inbox -> store -> flows
 *
 * It opens links only for a service that somebody uses: a node, or a message that still waits. Time, randomness, network
 * and disk are arguments. It knows neither Node-RED nor SQL nor bytes.
 */
import type { Clock, Timer } from '../clock.ts';
import { describeError, type ErrorCode, type Language, UshotError } from '../errors.ts';
import type { Dial } from '../network.ts';
import type { Counts, MessageType, Outbox, Service, Settlement, StoredMessage } from '../outbox/outbox.ts';
import { Codec, charset, maskNumber } from '../protocol/index.ts';
import { fitUpload } from './files.ts';
import { Guards } from './guards.ts';
import { createMint, type Mint } from './ids.ts';
import { Inbox, type ReportListener } from './inbox.ts';
import { Intake, type Taken } from './intake.ts';
import { type LinkStatus, Links, wireOf } from './links.ts';
import { invalid, outcomeOf, progress, type SendOutcome } from './outcome.ts';
import { clip, LARGEST_INPUT, receiversOf, type SendRequest } from './request.ts';
import type { AgentSettings } from './settings.ts';
import { slicesOf } from './slices.ts';
import { type Settle, Waiters } from './waiters.ts';

export type LogLevel = 'info' | 'warn' | 'error';

export interface AgentDeps {
  readonly clock: Clock;
  /** Like Math.random: paces reconnection. */
  readonly random: () => number;
  readonly dial: Dial;
  readonly outbox: Outbox;
  /** Transitions and troubles, one line each. Never a secret or a message's text. */
  readonly log: (level: LogLevel, line: string) => void;
  /** The reader's language, for descriptions and log lines. */
  readonly language: Language;
  /** Ids of messages; by default unique for ever (`createMint`). */
  readonly mint?: Mint;
}

export interface SendOptions {
  readonly settle: Settle;
  /** Kept with each message and given back with its report. JSON. */
  readonly carry?: Readonly<Record<string, unknown>>;
}

export interface UploadedFile {
  /** Name at the server, for `files`. */
  readonly fileName: string;
  /** Bytes that went up, after a picture was made to fit. */
  readonly size: number;
  readonly ext: string;
}

/** A message on hold, as the operator may see it. */
export interface HeldMessage {
  readonly messageId: string;
  /** Masked. */
  readonly to: string;
  readonly type: MessageType;
  /** When it went out without an answer. */
  readonly sinceMs: number;
  /** After this it is not sent any more, whatever the decision. */
  readonly expireAtMs: number;
}

/** All that a node's badge is computed from. */
export interface AgentStatus {
  readonly practice: boolean;
  /** The store cannot be used, for example. */
  readonly problem: UshotError | null;
  readonly links: readonly LinkStatus[];
  /** READY. */
  readonly waiting: number;
  readonly inFlight: number;
  /** ACCEPTED. */
  readonly awaitingReport: number;
  readonly inDoubt: number;
  /** Of those in doubt, how many wait for the operator. */
  readonly held: number;
  /** The guard that stopped a message within the last minute. */
  readonly guard: ErrorCode | null;
}

/** How long a report may take before we say that none came: SMS are tried for a day, LMS and MMS for three. */
export const REPORT_HORIZON_HOURS: Readonly<Record<MessageType, number>> = { SMS: 25, LMS: 80, MMS: 80 };

const SERVICES = ['sms', 'mms'] as const;
const HOUR_MS = 3_600_000;
/** Messages that may wait in the store. */
const LONGEST_QUEUE = 2_000_000;
/** Inputs that may wait for an answer in memory. */
const MOST_WAITERS = 100_000;
const SWEEP_MS = 1_000;
/** Between two sweeps; more means that the clock was put forward, or that the machine slept. */
const LONGEST_SWEEP_MS = 30_000;
const SWEEP_LIMIT = 500;
/** How many sweeps look for messages from a later time, after the clock was set back: for a minute. */
const LOOKS_BACK = 60;
const MOST_HELD_SHOWN = 200;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_LIMIT = 1_000;
/** How long the id of a message is known after the message itself was pruned: a repeat of it is still recognised. */
const IDS_KNOWN_HOURS = 365 * 24;
/** How long a report waits for a flow that listens: over a weekend, but a first report-in gets no month of old ones. */
const UNHEARD_HOURS = 72;
const REOPEN_MS = 10_000;
const STATUS_MS = 300;
const GUARD_SHOWN_MS = 60_000;
/** Links that nobody needs any more are kept for a while: the next long text must not wait for a login. */
const IDLE_LINKS_MS = 600_000;
/** A flow that uploads waits this much longer than an answer may take. */
const UPLOAD_PATIENCE_MS = 60_000;

const NOTHING: Counts = {
  READY: 0,
  IN_FLIGHT: 0,
  ACCEPTED: 0,
  IN_DOUBT: 0,
  held: 0,
  openByService: { sms: 0, mms: 0 },
};

export class Agent {
  readonly settings: AgentSettings;
  readonly #deps: AgentDeps;
  readonly #mint: Mint;
  readonly #guards: Guards;
  readonly #links: Links;
  readonly #intake: Intake;
  readonly #inbox: Inbox;
  readonly #waiters = new Waiters();
  readonly #users: Record<Service, number> = { sms: 0, mms: 0 };
  readonly #statusListeners = new Set<(status: AgentStatus) => void>();
  #counts: Counts = NOTHING;
  #problem: UshotError | null = null;
  #guardStop: { code: ErrorCode; untilMs: number } | null = null;
  #life: 'new' | 'running' | 'stopping' = 'new';
  #storeIsOpen = false;
  #opened: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  #sweepTimer: Timer | null = null;
  #sweeping: Promise<void> = Promise.resolve();
  #reopenTimer: Timer | null = null;
  #statusTimer: Timer | null = null;
  #sweptAtMs = 0;
  /** The clock, since the start. */
  #wasSetBack = false;
  /** How many sweeps look for what came from a later time. */
  #looksBack = 1;
  #prunedAtMs = 0;
  readonly #neededAtMs: Record<Service, number> = { sms: 0, mms: 0 };

  constructor(settings: AgentSettings, deps: AgentDeps) {
    const { clock, outbox, language } = deps;
    this.settings = settings;
    this.#deps = deps;
    this.#mint = deps.mint ?? createMint(clock);
    const table = charset(settings.charset);
    const codec = new Codec(wireOf(settings));
    const storeTrouble = (error: unknown) => this.#storeTrouble(error);
    this.#guards = new Guards(settings, outbox);
    this.#links = new Links(
      settings,
      { ...deps, codec, charset: table },
      {
        settled: (settlements) => this.#settled(settlements),
        reports: (records, stored) => void this.#inbox.take(records, stored),
        storeTrouble,
        changed: () => this.#statusSoon(),
        refused: (service) => void this.#takeBack(service),
      },
    );
    this.#intake = new Intake(settings, {
      clock,
      outbox,
      charset: table,
      mint: this.#mint,
      guards: this.#guards,
      known: () => this.#links.known,
      coming: (service) => this.#links.poke(service),
    });
    this.#inbox = new Inbox(
      { clock, outbox, language, resendTries: settings.resendTries },
      {
        ended: (message) => this.#ended(message),
        resent: (message, again) => {
          this.#waiters.moved(message.messageId, again.messageId);
          this.#links.poke(again.service);
          this.#statusSoon();
        },
        storeTrouble,
      },
    );
  }

  /** Opens the store and then the links that are wanted, in the background. */
  start(): void {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#opened = this.#open();
  }

  /**
   * Ends in order: answers that are outstanding are waited for and settled, the store is closed, and inputs that still
   * wait are answered with how far their messages have come.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** A node uses the service: its links are opened. Returns its release; unused links are closed after a while. */
  use(service: Service): () => void {
    this.#users[service]++;
    this.#openWanted();
    let released = false;
    return () => {
      if (!released) this.#users[service]--;
      released = true;
    };
  }

  /**
   * Takes messages. One outcome for each receiver, in order, once its message has come as far as `settle` or to an end.
   * Bad input is an outcome with an `error`, never a rejection. Where the store fails in the middle of a long input, what
   * it has stays, and the outcomes of the rest say why not.
   */
  async send(requests: readonly SendRequest[], { settle, carry = {} }: SendOptions): Promise<SendOutcome[]> {
    await this.#opened;
    const count = requests.reduce((sum, request) => sum + Math.max(receiversOf(request.to).length, 1), 0);
    let trouble = this.#whyNotNow(count, settle);
    if (trouble) return refusedWhole(requests, trouble);
    const answers: Promise<SendOutcome[]>[] = [];
    for (const slice of slicesOf(requests, count, this.#mint)) {
      if (this.#life !== 'running') trouble ??= new UshotError('USHOT_STOPPED');
      try {
        if (!trouble) answers.push(this.#answerTo(await this.#intake.take(slice, carry), settle));
      } catch (error) {
        trouble = this.#whyNotStored(error);
        if (answers.length === 0) return refusedWhole(requests, trouble);
      }
      if (trouble) answers.push(Promise.resolve(refusedEach(slice, trouble)));
    }
    // Not awaited: this function would hold the pictures of the input in memory for as long as the input waits.
    return Promise.all(answers).then((outcomes) => outcomes.flat());
  }

  /** Sees to what was just taken. The outcomes when they are as far as `settle`. */
  #answerTo(taken: readonly Taken[], settle: Settle): Promise<SendOutcome[]> {
    this.#storeTrouble(null);
    this.#wake(taken);
    const answer = this.#waiters.wait(
      taken.map((one) => this.#firstOutcome(one)),
      settle,
    );
    for (const service of SERVICES) if (this.#links.refusal(service)) void this.#takeBack(service);
    return answer;
  }

  #whyNotStored(error: unknown): UshotError {
    // The store was closed while the input was on its way there.
    if (this.#life !== 'running') return new UshotError('USHOT_STOPPED');
    this.#storeTrouble(error);
    return storeError(error);
  }

  /** Uploads a file now. Rejects with a UshotError when it is refused, or cannot be done within a minute or so. */
  async upload(file: unknown, name?: string): Promise<UploadedFile> {
    await this.#opened;
    const { bytes, ext } = await fitUpload(file, name, this.settings);
    if (this.#life !== 'running') throw new UshotError('USHOT_STOPPED');
    this.#links.open('mms');
    const senders = this.#links.senders('mms');
    const ready = this.#links.status.findIndex(({ service, state }) => service === 'mms' && state.name === 'ready');
    const sender = senders[this.#links.status[ready]?.index ?? 0];
    if (!sender) throw new UshotError('USHOT_STOPPED');
    const patienceMs = this.settings.timeoutSeconds * 1000 + UPLOAD_PATIENCE_MS;
    return { fileName: await sender.upload(bytes, ext, patienceMs), size: bytes.length, ext };
  }

  /** Messages that wait for the operator's decision, oldest first. */
  async held(limit = MOST_HELD_SHOWN): Promise<HeldMessage[]> {
    await this.#opened;
    const messages = await this.#deps.outbox.listHeld(limit);
    return messages.map(({ messageId, to, type, updatedAtMs, expireAtMs }) => ({
      messageId,
      to: maskNumber(to),
      type,
      sinceMs: updatedAtMs,
      expireAtMs,
    }));
  }

  /**
   * The operator's decision about held messages: `resend` under the same id, or `discard`. Resolves with how many it
   * concerned; a report may have settled the others meanwhile.
   */
  async decide(messageIds: readonly string[], decision: 'resend' | 'discard'): Promise<number> {
    const { clock, outbox } = this.#deps;
    const nowMs = clock.now();
    // One whose time has passed would only expire, as if it had never gone out; it may have been delivered.
    const held = (await outbox.get(messageIds))
      .filter((message) => message.held && (decision === 'discard' || message.expireAtMs > nowMs))
      .map(({ messageId }) => messageId);
    const decided = decision === 'resend' ? await outbox.release(held, nowMs) : await outbox.cancel(held, nowMs);
    if (decision === 'discard') for (const message of decided) this.#ended(message);
    for (const { service } of decided) this.#links.poke(service);
    this.#statusSoon();
    return decided.length;
  }

  /** Gives every report from now on, and those that nobody was given yet. Returns the end of it. */
  onReport(listener: ReportListener): () => void {
    const end = this.#inbox.listen(listener);
    this.#openWanted();
    // Before the start there is nothing to take up: opening the store does it.
    if (this.#life === 'running') void this.#opened.then(() => this.#resumeInbox());
    return end;
  }

  /** Tells of changes, a few a second at most. Returns the end of it. */
  onStatus(listener: (status: AgentStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  get status(): AgentStatus {
    const { READY: waiting, IN_FLIGHT: inFlight, ACCEPTED: awaitingReport, IN_DOUBT: inDoubt, held } = this.#counts;
    const stop = this.#guardStop;
    return {
      practice: this.settings.mode === 'practice',
      problem: this.#problem,
      links: this.#links.status,
      waiting,
      inFlight,
      awaitingReport,
      inDoubt,
      held,
      guard: stop && stop.untilMs > this.#deps.clock.now() ? stop.code : null,
    };
  }

  // Life ------------------------------------------------------------------------------------------------------------

  async #open(): Promise<void> {
    const { clock, outbox } = this.#deps;
    try {
      await outbox.open(clock.now());
      this.#sweptAtMs = clock.now();
      await this.#guards.open(clock.now());
      this.#counts = await outbox.counts();
    } catch (error) {
      this.#storeTrouble(error);
      // It may have opened, and failed then: the next try opens it anew.
      await outbox.close().catch(() => {});
      if (this.#life !== 'running') return;
      // Another process may let go of the file; a disk may be mounted late.
      this.#reopenTimer = clock.timer(REOPEN_MS, () => {
        this.#opened = this.#open();
      });
      return;
    }
    this.#storeIsOpen = true;
    this.#storeTrouble(null);
    if (this.#life !== 'running') return;
    this.#openWanted();
    this.#armSweep();
    void this.#resumeInbox();
  }

  async #stop(): Promise<void> {
    this.#life = 'stopping';
    for (const timer of [this.#sweepTimer, this.#reopenTimer, this.#statusTimer]) timer?.cancel();
    await this.#opened;
    // Reports that are on their way to the disk are still acknowledged: the inbox ends after its links.
    await this.#links.stop();
    await this.#inbox.stop();
    await this.#sweeping;
    this.#waiters.stop();
    await this.#deps.outbox.close();
  }

  #openWanted(): void {
    if (this.#life !== 'running' || !this.#storeIsOpen || this.#problem) return;
    for (const service of SERVICES) if (this.#wanted(service)) this.#links.open(service);
  }

  #closeIdle(nowMs: number): void {
    for (const service of SERVICES) {
      if (this.#wanted(service) || !this.#links.isOpen(service)) this.#neededAtMs[service] = nowMs;
      else if (nowMs - this.#neededAtMs[service] >= IDLE_LINKS_MS) void this.#links.close(service);
    }
  }

  #wanted(service: Service): boolean {
    if (this.#users[service] > 0 || this.#counts.openByService[service] > 0) return true;
    // A flow that only listens: reports of either kind come on any report port, so one service is enough.
    return service === 'sms' && this.#inbox.listened && this.#users.mms === 0;
  }

  #storeTrouble(error: unknown): void {
    const problem = error === null ? null : storeError(error);
    if (problem?.message === this.#problem?.message) return;
    this.#problem = problem;
    if (problem) this.#deps.log('error', problem.text(this.#deps.language));
    this.#statusSoon();
  }

  // Messages --------------------------------------------------------------------------------------------------------

  #whyNotNow(count: number, settle: Settle): UshotError | null {
    if (this.#life !== 'running') return new UshotError('USHOT_STOPPED');
    if (this.#problem) return this.#problem;
    if (count > LARGEST_INPUT) return new UshotError('USHOT_TOO_MANY', { count, limit: LARGEST_INPUT });
    const waiting = this.#counts.READY;
    if (waiting + count > LONGEST_QUEUE) return new UshotError('USHOT_QUEUE_FULL', { waiting, limit: LONGEST_QUEUE });
    if (settle !== 'stored' && this.#waiters.size + count > MOST_WAITERS) {
      return new UshotError('USHOT_QUEUE_FULL', { waiting: this.#waiters.size, limit: MOST_WAITERS });
    }
    return null;
  }

  /** Opens the links that what was stored needs, and shows what a guard stopped. */
  #wake(taken: readonly Taken[]): void {
    const services = new Set(taken.map((one) => (one.kind === 'stored' ? one.message.service : null)));
    // An input that was on its way to the store when we were told to stop opens nothing any more.
    const opens = this.#life === 'running' && !this.#problem;
    for (const service of SERVICES) if (services.has(service) && opens) this.#links.open(service);
    const stop = taken.find((one) => one.kind === 'suppressed');
    if (stop) this.#guardStop = { code: stop.error.code, untilMs: this.#deps.clock.now() + GUARD_SHOWN_MS };
    this.#statusSoon();
  }

  /** How far a message is that was just taken, or why it was not. */
  #firstOutcome(taken: Taken): SendOutcome {
    switch (taken.kind) {
      case 'refused':
        return invalid(taken.error, taken.to, taken.from);
      case 'suppressed': {
        const { error, message } = taken;
        const result = error.result === undefined ? {} : { result: error.result };
        return { ...progress(message, 'stored'), status: 'suppressed', ...result, error };
      }
      case 'stored': {
        const outcome = progress(taken.message, 'stored');
        return taken.warnings.length > 0 ? { ...outcome, warnings: taken.warnings } : outcome;
      }
      case 'known': {
        const { result, draft } = taken;
        if (result.kind === 'repeat') return this.#outcome(result.message);
        const error = new UshotError('USHOT_MESSAGE_ID_REUSED', { messageId: draft.messageId });
        return { ...invalid(error, draft.to, draft.from), messageId: draft.messageId };
      }
    }
  }

  /**
   * While a login is refused that was never taken, an input that waits for the gateway ends with the refusal, and its
   * message is taken back: who was told that it failed must not find it sent later. What nobody waits for stays.
   */
  async #takeBack(service: Service): Promise<void> {
    const { clock, outbox } = this.#deps;
    const ids = this.#waiters.ids(({ type }) => (type === 'SMS' ? 'sms' : 'mms') === service);
    if (ids.length === 0) return;
    try {
      const cancelled = await outbox.cancel(ids, clock.now());
      for (const message of cancelled) {
        const error = this.#links.refusal(service);
        const outcome = this.#outcome(message);
        this.#waiters.ended(message.messageId, error ? { ...outcome, error } : outcome);
      }
      this.#statusSoon();
    } catch (error) {
      this.#storeTrouble(error);
    }
  }

  #outcome(message: StoredMessage): SendOutcome {
    return outcomeOf(message, REPORT_HORIZON_HOURS, this.#deps.language);
  }

  #ended(message: StoredMessage): void {
    if (this.#waiters.has(message.messageId)) this.#waiters.ended(message.messageId, this.#outcome(message));
    this.#statusSoon();
  }

  #settled(settlements: readonly Settlement[]): void {
    this.#statusSoon();
    for (const { to, messageIds } of settlements) {
      if (to === 'ACCEPTED') for (const id of messageIds) this.#waiters.accepted(id);
      else if (to === 'REJECTED') void this.#tellEnded(messageIds);
      // Another connection may be free for what goes back.
      else if (to === 'READY') for (const service of SERVICES) this.#links.poke(service);
    }
  }

  async #tellEnded(messageIds: readonly string[]): Promise<void> {
    const waitedFor = messageIds.filter((id) => this.#waiters.has(id));
    if (waitedFor.length === 0) return;
    try {
      for (const message of await this.#deps.outbox.get(waitedFor)) this.#ended(message);
    } catch (error) {
      this.#storeTrouble(error);
    }
  }

  async #resumeInbox(): Promise<void> {
    if (this.#life !== 'running' || !this.#storeIsOpen || this.#problem) return;
    try {
      await this.#inbox.resume();
    } catch (error) {
      this.#storeTrouble(error);
    }
  }

  // Time ------------------------------------------------------------------------------------------------------------

  #armSweep(): void {
    if (this.#life !== 'running') return;
    this.#sweepTimer = this.#deps.clock.timer(SWEEP_MS, () => {
      this.#sweeping = this.#sweep().finally(() => this.#armSweep());
    });
  }

  /** Moves what time has overtaken: expiry, the hold of what is in doubt, the horizon of reports, retention. */
  async #sweep(): Promise<void> {
    const { clock, outbox, language } = this.#deps;
    const nowMs = clock.now();
    const horizon = (type: MessageType) => nowMs - REPORT_HORIZON_HOURS[type] * HOUR_MS;
    try {
      await this.#lookBack(nowMs);
      const { expired, noReport, held, resent } = await outbox.sweep({
        nowMs,
        inDoubtBeforeMs: { sms: this.#inDoubtBefore('sms', nowMs), mms: this.#inDoubtBefore('mms', nowMs) },
        inDoubtPolicy: this.settings.inDoubt,
        unreportedBeforeMs: { SMS: horizon('SMS'), LMS: horizon('LMS'), MMS: horizon('MMS') },
        limit: SWEEP_LIMIT,
      });
      for (const message of [...expired, ...noReport, ...held]) this.#ended(message);
      for (const { messageId } of held) this.#deps.log('warn', describeError('USHOT_HELD', { messageId }, language));
      for (const { service } of resent) this.#links.poke(service);
      if (nowMs - this.#prunedAtMs >= PRUNE_EVERY_MS) await this.#prune(nowMs);
      this.#closeIdle(nowMs);
      this.#storeTrouble(null);
      if (expired.length + noReport.length + held.length + resent.length > 0) this.#statusSoon();
    } catch (error) {
      this.#storeTrouble(error);
    }
  }

  /**
   * An alarm must not wait until a clock that was put right has made up for it. After it was seen to be set back, several looks: what
   * was on its way into the store may still have the former time. While nothing ran, nobody saw it, so there is one at the start.
   */
  async #lookBack(nowMs: number): Promise<void> {
    const sinceLastMs = nowMs - this.#sweptAtMs;
    this.#sweptAtMs = nowMs;
    if (sinceLastMs < 0 || sinceLastMs > LONGEST_SWEEP_MS) this.#links.clockJumped(nowMs);
    if (sinceLastMs < 0) {
      this.#wasSetBack = true;
      this.#looksBack = LOOKS_BACK;
      this.#prunedAtMs = Math.min(this.#prunedAtMs, nowMs);
    }
    if (this.#looksBack === 0) return;
    const request = { nowMs, doubts: this.#wasSetBack, limit: SWEEP_LIMIT };
    const moved = await this.#deps.outbox.clockWasSetBack(request);
    for (const { service } of moved) this.#links.poke(service);
    // While there is more, the next sweep goes on.
    if (moved.length < SWEEP_LIMIT) this.#looksBack--;
  }

  async #prune(nowMs: number): Promise<void> {
    await this.#inbox.dropUnheard(nowMs - UNHEARD_HOURS * HOUR_MS);
    const { outbox } = this.#deps;
    const { retentionDays, textRetentionDays } = this.settings;
    const olderThanMs = nowMs - retentionDays * 24 * HOUR_MS;
    const pruned = await outbox.prune(olderThanMs, PRUNE_LIMIT, olderThanMs - IDS_KNOWN_HOURS * HOUR_MS);
    const dropped =
      textRetentionDays === undefined
        ? 0
        : await outbox.dropTexts(nowMs - textRetentionDays * 24 * HOUR_MS, PRUNE_LIMIT);
    // While there is more, the next sweep goes on.
    if (pruned < PRUNE_LIMIT && dropped < PRUNE_LIMIT) this.#prunedAtMs = nowMs;
  }

  /** The hold counts only while reports can come: not before the report link has been up for as long. */
  #inDoubtBefore(service: Service, nowMs: number): number | null {
    const sinceMs = this.#links.reportReadySinceMs(service);
    const holdMs = this.settings.inDoubtSeconds * 1000;
    return sinceMs === null || nowMs - sinceMs < holdMs ? null : nowMs - holdMs;
  }

  // Status ----------------------------------------------------------------------------------------------------------

  #statusSoon(): void {
    if (this.#statusTimer || this.#life !== 'running') return;
    this.#statusTimer = this.#deps.clock.timer(STATUS_MS, () => {
      this.#statusTimer = null;
      void this.#tellStatus();
    });
  }

  async #tellStatus(): Promise<void> {
    try {
      this.#counts = await this.#deps.outbox.counts();
      this.#openWanted();
    } catch {
      // The counts stay as they were; the trouble itself is told where the store was needed.
    }
    const { status } = this;
    for (const listener of this.#statusListeners) listener(status);
  }
}

/** As an error of the input. */
function refusedWhole(requests: readonly SendRequest[], error: UshotError): SendOutcome[] {
  return requests.map(() => invalid(error, null, null));
}

function refusedEach(requests: readonly SendRequest[], error: UshotError): SendOutcome[] {
  return requests.flatMap(({ to }) => {
    const receivers = receiversOf(to).map((receiver) => clip(String(receiver)));
    return (receivers.length > 0 ? receivers : [null]).map((receiver) => invalid(error, receiver, null));
  });
}

function storeError(error: unknown): UshotError {
  if (error instanceof UshotError) return error;
  const problem = error instanceof Error ? error.message : String(error);
  return new UshotError('USHOT_STORE', { problem }, { cause: error });
}

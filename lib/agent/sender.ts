/**
 * One send connection at work: claim what is ready, carry it to the gateway in one frame, settle what the answer says,
 * and claim the next in the same commit.
 *
 * The order is the promise: the claim is committed before the first byte leaves (a crash in between is *in doubt*, never
 * lost), and the outcome is committed before anyone hears of it. While the link is down nothing is claimed.
 *
 * The batch is whatever is ready when the connection becomes free, up to what the login announced: a single alarm on an
 * idle link leaves at once. A refused frame of several messages goes back with half the batch limit, so that one bad
 * message is found in a few frames and never takes the others with it.
 */
import type { Clock, Timer } from '../clock.ts';
import { type ErrorCode, type ErrorParams, UshotError } from '../errors.ts';
import type { FileRef, Outbox, Service, Settlement, StoredMessage } from '../outbox/outbox.ts';
import {
  type Body,
  type Charset,
  type Codec,
  type Command,
  formatKst,
  type RespAction,
  respAction,
  type Terms,
} from '../protocol/index.ts';
import type { Answer, Link, LinkState } from '../session/index.ts';
import { LEAST_TIME_LEFT_MS, refusalByTerms } from './request.ts';
import { Signal } from './signal.ts';
import { UploadedNames } from './uploads.ts';

export interface SenderDeps {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly codec: Codec;
  readonly charset: Charset;
  readonly timeoutMs: number;
  /** What the user has learnt of RESP_CODEs that the manual does not name. */
  readonly respCodes: Readonly<Record<string, RespAction>>;
}

export interface SenderEvents {
  /** These settlements are committed. */
  settled(settlements: readonly Settlement[]): void;
  /** The store refused a commit; it is tried again until it takes it. Null: it works again. */
  storeTrouble(error: unknown): void;
  /** Something worth one line in the log. */
  notice(code: ErrorCode, params: ErrorParams): void;
}

/** An upload takes longer than an answer: the bytes have to travel. */
const UPLOAD_EXTRA_MS = 60_000;
/** A frame of 100 with one culprit is refused seven times in a row while it is bisected; beyond, the account is at fault. */
const REFUSALS_BEFORE_PAUSE = 10;
const SHORTEST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;
/** How long a message waits that was refused for a passing reason, by how often it was claimed. */
const PASSING_PAUSES_MS = [10_000, 30_000, 60_000, 300_000, 900_000];
const LONGEST_PASSING_PAUSE_MS = 900_000;
const STORE_RETRY_MS = 1_000;
/** The clock may be set forward meanwhile. */
const LONGEST_SLEEP_MS = 30_000;
/** A frame that was made ahead is made again when its claim took so long to commit. */
const LOAD_KEEPS_MS = 1_000;
/** An upload that cut the line so often may be what cuts it: then others go first. */
const UPLOAD_TRIES = 3;
const MOST_UPLOADS_WAITING = 100;

interface Upload {
  readonly bytes: Buffer;
  readonly ext: string;
  readonly timer: Timer;
  /** After this it is not tried again. */
  readonly untilMs: number;
  /** How often the line was lost with it. */
  losses: number;
  resolve(fileName: string): void;
  reject(error: UshotError): void;
}

const NO_FILES = { names: [], reused: false } as const;

/** What is to be carried of a batch, by the terms of a connection. */
interface Load {
  readonly batch: readonly StoredMessage[];
  readonly terms: Terms;
  /** TIMEOUT_DT is reckoned from here. */
  readonly madeAtMs: number;
  readonly refused: readonly Settlement[];
  readonly fit: readonly StoredMessage[];
  /** The frame, or why there is none; null where files must be uploaded first. */
  readonly bytes: Buffer | UshotError | null;
}

type UploadOutcome =
  | { readonly fileName: string }
  | { readonly error: UshotError }
  | { readonly lost: UshotError | null };

export class Sender {
  readonly service: Service;
  readonly #link: Link;
  readonly #deps: SenderDeps;
  readonly #events: SenderEvents;
  readonly #signal = new Signal();
  readonly #names: UploadedNames;
  readonly #uploads: Upload[] = [];
  #stopping = false;
  #refusals = 0;
  /** While it is armed nothing is claimed. That it fires is what counts: the clock may be set back meanwhile. */
  #pauseTimer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();

  /** `link` is made by the agent, which hands its state changes on to `linkChanged`. */
  constructor(service: Service, link: Link, deps: SenderDeps, events: SenderEvents) {
    this.service = service;
    this.#link = link;
    this.#deps = deps;
    this.#events = events;
    this.#names = new UploadedNames(deps.clock);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends after the outstanding answer is settled. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#pauseTimer?.cancel();
    await this.#link.stop();
    this.#signal.raise();
    await this.#running;
    for (const upload of this.#uploads.splice(0)) this.#endUpload(upload, { error: new UshotError('USHOT_STOPPED') });
  }

  /** Something may be ready to be claimed. */
  poke(): void {
    this.#signal.raise();
  }

  linkChanged(state: LinkState): void {
    if (state.name !== 'ready') this.#names.clear();
    this.#signal.raise();
  }

  /** Uploads a file as soon as the connection is free. Rejects when it is refused, or not done within `patienceMs`. */
  upload(bytes: Buffer, ext: string, patienceMs: number): Promise<string> {
    if (this.#uploads.length >= MOST_UPLOADS_WAITING) {
      return Promise.reject(
        new UshotError('USHOT_QUEUE_FULL', { waiting: this.#uploads.length, limit: MOST_UPLOADS_WAITING }),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = this.#deps.clock.timer(patienceMs, () => {
        const index = this.#uploads.indexOf(upload);
        if (index < 0) return;
        this.#uploads.splice(index, 1);
        const { state } = this.#link;
        reject(
          state.name === 'waiting'
            ? new UshotError(state.trouble.code, state.trouble.params)
            : new UshotError('USHOT_UPLOAD_TIMEOUT', { seconds: Math.round(patienceMs / 1000) }),
        );
      });
      const upload: Upload = {
        bytes,
        ext,
        timer,
        losses: 0,
        untilMs: this.#deps.clock.now() + patienceMs,
        resolve,
        reject,
      };
      this.#uploads.push(upload);
      this.#signal.raise();
    });
  }

  async #run(): Promise<void> {
    let settlements: Settlement[] = [];
    let troubled = false;
    for (;;) {
      const terms = this.#freeTerms();
      if (terms) await this.#carryUploads();
      const claim = terms && this.#freeTerms() ? { service: this.service, max: terms.maxPerRequest } : null;
      if (!claim && settlements.length === 0) {
        if (this.#stopping) return;
        await this.#signal.wait();
        continue;
      }
      let batch: StoredMessage[];
      let load: Load | null = null;
      try {
        // The frame is made while its claim is being committed.
        batch = await this.#deps.outbox.exchange(settlements, claim, this.#deps.clock.now(), (claimed) => {
          if (terms) load = this.#loadAhead(claimed, terms);
        });
      } catch (error) {
        troubled = true;
        this.#events.storeTrouble(error);
        // What was settled stays IN_FLIGHT in the store: stopping now makes it in doubt, which is the truth there.
        if (this.#stopping) return;
        await this.#sleep(STORE_RETRY_MS);
        continue;
      }
      if (troubled) {
        troubled = false;
        this.#events.storeTrouble(null);
      }
      const settled = settlements;
      // The frame leaves first: what others do when they hear of the last one would keep the connection waiting.
      const carrying = batch.length > 0 ? this.#carry(batch, load) : null;
      if (settled.length > 0) this.#events.settled(settled);
      settlements = [];
      if (carrying) settlements = await carrying.catch((error: unknown) => this.#afterBug(batch, error));
      else if (claim) await this.#idle();
    }
  }

  /** A mistake of ours must not take the process down, nor the messages: whether they went out is not known. */
  #afterBug(batch: readonly StoredMessage[], error: unknown): Settlement[] {
    this.#events.notice('USHOT_BUG', {
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return [{ messageIds: idsOf(batch), to: 'IN_DOUBT' }];
  }

  /** The terms of the connection when it can take a frame now. */
  #freeTerms(): Terms | null {
    const { state } = this.#link;
    if (this.#stopping || state.name !== 'ready' || state.busy) return null;
    return this.#pauseTimer ? null : state.terms;
  }

  /** Sleeps until a poke, or until the next scheduled message falls due. */
  async #idle(): Promise<void> {
    const { clock, outbox } = this.#deps;
    let dueMs: number | null = null;
    try {
      dueMs = await outbox.nextDueMs(this.service, clock.now());
    } catch (error) {
      this.#events.storeTrouble(error);
      dueMs = clock.now() + STORE_RETRY_MS;
    }
    if (dueMs === null) await this.#signal.wait();
    else await this.#sleep(dueMs - clock.now());
  }

  async #sleep(ms: number): Promise<void> {
    const timer = this.#deps.clock.timer(Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS), () => this.#signal.raise());
    await this.#signal.wait();
    timer.cancel();
  }

  /**
   * Carries one batch to the gateway and says what became of each message in it. Where there is nothing to upload, the
   * frame's bytes are written within this call. `made` is what was made of it ahead.
   */
  async #carry(batch: readonly StoredMessage[], made: Load | null): Promise<Settlement[]> {
    const terms = this.#freeTerms();
    if (!terms) return [{ messageIds: idsOf(batch), to: 'READY' }];
    const load = made && this.#isGood(made, batch, terms) ? made : this.#load(batch, terms);
    const { refused, fit } = load;
    const first = fit[0];
    if (!first) return [...refused];

    const files = first.files.length === 0 ? NO_FILES : await this.#fileNames(first.files);
    if ('lost' in files) return [...refused, ...fit.map((message) => this.#afterLostUpload(message))];
    if ('error' in files) return [...refused, this.#rejected(idsOf(fit), files.error)];

    const bytes = load.bytes ?? this.#encode(fit, files.names, terms);
    if (bytes instanceof UshotError) return [...refused, ...this.#splitOrReject(fit, bytes)];
    if (!this.#freeTerms()) return [...refused, { messageIds: idsOf(fit), to: 'READY' }];
    const answer = await this.#link.request(bytes);
    return [...refused, ...this.#settle(fit, answer, files.reused)];
  }

  /** A mistake of ours shows when it is made in its turn. */
  #loadAhead(batch: readonly StoredMessage[], terms: Terms): Load | null {
    try {
      return this.#load(batch, terms);
    } catch {
      return null;
    }
  }

  #isGood({ batch, terms, madeAtMs }: Load, wanted: readonly StoredMessage[], present: Terms): boolean {
    return batch === wanted && terms === present && this.#deps.clock.now() - madeAtMs < LOAD_KEEPS_MS;
  }

  #load(batch: readonly StoredMessage[], terms: Terms): Load {
    const madeAtMs = this.#deps.clock.now();
    const refused: Settlement[] = [];
    const fit: StoredMessage[] = [];
    for (const message of batch) {
      const refusal = refusalByTerms(message, terms, this.#deps.charset);
      if (refusal) refused.push(this.#rejected([message.messageId], refusal));
      else fit.push(message);
    }
    const bytes = fit.length > 0 && fit[0]?.files.length === 0 ? this.#encode(fit, [], terms) : null;
    return { batch, terms, madeAtMs, refused, fit, bytes };
  }

  #encode(batch: readonly StoredMessage[], names: readonly string[], terms: Terms): Buffer | UshotError {
    try {
      const { command, body } = frameOf(batch, names, terms.variable, this.#deps.clock.now() + LEAST_TIME_LEFT_MS);
      return this.#deps.codec.encode(command, body as Body<typeof command>);
    } catch (error) {
      // Validation should have found it; a message that cannot be written must not block those behind it.
      return new UshotError('USHOT_NOT_ENCODED', { detail: error instanceof Error ? error.message : String(error) });
    }
  }

  #settle(batch: readonly StoredMessage[], answer: Answer, namesReused: boolean): Settlement[] {
    const ids = idsOf(batch);
    if (answer.kind === 'lost') return [{ messageIds: ids, to: answer.written ? 'IN_DOUBT' : 'READY' }];
    const { frame } = answer;
    const listed = frame.COMMAND === '1021' ? (frame.body?.records ?? []).map((record) => record.MSG_ID) : [];
    const { accepted, missing } = this.#match(ids, listed);
    const action = respAction(frame.RESP_CODE, this.#deps.respCodes);
    if (action === 'ok') {
      this.#refusals = 0;
      // 1026, and an empty 1021, answer for the whole frame.
      if (listed.length === 0) return [{ messageIds: ids, to: 'ACCEPTED' }];
      if (missing.length > 0) this.#events.notice('USHOT_ANSWER_INCOMPLETE', { count: missing.length, of: ids.length });
      return nonEmpty([
        { messageIds: accepted, to: 'ACCEPTED' },
        { messageIds: missing, to: 'IN_DOUBT' },
      ]);
    }
    const refused = batch.filter((message) => missing.includes(message.messageId));
    const error = new UshotError('USHOT_REJECTED', { respCode: frame.RESP_CODE, respMesg: frame.RESP_MESG });
    const settled: Settlement[] = accepted.length > 0 ? [{ messageIds: accepted, to: 'ACCEPTED' }] : [];
    if (refused.length === 0) return settled;
    if (action === 'stop' || action === 'relogin') {
      // Nothing is wrong with the messages: they wait until the account is in order.
      this.#pause(action === 'stop' ? LONGEST_PAUSE_MS : SHORTEST_PAUSE_MS);
      this.#events.notice('USHOT_ACCOUNT_REFUSED', { respCode: frame.RESP_CODE, respMesg: frame.RESP_MESG });
      if (action === 'relogin') void this.#link.stop().then(() => this.#stopping || this.#link.start());
      return [...settled, { messageIds: idsOf(refused), to: 'READY' }];
    }
    this.#refused(accepted.length > 0);
    if (namesReused && refused.some(({ claims }) => claims === 1)) {
      // The gateway may have forgotten the files: upload them again before the message is blamed. Once, at its first
      // frame: halves of a refused frame carry names that were good a moment ago.
      this.#names.clear();
      return [...settled, { messageIds: idsOf(refused), to: 'READY' }];
    }
    if (action === 'retry') return [...settled, ...this.#later(refused, error)];
    if (action === 'fail') return [...settled, this.#rejected(idsOf(refused), error)];
    return [...settled, ...this.#splitOrReject(refused, error)];
  }

  /** An answer lists ids in any order, fewer or others: matched as a set. */
  #match(
    ids: readonly string[],
    listed: readonly string[],
  ): { accepted: readonly string[]; missing: readonly string[] } {
    // As they all come, mostly.
    if (ids.length === listed.length && ids.every((id, i) => id === listed[i])) return { accepted: ids, missing: [] };
    const answered = new Set(listed);
    const accepted = ids.filter((id) => answered.has(id));
    const unknown = answered.size - accepted.length;
    if (unknown > 0) this.#events.notice('USHOT_ANSWER_UNKNOWN', { count: unknown });
    return { accepted, missing: ids.filter((id) => !answered.has(id)) };
  }

  #splitOrReject(batch: readonly StoredMessage[], error: UshotError): Settlement[] {
    const ids = idsOf(batch);
    if (ids.length === 1) return [this.#rejected(ids, error)];
    return [{ messageIds: ids, to: 'READY', batchLimit: Math.ceil(ids.length / 2) }];
  }

  #rejected(messageIds: readonly string[], error: UshotError): Settlement {
    const detail = detailOf(error);
    return error.result === undefined
      ? { messageIds, to: 'REJECTED', detail }
      : { messageIds, to: 'REJECTED', detail, result: error.result };
  }

  /**
   * Tried again after a pause, in halves: the reason may be one of them, which must not take the others with it. Only one
   * that was alone, after all pauses, is rejected.
   */
  #later(refused: readonly StoredMessage[], error: UshotError): Settlement[] {
    const half = refused.length > 1 ? { batchLimit: Math.ceil(refused.length / 2) } : {};
    return refused.map(({ messageId, claims }) => {
      const pauseMs = PASSING_PAUSES_MS[claims - 1];
      const again: Settlement = { messageIds: [messageId], to: 'READY', ...half };
      if (pauseMs !== undefined) return { ...again, dueAtMs: this.#deps.clock.now() + pauseMs };
      return refused.length > 1 ? again : this.#rejected([messageId], error);
    });
  }

  /** Soon again at first; a message whose files cost us the line again and again must not stand before all others. */
  #afterLostUpload({ messageId, claims }: StoredMessage): Settlement {
    const again: Settlement = { messageIds: [messageId], to: 'READY' };
    if (claims < UPLOAD_TRIES) return again;
    const pauseMs = PASSING_PAUSES_MS[claims - UPLOAD_TRIES] ?? LONGEST_PASSING_PAUSE_MS;
    return { ...again, dueAtMs: this.#deps.clock.now() + pauseMs };
  }

  /** Counts refused frames: when nothing goes through any more, pauses instead of refusing the whole backlog away. */
  #refused(partly: boolean): void {
    this.#refusals = partly ? 0 : this.#refusals + 1;
    const beyond = this.#refusals - REFUSALS_BEFORE_PAUSE;
    if (beyond < 0) return;
    const pauseMs = Math.min(SHORTEST_PAUSE_MS * 2 ** Math.min(beyond, 10), LONGEST_PAUSE_MS);
    this.#pause(pauseMs);
    this.#events.notice('USHOT_ALL_REFUSED', { count: this.#refusals, seconds: pauseMs / 1000 });
  }

  /** Claims nothing for a while. */
  #pause(ms: number): void {
    this.#pauseTimer?.cancel();
    this.#pauseTimer = this.#deps.clock.timer(ms, () => {
      this.#pauseTimer = null;
      this.#signal.raise();
    });
  }

  /** The server's names of a message's files, uploading what it does not hold. */
  async #fileNames(
    files: readonly FileRef[],
  ): Promise<{ names: string[]; reused: boolean } | Exclude<UploadOutcome, { fileName: string }>> {
    const names: string[] = [];
    let reused = false;
    for (const file of files) {
      if (file.kind === 'server') {
        names.push(file.fileName);
        continue;
      }
      const key = `${file.hash}.${file.ext}`;
      const known = this.#names.get(key);
      if (known !== undefined) {
        names.push(known);
        reused = true;
        continue;
      }
      let bytes: Buffer;
      try {
        bytes = await this.#deps.outbox.readAttachment(file.hash);
      } catch (error) {
        if (error instanceof UshotError && error.code === 'USHOT_FILE_MISSING') {
          return { error: new UshotError('USHOT_ATTACHMENT_LOST', { file: key }, { cause: error }) };
        }
        // A disk that cannot be read now, or too many open files: no reason to give the message up.
        this.#events.storeTrouble(error);
        return { lost: null };
      }
      const outcome = await this.#uploadNow(bytes, file.ext);
      if (!('fileName' in outcome)) return outcome;
      this.#names.set(key, outcome.fileName);
      names.push(outcome.fileName);
    }
    return { names, reused };
  }

  /** Uploads that a flow asked for go before the next frame. */
  async #carryUploads(): Promise<void> {
    for (;;) {
      const upload = this.#freeTerms() ? this.#uploads.shift() : undefined;
      if (!upload) return;
      const outcome = await this.#uploadNow(upload.bytes, upload.ext);
      if ('lost' in outcome) this.#uploadLost(upload, outcome.lost);
      else this.#endUpload(upload, outcome);
    }
  }

  /** A lost upload has no consequence at the gateway that matters: it waits for the next connection, while it may. */
  #uploadLost(upload: Upload, trouble: UshotError | null): void {
    if (trouble) upload.losses++;
    const mayWait = this.#deps.clock.now() < upload.untilMs && upload.losses < UPLOAD_TRIES;
    if (!trouble || mayWait) this.#uploads.unshift(upload);
    else this.#endUpload(upload, { error: trouble });
  }

  #endUpload(upload: Upload, outcome: { fileName: string } | { error: UshotError }): void {
    upload.timer.cancel();
    if ('error' in outcome) upload.reject(outcome.error);
    else upload.resolve(outcome.fileName);
  }

  async #uploadNow(bytes: Buffer, ext: string): Promise<UploadOutcome> {
    if (!this.#freeTerms()) return { lost: null };
    const frame = this.#deps.codec.encode('2030', { FILE_EXT: ext, FILE: bytes });
    const answer = await this.#link.request(frame, { timeoutMs: this.#deps.timeoutMs + UPLOAD_EXTRA_MS });
    if (answer.kind === 'lost') return { lost: new UshotError(answer.trouble.code, answer.trouble.params) };
    const { RESP_CODE: respCode, RESP_MESG: respMesg } = answer.frame;
    const fileName = answer.frame.COMMAND === '2040' ? (answer.frame.body?.FILE_NAME ?? '') : '';
    // 00000 with a blank name is a failure as well: an MMS would go out without its picture.
    if (respAction(respCode) === 'ok' && fileName !== '') return { fileName };
    return { error: new UshotError('USHOT_UPLOAD_REFUSED', { respCode, respMesg }) };
  }
}

/** `detail` of a stored message: what `errorOfDetail` reads back after a restart. */
export function detailOf(error: UshotError): string {
  return JSON.stringify({ code: error.code, params: error.params });
}

function idsOf(batch: readonly StoredMessage[]): string[] {
  return batch.map((message) => message.messageId);
}

function nonEmpty(settlements: Settlement[]): Settlement[] {
  return settlements.filter((settlement) => settlement.messageIds.length > 0);
}

/** The manual's frame for a batch: SMS 1020; LMS 1044 or 1024; MMS 1045 or 1024, by the login's VARIABLE_YN. */
function frameOf(
  batch: readonly StoredMessage[],
  names: readonly string[],
  variable: boolean,
  leastTimeoutMs: number,
): { command: Command; body: unknown } {
  const timeout = textOfTime();
  const records = batch.map((message) => ({
    GRP_ID: message.groupId,
    MSG_ID: message.messageId,
    SENDER: message.from,
    RECEIVER: message.to,
    // The manual: the gateway does not wait for RESERVE_DT. We do, and leave it blank.
    TIMEOUT_DT: timeout(Math.max(message.expireAtMs, leastTimeoutMs)),
    // Each command takes the one that it has.
    URL: message.url,
    SUBJECT: message.subject,
    MSG: message.text,
    USERCODE: message.userCode,
  }));
  if (batch[0]?.type === 'SMS') return { command: '1020', body: { records } };
  const [FILE_NAME1 = '', FILE_NAME2 = '', FILE_NAME3 = '', FILE_NAME4 = ''] = names;
  const files = { FILE_NAME1, FILE_NAME2, FILE_NAME3, FILE_NAME4 };
  if (!variable) return { command: '1024', body: { ...files, records } };
  return names.length === 0 ? { command: '1044', body: { records } } : { command: '1045', body: { ...files, records } };
}

/** `formatKst` for the messages of a frame, most of which have the time of the one before. */
function textOfTime(): (ms: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== lastMs) text = formatKst(ms);
    lastMs = ms;
    return text;
  };
}

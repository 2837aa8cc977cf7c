/**
 * The durable outbox: SQLite in a worker thread. This side makes rows of messages, hands calls to the worker, and settles
 * their promises when the worker says that they are committed.
 *
 *     const outbox = new SqliteOutbox({ file: '/home/me/.node-red/ushot/account.db' });
 *     await outbox.open(clock.now());
 *
 * Beside the file stand what is newest (-log), SQLite's write-ahead log (-wal), the pid of the process that has it (.lock)
 * and a folder of attachments (-attachments): a backup takes all of them, while the store is closed. All are readable by their owner only, and so is
 * the folder they are in, when it is made here.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type {
  AcceptResult,
  ClaimRequest,
  Counts,
  GuardQuery,
  InboxReport,
  NewMessage,
  NewReport,
  Outbox,
  ReportIntake,
  Service,
  Settlement,
  StoredMessage,
  Sweep,
  SweepRequest,
} from '../outbox.ts';
import { assertTimes } from '../rules.ts';
import {
  type Accepted,
  type Call,
  errorFrom,
  type FromWorker,
  type Reply,
  type StoreOptions,
  type SweptJson,
  type ToWorker,
  type WorkerSettings,
} from './calls.ts';
import { storeError } from './problems.ts';
import { messagesFrom, newReportRow, newRow, reportsFrom } from './rows.ts';

export interface SqliteOutboxOptions {
  /** The database file. It and its folder are made where they are missing. */
  readonly file: string;
  /** Bound of the database file in bytes; meeting it is refused like a full disk. Without: the disk is the bound. */
  readonly maxFileBytes?: number;
  /** For tests and measurements only: how much longer each commit takes. */
  readonly commitDelayMs?: number;
  /** For tests only: the pages that the write-ahead log grows to before it is brought into the file. */
  readonly checkpointPages?: number;
  /** For tests only: the messages at most that are in the log and not in their rows. */
  readonly mostUnwritten?: number;
}

/** The thread that the store runs in, as far as it is used here: a Worker. */
export type StoreThread = Pick<Worker, 'on' | 'once' | 'removeAllListeners' | 'postMessage' | 'ref' | 'unref'>;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** `opening` and `closing` hold what those who ask for the same again wait for. */
type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening'; readonly worker: StoreThread }
  | { readonly name: 'open'; readonly worker: StoreThread }
  | { readonly name: 'closing'; readonly done: Promise<void> }
  /** The worker ended by itself. */
  | { readonly name: 'failed'; readonly error: Error };

export class SqliteOutbox implements Outbox {
  readonly #options: StoreOptions;
  readonly #start: (settings: WorkerSettings) => StoreThread;
  #phase: Phase = { name: 'closed' };
  /** Calls that were made in this turn, not handed over yet. */
  #calls: Call[] = [];
  /** Callers of handed over and of new calls, in order. */
  #pending: Pending[] = [];
  #answered = 0;
  #flushPlanned = false;

  /** `start` is there for tests that need no thread of its own. */
  constructor(options: SqliteOutboxOptions, start = startWorker) {
    this.#start = start;
    this.#options = { ...options, file: path.resolve(options.file) };
  }

  async open(nowMs: number): Promise<void> {
    if (this.#phase.name === 'closing') await this.#phase.done;
    if (this.#phase.name !== 'closed' && this.#phase.name !== 'failed') {
      throw new Error('bug: the outbox is open already');
    }
    const worker = this.#start({ ...this.#options, nowMs });
    this.#phase = { name: 'opening', worker };
    await new Promise<void>((resolve, reject) => {
      const ended = (detail: string): void => {
        const error = storeError('threadEnded', { detail });
        reject(error);
        this.#fail(worker, error);
      };
      worker.on('error', (error) => ended(error.message));
      worker.on('messageerror', (error) => ended(error.message));
      worker.on('exit', (code) => ended(`exit code ${code}`));
      worker.on('message', (message: FromWorker) => {
        if ('replies' in message) this.#settle(message.replies);
        else if ('opened' in message) {
          if (this.#phase.name === 'opening') {
            this.#phase = { name: 'open', worker };
            worker.unref();
          }
          resolve();
        } else if ('refused' in message) {
          this.#phase = { name: 'closed' };
          const error = errorFrom(message.refused);
          worker.removeAllListeners('exit').once('exit', () => reject(error));
        }
      });
    });
  }

  close(): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'closing') return phase.done;
    if (phase.name !== 'open' && phase.name !== 'opening') return Promise.resolve();
    const { worker } = phase;
    this.#flush();
    const done = new Promise<void>((resolve, reject) => {
      worker.ref();
      let trouble: Error | null = null;
      worker.on('message', (message: FromWorker) => {
        if ('closed' in message && message.closed !== null) trouble = errorFrom(message.closed);
      });
      worker.once('exit', () => {
        this.#phase = { name: 'closed' };
        if (trouble === null) resolve();
        else reject(trouble);
      });
    });
    this.#phase = { name: 'closing', done };
    post(worker, { close: true });
    return done;
  }

  async accept(messages: readonly NewMessage[]): Promise<AcceptResult[]> {
    messages.forEach(assertTimes);
    const accepted = await this.#call<Accepted[]>({ op: 'accept', rows: messages.map(newRow) });
    return messages.map(({ messageId }, i) => {
      const result = accepted[i];
      if (typeof result !== 'object') return { kind: result === 'conflict' ? 'conflict' : 'stored', messageId };
      const [message] = messagesFrom(`[${result.repeat}]`);
      if (message === undefined) throw new Error('bug: a repeat of nothing');
      return { kind: 'repeat', message };
    });
  }

  async exchange(
    settlements: readonly Settlement[],
    claim: ClaimRequest | null,
    nowMs: number,
  ): Promise<StoredMessage[]> {
    return messagesFrom(await this.#call<string>({ op: 'exchange', settlements, claim, nowMs }));
  }

  async takeReports(reports: readonly NewReport[], nowMs: number): Promise<ReportIntake> {
    const rows = reports.map(newReportRow);
    const { fresh, repeats } = await this.#call<{ fresh: string; repeats: number }>({ op: 'takeReports', rows, nowMs });
    return { fresh: reportsFrom(fresh), repeats };
  }

  async pendingReports(limit: number): Promise<InboxReport[]> {
    return reportsFrom(await this.#call<string>({ op: 'pendingReports', limit }));
  }

  async reportsEmitted(seqs: readonly number[]): Promise<void> {
    await this.#call({ op: 'reportsEmitted', seqs });
  }

  async sweep(request: SweepRequest): Promise<Sweep> {
    const { expired, noReport, resent, held, more } = await this.#call<SweptJson>({ op: 'sweep', request });
    return {
      expired: messagesFrom(expired),
      noReport: messagesFrom(noReport),
      resent: messagesFrom(resent),
      held: messagesFrom(held),
      more,
    };
  }

  nextDueMs(service: Service, nowMs: number): Promise<number | null> {
    return this.#call({ op: 'nextDueMs', service, nowMs });
  }

  async cancel(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return messagesFrom(await this.#call<string>({ op: 'cancel', messageIds, nowMs }));
  }

  async release(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return messagesFrom(await this.#call<string>({ op: 'release', messageIds, nowMs }));
  }

  async listHeld(limit: number): Promise<StoredMessage[]> {
    return messagesFrom(await this.#call<string>({ op: 'listHeld', limit }));
  }

  async get(messageIds: readonly string[]): Promise<StoredMessage[]> {
    return messagesFrom(await this.#call<string>({ op: 'get', messageIds }));
  }

  counts(): Promise<Counts> {
    return this.#call({ op: 'counts' });
  }

  async recentDuplicates(query: GuardQuery): Promise<Map<string, { sentAtMs: number | null; seenAtMs: number }>> {
    return new Map(
      await this.#call<[string, { sentAtMs: number | null; seenAtMs: number }][]>({ op: 'recentDuplicates', query }),
    );
  }

  createdSince(sinceMs: number): Promise<number> {
    return this.#call({ op: 'createdSince', sinceMs });
  }

  putAttachment(bytes: Buffer): Promise<string> {
    return this.#call({ op: 'putAttachment', bytes: new Uint8Array(bytes) });
  }

  async readAttachment(hash: string): Promise<Buffer> {
    const bytes = await this.#call<Uint8Array<ArrayBuffer>>({ op: 'readAttachment', hash });
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null = null): Promise<number> {
    return this.#call({ op: 'prune', olderThanMs, limit, forgetBeforeMs });
  }

  dropTexts(endedBeforeMs: number, limit: number): Promise<number> {
    return this.#call({ op: 'dropTexts', endedBeforeMs, limit });
  }

  #call<T>(call: Call): Promise<T> {
    const phase = this.#phase;
    if (phase.name === 'failed') return Promise.reject(phase.error);
    if (phase.name !== 'open') return Promise.reject(storeError('notOpen'));
    return new Promise<T>((resolve, reject) => {
      if (this.#pending.length === this.#answered) phase.worker.ref();
      this.#pending.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#calls.push(call);
      if (this.#flushPlanned) return;
      this.#flushPlanned = true;
      // At the end of this turn, after all that follows from promises settled in it: its calls go as one list.
      queueMicrotask(() => process.nextTick(() => this.#flush()));
    });
  }

  #flush(): void {
    this.#flushPlanned = false;
    const calls = this.#calls;
    if (calls.length === 0 || this.#phase.name !== 'open') return;
    this.#calls = [];
    post(this.#phase.worker, { calls });
  }

  #settle(replies: readonly Reply[]): void {
    for (const reply of replies) {
      const pending = this.#pending[this.#answered++];
      if (pending === undefined) throw new Error('bug: an answer to no call');
      if ('value' in reply) pending.resolve(reply.value);
      else pending.reject(errorFrom(reply.trouble));
    }
    if (this.#answered < this.#pending.length && this.#answered < 1000) return;
    this.#pending = this.#pending.slice(this.#answered);
    this.#answered = 0;
    if (this.#pending.length === 0 && this.#phase.name === 'open') this.#phase.worker.unref();
  }

  /** The worker ended: by itself, or since it was told to close and has answered everything. */
  #fail(worker: StoreThread, error: Error): void {
    const phase = this.#phase;
    if ((phase.name === 'open' || phase.name === 'opening') && phase.worker === worker) {
      this.#phase = { name: 'failed', error };
    }
    const unanswered = this.#pending.slice(this.#answered);
    this.#calls = [];
    this.#pending = [];
    this.#answered = 0;
    for (const { reject } of unanswered) reject(error);
  }
}

/** The worker's file is .ts beside this one in the sources, and .js where they were built. */
function startWorker(settings: WorkerSettings): StoreThread {
  const extension = path.extname(fileURLToPath(import.meta.url));
  return new Worker(new URL(`./worker${extension}`, import.meta.url), {
    workerData: settings,
  });
}

function post(worker: StoreThread, message: ToWorker): void {
  const transfer =
    'calls' in message ? message.calls.flatMap((call) => (call.op === 'putAttachment' ? [call.bytes.buffer] : [])) : [];
  worker.postMessage(message, transfer);
}

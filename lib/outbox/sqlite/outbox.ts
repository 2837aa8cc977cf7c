/**
 * The durable outbox: decisions here (`store.ts`), files in a worker thread, so that no disk ever stalls the event loop of
 * the caller. A promise resolves when what it promises is on disk.
 *
 *     const outbox = new SqliteOutbox({ file: '/home/me/.node-red/ushot/account.db' });
 *     await outbox.open(clock.now());
 *
 * Beside the file stand what is newest (-log), SQLite's write-ahead log (-wal), the pid of the process that has it (.lock)
 * and a folder of attachments (-attachments): a backup takes all of them, while the store is closed. All are readable by
 * their owner only, and so is the folder they are in, when it is made here.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type {
  AcceptResult,
  ClaimRequest,
  Counts,
  DuplicateTimes,
  GuardQuery,
  InboxReport,
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
} from '../outbox.ts';
import { errorFrom, type FromWorker, type StoreOptions } from './calls.ts';
import { Desk, type Thread } from './desk.ts';
import { storeError } from './problems.ts';
import type { Call, Store } from './store.ts';

export interface SqliteOutboxOptions {
  /** The database file. It and its folder are made where they are missing. */
  readonly file: string;
  /** Bound of the database file in bytes; meeting it is refused like a full disk. Without: the disk is the bound. */
  readonly maxFileBytes?: number;
  /** For tests and measurements only: how much longer each commit takes. */
  readonly commitDelayMs?: number;
  /** For tests only: the pages that the write-ahead log grows to before it is brought into the file. */
  readonly checkpointPages?: number;
  /** For tests only: the messages at most whose rows are older than the log; and that stay in memory without changing. */
  readonly mostUnwritten?: number;
}

/** The thread that the store's files are used in: a Worker. */
export type StoreThread = Pick<Worker, 'on' | 'once' | 'removeAllListeners'> & Thread;

/** `closing` holds what those who ask for the same again wait for. */
type Phase =
  | { readonly name: 'closed' }
  | { readonly name: 'opening'; readonly worker: StoreThread }
  | { readonly name: 'open'; readonly worker: StoreThread; readonly desk: Desk }
  | { readonly name: 'closing'; readonly done: Promise<void> }
  /** The worker ended by itself. */
  | { readonly name: 'failed'; readonly error: Error };

export class SqliteOutbox implements Outbox {
  readonly #options: StoreOptions;
  readonly #start: (options: StoreOptions) => StoreThread;
  #phase: Phase = { name: 'closed' };

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
    const worker = this.#start(this.#options);
    this.#phase = { name: 'opening', worker };
    const desk = await this.#opened(worker);
    if (desk === null) return;
    try {
      await desk.call((store) => store.interrupt(nowMs));
    } catch (error) {
      if (this.#hasDesk(desk)) await this.close().catch(() => {});
      throw error;
    }
  }

  close(): Promise<void> {
    const phase = this.#phase;
    if (phase.name === 'closing') return phase.done;
    if (phase.name !== 'open' && phase.name !== 'opening') return Promise.resolve();
    const done = this.#close(phase.worker, phase.name === 'open' ? phase.desk : null);
    this.#phase = { name: 'closing', done };
    return done;
  }

  accept(messages: readonly NewMessage[]): Promise<AcceptResult[]> {
    return this.#call((store) => store.accept(messages));
  }

  exchange(
    settlements: readonly Settlement[],
    claim: ClaimRequest | null,
    nowMs: number,
    decided?: (claimed: readonly StoredMessage[]) => void,
  ): Promise<StoredMessage[]> {
    return this.#call((store) => store.exchange(settlements, claim, nowMs), decided);
  }

  takeReports(reports: readonly NewReport[], nowMs: number): Promise<ReportIntake> {
    return this.#call((store) => store.takeReports(reports, nowMs));
  }

  pendingReports(limit: number): Promise<InboxReport[]> {
    return this.#call((store) => store.pendingReports(limit));
  }

  reportsEmitted(seqs: readonly number[]): Promise<void> {
    return this.#call((store) => store.reportsEmitted(seqs));
  }

  sweep(request: SweepRequest): Promise<Sweep> {
    return this.#call((store) => store.sweep(request));
  }

  clockWasSetBack(request: SetBack): Promise<StoredMessage[]> {
    return this.#call((store) => store.clockWasSetBack(request));
  }

  nextDueMs(service: Service, nowMs: number): Promise<number | null> {
    return this.#call((store) => store.nextDueMs(service, nowMs));
  }

  cancel(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return this.#call((store) => store.cancel(messageIds, nowMs));
  }

  release(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]> {
    return this.#call((store) => store.release(messageIds, nowMs));
  }

  listHeld(limit: number): Promise<StoredMessage[]> {
    return this.#call((store) => store.listHeld(limit));
  }

  get(messageIds: readonly string[]): Promise<StoredMessage[]> {
    return this.#call((store) => store.get(messageIds));
  }

  counts(): Promise<Counts> {
    return this.#call((store) => store.counts());
  }

  recentDuplicates(query: GuardQuery): Promise<Map<string, DuplicateTimes>> {
    return this.#call((store) => store.recentDuplicates(query));
  }

  createdSince(sinceMs: number): Promise<number> {
    return this.#call((store) => store.createdSince(sinceMs));
  }

  putAttachment(bytes: Buffer): Promise<string> {
    return this.#call((store) => store.putAttachment(bytes));
  }

  readAttachment(hash: string): Promise<Buffer> {
    return this.#call((store) => store.readAttachment(hash));
  }

  prune(olderThanMs: number, limit: number, forgetBeforeMs: number | null = null): Promise<number> {
    return this.#call((store) => store.prune(olderThanMs, limit, forgetBeforeMs));
  }

  dropTexts(endedBeforeMs: number, limit: number): Promise<number> {
    return this.#call((store) => store.dropTexts(endedBeforeMs, limit));
  }

  #call<T>(begin: (store: Store) => Call<T>, decided?: (value: T) => void): Promise<T> {
    const phase = this.#phase;
    if (phase.name === 'failed') return Promise.reject(phase.error);
    if (phase.name !== 'open') return Promise.reject(storeError('notOpen'));
    return phase.desk.call(begin, decided);
  }

  #hasDesk(desk: Desk): boolean {
    return this.#phase.name === 'open' && this.#phase.desk === desk;
  }

  /** Null when it was told to close meanwhile. */
  #opened(worker: StoreThread): Promise<Desk | null> {
    return new Promise((resolve, reject) => {
      let desk: Desk | undefined;
      let refusal: Error | undefined;
      const isOurs = (): boolean => 'worker' in this.#phase && this.#phase.worker === worker;
      const failed = (detail: string): void => {
        const error = storeError('threadEnded', { detail });
        if (isOurs()) this.#phase = { name: 'failed', error };
        desk?.fail(error);
        reject(error);
      };
      worker.on('error', (error) => failed(error.message));
      worker.on('messageerror', (error) => {
        failed(error.message);
        // It lives, and has the file.
        worker.postMessage({ close: true });
      });
      worker.on('exit', (code) => {
        if (refusal === undefined) return failed(`exit code ${code}`);
        if (isOurs()) this.#phase = { name: 'closed' };
        reject(refusal);
      });
      worker.on('message', (message: FromWorker) => {
        if ('opened' in message) {
          if (!isOurs()) return resolve(null);
          desk = new Desk(worker, message.opened, this.#options.mostUnwritten);
          this.#phase = { name: 'open', worker, desk };
          worker.unref();
          resolve(desk);
        } else if ('refused' in message) refusal = errorFrom(message.refused);
        else desk?.take(message);
      });
    });
  }

  async #close(worker: StoreThread, desk: Desk | null): Promise<void> {
    const exit = new Promise<void>((resolve, reject) => {
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
    await desk?.idle();
    worker.ref();
    worker.postMessage({ close: true });
    await exit;
  }
}

/** The worker's file is .ts beside this one in the sources, and .js where they were built. */
function startWorker(options: StoreOptions): StoreThread {
  const extension = path.extname(fileURLToPath(import.meta.url));
  return new Worker(new URL(`./worker${extension}`, import.meta.url), { workerData: options });
}

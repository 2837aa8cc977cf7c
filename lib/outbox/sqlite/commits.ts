/**
 * Group commit: all calls that have arrived run in one transaction, and are answered together after its one sync. Each runs
 * in a savepoint of its own, so that a call that breaks a rule sinks alone; trouble with the store itself (full, read-only,
 * damaged) sinks them all, and nothing of them is kept.
 *
 * A transaction that changed nothing in the database, as most do, is kept by an entry of the log. Any other is committed
 * by the database, together with all that the log tells of, and the log begins anew.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Call, type Reply, type StoreOptions, troubleOf } from './calls.ts';
import { asStoreError, boundFile } from './file.ts';
import type { Log } from './log.ts';
import { problemOf } from './problems.ts';
import { SQL } from './statements.ts';
import type { Store } from './store.ts';

/** Free pages are given back to the file system while they are more than this, and more than a quarter of the file. */
const FREE_PAGES = 2048;
/** As many as one pruning gives back, so that it stays short. */
const VACUUM_PAGES = 256;
/** How far beyond its bound a file may grow when what is in it moves on. */
const ROOM_TO_MOVE = 1.25;
/** What the log tells of was accepted within the bound, and finds its place in any case. */
const UNBOUND = { room: 1000, write: true };

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export class Commits {
  readonly #db: DatabaseSync;
  readonly #log: Log;
  readonly #store: Store;
  readonly #options: StoreOptions;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #rollbackTo: StatementSync;
  readonly #totalChanges: StatementSync;
  /**
   * The last commit of the database failed, and may all the same be what a crash leaves: it says that the log is spent.
   * Nothing goes into the log until another commit has taken its place.
   */
  #isUncertain = false;

  constructor(db: DatabaseSync, log: Log, store: Store, options: StoreOptions) {
    this.#db = db;
    this.#log = log;
    this.#store = store;
    this.#options = options;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#savepoint = db.prepare('SAVEPOINT one_call');
    this.#release = db.prepare('RELEASE one_call');
    this.#rollbackTo = db.prepare('ROLLBACK TO one_call');
    this.#totalChanges = db.prepare(SQL.totalChanges);
  }

  /** What the last process left behind; throws where the store is in trouble. */
  recover(nowMs: number): void {
    const [reply] = this.#transaction([() => this.#store.recover(this.#log.read(), nowMs)], UNBOUND);
    if (reply !== undefined && 'error' in reply) throw reply.error;
  }

  /** Before the file is closed. What cannot be written now is in the log, and found at the next opening. */
  end(): void {
    this.#transaction([], UNBOUND);
  }

  run(calls: readonly Call[]): Reply[] {
    const performed = calls.map((call) => () => perform(this.#store, call));
    // What was accepted may move on in more room than messages may fill.
    const outcomes = this.#transaction(performed, {
      room: calls.some(({ op }) => op === 'accept') ? 1 : ROOM_TO_MOVE,
      write: false,
    });
    if (calls.some(({ op }) => op === 'prune')) this.#giveBackPages();
    return outcomes.map((outcome) => ('error' in outcome ? { trouble: troubleOf(outcome.error) } : outcome));
  }

  /** `room`: in how many times `maxFileBytes`. `write`: into the database, whatever the calls do. */
  #transaction(calls: readonly (() => unknown)[], { room, write }: { room: number; write: boolean }): Outcome[] {
    const { file, maxFileBytes } = this.#options;
    try {
      if (maxFileBytes !== undefined) boundFile(this.#db, maxFileBytes * room);
      this.#begin.run();
      const before = this.#changes();
      const outcomes = calls.map((call) => this.#one(call));
      if (write || this.#isUncertain || this.#changes() !== before) this.#keepInDatabase();
      else this.#keep(room === 1);
      return outcomes;
    } catch (error) {
      this.#rollback();
      this.#store.rolledBack();
      const failure = { error: asStoreError(error, file) };
      return calls.map(() => failure);
    }
  }

  /** What changed nothing in the database. */
  #keep(bound: boolean): void {
    if (!this.#store.isOverdue && !this.#log.isLong) {
      this.#commit.run();
      return this.#keepInLog();
    }
    const mark = this.#store.mark();
    try {
      this.#keepInDatabase();
    } catch (error) {
      // A disk that is full has room in the log for what moves on, or for some of it.
      if (bound || this.#isUncertain || problemOf(error)?.problem !== 'full') throw error;
      this.#rollback();
      this.#store.backTo(mark);
      this.#keepInLog();
    }
  }

  #keepInLog(): void {
    const entry = this.#store.entry();
    if (entry !== null) this.#log.append(entry);
    this.#store.logged();
  }

  #keepInDatabase(): void {
    const generation = this.#log.generation + 1;
    this.#store.write(generation);
    this.#isUncertain = true;
    this.#commit.run();
    this.#isUncertain = false;
    this.#log.restart(generation);
    this.#store.written();
  }

  /** How many changes of rows the database has seen. */
  #changes(): number {
    return Number(this.#totalChanges.get()?.['total']);
  }

  /** Throws where the store is in trouble. */
  #one(call: () => unknown): Outcome {
    const mark = this.#store.mark();
    this.#savepoint.run();
    try {
      const value = call();
      this.#release.run();
      return { value };
    } catch (error) {
      if (problemOf(error) !== null) throw error;
      this.#rollbackTo.run();
      this.#release.run();
      this.#store.backTo(mark);
      return { error };
    }
  }

  #rollback(): void {
    try {
      this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full, or had not begun.
    }
  }

  #giveBackPages(): void {
    const pragma = (name: string): number => Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    try {
      const free = pragma('freelist_count');
      if (free < FREE_PAGES || free < pragma('page_count') / 4) return;
      this.#db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
    } catch {
      // The pages stay in the file and are used again; real trouble shows at the next call.
    }
  }
}

function perform(store: Store, call: Call): unknown {
  switch (call.op) {
    case 'accept':
      return store.accept(call.rows);
    case 'exchange':
      return store.exchange(call.settlements, call.claim, call.nowMs);
    case 'takeReports':
      return store.takeReports(call.rows, call.nowMs);
    case 'pendingReports':
      return store.pendingReports(call.limit);
    case 'reportsEmitted':
      return store.reportsEmitted(call.seqs);
    case 'sweep':
      return store.sweep(call.request);
    case 'nextDueMs':
      return store.nextDueMs(call.service, call.nowMs);
    case 'cancel':
      return store.cancel(call.messageIds, call.nowMs);
    case 'release':
      return store.release(call.messageIds, call.nowMs);
    case 'listHeld':
      return store.listHeld(call.limit);
    case 'get':
      return store.get(call.messageIds);
    case 'counts':
      return store.counts();
    case 'recentDuplicates':
      return store.recentDuplicates(call.query);
    case 'createdSince':
      return store.createdSince(call.sinceMs);
    case 'putAttachment':
      return store.putAttachment(call.bytes);
    case 'readAttachment':
      return store.readAttachment(call.hash);
    case 'prune':
      return store.prune(call.olderThanMs, call.limit, call.forgetBeforeMs);
    case 'dropTexts':
      return store.dropTexts(call.endedBeforeMs, call.limit);
  }
}

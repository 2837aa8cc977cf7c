/**
 * Group commit: all calls that have arrived run in one transaction, and are answered together after its one sync. Each runs
 * in a savepoint of its own, so that a call that breaks a rule sinks alone; trouble with the store itself (full, read-only,
 * damaged) sinks them all, and nothing of them is kept.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Call, type Reply, type StoreOptions, troubleOf } from './calls.ts';
import { asStoreError } from './file.ts';
import { problemOf } from './problems.ts';
import type { Store } from './store.ts';

/** Free pages are given back to the file system while they are more than this, and more than a quarter of the file. */
const FREE_PAGES = 2048;
/** As many as one pruning gives back, so that it stays short. */
const VACUUM_PAGES = 256;

export class Commits {
  readonly #db: DatabaseSync;
  readonly #store: Store;
  readonly #options: StoreOptions;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #rollbackTo: StatementSync;

  constructor(db: DatabaseSync, store: Store, options: StoreOptions) {
    this.#db = db;
    this.#store = store;
    this.#options = options;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#savepoint = db.prepare('SAVEPOINT one_call');
    this.#release = db.prepare('RELEASE one_call');
    this.#rollbackTo = db.prepare('ROLLBACK TO one_call');
  }

  /** What the last process left behind; throws where the store is in trouble. */
  recover(nowMs: number): void {
    const [reply] = this.#transaction([() => this.#store.recover(nowMs)]);
    if (reply !== undefined && 'error' in reply) throw reply.error;
  }

  run(calls: readonly Call[]): Reply[] {
    const outcomes = this.#transaction(calls.map((call) => () => perform(this.#store, call)));
    if (calls.some(({ op }) => op === 'prune')) this.#giveBackPages();
    return outcomes.map((outcome) => ('error' in outcome ? { trouble: troubleOf(outcome.error) } : outcome));
  }

  #transaction(calls: readonly (() => unknown)[]): ({ value: unknown } | { error: unknown })[] {
    try {
      this.#begin.run();
      const outcomes = calls.map((call) => this.#one(call));
      this.#store.writeRemembered();
      this.#commit.run();
      this.#store.committed();
      return outcomes;
    } catch (error) {
      this.#rollback();
      const failure = { error: asStoreError(error, this.#options.file) };
      return calls.map(() => failure);
    }
  }

  /** Throws where the store is in trouble. */
  #one(call: () => unknown): { value: unknown } | { error: unknown } {
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
    this.#store.backTo(0);
  }

  #giveBackPages(): void {
    const pragma = (name: string): number => Number(Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    const free = pragma('freelist_count');
    if (free < FREE_PAGES || free < pragma('page_count') / 4) return;
    try {
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
  }
}

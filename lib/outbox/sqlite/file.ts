/**
 * Opening and closing the database file: who may read it, that only one process has it, how hard it is synced, and that
 * its schema is ours.
 *
 * SQLite itself holds the lock, for as long as the process lives: nothing is left to clean up after `kill -9`. A file
 * beside it names the pid, only so that a second process can say who was first.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoreOptions } from './calls.ts';
import { Log } from './log.ts';
import { APPLICATION_ID, migrations } from './migrations.ts';
import { problemOf, storeError } from './problems.ts';

const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** Pages that are kept in memory, in KiB, whatever the size of the file. */
const CACHE_KIB = 32 * 1024;
/** The write-ahead log is brought into the file when it has grown to this many pages. */
const CHECKPOINT_PAGES = 2000;
/** What is left of SQLite's own log after that, at most. */
const LOG_BYTES = 16 * 1024 * 1024;

export interface OpenFile {
  readonly db: DatabaseSync;
  readonly log: Log;
  close(): void;
}

export function openFile(options: StoreOptions): OpenFile {
  const { file } = options;
  const lockFile = `${file}.lock`;
  const logFile = logOf(file);
  let db: DatabaseSync | undefined;
  let log: Log | undefined;
  try {
    refuseEmptied(file);
    createFile(file);
    db = new DatabaseSync(file);
    configure(db, options);
    migrate(db);
    if (firstValue(db, 'SELECT in_use FROM tally') === 1 && !sizeOf(logFile))
      throw storeError('logLost', { file: logFile });
    createFile(logFile);
    log = new Log(logFile, Number(firstValue(db, 'SELECT generation FROM tally')));
    log.occupy();
    db.exec('UPDATE tally SET in_use = 1');
    // The lock is ours since the first access: say so for whoever comes second.
    fs.rmSync(lockFile, { force: true });
    fs.writeFileSync(lockFile, `${process.pid}\n`, { mode: OWNER_ONLY_FILE });
    for (const suffix of ['', '-wal', '-shm']) chmodIfThere(file + suffix);
  } catch (error) {
    log?.close();
    db?.close();
    throw asStoreError(error, file);
  }
  const [opened, openedLog] = [db, log];
  return {
    db: opened,
    log: openedLog,
    close() {
      try {
        if (openedLog.isSpent && !isGone(file)) emptyLog(opened, openedLog);
        openedLog.close();
        fs.rmSync(lockFile, { force: true });
      } finally {
        opened.close();
      }
    },
  };
}

/** The file of the log. */
export function logOf(file: string): string {
  return `${file}-log`;
}

/** Whether the file is known not to be there: not where its folder cannot be looked into. */
export function isGone(file: string): boolean {
  if (fs.existsSync(file)) return false;
  try {
    return sizeOf(file) === undefined;
  } catch {
    return false;
  }
}

/** The error as one of the store where the store is what is wrong; else as it is. */
export function asStoreError(error: unknown, file: string): unknown {
  const trouble = problemOf(error);
  if (trouble === null) return error;
  if (trouble.problem !== 'inUse') return storeError(trouble.problem, { file, detail: trouble.detail });
  const pid = pidIn(`${file}.lock`);
  if (pid === process.pid) return storeError('inUseHere', { file });
  return storeError('inUse', { file, pid: pid ?? '?' });
}

export function syncFolder(folder: string): void {
  // Windows cannot open a folder, and needs no such sync.
  if (process.platform === 'win32') return;
  const descriptor = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Makes a folder, and those above it, that only the owner can enter; one that is there is left as it is. */
export function makeFolder(folder: string): void {
  const first = fs.mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) syncFolder(path.dirname(made));
}

/** Undefined where there is no file. */
function sizeOf(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.size;
}

/**
 * A database that is missing or empty must not begin anew in silence where other files say that there was one. Looked at
 * before SQLite does, which would remove its own log.
 */
function refuseEmptied(file: string): void {
  // The log first: another process may be creating the store, and its database is there and not empty before its log is.
  const logBytes = sizeOf(logOf(file));
  const bytes = sizeOf(file);
  if (bytes !== undefined && bytes > 0) return;
  const wasEmptied = bytes === 0 && logBytes !== undefined;
  if (wasEmptied || logBytes || sizeOf(`${file}-wal`)) throw storeError('emptied', { file });
  // Somebody moved the database away, after it was closed. Left there, the log would have a database that a crash leaves
  // empty, because it was just created, taken for one that was emptied.
  if (logBytes !== undefined) {
    fs.rmSync(logOf(file));
    syncFolder(path.dirname(file));
  }
}

/** In this order: a log that is empty while the database says that the store is in use has lost what was in it. */
function emptyLog(db: DatabaseSync, log: Log): void {
  try {
    db.exec('UPDATE tally SET in_use = 0');
    log.empty();
  } catch {
    // It stays as a crash would leave it, and tells of nothing new.
  }
}

/**
 * Creates the file where there is none, so that it is the owner's alone from its first byte. One that is there must not
 * be opened here: closing it again would let go of the locks of an engine of this process that has it open.
 */
function createFile(file: string): void {
  makeFolder(path.dirname(file));
  try {
    fs.closeSync(fs.openSync(file, 'wx', OWNER_ONLY_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (fs.statSync(file).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  }
  // Also the name of one that is there: whoever created it may have been killed before this.
  syncFolder(path.dirname(file));
  chmodIfThere(file);
}

function chmodIfThere(file: string): void {
  try {
    fs.chmodSync(file, OWNER_ONLY_FILE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function configure(db: DatabaseSync, { file, maxFileBytes, checkpointPages = CHECKPOINT_PAGES }: StoreOptions): void {
  // One process: the lock is kept from the first access on, and SQLite's own log needs no shared-memory file.
  db.exec('PRAGMA locking_mode = EXCLUSIVE');
  // Nothing is written before the file is known to be ours, and of a schema that we know.
  if (Number(firstValue(db, 'SELECT count(*) FROM sqlite_schema')) === 0) {
    // The log is created after the schema, which SQLite's own log may have had.
    if (sizeOf(logOf(file)) !== undefined) throw storeError('emptied', { file });
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  } else if (Number(firstValue(db, 'PRAGMA application_id')) !== APPLICATION_ID) throw storeError('foreign', { file });
  const [found, known] = [Number(firstValue(db, 'PRAGMA user_version')), migrations.length];
  if (found > known) throw storeError('newer', { file, found, known });
  const mode = firstValue(db, 'PRAGMA journal_mode = WAL');
  if (mode !== 'wal') throw storeError('readOnly', { file, detail: `journal mode ${String(mode)}` });
  db.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA cell_size_check = ON;
    PRAGMA secure_delete = FAST;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA wal_autocheckpoint = ${checkpointPages};
    PRAGMA journal_size_limit = ${LOG_BYTES};
  `);
  if (maxFileBytes !== undefined) boundFile(db, maxFileBytes);
}

export function boundFile(db: DatabaseSync, bytes: number): void {
  const pageBytes = Number(firstValue(db, 'PRAGMA page_size'));
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytes / pageBytes))}`);
}

function migrate(db: DatabaseSync): void {
  // Also where there is nothing to migrate: a file that cannot be written is found out now, not at the first message.
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(Number(firstValue(db, 'PRAGMA user_version')))) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
  } catch (error) {
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full: what it said first is the reason.
    }
    throw error;
  }
}

/** The process that has the store, or had it and was killed. */
export function pidIn(lockFile: string): number | null {
  try {
    const pid = Number.parseInt(fs.readFileSync(lockFile, 'utf8'), 10);
    return Number.isNaN(pid) ? null : pid;
  } catch {
    return null;
  }
}

/** The first column of the first row. */
export function firstValue(db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

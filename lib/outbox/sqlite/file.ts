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
  const logFile = `${file}-log`;
  let db: DatabaseSync | undefined;
  let log: Log | undefined;
  try {
    createFile(file);
    db = new DatabaseSync(file);
    configure(db, options);
    migrate(db);
    createFile(logFile);
    log = new Log(logFile, Number(value(db, 'SELECT generation FROM tally')));
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
        openedLog.close();
        fs.rmSync(lockFile, { force: true });
      } finally {
        opened.close();
      }
    },
  };
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

/**
 * Creates the file where there is none, so that it is the owner's alone from its first byte. One that is there must not
 * be opened here: closing it again would let go of the locks of an engine of this process that has it open.
 */
function createFile(file: string): void {
  makeFolder(path.dirname(file));
  try {
    fs.closeSync(fs.openSync(file, 'wx', OWNER_ONLY_FILE));
    syncFolder(path.dirname(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (fs.statSync(file).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
  }
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
  if (Number(value(db, 'SELECT count(*) FROM sqlite_schema')) === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  else if (Number(value(db, 'PRAGMA application_id')) !== APPLICATION_ID) throw storeError('foreign', { file });
  const [found, known] = [Number(value(db, 'PRAGMA user_version')), migrations.length];
  if (found > known) throw storeError('newer', { file, found, known });
  const mode = value(db, 'PRAGMA journal_mode = WAL');
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
  const pageBytes = Number(value(db, 'PRAGMA page_size'));
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytes / pageBytes))}`);
}

function migrate(db: DatabaseSync): void {
  // Also where there is nothing to migrate: a file that cannot be written is found out now, not at the first message.
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of migrations.slice(Number(value(db, 'PRAGMA user_version')))) db.exec(step);
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

function pidIn(lockFile: string): number | null {
  try {
    const pid = Number.parseInt(fs.readFileSync(lockFile, 'utf8'), 10);
    return Number.isNaN(pid) ? null : pid;
  } catch {
    return null;
  }
}

/** The first column of the first row. */
function value(db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

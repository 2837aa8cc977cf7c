/**
 * How many messages wait in a store that is closed, from what its files say. They are only read: no lock is taken, nothing
 * is made or changed, and whoever opens the store meanwhile is not disturbed.
 *
 * After an orderly end the database says all. After a crash it is older than SQLite's write-ahead log, which cannot be
 * read without taking part in its locks. The log of entries tells how it was when the last one was appended: the newer of
 * the two comes near enough to be worth saying, and is marked as not exact.
 */
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { parted, readEntry, type Tally } from './entry.ts';
import { firstValue, pidIn } from './file.ts';
import { Log } from './log.ts';
import { APPLICATION_ID, migrations } from './migrations.ts';
import { HELD, IN_DOUBT, IN_FLIGHT, READY } from './rows.ts';

export interface Waiting {
  /** Those to be sent and those in doubt. One that waits for its report alone is the gateway's already. */
  readonly messages: number;
  /** False after a crash. */
  readonly isExact: boolean;
}

/** Null where there is nothing to say: another process has the store, or the file is none, or is damaged. */
export function waitingIn(file: string): Waiting | null {
  if (isElsewhere(file)) return null;
  const isExact = (fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
  // A store that crashed while it was young may have no row at all.
  const rows = unlessItFails(() => countedInRows(file));
  const log = unlessItFails(() => countedInLog(`${file}-log`));
  const newest = log !== null && log.generation >= (rows?.generation ?? 0) ? log : rows;
  return newest && { messages: waitingOf(newest.open), isExact };
}

interface Counted {
  readonly open: Tally[0];
  /** Of the log: a later one is newer. */
  readonly generation: number;
}

function waitingOf(open: Counted['open']): number {
  const counts = open.flatMap((byState) => [READY, IN_FLIGHT, IN_DOUBT, HELD].map((state) => byState[state] ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
}

function countedInRows(file: string): Counted | null {
  const immutable = pathToFileURL(file);
  // Else SQLite would lock the file, and leave a -wal and a -shm beside it. Node.js before 22.15 takes no URL, and refuses.
  immutable.search = '?immutable=1';
  const db = new DatabaseSync(immutable, { readOnly: true });
  try {
    const isOurs = firstValue(db, 'PRAGMA application_id') === APPLICATION_ID;
    if (!isOurs || Number(firstValue(db, 'PRAGMA user_version')) > migrations.length) return null;
    const tally = db.prepare('SELECT * FROM tally').get() as { open: string; generation?: number } | undefined;
    // The first schema has no log.
    return tally ? { open: JSON.parse(tally.open) as Tally[0], generation: tally.generation ?? 0 } : null;
  } finally {
    db.close();
  }
}

function countedInLog(file: string): Counted | null {
  const log = Log.ofClosedStore(file);
  try {
    // Nothing was ever appended.
    if (log.generation === 0) return null;
    const newest = log.read().at(-1);
    const last = newest && parted(newest).at(-1);
    return last ? { open: readEntry(last).tally[0], generation: log.generation } : null;
  } finally {
    log.close();
  }
}

function isElsewhere(file: string): boolean {
  const pid = pidIn(`${file}.lock`);
  // What this process has open the caller knows. In a container the process that crashed had the same pid, mostly.
  if (pid === null || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unlessItFails<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

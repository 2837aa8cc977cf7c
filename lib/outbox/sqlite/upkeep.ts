/** What keeps the file from growing without end. Within a transaction, when the log tells of nothing that rows do not say. */
import { CREATED_MEMORY_BUCKETS } from '../rules.ts';
import type { Database } from './database.ts';
import { bucketOf, contentHashIn, FAILED, type MessageValues, OPEN_STATES, withoutTexts } from './rows.ts';
import { PRUNE_CHUNK, SQL } from './statements.ts';

/** Free pages are given back to the file system while they are more than this, and more than a quarter of the file. */
const FREE_PAGES = 2048;
/** As many as one pruning gives back, so that it stays short. */
const VACUUM_PAGES = 256;

/** See `Outbox.prune`. */
export function prune(db: Database, olderThanMs: number, limit: number, forgetBeforeMs: number | null): number {
  const pruned = pruneMessages(db, olderThanMs, limit);
  db.run(SQL.pruneUnmatched, olderThanMs, limit);
  db.run(SQL.pruneDuplicates, olderThanMs, limit);
  const latest = db.get<{ latest: number | null }>(SQL.latestCreated)?.latest ?? 0;
  db.run(SQL.pruneCreated, Math.max(bucketOf(olderThanMs), latest - CREATED_MEMORY_BUCKETS));
  if (forgetBeforeMs !== null) db.run(SQL.forget, forgetBeforeMs, limit);
  return pruned;
}

/** See `Outbox.dropTexts`. */
export function dropTexts(db: Database, endedBeforeMs: number, limit: number): number {
  // Only stores that drop texts pay for knowing which have some.
  db.exec(SQL.indexTexts);
  let dropped = 0;
  let after = { updatedAtMs: Number.MIN_SAFE_INTEGER, seq: 0 };
  for (;;) {
    const rows = db.lists<MessageValues>(SQL.withTexts, endedBeforeMs, after.updatedAtMs, after.seq, limit);
    for (const row of rows) {
      if (dropped === limit) return dropped;
      const [seq, , , , , , , body, state, , , updatedAtMs] = row;
      after = { updatedAtMs, seq };
      if (state === FAILED && hasReportsWaiting(db, row)) continue;
      db.run(SQL.dropTexts, withoutTexts(body), seq);
      dropped++;
    }
    if (rows.length < limit) return dropped;
  }
}

function pruneMessages(db: Database, olderThanMs: number, limit: number): number {
  const found = findPrunable(db, olderThanMs, limit);
  // Room is made before any is taken: a store that is full can be pruned.
  for (const [seq, messageId] of found) {
    db.run(SQL.deleteMessage, seq);
    db.run(SQL.deleteUnmatched, messageId);
  }
  for (const row of found) {
    const [seq, messageId, , , , , , body, state, batchLimit, dueAtMs, updatedAtMs, claims, result, detail] = row;
    const rest = [state, batchLimit, dueAtMs, updatedAtMs, claims, result, detail] as const;
    db.run(SQL.remember, messageId, seq, contentHashIn(body), ...rest);
  }
  return found.length;
}

function findPrunable(db: Database, olderThanMs: number, limit: number): MessageValues[] {
  const found: MessageValues[] = [];
  const newestMs = db.get<{ created_at: number }>(SQL.newest)?.created_at ?? 0;
  let after = 0;
  for (;;) {
    const rows = db.lists<MessageValues>(SQL.pruneScan, after);
    for (const row of rows) {
      const [seq, , , , createdAtMs, , , , state, , , updatedAtMs] = row;
      // Older ones come first; but for those that came while the clock was ahead, which must not end the search.
      if (found.length >= limit || (createdAtMs >= olderThanMs && createdAtMs <= newestMs)) return found;
      after = seq;
      const isOld = state >= OPEN_STATES && updatedAtMs < olderThanMs;
      if (isOld && !hasReportsWaiting(db, row)) found.push(row);
    }
    if (rows.length < PRUNE_CHUNK) return found;
  }
}

const hasReportsWaiting = (db: Database, row: MessageValues): boolean =>
  db.get(SQL.waitingReport, row[15]) !== undefined || db.get(SQL.waitingUnmatched, row[1]) !== undefined;

/** After pruning, outside of a transaction. */
export function giveBackPages(db: Database): void {
  const pragma = (name: string): number => Number(Object.values(db.get<object>(`PRAGMA ${name}`) ?? {})[0]);
  try {
    const free = pragma('freelist_count');
    if (free < FREE_PAGES || free < pragma('page_count') / 4) return;
    db.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`);
  } catch {
    // The pages stay in the file and are used again; real trouble shows at the next call.
  }
}

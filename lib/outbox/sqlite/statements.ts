/**
 * Every statement that the store makes, by name. Each names its index where it depends on one: the planner must not change
 * its mind as the file grows.
 */
import { NO_BATCH_LIMIT } from '../rules.ts';
import { READY } from './rows.ts';

const HOT = 'seq, message_id, state, service, batch_limit, due_at, expire_at, updated_at, claims, result, detail';
const ALL = `${HOT}, body`;

/** Rows that a search for what can be pruned reads at a time. */
export const PRUNE_CHUNK = 500;

export const SQL = {
  tally: 'SELECT * FROM tally',
  anyRemembered: 'SELECT 1 FROM remembered LIMIT 1',
  anyAttachments: 'SELECT 1 FROM attachment_users LIMIT 1',
  frames: 'SELECT * FROM frames',
  writeFrame: 'INSERT OR REPLACE INTO frames VALUES (?, ?, ?)',
  deleteFrame: 'DELETE FROM frames WHERE id = ?',
  inFrame: `SELECT ${ALL} FROM messages WHERE seq IN (SELECT value FROM json_each(?))`,
  writeTally: 'UPDATE tally SET open = ?, last_seq = ?, last_report_seq = ?',
  addCreated: 'INSERT INTO created VALUES (?, ?) ON CONFLICT DO UPDATE SET messages = messages + excluded.messages',
  wiresOf: 'SELECT wire FROM reports WHERE message_id = ?',
  insertReport:
    'INSERT INTO reports (message_id, seq, received_at, matched, result, outcome, wire) VALUES (?, ?, ?, ?, ?, ?, ?)',
  insertInbox: 'INSERT INTO inbox VALUES (?, ?)',
  pendingReports: 'SELECT r.* FROM inbox i JOIN reports r USING (message_id, seq) ORDER BY i.seq LIMIT ?',
  emit: 'DELETE FROM inbox WHERE seq IN (SELECT value FROM json_each(?))',
  inboxMessages: 'SELECT DISTINCT message_id FROM inbox WHERE seq IN (SELECT value FROM json_each(?))',
  expired: `SELECT ${ALL} FROM messages INDEXED BY messages_expiry
         WHERE state = ${READY} AND service = ? AND expire_at <= ? ORDER BY expire_at, seq LIMIT ?`,
  waiting: `SELECT ${ALL} FROM messages INDEXED BY messages_waiting
         WHERE state = ? AND state BETWEEN 2 AND 4 AND type = ? AND updated_at < ? AND service = coalesce(?, service)
         ORDER BY updated_at, seq LIMIT ?`,
  nextDue: `SELECT message_id, due_at AS at FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at > ? ORDER BY due_at LIMIT ?`,
  nextExpiry: `SELECT message_id, expire_at AS at FROM messages INDEXED BY messages_expiry
       WHERE state = ${READY} AND service = ? ORDER BY expire_at LIMIT ?`,
  duplicate: 'SELECT sent_at, seen_at FROM duplicates WHERE duplicate_key = ? AND seen_at >= ?',
  createdSince: 'SELECT coalesce(sum(messages), 0) AS count FROM created WHERE bucket >= ?',
  pruneDuplicates: `DELETE FROM duplicates WHERE duplicate_key IN
       (SELECT duplicate_key FROM duplicates WHERE seen_at < ? ORDER BY seen_at, duplicate_key LIMIT ?)`,
  latestCreated: 'SELECT max(bucket) AS latest FROM created',
  pruneCreated: 'DELETE FROM created WHERE bucket < ?',
  forget: `DELETE FROM remembered WHERE message_id IN
         (SELECT message_id FROM remembered WHERE updated_at < ? ORDER BY updated_at, message_id LIMIT ?)`,
  remembered: 'SELECT * FROM remembered WHERE message_id = ?',
  insertMessage: `INSERT INTO messages
      (seq, message_id, state, service, type, batch_limit, created_at, due_at, expire_at, updated_at, claims, result,
       detail, frame_key, body)
      VALUES (?, ?, ?, ?, ?, ${NO_BATCH_LIMIT}, ?, ?, ?, ?, 0, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
  addUser: 'INSERT INTO attachment_users VALUES (?, ?)',
  addDuplicate: `INSERT INTO duplicates VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
           sent_at = coalesce(max(sent_at, excluded.sent_at), sent_at, excluded.sent_at),
           seen_at = max(seen_at, excluded.seen_at)`,
  claimable: `SELECT seq, message_id, batch_limit, due_at, expire_at, claims, frame_key, body FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at <= ? AND (due_at, seq) >= (?, ?) AND expire_at > ?
       ORDER BY due_at, seq LIMIT ?`,
  pruneScan: `SELECT ${ALL}, created_at FROM messages WHERE seq > ? ORDER BY seq LIMIT ${PRUNE_CHUNK}`,
  remember: `INSERT INTO remembered
      (message_id, seq, content_hash, state, batch_limit, due_at, updated_at, claims, result, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deleteMessage: 'DELETE FROM messages WHERE seq = ?',
  deleteReports: 'DELETE FROM reports WHERE message_id = ?',
  pruneReports: `DELETE FROM reports WHERE (message_id, seq) IN (
         SELECT message_id, seq FROM reports INDEXED BY reports_unmatched
         WHERE matched = 0 AND received_at < ? AND seq NOT IN (SELECT seq FROM inbox)
         ORDER BY received_at, seq LIMIT ?)`,
  moveOne: `UPDATE messages SET state = ?, updated_at = ?, result = ?, detail = ?, claims = ?, due_at = ?, batch_limit = ?
       WHERE seq = ?`,
  moveAlike: `UPDATE messages SET state = ?, updated_at = ?, result = ?, detail = ?, claims = ?
         WHERE seq IN (SELECT value FROM json_each(?))`,
  message: `SELECT ${ALL} FROM messages WHERE message_id = ?`,
  waitingReport: 'SELECT 1 FROM reports r JOIN inbox i USING (seq) WHERE r.message_id = ? LIMIT 1',
  hasUsers: 'SELECT 1 FROM attachment_users WHERE hash = ? LIMIT 1',
  releaseUsers: 'DELETE FROM attachment_users WHERE seq = ? RETURNING hash',
} as const;

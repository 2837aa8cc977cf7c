/**
 * Every statement that the store makes, by name. Each names its index where it depends on one: the planner must not change
 * its mind as the file grows.
 */
import { CLAIM_REACH, NO_BATCH_LIMIT } from '../rules.ts';
import { IN_FLIGHT, READY } from './rows.ts';

const HOT = 'seq, message_id, state, service, type, batch_limit, due_at, expire_at, updated_at, claims, result, detail';
const ALL = `${HOT}, created_at, frame_key, content_hash, body`;

/** Rows that a search for what can be pruned reads at a time. */
export const PRUNE_CHUNK = 500;

export const SQL = {
  tally: 'SELECT * FROM tally',
  anyRemembered: 'SELECT 1 FROM remembered LIMIT 1',
  anyAttachments: 'SELECT 1 FROM attachment_users LIMIT 1',
  inFlight: `SELECT ${HOT} FROM messages INDEXED BY messages_waiting WHERE state = ${IN_FLIGHT} AND state BETWEEN 1 AND 4`,
  writeTally: 'UPDATE tally SET open = ?, last_seq = ?, last_report_seq = ?',
  addCreated: 'INSERT INTO created VALUES (?, ?) ON CONFLICT DO UPDATE SET messages = messages + excluded.messages',
  wiresOf: 'SELECT wire FROM reports WHERE message_id = ?',
  insertReport:
    'INSERT INTO reports (seq, message_id, received_at, emitted, result, outcome, wire) VALUES (?, ?, ?, 0, ?, ?, ?)',
  pendingReports: 'SELECT * FROM reports INDEXED BY reports_not_emitted WHERE emitted = 0 ORDER BY seq LIMIT ?',
  emit: 'UPDATE reports SET emitted = 1 WHERE seq IN (SELECT value FROM json_each(?)) AND emitted = 0',
  emittedMessages: `SELECT DISTINCT m.seq, m.message_id, m.state FROM reports r JOIN messages m USING (message_id)
       WHERE r.seq IN (SELECT value FROM json_each(?))`,
  expired: `SELECT ${ALL} FROM messages INDEXED BY messages_expiry
         WHERE state = ${READY} AND service = ? AND expire_at <= ? ORDER BY expire_at, seq LIMIT ?`,
  waiting: `SELECT ${ALL} FROM messages INDEXED BY messages_waiting
         WHERE state = ? AND state BETWEEN 1 AND 4 AND type = ? AND updated_at < ? AND service = coalesce(?, service)
         ORDER BY updated_at, seq LIMIT ?`,
  nextDue: `SELECT min(due_at) AS at FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at > ?`,
  nextExpiry: `SELECT min(expire_at) AS at FROM messages INDEXED BY messages_expiry WHERE state = ${READY} AND service = ?`,
  duplicate: 'SELECT sent_at, seen_at FROM duplicates WHERE duplicate_key = ? AND seen_at >= ?',
  createdSince: 'SELECT coalesce(sum(messages), 0) AS count FROM created WHERE bucket >= ?',
  pruneDuplicates: `DELETE FROM duplicates WHERE duplicate_key IN
       (SELECT duplicate_key FROM duplicates WHERE seen_at < ? ORDER BY seen_at, duplicate_key LIMIT ?)`,
  pruneCreated: 'DELETE FROM created WHERE bucket < ? OR bucket < (SELECT max(bucket) FROM created) - ?',
  forget: `DELETE FROM remembered WHERE message_id IN
         (SELECT message_id FROM remembered WHERE updated_at < ? ORDER BY updated_at, message_id LIMIT ?)`,
  remembered: 'SELECT * FROM remembered WHERE message_id = ?',
  insertMessage: `INSERT INTO messages (${ALL}) VALUES (?, ?, ?, ?, ?, ${NO_BATCH_LIMIT}, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
  addUser: 'INSERT INTO attachment_users VALUES (?, ?)',
  addDuplicate: `INSERT INTO duplicates VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
           sent_at = coalesce(max(sent_at, excluded.sent_at), sent_at, excluded.sent_at),
           seen_at = max(seen_at, excluded.seen_at)`,
  claimHead: `SELECT seq, due_at, frame_key, batch_limit FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at <= ? AND (due_at, seq) >= (?, ?) AND expire_at > ?
       ORDER BY due_at, seq LIMIT 1`,
  claimFrame: `SELECT * FROM (
         SELECT ${ALL} FROM messages INDEXED BY messages_ready
         WHERE state = ${READY} AND service = ? AND due_at <= ? AND (due_at, seq) >= (?, ?) AND expire_at > ?
         ORDER BY due_at, seq LIMIT ${CLAIM_REACH})
       WHERE frame_key = ? AND batch_limit = ? LIMIT ?`,
  pruneScan: `SELECT ${HOT}, created_at, content_hash FROM messages WHERE seq > ? ORDER BY seq LIMIT ${PRUNE_CHUNK}`,
  remember: `INSERT INTO remembered
      (message_id, seq, content_hash, state, batch_limit, due_at, updated_at, claims, result, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deleteMessage: 'DELETE FROM messages WHERE seq = ?',
  reportScan: `SELECT seq, received_at, emitted FROM reports WHERE seq > ? ORDER BY seq LIMIT ${PRUNE_CHUNK}`,
  deleteReport: 'DELETE FROM reports WHERE seq = ?',
  moveOne: `UPDATE messages SET state = ?, updated_at = ?, result = ?, detail = ?, claims = ?, due_at = ?, batch_limit = ?
       WHERE seq = ?`,
  moveAlike: `UPDATE messages SET state = ?, updated_at = ?, result = ?, detail = ?, claims = ?
         WHERE seq IN (SELECT value FROM json_each(?))`,
  message: `SELECT ${ALL} FROM messages WHERE message_id = ?`,
  waitingReport: 'SELECT 1 FROM reports WHERE message_id = ? AND emitted = 0 LIMIT 1',
  hasUsers: 'SELECT 1 FROM attachment_users WHERE hash = ? LIMIT 1',
  releaseUsers: 'DELETE FROM attachment_users WHERE seq = ? RETURNING hash',
} as const;

/**
 * Every statement that the store makes, by name. Each names its index where it depends on one: the planner must not change
 * its mind as the file grows.
 */
import { IN_DOUBT, IN_FLIGHT, OPEN_STATES, READY, RETRY_OF } from './rows.ts';

/** In the order of MessageValues (rows.ts). */
const HOT = 'state, batch_limit, due_at, updated_at, claims, result, detail, reports';
const ALL = `seq, message_id, service, type, created_at, expire_at, frame_key, body, ${HOT}`;

/** Rows that a search for what can be pruned reads at a time. */
export const PRUNE_CHUNK = 500;

export const SQL = {
  tally: 'SELECT * FROM tally',
  greatestId: `SELECT max(coalesce((SELECT max(message_id) FROM messages), ''),
         coalesce((SELECT max(message_id) FROM remembered), '')) AS id`,
  anyAttachments: 'SELECT 1 FROM attachment_users LIMIT 1',
  inFlight: `SELECT ${ALL} FROM messages INDEXED BY messages_in_flight WHERE state = ${IN_FLIGHT} ORDER BY seq`,
  /** Body and reports may be given as UTF-8. */
  putMessage: `INSERT INTO messages (${ALL}) VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))
      ON CONFLICT (seq) DO UPDATE SET (${HOT}) = (excluded.state, excluded.batch_limit, excluded.due_at,
        excluded.updated_at, excluded.claims, excluded.result, excluded.detail,
        excluded.reports)`,
  moveMessage: `UPDATE messages SET (${HOT}) = (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT)) WHERE seq = ?`,
  writeTally: 'UPDATE tally SET open = ?, last_seq = ?, last_report_seq = ?',
  writeGeneration: 'UPDATE tally SET generation = ?',
  addCreated: 'INSERT INTO created VALUES (?, ?) ON CONFLICT DO UPDATE SET messages = messages + excluded.messages',
  anyUnmatched: 'SELECT 1 FROM unmatched_reports LIMIT 1',
  unmatchedWires:
    'SELECT message_id || wire FROM unmatched_reports WHERE message_id IN (SELECT value FROM json_each(?))',
  unmatched: 'SELECT * FROM unmatched_reports WHERE message_id = ? AND seq = ?',
  insertUnmatched: 'INSERT INTO unmatched_reports VALUES (?, ?, ?, ?, ?, ?)',
  insertInbox: 'INSERT OR IGNORE INTO inbox VALUES (?, ?)',
  inbox: 'SELECT seq, message_id FROM inbox ORDER BY seq LIMIT ?',
  emit: 'DELETE FROM inbox WHERE seq IN (SELECT value FROM json_each(?)) RETURNING message_id',
  expired: `SELECT ${ALL} FROM messages INDEXED BY messages_expiry
         WHERE state = ${READY} AND service = ? AND expire_at <= ? ORDER BY expire_at, seq LIMIT ?`,
  waiting: `SELECT ${ALL} FROM messages INDEXED BY messages_waiting
         WHERE state = ? AND state BETWEEN 2 AND 4 AND type = ? AND updated_at < ? AND service = coalesce(?, service)
         ORDER BY updated_at, seq LIMIT ?`,
  /** Not those that were scheduled. */
  readyLater: `SELECT ${ALL} FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at > ? AND updated_at > ?
       AND (due_at <= created_at OR claims > 0 OR body ->> ${RETRY_OF} IS NOT NULL) ORDER BY due_at, seq LIMIT ?`,
  doubtLater: `SELECT ${ALL} FROM messages INDEXED BY messages_waiting
       WHERE state = ${IN_DOUBT} AND state BETWEEN 2 AND 4 AND type = ? AND updated_at > ? ORDER BY updated_at, seq LIMIT ?`,
  nextDue: `SELECT due_at FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at > ? AND seq NOT IN (SELECT value FROM json_each(?))
       ORDER BY due_at LIMIT 1`,
  nextExpiry: `SELECT expire_at FROM messages INDEXED BY messages_expiry
       WHERE state = ${READY} AND service = ? AND seq NOT IN (SELECT value FROM json_each(?))
       ORDER BY expire_at LIMIT 1`,
  duplicate: 'SELECT sent_at, seen_at FROM duplicates WHERE duplicate_key = ?',
  createdSince: 'SELECT coalesce(sum(messages), 0) AS count FROM created WHERE bucket >= ?',
  pruneDuplicates: `DELETE FROM duplicates WHERE duplicate_key IN
       (SELECT duplicate_key FROM duplicates WHERE seen_at < ? ORDER BY seen_at, duplicate_key LIMIT ?)`,
  latestCreated: 'SELECT max(bucket) AS latest FROM created',
  pruneCreated: 'DELETE FROM created WHERE bucket < ?',
  forget: `DELETE FROM remembered WHERE message_id IN
         (SELECT message_id FROM remembered WHERE updated_at < ? ORDER BY updated_at, message_id LIMIT ?)`,
  remembered: 'SELECT * FROM remembered WHERE message_id IN (SELECT value FROM json_each(?))',
  addUser: 'INSERT INTO attachment_users VALUES (?, ?)',
  addDuplicate: `INSERT INTO duplicates VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
           sent_at = coalesce(max(sent_at, excluded.sent_at), sent_at, excluded.sent_at),
           seen_at = max(seen_at, excluded.seen_at)`,
  claimable: `SELECT ${ALL} FROM messages INDEXED BY messages_ready
       WHERE state = ${READY} AND service = ? AND due_at <= ? AND (due_at, seq) >= (?, ?) AND expire_at > ?
       ORDER BY due_at, seq LIMIT ?`,
  newest: 'SELECT created_at FROM messages WHERE seq = (SELECT max(seq) FROM messages)',
  pruneScan: `SELECT ${ALL} FROM messages WHERE seq > ? ORDER BY seq LIMIT ${PRUNE_CHUNK}`,
  remember: `INSERT INTO remembered
      (message_id, seq, content_hash, state, batch_limit, due_at, updated_at, claims, result, detail)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deleteMessage: 'DELETE FROM messages WHERE seq = ?',
  deleteUnmatched: 'DELETE FROM unmatched_reports WHERE message_id = ?',
  pruneUnmatched: `DELETE FROM unmatched_reports WHERE (message_id, seq) IN (
         SELECT message_id, seq FROM unmatched_reports INDEXED BY unmatched_reports_age
         WHERE received_at < ? AND seq NOT IN (SELECT seq FROM inbox)
         ORDER BY received_at, seq LIMIT ?)`,
  indexTexts: `CREATE INDEX IF NOT EXISTS messages_texts ON messages (updated_at)
         WHERE state >= ${OPEN_STATES} AND has_texts = 1`,
  withTexts: `SELECT ${ALL} FROM messages INDEXED BY messages_texts
         WHERE state >= ${OPEN_STATES} AND has_texts = 1 AND updated_at < ? AND (updated_at, seq) > (?, ?)
         ORDER BY updated_at, seq LIMIT ?`,
  dropTexts: 'UPDATE messages SET has_texts = 0, body = ? WHERE seq = ?',
  messages: `SELECT ${ALL} FROM messages WHERE message_id IN (SELECT value FROM json_each(?))`,
  /** Given the reports of a message, or its id: whether flows have not seen one of them. */
  waitingReport: 'SELECT 1 FROM inbox WHERE seq IN (SELECT value ->> 0 FROM json_each(?)) LIMIT 1',
  waitingUnmatched: 'SELECT 1 FROM unmatched_reports r JOIN inbox i USING (seq) WHERE r.message_id = ? LIMIT 1',
  hasUsers: 'SELECT 1 FROM attachment_users WHERE hash = ? LIMIT 1',
  /** Of messages by seq or id, of which those need no attachments any more that ended and have no report waiting. */
  releaseUsers: `DELETE FROM attachment_users WHERE seq IN (
         SELECT seq FROM messages AS m
         WHERE (seq IN (SELECT value FROM json_each(?)) OR message_id IN (SELECT value FROM json_each(?)))
         AND state >= ${OPEN_STATES}
         AND NOT EXISTS (SELECT 1 FROM json_each(m.reports) JOIN inbox ON inbox.seq = json_each.value ->> 0)
         AND NOT EXISTS (SELECT 1 FROM unmatched_reports AS u JOIN inbox USING (seq) WHERE u.message_id = m.message_id))
       RETURNING hash`,
} as const;

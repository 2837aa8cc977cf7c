/**
 * The schema, as numbered steps that only go forward. Step n brings a file from schema n-1 to n, in one transaction. A step
 * that was released is never changed: `test/outbox/fixtures/` holds a file of each released schema, which the tests
 * migrate. (They are TypeScript, not .sql files, so that the build has nothing to copy.)
 */

/** "USHT", the mark of our files in SQLite's header. */
export const APPLICATION_ID = 0x55534854;

export const migrations: readonly string[] = [
  // 1: the first.
  `
  -- The columns that change or are searched; what is only kept is a JSON array in body (see rows.ts).
  -- state, service and type are the codes of rows.ts. Times are milliseconds since 1970.
  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    state INTEGER NOT NULL,
    service INTEGER NOT NULL,
    type INTEGER NOT NULL,
    batch_limit INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expire_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    claims INTEGER NOT NULL,
    result INTEGER,
    detail TEXT,
    frame_key TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  -- READY, in the order of claiming and by expiry; then the states that wait for a report or the operator.
  CREATE INDEX messages_ready ON messages (service, due_at) WHERE state = 0;
  CREATE INDEX messages_expiry ON messages (service, expire_at) WHERE state = 0;
  CREATE INDEX messages_waiting ON messages (state, type, updated_at) WHERE state BETWEEN 2 AND 4;

  -- Frames that may be on the wire: the rows of their messages say READY still, and are IN_FLIGHT. seqs is a JSON array.
  CREATE TABLE frames (id INTEGER PRIMARY KEY, claimed_at INTEGER NOT NULL, seqs TEXT NOT NULL) STRICT;

  -- Ids of messages that were pruned, and how these ended.
  CREATE TABLE remembered (
    message_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    state INTEGER NOT NULL,
    batch_limit INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    claims INTEGER NOT NULL,
    result INTEGER,
    detail TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX remembered_age ON remembered (updated_at);

  -- Reports, beside each other by message. wire is the JSON of what came, by which repeats are known. They go with their
  -- message; those that came for none (matched = 0) go by age.
  CREATE TABLE reports (
    message_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    matched INTEGER NOT NULL,
    result INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    wire TEXT NOT NULL,
    PRIMARY KEY (message_id, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reports_unmatched ON reports (received_at, seq) WHERE matched = 0;
  -- Those that flows have not seen yet.
  CREATE TABLE inbox (seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL) STRICT;

  -- What the guards ask: last times by content, and messages created by the second.
  CREATE TABLE duplicates (
    duplicate_key TEXT PRIMARY KEY,
    sent_at INTEGER,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX duplicates_age ON duplicates (seen_at);
  CREATE TABLE created (bucket INTEGER PRIMARY KEY, messages INTEGER NOT NULL) STRICT;

  -- Which messages need which attachment.
  CREATE TABLE attachment_users (seq INTEGER NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (seq, hash)) STRICT, WITHOUT ROWID;
  CREATE INDEX attachment_users_by_hash ON attachment_users (hash);

  -- One row: how many messages are in each open state, as a JSON array by service and state, and the last numbers given.
  CREATE TABLE tally (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    open TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_report_seq INTEGER NOT NULL
  ) STRICT;
  INSERT INTO tally VALUES (1, '[[0,0,0,0,0],[0,0,0,0,0]]', 0, 0);
  `,
  // 2: rows are written behind a log; messages in flight say so themselves, and reports are kept with their message.
  `
  -- Which entries of the log beside the database are newer than it (see log.ts).
  ALTER TABLE tally ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;

  UPDATE messages SET state = 1, claims = claims + 1, updated_at = frame.claimed_at, result = NULL, detail = NULL
    FROM (SELECT value AS seq, claimed_at FROM frames, json_each(frames.seqs)) AS frame WHERE messages.seq = frame.seq;
  DROP TABLE frames;
  CREATE INDEX messages_in_flight ON messages (seq) WHERE state = 1;

  -- 0 when the texts in body were dropped before the message itself is.
  ALTER TABLE messages ADD COLUMN has_texts INTEGER NOT NULL DEFAULT 1;

  -- A JSON array of [seq, received_at, result, outcome, wire].
  ALTER TABLE messages ADD COLUMN reports TEXT;
  UPDATE messages SET reports = found.reports FROM (
    SELECT message_id, json_group_array(json_array(seq, received_at, result, outcome, json(wire)) ORDER BY seq) AS reports
    FROM reports WHERE matched = 1 GROUP BY message_id) AS found WHERE messages.message_id = found.message_id;
  -- Those that came for no message go by age.
  CREATE TABLE unmatched_reports (
    message_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    result INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    wire TEXT NOT NULL,
    PRIMARY KEY (message_id, seq)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO unmatched_reports SELECT message_id, seq, received_at, result, outcome, wire FROM reports WHERE matched = 0;
  DROP TABLE reports;
  CREATE INDEX unmatched_reports_age ON unmatched_reports (received_at, seq);
  `,
  // 3: a log that was lost is told from one that never was.
  `
  -- 1 from opening to closing: meanwhile the log is there, and not empty.
  ALTER TABLE tally ADD COLUMN in_use INTEGER NOT NULL DEFAULT 0;
  `,
];

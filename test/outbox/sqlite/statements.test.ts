/** That no statement grows slower with the backlog: what SQLite plans for each of them, on the schema as it is. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { migrations } from '../../../lib/outbox/sqlite/migrations.ts';
import { SQL } from '../../../lib/outbox/sqlite/statements.ts';

/** Read from one end until the limit, or of one row, or as long as a list that the caller gives. */
const allowed =
  /^SCAN (tally|inbox|CONSTANT ROW|json_each VIRTUAL.*|(\w+) USING COVERING INDEX \2_\w+|messages USING INDEX messages_in_flight)$/;

describe('the statements of the store', () => {
  const db = new DatabaseSync(':memory:');
  for (const migration of migrations) db.exec(migration);
  db.exec(SQL.indexTexts);
  for (const [name, sql] of Object.entries(SQL)) {
    it(`${name} walks no table, and sorts nothing that is stored`, () => {
      const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
      for (const { detail } of plan) {
        assert.ok(!detail.startsWith('SCAN') || allowed.test(detail), detail);
        assert.doesNotMatch(detail, /TEMP B-TREE FOR ORDER BY/);
      }
    });
  }
});

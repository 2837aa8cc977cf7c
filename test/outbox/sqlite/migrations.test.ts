/** Files of every schema that was released, opened by this version: nothing is lost, and the schema is the present one. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrations } from '../../../lib/outbox/sqlite/migrations.ts';
import { newMessage, START_MS } from '../messages.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

const fixtureOf = (schema: number): string => path.join(import.meta.dirname, '../fixtures', `schema-${schema}.sql`);

function schemaOf(file: string): unknown {
  const db = new DatabaseSync(file);
  try {
    const version = db.prepare('PRAGMA user_version').get();
    const objects = db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all();
    return { version, objects };
  } finally {
    db.close();
  }
}

describe('migrations', () => {
  let folder: string;
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  for (const schema of migrations.keys()) {
    it(`bring a file of schema ${schema + 1} to schema ${migrations.length} with all that is in it`, async () => {
      const file = path.join(folder, 'old.db');
      const old = new DatabaseSync(file);
      old.exec(fs.readFileSync(fixtureOf(schema + 1), 'utf8'));
      old.close();

      const outbox = inProcessOutbox({ file });
      await outbox.open(START_MS + 5);
      try {
        const ids = ['READY', 'ACCEPTED', 'IN_DOUBT', 'DELIVERED', 'FAILED', 'NO_REPORT', 'REJECTED'];
        ids.push('EXPIRED', 'CANCELLED', 'SUPPRESSED');
        const found = await outbox.get(ids);
        assert.deepEqual(
          found.map(({ state }) => state),
          ids,
        );
        for (const { messageId, text, to } of found) {
          assert.deepEqual([text, to], [`경보 ${messageId}`, '01012345678']);
        }
        const [held, interrupted] = await outbox.get(['HELD', 'IN_FLIGHT']);
        assert.deepEqual([held?.state, held?.held], ['IN_DOUBT', true]);
        assert.deepEqual(
          [interrupted?.state, interrupted?.updatedAtMs, interrupted?.claims],
          ['IN_DOUBT', START_MS + 5, 1],
        );
        assert.deepEqual(await outbox.counts(), {
          READY: 1,
          IN_FLIGHT: 0,
          ACCEPTED: 1,
          IN_DOUBT: 3,
          held: 1,
          openByService: { sms: 4, mms: 1 },
        });
        const pending = await outbox.pendingReports(10);
        assert.deepEqual(
          pending.map(({ messageId, outcome, message }) => [messageId, outcome, message?.state]),
          [
            ['FAILED', 'failed', 'FAILED'],
            ['nobody', 'delivered', undefined],
          ],
        );
        const before = { createdAtMs: START_MS - 1000 };
        const [repeat] = await outbox.accept([newMessage('PRUNED', before)]);
        assert.ok(repeat?.kind === 'repeat');
        assert.equal(repeat.message.state, 'CANCELLED');
        const duplicates = await outbox.recentDuplicates({ duplicateKeys: ['key'], sinceMs: 0 });
        assert.deepEqual([...duplicates], [['key', { sentAtMs: null, seenAtMs: START_MS }]]);
        assert.equal(await outbox.createdSince(START_MS), 10);
      } finally {
        await outbox.close();
      }

      const fresh = inProcessOutbox({ file: path.join(folder, 'fresh.db') });
      await fresh.open(START_MS);
      await fresh.close();
      assert.deepEqual(schemaOf(file), schemaOf(path.join(folder, 'fresh.db')));
    });
  }
});

/** Where a commit is kept: in the log or in the database, and what follows when the database fails. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AttachmentFolder } from '../../../lib/outbox/sqlite/attachments.ts';
import { Commits } from '../../../lib/outbox/sqlite/commits.ts';
import { type OpenFile, openFile } from '../../../lib/outbox/sqlite/file.ts';
import { newRow } from '../../../lib/outbox/sqlite/rows.ts';
import { Store } from '../../../lib/outbox/sqlite/store.ts';
import { newMessage, START_MS } from '../messages.ts';
import { makeFolder, removeFolder } from './folder.ts';

describe('commits', () => {
  let folder: string;
  let open: OpenFile;
  let commits: Commits;
  /** The next COMMIT of the database fails, as when its log cannot be synced. */
  let fails = false;

  beforeEach(() => {
    folder = makeFolder();
    const file = path.join(folder, 'account.db');
    open = openFile({ file });
    const { db } = open;
    const failing = {
      exec: (sql: string) => db.exec(sql),
      prepare(sql: string) {
        const statement = db.prepare(sql);
        if (sql !== 'COMMIT') return statement;
        return {
          run() {
            if (!fails) return statement.run();
            fails = false;
            throw Object.assign(new Error('disk I/O error'), { errcode: 1034, errstr: 'disk I/O error' });
          },
        };
      },
    };
    const store = new Store(db, new AttachmentFolder(`${file}-attachments`), { file });
    commits = new Commits(failing as unknown as DatabaseSync, open.log, store, { file });
    commits.recover(START_MS);
  });
  afterEach(() => {
    open.close();
    removeFolder(folder);
  });

  const accept = (id: string, changes = {}): boolean => {
    const [reply] = commits.run([{ op: 'accept', rows: [newRow(newMessage(id, changes))] }]);
    return reply !== undefined && 'value' in reply;
  };

  it('are entries of the log, until something else changes in the database', () => {
    const { generation } = open.log;
    assert.ok(accept('A'));
    assert.equal(open.log.generation, generation);
    assert.ok(accept('B', { duplicateKey: 'k' }));
    assert.equal(open.log.generation, generation + 1);
  });

  it('go into the database after one of it failed: what a crash finds may say that the log is spent', () => {
    assert.ok(accept('A'));
    const { generation } = open.log;
    fails = true;
    assert.ok(!accept('B', { duplicateKey: 'k' }), 'refused');
    assert.equal(open.log.generation, generation);
    assert.ok(accept('C'));
    assert.equal(open.log.generation, generation + 1, 'kept in the database');
    assert.ok(accept('D'));
    assert.equal(open.log.generation, generation + 1, 'and then in the log again');
  });
});

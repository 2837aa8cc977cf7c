/** Where a batch is kept: in the log or in the database, and what follows when the database fails. */
import assert from 'node:assert/strict';
import path from 'node:path';
import type { NewMessage } from '../../../lib/outbox/outbox.ts';
import { freshMessage } from '../../../lib/outbox/rules.ts';
import { AttachmentFolder } from '../../../lib/outbox/sqlite/attachments.ts';
import type { Batch } from '../../../lib/outbox/sqlite/calls.ts';
import { Commits } from '../../../lib/outbox/sqlite/commits.ts';
import { Database } from '../../../lib/outbox/sqlite/database.ts';
import { entryBytes } from '../../../lib/outbox/sqlite/entry.ts';
import { type OpenFile, openFile } from '../../../lib/outbox/sqlite/file.ts';
import { liveOf } from '../../../lib/outbox/sqlite/live.ts';
import { newMessage } from '../messages.ts';
import { makeFolder, removeFolder } from './folder.ts';

class FailingDatabase extends Database {
  /** The next commit fails, as when SQLite's own log cannot be synced. */
  fails = false;

  override commit(): void {
    if (!this.fails) return super.commit();
    this.fails = false;
    throw Object.assign(new Error('disk I/O error'), { errcode: 1034, errstr: 'disk I/O error' });
  }
}

describe('commits', () => {
  let folder: string;
  let open: OpenFile;
  let db: FailingDatabase;
  let commits: Commits;
  let seq = 0;

  const start = (mostUnwritten?: number): void => {
    const file = path.join(folder, 'account.db');
    open = openFile({ file });
    db = new FailingDatabase(open.db);
    commits = new Commits(db, open.log, new AttachmentFolder(`${file}-attachments`), { file, mostUnwritten });
    commits.recover();
  };

  beforeEach(() => {
    folder = makeFolder();
    seq = 0;
    start();
  });
  afterEach(() => {
    open.close();
    removeFolder(folder);
  });

  const batch = (id: string, changes: Partial<Batch> = {}, of: Partial<NewMessage> = {}): Batch => {
    const message = freshMessage(newMessage(id, of), ++seq);
    const none = { pending: [], emitted: [], duplicates: [], users: [], unmatched: [] };
    const entry = entryBytes([liveOf(message, [], false)], { ...none, tally: [[[seq], [0]], seq, 0] });
    return { entry, inRows: false, accepts: true, awaited: [], sunkBefore: 0, ...changes };
  };
  const idsInRows = (): string[] => db.lists<[string]>('SELECT message_id FROM messages ORDER BY seq').flat();

  it('are entries of the log, until rows must say it at once', () => {
    const { generation } = open.log;
    commits.keep([batch('A'), batch('B')]);
    assert.deepEqual([open.log.generation, idsInRows()], [generation, []]);
    commits.keep([batch('C'), batch('D', { inRows: true })]);
    assert.deepEqual([open.log.generation, idsInRows()], [generation + 1, ['A', 'B', 'C', 'D']]);
    assert.deepEqual(open.log.read(), []);
  });

  it('come into rows when enough has come together', () => {
    open.close();
    start(2);
    for (const id of ['A', 'B', 'C']) commits.keep([batch(id)]);
    assert.deepEqual(idsInRows(), ['A', 'B', 'C']);
    commits.keep([batch('D')]);
    assert.deepEqual(idsInRows(), ['A', 'B', 'C']);
  });

  it('go into the database after one of it failed: what a crash finds may say that the log is spent', () => {
    commits.keep([batch('A')]);
    const { generation } = open.log;
    db.fails = true;
    assert.throws(() => commits.keep([batch('B', { inRows: true })]), /disk I\/O error/);
    assert.deepEqual([open.log.generation, idsInRows()], [generation, []], 'nothing of it');
    commits.keep([batch('C')]);
    assert.deepEqual([open.log.generation, idsInRows()], [generation + 1, ['A', 'C']], 'kept in the database');
    commits.keep([batch('D')]);
    assert.equal(open.log.generation, generation + 1, 'and then in the log again');
  });

  it('come into rows ahead, in idle time, when they have ended, and stay in the log', () => {
    open.close();
    start(32);
    const { generation } = open.log;
    const ended = (id: string) => batch(id, {}, { state: 'SUPPRESSED' });
    commits.keep([batch('A'), ended('B')]);
    assert.equal(commits.writeAhead(), false, 'not for so few');
    commits.keep([ended('C')]);
    assert.equal(commits.writeAhead(), true);
    assert.deepEqual([open.log.generation, open.log.read().length, idsInRows()], [generation, 2, ['B', 'C']]);
    assert.equal(commits.writeAhead(), false, 'no more');
    open.close();
    start();
    assert.deepEqual(idsInRows(), ['A', 'B', 'C'], 'each once');
  });

  it('are not tried ahead again after that failed, until all were written', () => {
    open.close();
    start(16);
    commits.keep([batch('A', {}, { state: 'SUPPRESSED' })]);
    db.fails = true;
    assert.equal(commits.writeAhead(), false);
    assert.equal(commits.writeAhead(), false);
    assert.deepEqual(idsInRows(), []);
    commits.keep([batch('B', { inRows: true }, { state: 'SUPPRESSED' })]);
    assert.deepEqual(idsInRows(), ['A', 'B']);
    commits.keep([batch('C', {}, { state: 'SUPPRESSED' })]);
    assert.equal(commits.writeAhead(), true);
  });

  it('are found in the log by the next process, once', () => {
    commits.keep([batch('A'), batch('B')]);
    open.close();
    start();
    assert.deepEqual(idsInRows(), ['A', 'B']);
    open.close();
    start();
    assert.deepEqual(idsInRows(), ['A', 'B']);
  });
});

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
import { Live } from '../../../lib/outbox/sqlite/live.ts';
import { Questions } from '../../../lib/outbox/sqlite/questions.ts';
import { newMessage } from '../messages.ts';
import { makeFolder, removeFolder } from './folder.ts';

class FailingDatabase extends Database {
  /** The next commit fails: as when SQLite's own log cannot be synced, or finds no room. */
  fails: false | 'sync' | 'full' = false;

  commits = 0;

  override commit(): void {
    const { fails } = this;
    this.commits++;
    if (!fails) return super.commit();
    this.fails = false;
    const [errcode, errstr] = fails === 'sync' ? [1034, 'disk I/O error'] : [13, 'database or disk is full'];
    throw Object.assign(new Error(errstr), { errcode, errstr });
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

  const batchOf = (live: Live, changes: Partial<Batch> = {}): Batch => {
    const none = { pending: [], emitted: [], duplicates: [], users: [], unmatched: [] };
    const entry = entryBytes([live], { ...none, tally: [[[seq], [0]], seq, 0] });
    return { entry, inRows: false, accepts: true, awaited: [], sunkBefore: 0, ...changes };
  };
  const batch = (id: string, changes: Partial<Batch> = {}, of: Partial<NewMessage> = {}): Batch =>
    batchOf(new Live(freshMessage(newMessage(id, of), ++seq), [], false), changes);
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
    db.fails = 'sync';
    assert.throws(() => commits.keep([batch('B', { inRows: true })]), /disk I\/O error/);
    assert.deepEqual([open.log.generation, idsInRows()], [generation, []], 'nothing of it');
    commits.keep([batch('C')]);
    assert.deepEqual([open.log.generation, idsInRows()], [generation + 1, ['A', 'C']], 'kept in the database');
    commits.keep([batch('D')]);
    assert.equal(open.log.generation, generation + 1, 'and then in the log again');
  });

  it('go on in the log after the database found no room: what was not written whole is no commit', () => {
    commits.keep([batch('A')]);
    const { generation } = open.log;
    db.fails = 'full';
    assert.throws(() => commits.keep([batch('B', { inRows: true })]), /disk is full/);
    commits.keep([batch('C', { accepts: false })]);
    assert.deepEqual([open.log.generation, idsInRows()], [generation, []]);
    open.close();
    start();
    assert.deepEqual(idsInRows(), ['A', 'C']);
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

  describe('that come into rows ahead, a few at a time', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `M${String(i).padStart(2, '0')}`);
    const told = (): unknown[] => db.lists<[unknown]>("SELECT result FROM messages WHERE message_id = 'M05'").flat();

    beforeEach(() => {
      open.close();
      start(64);
      for (const id of ids) commits.keep([batch(id, {}, { state: 'SUPPRESSED', result: 74 })]);
      assert.equal(commits.writeAhead(), true);
      assert.equal(commits.pending.size, ids.length, 'nothing is committed yet');
      // Meanwhile one of them changes.
      const changed = { ...freshMessage(newMessage('M05', { state: 'SUPPRESSED', result: 79 }), 6), claims: 1 };
      commits.keep([batchOf(new Live(changed, [], true))]);
    });

    it('are found once, as they are, before and after that is committed, or was not', () => {
      const questions = new Questions(db, commits, new AttachmentFolder(path.join(folder, 'none')));
      const asked = () =>
        questions.messages(['M05', 'M06', 'M39']).map(([seq, , , , , , , , , , , , , result]) => [seq, result]);
      const all = [
        [6, 79],
        [7, 74],
        [40, 74],
      ];
      assert.deepEqual(asked(), all);
      db.fails = 'sync';
      commits.writeAhead();
      assert.deepEqual(asked().sort(), all.toSorted());
      commits.writeRows();
      assert.deepEqual(asked(), all);
    });

    it('are left to be written when they change meanwhile', () => {
      assert.equal(commits.writeAhead(), true);
      assert.deepEqual([idsInRows(), commits.pending.size, told()], [ids, 1, [74]]);
      commits.writeRows();
      assert.deepEqual([idsInRows(), commits.pending.size, told()], [ids, 0, [79]]);
    });

    it('are all there before anything else is done with the database', () => {
      commits.keep([batch('N', { inRows: true })]);
      assert.deepEqual([idsInRows(), commits.pending.size, told()], [[...ids, 'N'], 0, [79]]);
    });

    it('are all left when they cannot be committed', () => {
      db.fails = 'sync';
      assert.equal(commits.writeAhead(), false);
      assert.deepEqual([idsInRows(), commits.pending.size], [[], ids.length]);
      commits.writeRows();
      assert.deepEqual([idsInRows(), told()], [ids, [79]]);
    });

    it('come from the log when the process ends in between', () => {
      open.close();
      start();
      assert.deepEqual([idsInRows(), told()], [ids, [79]]);
    });
  });

  it('come into rows ahead in transactions that end', () => {
    open.close();
    const many = 1100;
    start(16 * many);
    for (let i = 0; i < many; i++) commits.keep([batch(`M${i}`, {}, { state: 'SUPPRESSED' })]);
    const before = db.commits;
    while (commits.writeAhead());
    assert.equal(db.commits - before, 1, 'of what is enough to begin');
    assert.equal(commits.pending.size, many - 1024);
  });

  it('are not tried ahead again after that failed, until all were written', () => {
    open.close();
    start(16);
    commits.keep([batch('A', {}, { state: 'SUPPRESSED' })]);
    db.fails = 'sync';
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

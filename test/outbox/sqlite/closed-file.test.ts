/** What the files of a store say to whoever does not open it, and that they stay as they are. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { waitingIn } from '../../../lib/outbox/sqlite/closed-file.ts';
import { migrations } from '../../../lib/outbox/sqlite/migrations.ts';
import type { SqliteOutbox } from '../../../lib/outbox/sqlite/outbox.ts';
import { newMessage, newMessages, START_MS } from '../messages.ts';
import { Child } from './children.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

describe('the files of a closed store', () => {
  let folder: string;
  let file: string;
  let outbox: SqliteOutbox;

  beforeEach(async () => {
    folder = makeFolder();
    // A name that has to be written otherwise in a URL.
    file = path.join(folder, 'ushot #1 100%', '계정.db');
    outbox = inProcessOutbox({ file });
    await outbox.open(START_MS);
  });
  afterEach(async () => {
    await outbox.close();
    removeFolder(folder);
  });

  const claim = (max: number) => outbox.exchange([], { service: 'sms', max }, START_MS);
  const contentsOf = (name: string) =>
    fs.readdirSync(path.dirname(name)).map((each) => {
      const beside = path.join(path.dirname(name), each);
      return [each, fs.statSync(beside).mtimeMs, fs.readFileSync(beside, 'base64')];
    });
  /** The files as `kill -9` would leave them now. */
  const crashed = (): string => {
    fs.cpSync(path.dirname(file), path.join(folder, 'crashed'), { recursive: true });
    return path.join(folder, 'crashed', path.basename(file));
  };
  const exactly = (messages: number) => ({ messages, isExact: true });
  const about = (messages: number) => ({ messages, isExact: false });

  it('say how many messages are to be sent or in doubt, of both services', async () => {
    await outbox.accept(newMessages(['A', 'B', 'C', 'D', 'E', 'F']));
    await outbox.accept([newMessage('M', { type: 'MMS', service: 'mms' })]);
    const [answered, rejected, doubtful] = (await claim(3)).map(({ messageId }) => messageId);
    assert.ok(answered && rejected && doubtful);
    await outbox.exchange(
      [
        { messageIds: [answered], to: 'ACCEPTED' },
        { messageIds: [rejected], to: 'REJECTED' },
        { messageIds: [doubtful], to: 'IN_DOUBT' },
      ],
      { service: 'sms', max: 1 },
      START_MS,
    );
    await outbox.close();
    assert.deepEqual(waitingIn(file), exactly(5), 'two READY, one IN_FLIGHT, one IN_DOUBT, one MMS');
  });

  it('are only read, and nothing is put beside them', async () => {
    await outbox.accept([newMessage('A')]);
    await outbox.close();
    const before = contentsOf(file);
    assert.deepEqual(waitingIn(file), exactly(1));
    assert.deepEqual(contentsOf(file), before);
  });

  it('say it about after a crash, by what was kept last', async () => {
    await outbox.accept(newMessages(['A', 'B']));
    const young = crashed();
    const before = contentsOf(young);
    assert.deepEqual(waitingIn(young), about(2), 'nothing of it is in the database yet');
    assert.deepEqual(contentsOf(young), before);
    await outbox.prune(0, 1);
    assert.deepEqual(waitingIn(crashed()), about(2), 'all of it is in rows');
    await outbox.close();
    await outbox.open(START_MS);
    await outbox.accept([newMessage('C')]);
    assert.deepEqual(waitingIn(crashed()), about(3), 'the log is newer');
    await outbox.close();
    assert.deepEqual(waitingIn(file), exactly(3));
  });

  it('say nothing while another process has them', async () => {
    await outbox.accept([newMessage('A')]);
    await outbox.close();
    const child = new Child('hold', file);
    const opened = await child.next();
    const found = waitingIn(file);
    await child.kill();
    assert.deepEqual([opened?.op, found], ['open', null]);
    assert.equal(waitingIn(file)?.messages, 1);
  });

  it('leave the lock to the store of this process', async () => {
    await outbox.accept([newMessage('A')]);
    assert.equal(waitingIn(file)?.messages, 1);
    const second = new Child('hold', file);
    const answer = await second.next();
    await second.kill();
    assert.equal(answer?.op, 'refused');
  });

  it('say nothing when a newer version wrote them', async () => {
    await outbox.accept([newMessage('A')]);
    await outbox.close();
    const db = new DatabaseSync(file);
    db.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    db.close();
    assert.equal(waitingIn(file), null);
  });

  it('say it of the first schema, which has no log', async () => {
    const old = path.join(folder, 'old.db');
    const db = new DatabaseSync(old);
    db.exec(fs.readFileSync(path.join(import.meta.dirname, '..', 'fixtures', 'schema-1.sql'), 'utf8'));
    const tally = db.prepare('SELECT open FROM tally').get() as { open: string };
    db.close();
    const [sms = [], mms = []] = JSON.parse(tally.open) as number[][];
    // As open states are counted: READY, IN_FLIGHT, ACCEPTED, IN_DOUBT, HELD.
    const waiting = [...sms, ...mms].filter((_, i) => i % 5 !== 2).reduce((sum, count) => sum + count, 0);
    assert.ok(waiting > 0);
    assert.deepEqual(waitingIn(old), exactly(waiting));
  });

  it('say nothing when they are none of a store', async () => {
    await outbox.close();
    for (const content of ['', 'Dear diary, '.repeat(1000)]) {
      fs.writeFileSync(file, content);
      assert.equal(waitingIn(file), null);
    }
    fs.rmSync(file);
    assert.equal(waitingIn(file), null);
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE tally (open TEXT); INSERT INTO tally VALUES ('[[1]]')");
    db.close();
    assert.equal(waitingIn(file), null);
  });
});

/** The store's file: who may read it, who may open it, and what is said when it cannot be kept safely. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import sinon from 'sinon';
import { UshotError } from '../../../lib/errors.ts';
import type { Settlement } from '../../../lib/outbox/outbox.ts';
import type { FromWorker, StoreOptions } from '../../../lib/outbox/sqlite/calls.ts';
import { migrations } from '../../../lib/outbox/sqlite/migrations.ts';
import { SqliteOutbox, type StoreThread } from '../../../lib/outbox/sqlite/outbox.ts';
import { DAY_MS, newMessage, newMessages, newReport, START_MS, sweepRequest } from '../messages.ts';
import { Child } from './children.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

const NOBODY = 65534;
/** Windows knows no such permissions. */
const hasModes = process.platform !== 'win32';

describe('the store on disk', () => {
  let folder: string;
  let file: string;
  let outbox: SqliteOutbox;

  beforeEach(() => {
    folder = makeFolder();
    file = path.join(folder, 'ushot', 'account.db');
    outbox = inProcessOutbox({ file });
  });
  afterEach(async () => {
    await outbox.close();
    removeFolder(folder);
  });

  const modeOf = (name: string): string => (fs.statSync(name).mode & 0o777).toString(8);
  const refused = async (attempt: Promise<unknown>): Promise<UshotError> => {
    const error = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof UshotError, `refused, not ${String(error)}`);
    assert.equal(error.code, 'USHOT_STORE');
    assert.doesNotMatch(error.text('en') + error.text('ko'), /\{\w+\}/, 'no hole is left');
    assert.match(error.text('ko'), /[가-힣]{3,}.*: .*[가-힣]/);
    return error;
  };
  /** Changes the file while no store has it. */
  const tamper = (change: (db: DatabaseSync) => void): void => {
    const db = new DatabaseSync(file);
    change(db);
    db.close();
  };

  it('is readable by its owner only, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await outbox.open(START_MS);
      await outbox.accept([newMessage('A')]);
      const hash = await outbox.putAttachment(Buffer.from('picture'));
      const names = fs.readdirSync(path.dirname(file)).toSorted();
      const beside = ['-attachments', '-log', '-wal', '.lock'].map((suffix) => `account.db${suffix}`);
      assert.deepEqual(names, ['account.db', ...beside]);
      if (!hasModes) return;
      assert.equal(modeOf(path.dirname(file)), '700');
      for (const suffix of ['', '-log', '-wal', '.lock', `-attachments/${hash}`])
        assert.equal(modeOf(file + suffix), '600');
      assert.equal(modeOf(`${file}-attachments`), '700');
    } finally {
      process.umask(umask);
    }
  });

  it('takes away what others may read of a file that is there', async function () {
    if (!hasModes) this.skip();
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, '', { mode: 0o644 });
    await outbox.open(START_MS);
    assert.equal(modeOf(file), '600');
  });

  it('names the process that has it, and is free again after kill -9', async () => {
    const child = new Child('hold', file);
    assert.deepEqual(await child.next(), { op: 'open' });
    const error = await refused(outbox.open(START_MS));
    assert.match(error.message, new RegExp(`pid ${child.pid}\\b`));
    assert.match(error.text('ko'), new RegExp(`pid ${child.pid}\\b`));
    await child.kill();
    assert.ok(fs.existsSync(`${file}.lock`), 'nobody tidied up');
    await outbox.open(START_MS);
    const second = new Child('hold', file);
    const answer = await second.next();
    assert.ok(answer?.op === 'refused');
    assert.match(answer.message, new RegExp(`pid ${process.pid}\\b`));
    await second.kill();
  });

  it('is refused a second time in one process, and the first goes on', async () => {
    await outbox.open(START_MS);
    const second = inProcessOutbox({ file });
    assert.match((await refused(second.open(START_MS))).message, /open in this process already/);
    const third = new Child('hold', file);
    assert.equal((await third.next())?.op, 'refused', 'the lock was not let go of');
    await third.kill();
    await outbox.accept([newMessage('A')]);
    await outbox.close();
    await second.open(START_MS);
    assert.equal((await second.get(['A'])).length, 1);
    await second.close();
  });

  it('is refused when a newer version wrote it, and left as it is', async () => {
    await outbox.open(START_MS);
    await outbox.accept([newMessage('A')]);
    await outbox.close();
    tamper((db) => db.exec(`PRAGMA user_version = ${migrations.length + 6}`));
    const before = fs.readFileSync(file);
    const { message } = await refused(outbox.open(START_MS));
    assert.match(message, new RegExp(`schema ${migrations.length + 6}.*knows ${migrations.length}`));
    assert.deepEqual(fs.readFileSync(file), before);
  });

  it('is refused when it is the database of something else', async () => {
    fs.mkdirSync(path.dirname(file));
    tamper((db) => db.exec('CREATE TABLE photos (name TEXT)'));
    const before = fs.readFileSync(file);
    await refused(outbox.open(START_MS));
    assert.deepEqual(fs.readFileSync(file), before);
  });

  it('is refused when it is no database', async () => {
    fs.mkdirSync(path.dirname(file));
    fs.writeFileSync(file, 'Dear diary, '.repeat(1000));
    await refused(outbox.open(START_MS));
    assert.match(fs.readFileSync(file, 'utf8'), /^Dear diary/);
  });

  it('says that it is damaged when a page is, and never says that a message is kept then', async () => {
    await outbox.open(START_MS);
    for (let i = 0; i < 20; i++) await outbox.accept(newMessages(Array.from({ length: 50 }, (_, j) => `M${i}.${j}`)));
    await outbox.close();
    const descriptor = fs.openSync(file, 'r+');
    const { size } = fs.fstatSync(descriptor);
    for (let at = 8192; at < size; at += 4096) fs.writeSync(descriptor, Buffer.alloc(4096, 0x5a), 0, 4096, at);
    fs.closeSync(descriptor);
    const error = await refused(outbox.open(START_MS).then(() => outbox.accept([newMessage('late')])));
    assert.match(error.message, /damaged/);
  });

  it('is refused in a folder that cannot be written', async function () {
    if (!hasModes || process.seteuid === undefined || process.geteuid === undefined) this.skip();
    const own = process.geteuid();
    fs.chmodSync(folder, 0o555);
    // The administrator may write everywhere: be somebody else for a moment.
    if (own === 0) process.seteuid(NOBODY);
    try {
      assert.match((await refused(outbox.open(START_MS))).message, /cannot be written/);
    } finally {
      if (own === 0) process.seteuid(own);
      fs.chmodSync(folder, 0o755);
    }
  });

  it('is refused where its folder is a file', async () => {
    fs.writeFileSync(path.dirname(file), '');
    await refused(outbox.open(START_MS));
  });

  it('can be opened by the same object once what was wrong is put right', async () => {
    fs.mkdirSync(file, { recursive: true });
    await refused(outbox.open(START_MS));
    await refused(outbox.accept([newMessage('A')]));
    fs.rmdirSync(file);
    await outbox.open(START_MS);
    await outbox.accept([newMessage('A')]);
  });

  it('refuses loudly when there is no room, keeps what it has, and works again when there is', async () => {
    outbox = inProcessOutbox({ file, maxFileBytes: 400_000 });
    await outbox.open(START_MS);
    const kept: string[] = [];
    let error: UshotError | undefined;
    for (let i = 0; error === undefined; i++) {
      const ids = Array.from({ length: 20 }, (_, j) => `M${i}.${j}`);
      const calls = await Promise.allSettled([
        outbox.accept(newMessages(ids.slice(0, 10), { text: '비밀'.repeat(100) })),
        outbox.accept(newMessages(ids.slice(10), { text: '비밀'.repeat(100) })),
      ]);
      for (const [j, call] of calls.entries()) {
        if (call.status === 'fulfilled') kept.push(...ids.slice(j * 10, j * 10 + 10));
        else error = await refused(Promise.reject(call.reason));
      }
    }
    assert.match(error.message, /no room left/);
    assert.doesNotMatch(JSON.stringify([error.message, error.text('ko'), error.params]), /비밀/);
    assert.equal((await outbox.counts()).READY, kept.length);
    assert.equal((await outbox.get(kept)).length, kept.length);
    // A claim and a settlement that share a commit with what finds no room come to nothing either, and can be repeated.
    const tooMuch = (...ids: string[]) => outbox.accept(newMessages(ids, { text: '비밀'.repeat(20_000) }));
    const claim = () => outbox.exchange([], { service: 'sms', max: 30 }, START_MS);
    for (const call of await Promise.allSettled([claim(), tooMuch('N1', 'N2', 'N3')]))
      assert.equal(call.status, 'rejected');
    assert.equal((await outbox.counts()).IN_FLIGHT, 0);
    const frame = await claim();
    assert.deepEqual(
      frame.map(({ messageId }) => messageId),
      kept.slice(0, 30),
    );
    const settle = () => outbox.exchange([{ messageIds: kept.slice(0, 30), to: 'IN_DOUBT' }], null, START_MS);
    for (const call of await Promise.allSettled([settle(), tooMuch('O1', 'O2', 'O3')]))
      assert.equal(call.status, 'rejected');
    const { READY, IN_FLIGHT, IN_DOUBT } = await outbox.counts();
    assert.deepEqual([READY, IN_FLIGHT, IN_DOUBT], [kept.length - 30, 30, 0]);
    // Room is made by ending and pruning messages, which must work in a full store.
    const messageIds = frame.map(({ messageId }) => messageId);
    await outbox.exchange([{ messageIds, to: 'REJECTED' }], null, START_MS);
    await outbox.sweep(sweepRequest({ nowMs: START_MS + DAY_MS, limit: 200 }));
    while ((await outbox.prune(START_MS + 2 * DAY_MS, 100)) > 0);
    await outbox.accept(newMessages(['after 1', 'after 2'], { text: 'x'.repeat(1000) }));
    await outbox.close();
    outbox = inProcessOutbox({ file });
    await outbox.open(START_MS);
    assert.equal((await outbox.get(['after 1', 'after 2'])).length, 2);
  });

  it('gives room back that pruning made', async () => {
    await outbox.open(START_MS);
    for (let i = 0; i < 20; i++) {
      await outbox.accept(
        newMessages(
          Array.from({ length: 500 }, (_, j) => `M${i}.${j}`),
          { text: 'x'.repeat(2000), state: 'SUPPRESSED' },
        ),
      );
    }
    await outbox.close();
    const before = fs.statSync(file).size;
    await outbox.open(START_MS);
    while ((await outbox.prune(START_MS + DAY_MS, 200)) > 0);
    await outbox.close();
    const after = fs.statSync(file).size;
    assert.ok(after < before * 0.7, `${before} bytes before, ${after} after`);
  });

  it('removes attachments that no message needs, and what was left unfinished, when it opens', async () => {
    const attachments = `${file}-attachments`;
    await outbox.open(START_MS);
    const hash = await outbox.putAttachment(Buffer.from('picture'));
    await outbox.accept([newMessage('A', { files: [{ kind: 'attachment', hash, ext: 'jpg', bytes: 7 }] })]);
    await outbox.close();
    fs.writeFileSync(path.join(attachments, `${'a'.repeat(64)}.part`), 'half');
    fs.writeFileSync(path.join(attachments, 'b'.repeat(64)), 'nobody');
    await outbox.open(START_MS);
    assert.deepEqual(fs.readdirSync(attachments), [hash]);
  });

  it('does not take an attachment for kept whose name may be lost', async () => {
    await outbox.open(START_MS);
    const attachments = `${file}-attachments`;
    const syncs = sinon.stub(fs, 'fsyncSync').callsFake((descriptor) => {
      if (fs.fstatSync(descriptor).isDirectory())
        throw Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fsync' });
    });
    try {
      fs.mkdirSync(attachments);
      assert.match((await refused(outbox.putAttachment(Buffer.from('picture')))).message, /EIO at fsync/);
      assert.deepEqual(fs.readdirSync(attachments), [], 'the next one would be taken for synced');
    } finally {
      syncs.restore();
    }
    await outbox.putAttachment(Buffer.from('picture'));
    assert.equal(fs.readdirSync(attachments).length, 1);
  });

  it('syncs the names of its files when it finds them: whoever created them may have been killed before that', async () => {
    await outbox.open(START_MS);
    await outbox.close();
    const syncs = sinon.spy(fs, 'fsyncSync');
    const opens = sinon.spy(fs, 'openSync');
    try {
      await outbox.open(START_MS);
      const folders = opens.getCalls().filter(({ args: [name] }) => name === path.dirname(file));
      if (process.platform !== 'win32') assert.equal(folders.length, 2, 'of the database, then of the log');
      for (const { returnValue } of folders) assert.ok(syncs.calledWith(returnValue));
    } finally {
      syncs.restore();
      opens.restore();
    }
  });

  it('reads no file outside of its attachments', async () => {
    await outbox.open(START_MS);
    await assert.rejects(outbox.readAttachment('../account.db'), { code: 'USHOT_FILE_MISSING' });
  });

  it('gives no damaged attachment out, and heals it when it is put again', async () => {
    await outbox.open(START_MS);
    const picture = Buffer.from('picture');
    const hash = await outbox.putAttachment(picture);
    for (const damaged of ['Picture', '']) {
      fs.writeFileSync(path.join(`${file}-attachments`, hash), damaged);
      await assert.rejects(outbox.readAttachment(hash), { code: 'USHOT_FILE_MISSING' });
      assert.equal(await outbox.putAttachment(picture), hash);
      assert.deepEqual(await outbox.readAttachment(hash), picture);
    }
  });

  it('claims company for a message that comes back, which a claim before did not look at', async () => {
    outbox = inProcessOutbox({ file, mostUnwritten: 5 });
    await outbox.open(START_MS);
    const accept = (ids: string[], dueMs: number, frameKey: string) =>
      outbox.accept(ids.map((id, i) => newMessage(id, { dueAtMs: START_MS + dueMs + i, frameKey })));
    const claim = (max: number, dueMs: number, settlements: Settlement[] = []) =>
      outbox.exchange(settlements, { service: 'sms', max }, START_MS + dueMs);
    await accept(['A0'], 5, 'x');
    await claim(1, 500);
    const others = Array.from({ length: 10 }, (_, i) => `B${i}`);
    await accept(others, 100, 'x');
    await outbox.get(others);
    assert.deepEqual(await claim(1, 50), []);
    await accept(['C0', 'C1', 'C2'], 10, '');
    const frame = await claim(3, 500, [{ messageIds: ['A0'], to: 'READY' }]);
    assert.deepEqual(
      frame.map(({ messageId }) => messageId),
      ['A0', 'B0', 'B1'],
    );
  });

  it('goes on after a question that cannot be asked', async () => {
    await outbox.open(START_MS);
    const notText = (() => 'key') as unknown as string;
    await assert.rejects(outbox.recentDuplicates({ duplicateKeys: [notText], sinceMs: 0 }));
    assert.deepEqual(await outbox.get(['none']), []);
  });

  it('says nothing of a message that it cannot store', async () => {
    await outbox.open(START_MS);
    const error = await outbox.accept([newMessage('A', { text: '비밀', dueAtMs: Number.NaN })]).then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.match(String(error?.message), /^bug: /);
    assert.doesNotMatch(String(error?.stack), /비밀/);
    assert.deepEqual(await outbox.get(['A']), []);
  });

  it('undoes all of a call that fails in its middle, and nothing of the calls beside it', async () => {
    await outbox.open(START_MS);
    const bad = newMessage('bad', { dueAtMs: Number.NaN });
    const calls = await Promise.allSettled([
      outbox.accept(newMessages(['A', 'B'])),
      outbox.accept([newMessage('C', { dueAtMs: START_MS - 1 }), bad]),
      outbox.exchange([], { service: 'sms', max: 1 }, START_MS),
      outbox.accept([newMessage('D'), bad]),
      outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], { service: 'sms', max: 10 }, START_MS),
    ]);
    assert.deepEqual(
      calls.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(await outbox.counts(), {
      READY: 0,
      IN_FLIGHT: 1,
      ACCEPTED: 1,
      IN_DOUBT: 0,
      held: 0,
      openByService: { sms: 2, mms: 0 },
    });
    assert.equal(await outbox.createdSince(0), 2);
    assert.deepEqual(await outbox.get(['C', 'D', 'bad']), []);
  });
});

describe('a store that lost some of its files, or of what was in them', () => {
  let folder: string;
  /** Of a store in use, and of what a crash leaves of it. */
  let live: string;
  let file: string;
  let outbox: SqliteOutbox;
  const open: SqliteOutbox[] = [];

  const opened = async (name: string): Promise<SqliteOutbox> => {
    const store = inProcessOutbox({ file: name });
    open.push(store);
    await store.open(START_MS);
    return store;
  };
  beforeEach(async () => {
    folder = makeFolder();
    live = path.join(folder, 'live', 'account.db');
    file = path.join(folder, 'left', 'account.db');
    outbox = await opened(live);
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    removeFolder(folder);
  });

  const crash = (): void => {
    fs.rmSync(path.dirname(file), { recursive: true, force: true });
    fs.cpSync(path.dirname(live), path.dirname(file), { recursive: true });
  };
  /** Some in rows, some in the log alone. */
  const fill = async (): Promise<void> => {
    await outbox.accept(newMessages(['A', 'B']));
    await outbox.prune(START_MS, 1);
    for (const id of ['C', 'D', 'E']) await outbox.accept([newMessage(id)]);
  };
  const all = ['A', 'B', 'C', 'D', 'E'];
  const idsIn = async (store: SqliteOutbox): Promise<string[]> =>
    (await store.get(all)).map(({ messageId }) => messageId);
  const contents = (): string[][] => {
    const names = fs.readdirSync(path.dirname(file)).filter((name) => /\.db(-log|-wal)?$/.test(name));
    return names.map((name) => [name, fs.readFileSync(path.join(path.dirname(file), name)).toString('hex')]);
  };
  /** Twice, since what is refused once must not seem to be well afterwards. */
  const isRefused = async (suffix: string, why: RegExp): Promise<void> => {
    for (let i = 0; i < 2; i++) {
      const attempt = opened(file).then(() => undefined);
      const error = await attempt.catch((reason: unknown) => reason);
      assert.ok(error instanceof UshotError && error.code === 'USHOT_STORE', `refused, not ${String(error)}`);
      assert.match(error.message, why);
      assert.ok(error.message.includes(`${file}${suffix} `), error.message);
      assert.match(error.message, /restore a backup of all files.* or move all of them away/);
      assert.match(error.text('ko'), /백업에서 되돌리거나/);
      assert.doesNotMatch(error.text('en') + error.text('ko'), /\{\w+\}/, 'no hole is left');
    }
  };
  const change = (suffix: string, by: (bytes: Buffer) => Buffer): void =>
    fs.writeFileSync(file + suffix, by(fs.readFileSync(file + suffix)));
  const remove = (suffix: string): void => fs.rmSync(file + suffix);

  it('opens with all of them, as a crash leaves them', async () => {
    await fill();
    crash();
    assert.deepEqual(await idsIn(await opened(file)), all);
  });

  it('is refused when the log is damaged before its last entry, and left as it is', async () => {
    await fill();
    const entryBytes = (bytes: Buffer): number => 12 + bytes.readUInt32LE(4);
    for (const at of [(): number => 3, (): number => 100, (bytes: Buffer): number => entryBytes(bytes) + 50]) {
      crash();
      change('-log', (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(at(bytes)) ^ 1, at(bytes));
        return bytes;
      });
      const before = fs.readFileSync(`${file}-log`);
      await isRefused('-log', /damaged at byte/);
      assert.deepEqual(fs.readFileSync(`${file}-log`), before);
    }
  });

  it('opens without the last entry when that is torn', async () => {
    await fill();
    crash();
    change('-log', (bytes) => {
      const end = bytes.lastIndexOf('"E"');
      bytes.fill(0, end);
      return bytes;
    });
    assert.deepEqual(await idsIn(await opened(file)), ['A', 'B', 'C', 'D']);
  });

  it('is refused when the log is deleted or emptied after a crash', async () => {
    await fill();
    crash();
    remove('-log');
    await isRefused('-log', /missing or empty/);
    assert.ok(!fs.existsSync(`${file}-log`));
    fs.writeFileSync(`${file}-log`, '');
    await isRefused('-log', /missing or empty/);
  });

  it('is refused without its log also when it was opened again, with nothing in it yet', async () => {
    await fill();
    await outbox.close();
    outbox = await opened(live);
    crash();
    remove('-log');
    await isRefused('-log', /missing or empty/);
  });

  it('opens without its log after it was closed', async () => {
    await fill();
    await outbox.close();
    crash();
    assert.equal(fs.statSync(`${file}-log`).size, 0);
    remove('-log');
    assert.deepEqual(await idsIn(await opened(file)), all);
  });

  it('opens after a crash that came before anything was accepted, and after one while it was being created', async () => {
    crash();
    assert.deepEqual(await idsIn(await opened(file)), []);
    const early = path.join(folder, 'early', 'account.db');
    fs.mkdirSync(path.dirname(early));
    fs.writeFileSync(early, '');
    assert.deepEqual(await idsIn(await opened(early)), []);
  });

  it("is refused when SQLite's log is deleted or damaged, and with it what the log of ours counts on", async () => {
    await fill();
    // So that the schema is in the file, and only what comes later in the log of SQLite.
    await outbox.close();
    outbox = await opened(live);
    await outbox.accept([newMessage('F')]);
    await outbox.prune(START_MS, 1);
    await outbox.accept([newMessage('G')]);
    crash();
    remove('-wal');
    await isRefused('-log', /newer than its database/);
    crash();
    change('-wal', (bytes) => bytes.fill(0x5a, 32, 64));
    await isRefused('-log', /newer than its database/);
  });

  it("is refused when SQLite's log is deleted that had all there was", async () => {
    await fill();
    crash();
    remove('-wal');
    await isRefused('', /missing or empty/);
  });

  it('is refused when the database is emptied or gone, and left as it is', async () => {
    await fill();
    crash();
    fs.writeFileSync(file, '');
    const before = contents();
    await isRefused('', /missing or empty/);
    assert.deepEqual(contents(), before);
    remove('');
    await isRefused('', /missing or empty/);
    assert.ok(!fs.existsSync(file));
    for (const alsoLost of ['-log', '-wal']) {
      crash();
      remove('');
      remove(alsoLost);
      await isRefused('', /missing or empty/);
    }
    await outbox.close();
    crash();
    fs.writeFileSync(file, '');
    await isRefused('', /missing or empty/);
  });

  it('begins anew when all that there was is moved away, or the database alone after it was closed', async () => {
    await fill();
    await outbox.close();
    crash();
    remove('');
    assert.equal(fs.statSync(`${file}-log`).size, 0);
    const store = await opened(file);
    assert.deepEqual(await idsIn(store), []);
    await store.accept([newMessage('A')]);
    await store.close();
    assert.deepEqual(await idsIn(await opened(file)), ['A']);
  });

  it('begins anew also after a crash that came when the database alone was moved away and just created again', async () => {
    await outbox.close();
    crash();
    remove('');
    const stub = sinon.stub(DatabaseSync.prototype, 'exec').throws(new Error('bug: killed'));
    try {
      await assert.rejects(opened(file), /killed/);
    } finally {
      stub.restore();
    }
    assert.equal(fs.statSync(file).size, 0);
    assert.deepEqual(await idsIn(await opened(file)), []);
  });

  describe('while it is open', () => {
    before(function () {
      // What is open cannot be deleted.
      if (process.platform === 'win32') this.skip();
    });

    const refusesAll = async (suffix: string): Promise<void> => {
      const attempts = [
        () => outbox.accept([newMessage('F')]),
        () => outbox.exchange([], { service: 'sms', max: 1 }, START_MS),
      ];
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        assert.ok(error instanceof UshotError && error.code === 'USHOT_STORE', `refused, not ${String(error)}`);
        assert.ok(error.message.includes(`${live}${suffix} was deleted or moved`), error.message);
        assert.match(error.text('ko'), /지워졌거나 옮겨졌습니다/);
      }
    };

    it('keeps nothing more when its folder is deleted or moved', async () => {
      await fill();
      fs.renameSync(path.dirname(live), path.dirname(file));
      await refusesAll('');
      await assert.rejects(outbox.prune(START_MS, 1), /was deleted or moved/);
      fs.renameSync(path.dirname(file), path.dirname(live));
      await outbox.accept([newMessage('again')]);
      fs.rmSync(path.dirname(live), { recursive: true });
      await refusesAll('');
    });

    it('keeps nothing more when its log is deleted, and loses nothing when it is closed then', async () => {
      await fill();
      fs.rmSync(`${live}-log`);
      await refusesAll('-log');
      await outbox.close();
      assert.deepEqual(await idsIn(await opened(live)), all);
    });

    it('keeps nothing more when its database is deleted, and does not begin anew', async () => {
      await fill();
      fs.rmSync(live);
      await refusesAll('');
      await outbox.close();
      await assert.rejects(opened(live), /missing or empty/);
    });

    it('does not begin anew when its database is deleted while the log has nothing of its own', async () => {
      await outbox.accept([newMessage('A')]);
      await outbox.prune(START_MS, 1);
      fs.rmSync(live);
      await outbox.close();
      assert.notEqual(fs.statSync(`${live}-log`).size, 0);
      await assert.rejects(opened(live), /missing or empty/);
    });
  });
});

describe('a batch that cannot be kept', () => {
  let folder: string;
  let outbox: SqliteOutbox;

  beforeEach(async () => {
    folder = makeFolder();
    outbox = inProcessOutbox({ file: path.join(folder, 'account.db') });
    await outbox.open(START_MS);
  });
  afterEach(async () => {
    sinon.restore();
    await outbox.close();
    removeFolder(folder);
  });

  const failOnce = (): void => {
    const error = Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'fdatasync' });
    sinon.stub(fs, 'fdatasyncSync').onFirstCall().throws(error).callThrough();
  };

  it('comes to nothing, as does all that was decided with it, and can be repeated', async () => {
    await outbox.accept(newMessages(['A', 'B']));
    await outbox.exchange([], { service: 'sms', max: 1 }, START_MS);
    const calls = () => [
      outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], { service: 'sms', max: 10 }, START_MS),
      outbox.accept([newMessage('C', { duplicateKey: 'k' }), newMessage('D', { state: 'SUPPRESSED' })]),
      outbox.takeReports([newReport('A')], START_MS + 1),
      outbox.cancel(['C'], START_MS + 1),
      outbox.counts(),
    ];
    const before = await outbox.counts();
    failOnce();
    for (const call of await Promise.allSettled(calls())) {
      assert.equal(call.status, 'rejected');
      assert.match(String((call as PromiseRejectedResult).reason), /EIO at fdatasync/);
    }
    assert.deepEqual(await outbox.counts(), before);
    const states = async () => (await outbox.get(['A', 'B', 'C', 'D'])).map(({ state }) => state);
    assert.deepEqual(await states(), ['IN_FLIGHT', 'READY']);
    assert.deepEqual(await outbox.pendingReports(10), []);
    assert.equal((await outbox.recentDuplicates({ duplicateKeys: ['k'], sinceMs: 0 })).size, 0);
    assert.equal(await outbox.createdSince(0), 2);

    await Promise.all(calls());
    const after = ['DELIVERED', 'IN_FLIGHT', 'CANCELLED', 'SUPPRESSED'];
    assert.deepEqual(await states(), after);
    await outbox.close();
    await outbox.open(START_MS);
    assert.deepEqual(await states(), after.with(1, 'IN_DOUBT'));
    assert.equal((await outbox.pendingReports(10)).length, 1);
    assert.equal(await outbox.createdSince(0), 3);
  });

  it('takes nothing along that was kept before', async () => {
    await outbox.accept([newMessage('A')]);
    await outbox.exchange([], { service: 'sms', max: 1 }, START_MS);
    failOnce();
    const reports = [newReport('A'), newReport('A', { resultRaw: '7' })];
    await assert.rejects(outbox.takeReports(reports, START_MS + 1), { code: 'USHOT_STORE' });
    assert.equal((await outbox.takeReports(reports, START_MS + 1)).fresh.length, 2, 'neither is a repeat');
    assert.equal((await outbox.takeReports(reports, START_MS + 1)).repeats, 2);
    assert.deepEqual(
      (await outbox.pendingReports(10)).map(({ seq }) => seq),
      [1, 2],
    );
  });

  it('leaves a call alone that fails by itself, and what is beside it', async () => {
    await outbox.accept([newMessage('A')]);
    const bad = newMessage('C', { createdAtMs: Number.NaN });
    const settle = [{ messageIds: ['A'], to: 'READY' as const, dueAtMs: Number.NaN }];
    await outbox.exchange([], { service: 'sms', max: 1 }, START_MS);
    const calls = await Promise.allSettled([
      outbox.accept([newMessage('B'), bad]),
      outbox.exchange(settle, { service: 'sms', max: 1 }, START_MS),
      outbox.accept([newMessage('B')]),
    ]);
    assert.deepEqual(
      calls.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
    await outbox.close();
    await outbox.open(START_MS);
    const found = await outbox.get(['A', 'B', 'C']);
    assert.deepEqual(
      found.map(({ messageId, seq, state }) => [messageId, seq, state]),
      [
        ['A', 1, 'IN_DOUBT'],
        ['B', 2, 'READY'],
      ],
    );
  });
});

describe('the thread of the store', () => {
  let folder: string;
  let file: string;
  let worker: Worker | undefined;
  let outbox: SqliteOutbox;

  beforeEach(() => {
    folder = makeFolder();
    file = path.join(folder, 'account.db');
    outbox = new SqliteOutbox({ file, commitDelayMs: 50 }, (settings: StoreOptions) => {
      worker = new Worker(new URL('../../../lib/outbox/sqlite/worker.ts', import.meta.url), { workerData: settings });
      return worker;
    });
  });
  afterEach(async () => {
    await outbox.close();
    removeFolder(folder);
  });

  it('is told of once for every call that waits when it ends by itself, and the store can be opened again', async () => {
    await outbox.open(START_MS);
    const calls = ['A', 'B', 'C'].map((id) => outbox.accept([newMessage(id)]));
    const outcomes = Promise.allSettled(calls);
    await worker?.terminate();
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, 'rejected');
      assert.match(String((outcome as PromiseRejectedResult).reason), /the thread of the store ended/);
    }
    await assert.rejects(outbox.counts(), { code: 'USHOT_STORE' });
    await outbox.open(START_MS);
    assert.equal((await outbox.counts()).IN_FLIGHT, 0);
  });

  it('can be closed while an opening is refused', async () => {
    fs.writeFileSync(file, 'Dear diary, '.repeat(1000));
    const opening = outbox.open(START_MS);
    const closing = outbox.close();
    await assert.rejects(opening, { code: 'USHOT_STORE' });
    await closing;
    fs.rmSync(file);
    await outbox.open(START_MS);
  });

  it('is not taken for its successor when it ends late', async () => {
    const threads: EventEmitter[] = [];
    const fake = { postMessage: () => {}, ref: () => {}, unref: () => {} };
    const other = new SqliteOutbox({ file }, () => {
      const thread = Object.assign(new EventEmitter(), fake);
      threads.push(thread);
      return thread as unknown as StoreThread;
    });
    const opened: FromWorker = { opened: { tally: [[], 0, 0], greatestId: '', anyUnmatched: false } };
    void other.open(START_MS).catch(() => {});
    threads[0]?.emit('message', opened);
    threads[0]?.emit('error', new Error('out of memory'));
    const again = other.open(START_MS);
    threads[0]?.emit('exit', 1);
    threads[1]?.emit('message', opened);
    await new Promise(setImmediate);
    threads[1]?.emit('message', { answer: [] });
    await again;
    assert.equal((await other.counts()).READY, 0);
  });

  it('starts whatever options Node.js was given', () => {
    const script = path.join(import.meta.dirname, 'child.ts');
    const execArgv = [...process.execArgv, '--max-old-space-size=256', '--no-deprecation'];
    // While it waits, no limit of the test's own can fire.
    const options = { encoding: 'utf8', timeout: 15_000 } as const;
    const { stdout, stderr, error } = spawnSync(process.execPath, [...execArgv, script, 'once', file], options);
    assert.ifError(error);
    assert.deepEqual([stdout, stderr], ['{"op":"open"}\n', '']);
  });

  it('commits together what arrives together', async () => {
    await outbox.open(START_MS);
    const start = performance.now();
    await Promise.all(Array.from({ length: 100 }, (_, i) => outbox.accept([newMessage(`M${i}`)])));
    const elapsedMs = performance.now() - start;
    assert.ok(elapsedMs < 100 * 50 * 0.5, `${elapsedMs} ms for a hundred calls of 50 ms each`);
  });
});

/**
 * A disk that is really full: what finds no room is refused and says why, nothing of it is kept, nothing that was kept is
 * lost, and the same process goes on once there is room. (file.test.ts has the bound that a user sets.)
 */
import assert from 'node:assert/strict';
import { UshotError } from '../../../lib/errors.ts';
import type { FileRef, NewMessage, Outbox } from '../../../lib/outbox/outbox.ts';
import { problemOf } from '../../../lib/outbox/sqlite/problems.ts';
import { newMessage, newMessages, newReport, START_MS } from '../messages.ts';
import { pictureOf } from './pictures.ts';
import type { Remote } from './remote.ts';
import { limitedFiles, type SmallDisk, smallFileSystem } from './small-disk.ts';

const TEXT = 'x'.repeat(1000);
/** Longer than any part of a commit that failed may leave in the log, where another still fits. */
const MANY = 200;

async function refused(attempt: Promise<unknown>, why: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: unknown) => {
    assert.ok(error instanceof UshotError, String(error));
    assert.equal(error.code, 'USHOT_STORE');
    assert.match(error.message, why);
    return true;
  });
}

/** What was told of messages: that they are kept, or that they are not. */
class Accepting {
  readonly kept: string[] = [];
  readonly refused: string[] = [];
  readonly #disk: SmallDisk;

  constructor(disk: SmallDisk) {
    this.#disk = disk;
  }

  async accept(outbox: Outbox, messages: readonly NewMessage[]): Promise<void> {
    await outbox.accept(messages);
    this.kept.push(...messages.map(({ messageId }) => messageId));
  }

  /** Fewer and fewer at once, until not one more fits. */
  async untilFull(outbox: Outbox): Promise<void> {
    for (let many = 50; many >= 1; ) {
      const next = this.kept.length + this.refused.length;
      assert.ok(next < 20_000, 'everything is taken, and nothing can be kept');
      const ids = Array.from({ length: many }, (_, i) => `M${next + i}`);
      const answer = this.accept(outbox, newMessages(ids, { text: TEXT }));
      const fits = await answer.then(
        () => true,
        () => false,
      );
      if (fits) continue;
      await refused(answer, this.#disk.says.message);
      this.refused.push(...ids);
      many = Math.floor(many / 2);
    }
  }

  async check(outbox: Outbox): Promise<void> {
    const found = await outbox.get([...this.kept, ...this.refused]);
    assert.deepEqual(
      found.map(({ messageId }) => messageId),
      this.kept,
    );
    const { READY, IN_FLIGHT, ACCEPTED, IN_DOUBT } = await outbox.counts();
    assert.equal(READY + IN_FLIGHT + ACCEPTED + IN_DOUBT, found.filter(({ state }) => state !== 'DELIVERED').length);
  }
}

const disks: readonly (readonly [string, () => Promise<SmallDisk | null> | SmallDisk])[] = [
  ['a small file system', smallFileSystem],
  ['a limit of file sizes', limitedFiles],
];

for (const [name, make] of disks) {
  describe(`a full disk (${name})`, () => {
    let disk: SmallDisk;
    let end: (() => Promise<void>) | undefined;
    let remote: Remote | undefined;

    const start = (file: string): Outbox => {
      remote = disk.start(file);
      return remote.outbox;
    };
    const stop = async (): Promise<void> => {
      await remote?.kill();
      remote = undefined;
    };

    beforeEach(async function () {
      const made = process.platform === 'linux' ? await make() : null;
      if (made === null) {
        console.log(`      ${name} is not to be had here: left out`);
        this.skip();
      }
      disk = made;
      end = made.end;
    });
    afterEach(async () => {
      await stop();
      await end?.();
      end = undefined;
    });

    it('refuses what finds no room, loses nothing, and goes on when there is some', async () => {
      let outbox = start('work/account.db');
      await outbox.open(START_MS);
      const accepting = new Accepting(disk);
      const files = async (picture: string | Buffer): Promise<FileRef[]> => {
        const bytes = Buffer.isBuffer(picture) ? picture : pictureOf(picture);
        return [{ kind: 'attachment', hash: await outbox.putAttachment(bytes), ext: 'jpg', bytes: bytes.length }];
      };
      const sent = Array.from({ length: MANY }, (_, i) => `sent ${i}`);
      await accepting.accept(outbox, newMessages(sent));
      await outbox.exchange([], { service: 'sms', max: MANY }, START_MS);
      await outbox.exchange([{ messageIds: sent, to: 'ACCEPTED' }], null, START_MS);
      const before = await files('before');
      await accepting.accept(outbox, [newMessage('before', { service: 'mms', type: 'MMS', files: before })]);

      disk.fill(2_000_000, remote);
      await accepting.untilFull(outbox);
      disk.fill(0, remote);
      await accepting.untilFull(outbox);
      await accepting.check(outbox);

      const reports = sent.map((id) => newReport(id));
      for (let i = 0; i < 2; i++) {
        await refused(outbox.takeReports(reports, START_MS), disk.says.message);
        assert.deepEqual(await outbox.pendingReports(MANY), [], 'a report that was not acknowledged');
      }
      assert.deepEqual(new Set((await outbox.get(sent)).map(({ state }) => state)), new Set(['ACCEPTED']));
      const large = Buffer.alloc(disk.tooLargeBytes, 'picture');
      await refused(outbox.putAttachment(large), disk.says.attachment);
      const kept = before.map((file) => file.kind === 'attachment' && file.hash);
      assert.deepEqual(disk.list('work/account.db-attachments'), kept, 'nothing is left of it');
      await accepting.untilFull(outbox);

      disk.makeRoom(remote);
      const { fresh } = await outbox.takeReports(reports, START_MS);
      assert.equal(fresh.length, MANY);
      const after = newMessage('after', { service: 'mms', type: 'MMS', files: await files(large) });
      await accepting.accept(outbox, [after, ...newMessages(['and', 'more'])]);
      const frame = await outbox.exchange([], { service: 'mms', max: 10 }, START_MS);
      assert.deepEqual(
        frame.map(({ messageId }) => messageId),
        ['before', 'after'],
      );

      disk.fill(300_000, remote);
      await accepting.untilFull(outbox);
      await stop();
      disk.makeRoom();
      outbox = start('work/account.db');
      await outbox.open(START_MS);
      await accepting.check(outbox);
      assert.equal((await outbox.pendingReports(2 * MANY)).length, MANY);
      for (const { messageId, state, files } of await outbox.get(['before', 'after'])) {
        assert.equal(state, 'IN_DOUBT', messageId);
        for (const file of files) {
          assert.ok(file.kind === 'attachment');
          assert.equal((await outbox.readAttachment(file.hash)).length, file.bytes);
        }
      }
      await outbox.accept(newMessages(['at', 'last']));
      await outbox.close();
      console.log(
        `      ${name}: ${accepting.kept.length} messages said to be kept, 0 lost; ` +
          `${accepting.refused.length} refused, none of them kept`,
      );
    });

    const movesOn = async (): Promise<void> => {
      let outbox = start('work/account.db');
      await outbox.open(START_MS);
      await outbox.accept(newMessages(['A', 'B']));
      await outbox.exchange([], { service: 'sms', max: 2 }, START_MS);
      const hash = await outbox.putAttachment(pictureOf('picture'));
      const files: FileRef[] = [{ kind: 'attachment', hash, ext: 'jpg', bytes: pictureOf('picture').length }];
      disk.fill(0, remote);
      const mms = newMessages(['C'], { service: 'mms', type: 'MMS', files, text: 'x'.repeat(2000) });
      await refused(outbox.accept(mms), disk.says.message);
      await outbox.exchange([{ messageIds: ['A', 'B'], to: 'ACCEPTED' }], null, START_MS);
      assert.equal((await outbox.takeReports([newReport('A')], START_MS)).fresh.length, 1);
      await stop();
      disk.makeRoom();
      outbox = start('work/account.db');
      await outbox.open(START_MS);
      const found = await outbox.get(['A', 'B', 'C']);
      assert.deepEqual(
        found.map(({ messageId, state }) => [messageId, state]),
        [
          ['A', 'DELIVERED'],
          ['B', 'ACCEPTED'],
        ],
      );
      await outbox.close();
    };
    // Of a limit of file sizes, SQLite does not say that it is one.
    if (make === smallFileSystem) it('refuses a picture message, and keeps what moves on of others', movesOn);

    for (const [which, there] of [
      ['a new store', []],
      ['one that was closed', ['A']],
    ] as const) {
      it(`is said when ${which} is opened on it, and the same process can open it later`, async () => {
        if (there.length > 0) {
          const outbox = start('work/account.db');
          await outbox.open(START_MS);
          await outbox.accept(newMessages(there));
          await outbox.close();
          await stop();
        }
        disk.fill(0);
        const outbox = start('work/account.db');
        for (let i = 0; i < 2; i++) {
          await refused(outbox.open(START_MS), disk.says.message);
          await refused(outbox.accept([newMessage('B')]), /not open/);
        }
        disk.makeRoom(remote);
        await outbox.open(START_MS);
        assert.deepEqual(
          (await outbox.get(['A', 'B'])).map(({ messageId }) => messageId),
          there,
        );
        await outbox.accept([newMessage('B')]);
        await outbox.close();
      });
    }
  });
}

describe('an error of SQLite or of the system', () => {
  const sqlite = (errcode: number): Error => Object.assign(new Error(), { errcode, errstr: 'text' });
  const system = (code: string): Error => Object.assign(new Error(), { code, syscall: 'write' });

  it('is a full disk where it says so, whatever it was that is used up', () => {
    for (const error of [sqlite(13), system('ENOSPC'), system('EDQUOT'), system('EFBIG')]) {
      assert.equal(problemOf(error)?.problem, 'full');
    }
  });

  it('may be one where SQLite does not tell: a write, a sync, a file made longer', () => {
    for (const errcode of [778, 1034, 1290, 1546]) assert.equal(problemOf(sqlite(errcode))?.problem, 'unwritten');
  });

  it('is none where reading failed', () => {
    for (const errcode of [266, 522, 10, 14]) assert.equal(problemOf(sqlite(errcode))?.problem, 'unreachable');
    assert.equal(problemOf(system('EIO'))?.problem, 'unreachable');
  });
});

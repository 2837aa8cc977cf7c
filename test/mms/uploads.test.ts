/** Uploads when the line is cut, when names are forgotten and when the gateway refuses: against the strict gateway. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { World } from '../agent/world.ts';
import type { Decision, RecordedFrame } from '../support/strict-gateway.ts';
import { MmsBench, mms, plainJpeg, until } from './bench.ts';

const refusal: Decision = { respCode: '20001', respMesg: 'REFUSED' };
const isMms = ({ port, command, count }: RecordedFrame) => port === 'mmsSend' && command === '1024' && count > 0;

describe('MMS: uploads', () => {
  let bench: MmsBench;
  afterEach(() => bench.stop());

  /** A cut in the middle of a frame is what these tests do: the rest of it must be without fault. */
  const assertNoViolationsBut = (cuts: number) => {
    const unfinished = bench.gateway.violations.filter((violation) =>
      violation.includes('unfinished frame at the end'),
    );
    assert.deepEqual([unfinished.length, bench.gateway.violations.length - unfinished.length], [cuts, 0]);
  };

  it('tries again after a cut in the middle of an upload, and sends the MMS once, with its picture', async () => {
    bench = new MmsBench();
    await bench.start({}, { relay: true });
    await bench.loggedIn();
    bench.relay?.cutAfter(150_000);
    const jpeg = plainJpeg(199_000);
    assert.equal((await bench.sendOne({ text: 'cut', files: jpeg }, 'delivered')).status, 'delivered');
    assert.equal(bench.relay?.cuts, 1);
    assert.deepEqual(bench.work, ['2030', '1024x1']);
    assert.deepEqual(bench.gateway.uploads[0]?.data, jpeg);
    assert.deepEqual(bench.gateway.messages[0]?.files, [bench.gateway.uploads[0]?.name]);
    assertNoViolationsBut(1);
  });

  it('uploads again what it does not know to have arrived: the answer was cut off', async () => {
    let uploads = 0;
    bench = new MmsBench({
      decide: ({ command }) => (command === '2030' && ++uploads === 1 ? 'take-and-cut' : 'answer'),
    });
    await bench.start();
    assert.equal((await bench.sendOne({ text: 'x', files: plainJpeg(900) }, 'delivered')).status, 'delivered');
    assert.deepEqual(bench.work, ['2030', '2030', '1024x1']);
    assert.deepEqual(bench.gateway.messages[0]?.files, [bench.gateway.uploads[1]?.name]);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('goes on with the second file after a cut in it', async () => {
    bench = new MmsBench();
    await bench.start({}, { relay: true });
    await bench.loggedIn();
    bench.relay?.cutAfter(150_000);
    const files = [plainJpeg(100_000, 1), plainJpeg(100_001, 2)];
    assert.equal((await bench.sendOne({ text: 'two', files }, 'delivered')).status, 'delivered');
    const sizes = new Map(bench.gateway.uploads.map(({ name, data }) => [name, data.length]));
    assert.deepEqual(
      bench.gateway.messages.map((message) => message.files.map((name) => sizes.get(name))),
      [[100_000, 100_001]],
    );
    assertNoViolationsBut(1);
  });

  it('resends, under the same id and with its picture, an MMS whose frame was cut in the middle', async () => {
    bench = new MmsBench();
    await bench.start({ inDoubtSeconds: 0.1 }, { relay: true });
    await bench.loggedIn();
    bench.relay?.cutAfter(50_000 + 13 + 77 + 1000);
    const outcome = await bench.sendOne({ text: 'frame', files: plainJpeg(50_000) }, 'delivered');
    assert.equal(outcome.status, 'delivered');
    assert.equal(bench.relay?.cuts, 1);
    assert.deepEqual(bench.work, ['2030', '2030', '1024x1']);
    assert.deepEqual(
      bench.gateway.messages.map(({ messageId, files }) => [messageId, files]),
      [[outcome.messageId, [bench.gateway.uploads[1]?.name]]],
    );
    assertNoViolationsBut(1);
  });

  it('does not send an MMS twice whose answer was cut off: its report settles it', async () => {
    bench = new MmsBench({ decide: (frame) => (isMms(frame) ? 'take-and-cut' : 'answer') });
    await bench.start();
    assert.equal((await bench.sendOne({ text: 'x', files: plainJpeg(900) }, 'delivered')).status, 'delivered');
    assert.deepEqual(bench.work, ['2030', '1024x1']);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('lets others pass when one picture cuts the line again and again', async () => {
    const poison = plainJpeg(7777, 666);
    let tries = 0;
    const cutsOn = ({ command, body }: RecordedFrame) => command === '2030' && body.includes(poison) && ++tries > 0;
    bench = new MmsBench({ decide: (frame) => (cutsOn(frame) ? 'cut' : 'answer') });
    await bench.start({ reconnectSeconds: 0.1 });
    const [, other] = await bench.agent.send(
      [
        { ...mms, text: 'poison', files: poison },
        { ...mms, text: 'other', files: plainJpeg(900) },
      ],
      { settle: 'stored' },
    );
    await bench.gateway.until(() => bench.gateway.messages.length === 1, 'the other MMS');
    assert.equal(bench.gateway.messages[0]?.messageId, other?.messageId);
    assert.ok(tries >= 2, 'an accident may happen to any upload');
    assert.deepEqual(bench.gateway.violations, []);
  });

  const mishaps: Readonly<Record<string, (folder: string) => void>> = {
    'is gone from the disk': (folder) => rmSync(folder, { recursive: true }),
    'is damaged there': (folder) => {
      for (const name of readdirSync(folder)) writeFileSync(join(folder, name), '');
    },
  };
  for (const [what, befall] of Object.entries(mishaps)) {
    it(`refuses, and does not send without it, an MMS whose picture ${what}`, async () => {
      bench = new MmsBench();
      await bench.start();
      await bench.loggedIn();
      await bench.gateway.stop();
      const waiting = bench.sendOne({ text: 'x', files: plainJpeg(900) });
      await until(() => bench.attachments.length === 1 && bench.agent.status.waiting === 1);
      befall(join(bench.folder, 'store.db-attachments'));
      await bench.gateway.start();
      const { status, error, result } = await waiting;
      assert.deepEqual([status, error?.code, result], ['rejected', 'USHOT_ATTACHMENT_LOST', 73]);
      assert.deepEqual(bench.work, []);
      assert.deepEqual(bench.gateway.violations, []);
    });
  }

  it('ends the input of an upload that cuts the line each time', async () => {
    bench = new MmsBench({ decide: ({ command }) => (command === '2030' ? 'cut' : 'answer') });
    await bench.start();
    await assert.rejects(bench.agent.upload(plainJpeg(900)), { code: /^USHOT_LINK_/ });
    assert.equal((await bench.sendOne({ text: '그래도 LMS는 간다' })).status, 'accepted');
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('forgets the names when the line is gone', async () => {
    bench = new MmsBench();
    await bench.start();
    const files = plainJpeg(900);
    await bench.sendOne({ text: '1', files });
    await bench.sendOne({ text: '2', files });
    bench.gateway.cut('mmsSend');
    await bench.sendOne({ text: '3', files });
    assert.deepEqual(bench.work, ['2030', '1024x1', '1024x1', '2030', '1024x1']);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('uploads again, once, when the gateway refuses a name that it took before', async () => {
    const good = new Set<number>();
    let uploads = 0;
    // The name is good for one message.
    bench = new MmsBench({
      decide: (frame) => {
        if (frame.command === '2030') uploads++;
        if (!isMms(frame)) return 'answer';
        if (good.has(uploads)) return refusal;
        good.add(uploads);
        return 'answer';
      },
    });
    await bench.start();
    for (const text of ['1', '2', '3']) {
      assert.equal((await bench.sendOne({ text, files: plainJpeg(900) })).status, 'accepted');
    }
    assert.deepEqual(bench.work, ['2030', '1024x1', '1024x1', '2030', '1024x1', '1024x1', '2030', '1024x1']);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('gives an MMS up that is refused with a fresh upload too', async () => {
    let refuses = false;
    bench = new MmsBench({ decide: (frame) => (refuses && isMms(frame) ? refusal : 'answer') });
    await bench.start();
    // The same picture twice: its second name is known the moment the first is.
    const files = [plainJpeg(900), plainJpeg(900)];
    assert.equal((await bench.sendOne({ text: '1', files })).status, 'accepted');
    refuses = true;
    const { status, error } = await bench.sendOne({ text: '2', files });
    assert.deepEqual([status, error?.code], ['rejected', 'USHOT_REJECTED']);
    assert.deepEqual(bench.work, ['2030', '1024x1', '1024x1', '2030', '1024x1']);
  });

  it('finds the one bad receiver among thirty without uploading for each frame', async () => {
    bench = new MmsBench({
      decide: (frame) => (isMms(frame) && frame.body.includes('01000000013') ? refusal : 'answer'),
    });
    await bench.start();
    const to = Array.from({ length: 30 }, (_, i) => `010000000${String(i).padStart(2, '0')}`);
    const outcomes = await bench.send({ to, text: 'bisect', files: plainJpeg(900) }, 'accepted');
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 'accepted').map(({ to, status }) => [to, status]),
      [['01000000013', 'rejected']],
    );
    assert.equal(bench.gateway.messages.length, 29);
    assert.ok(bench.gateway.uploads.length <= 2, `${bench.gateway.uploads.length} uploads`);
    assert.deepEqual(bench.gateway.violations, []);
  });

  for (const [name, decision] of [
    ['refuses the upload', refusal],
    ['gives a blank name', { respCode: '00000', respMesg: 'OK' }],
  ] as const) {
    it(`sends no MMS without its picture when the gateway ${name}`, async () => {
      bench = new MmsBench({ decide: ({ command }) => (command === '2030' ? decision : 'answer') });
      await bench.start();
      const { status, error, result } = await bench.sendOne({ text: 'x', files: plainJpeg(900) });
      assert.deepEqual([status, error?.code, result], ['rejected', 'USHOT_UPLOAD_REFUSED', 78]);
      assert.deepEqual(bench.work, ['2030']);
      await assert.rejects(bench.agent.upload(plainJpeg(900)), { code: 'USHOT_UPLOAD_REFUSED' });
      assert.deepEqual(bench.gateway.violations, []);
    });
  }
});

describe('MMS: uploads and time', () => {
  it('keeps a name for an hour', async () => {
    const world = new World();
    world.agent.use('mms');
    const files = plainJpeg(900);
    await world.send({ ...mms, text: '1', files });
    await world.clock.advance(59 * 60_000);
    await world.send({ ...mms, text: '2', files });
    assert.equal(world.gateway.files.names.length, 1);
    await world.clock.advance(2 * 60_000);
    await world.send({ ...mms, text: '3', files });
    assert.equal(world.gateway.files.names.length, 2);
    await world.agent.stop();
  });

  it('ends the input of an upload that the gateway never answers', async () => {
    const world = new World();
    world.gateway.faults.add({ kind: 'silence', commands: ['2030'] });
    await assert.rejects(world.wait(world.agent.upload(plainJpeg(900)), 200_000), /USHOT|upload|answer/i);
    await world.agent.stop();
  });
});

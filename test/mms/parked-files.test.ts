/** Files of msgs that wait: out of memory beyond the bound, back in their places before the msg goes on. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { ParkedFiles } from '../../nodes/parked-files.ts';
import { plainJpeg } from './bench.ts';

describe('MMS: parked files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ushot-parked-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const holdsBuffer = (value: unknown): boolean =>
    Buffer.isBuffer(value) ||
    (typeof value === 'object' && value !== null && Object.values(value).some((part) => holdsBuffer(part)));

  it('leaves a msg as it is while there is room', async () => {
    const parked = new ParkedFiles(50_000);
    const files = [plainJpeg(30_000)];
    const msg = { payload: 'text', files };
    const back = await parked.park(msg, folder);
    assert.equal(msg.files, files);
    await back();
    const again = await parked.park(msg, folder);
    assert.equal(msg.files, files, 'the room is free again');
    await again();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('takes files out wherever a flow may put them, touches no list or object, and puts them back', async () => {
    const parked = new ParkedFiles(0);
    const sandboxed = runInNewContext('({ to: "1", files: [] })') as { files: unknown[] };
    sandboxed.files.push(plainJpeg(20_001, 1));
    const shared = [plainJpeg(20_002, 2), 'name.jpg', { data: plainJpeg(20_003, 3), ext: 'jpg' }];
    const original = {
      topic: 'x',
      payload: [{ to: '2', files: shared }, sandboxed, null],
      files: plainJpeg(20_004, 4),
    };
    const wanted = JSON.stringify(original);
    const msgs = [1, 2, 3].map(() => ({ ...original }));
    const backs = await Promise.all(msgs.map((msg) => parked.park(msg, folder)));
    for (const { payload, files } of msgs) assert.ok(!holdsBuffer(payload) && !holdsBuffer(files));
    assert.equal(JSON.stringify(original), wanted);
    assert.ok(Buffer.isBuffer(shared[0]));
    for (const [i, back] of backs.entries()) {
      await back();
      assert.equal(JSON.stringify(msgs[i]), wanted);
    }
    assert.deepEqual(readdirSync(folder), [], 'nothing is left behind');
  });

  it('survives what refers to itself, and a folder that cannot be written', async () => {
    const parked = new ParkedFiles(0);
    const loop: { files?: Buffer; self?: unknown } = { files: plainJpeg(20_000) };
    loop.self = loop;
    const msg: { payload: unknown; files?: unknown } = { payload: loop };
    await (await parked.park(msg, folder))();
    assert.deepEqual((msg.payload as typeof loop).files, plainJpeg(20_000));

    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    assert.ok(statSync(file).isFile());
    const kept = { files: plainJpeg(20_000) };
    const back = await parked.park(kept, join(file, 'inner'));
    assert.deepEqual(kept.files, plainJpeg(20_000));
    await back();
    assert.deepEqual(kept.files, plainJpeg(20_000));
  });
});

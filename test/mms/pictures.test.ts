/** MMS with their files, against the strict gateway over real sockets: what arrives, in what order, and how often. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { difference, photograph } from '../pictures/sample.ts';
import { MmsBench, mms, plainJpeg, until } from './bench.ts';

const receivers = (count: number) => Array.from({ length: count }, (_, i) => `010${10_000_000 + i}`);

describe('MMS: pictures against the strict gateway', () => {
  let bench: MmsBench;
  afterEach(() => bench.stop());

  for (const variable of ['N', 'Y'] as const) {
    const command = variable === 'Y' ? '1045' : '1024';

    it(`carries 1 to 4 files in a ${command}, in their order, and refuses a fifth`, async () => {
      bench = new MmsBench({ variable });
      await bench.start({ maxFiles: 4 });
      const files = [1, 2, 3, 4, 5].map((n) => plainJpeg(1000 + n, n));
      for (const count of [1, 2, 3, 4]) {
        const { status, type } = await bench.sendOne({ text: `${count} 장`, files: files.slice(0, count) });
        assert.deepEqual([status, type], ['accepted', 'MMS']);
      }
      const five = await bench.sendOne({ text: 'five', files });
      assert.deepEqual([five.status, five.error?.code, five.result], ['invalid', 'USHOT_TOO_MANY_FILES', 78]);
      const names = bench.gateway.uploads.map(({ name }) => name);
      assert.deepEqual(
        bench.gateway.uploads.map(({ data }) => data),
        files.slice(0, 4),
      );
      assert.deepEqual(
        bench.gateway.messages.map((message) => [message.command, message.files]),
        [1, 2, 3, 4].map((count) => [command, names.slice(0, count)]),
      );
      assert.deepEqual(bench.gateway.violations, []);
    });

    it(`sends a picture without a text in a ${command}`, async () => {
      bench = new MmsBench({ variable });
      await bench.start();
      assert.equal((await bench.sendOne({ files: plainJpeg(900) })).status, 'accepted');
      assert.deepEqual(
        bench.gateway.messages.map(({ kind, text }) => [kind, text.trim()]),
        [['MMS', '']],
      );
      assert.deepEqual(bench.gateway.violations, []);
    });
  }

  it('takes three files by default', async () => {
    bench = new MmsBench();
    await bench.start();
    const files = [1, 2, 3, 4].map((n) => plainJpeg(1000, n));
    const { error } = await bench.sendOne({ text: 'four', files });
    assert.deepEqual([error?.code, error?.params['limit']], ['USHOT_TOO_MANY_FILES', 3]);
    assert.deepEqual(bench.attachments, [], 'nothing is kept of what is refused');
  });

  it('takes server names, Buffers, paths and { data, ext } mixed, and gives names back byte for byte', async () => {
    bench = new MmsBench();
    await bench.start({ maxFiles: 4 });
    const { fileName } = await bench.agent.upload(plainJpeg(800, 0));
    // The gateway's name holds a Hangul syllable: two bytes of CP949, which pass as they came.
    assert.match(fileName, /\xb7\xce\.jpg$/);
    const path = join(bench.folder, 'snap.jpg');
    writeFileSync(path, plainJpeg(801, 1));
    const sound = Buffer.concat([Buffer.from('MMMD'), Buffer.alloc(500, 7)]);
    const { status } = await bench.sendOne({
      text: 'mixed',
      files: [fileName, plainJpeg(802, 2), path, { data: sound, ext: 'mmf' }],
    });
    assert.equal(status, 'accepted');
    assert.deepEqual(
      bench.gateway.uploads.map(({ data, ext }) => [data.length, ext]),
      [
        [800, 'jpg'],
        [802, 'jpg'],
        [801, 'jpg'],
        [504, 'mmf'],
      ],
    );
    const [first, second, third, fourth] = bench.gateway.uploads.map(({ name }) => name);
    assert.deepEqual(bench.gateway.messages[0]?.files, [first, second, third, fourth]);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('reads a list of paths and names from one text', async () => {
    bench = new MmsBench();
    await bench.start();
    const paths = [1, 2].map((n) => {
      const path = join(bench.folder, `${n}.jpg`);
      writeFileSync(path, plainJpeg(700 + n, n));
      return path;
    });
    assert.equal((await bench.sendOne({ files: paths.join(', ') })).status, 'accepted');
    assert.deepEqual(
      bench.gateway.uploads.map(({ data }) => data.length),
      [701, 702],
    );
  });

  it('uploads the one picture of 100 receivers once', async () => {
    bench = new MmsBench({ maxPerRequest: 30 });
    await bench.start();
    const outcomes = await bench.send({ to: receivers(100), text: '속보', files: plainJpeg(5000) }, 'delivered');
    assert.equal(outcomes.length, 100);
    assert.ok(outcomes.every(({ status, type }) => status === 'delivered' && type === 'MMS'));
    assert.deepEqual(bench.work, ['2030', '1024x30', '1024x30', '1024x30', '1024x10']);
    assert.equal(new Set(bench.gateway.messages.map(({ receiver }) => receiver)).size, 100);
    assert.deepEqual(bench.gateway.violations, []);
    await until(() => bench.attachments.length === 0);
  });

  it('keeps the files of an input on disk until its messages have ended, and no longer', async () => {
    bench = new MmsBench();
    await bench.start();
    // The same picture in several Buffers, and twice in one message.
    const requests = [1, 2, 3].map((n) => ({ ...mms, text: `${n}`, files: [plainJpeg(900), plainJpeg(900)] }));
    assert.equal((await bench.agent.send(requests, { settle: 'stored' })).length, 3);
    // One good file beside a bad one, and a good file of a message without a receiver.
    await bench.send({ files: [plainJpeg(901, 1), Buffer.from('bad')] });
    await bench.send({ to: 'nobody', files: plainJpeg(902, 2) });
    await until(() => bench.reports.length === 3);
    await until(() => bench.attachments.length === 0);
    assert.deepEqual(
      bench.gateway.messages.map(({ files }) => files.length),
      [2, 2, 2],
    );
    assert.equal(bench.gateway.uploads.length, 1);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('uploads the same bytes once, whatever names them', async () => {
    bench = new MmsBench();
    await bench.start();
    const path = join(bench.folder, 'same.jpg');
    writeFileSync(path, plainJpeg(900));
    for (const files of [plainJpeg(900), path, { data: plainJpeg(900), ext: 'jpeg' }]) {
      assert.equal((await bench.sendOne({ text: 'a', files })).status, 'accepted');
    }
    assert.deepEqual(bench.work, ['2030', '1024x1', '1024x1', '1024x1']);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('never mixes two pictures that alternate between messages', async () => {
    bench = new MmsBench({ variable: 'Y' });
    await bench.start();
    const [one, two] = [plainJpeg(1111, 1), plainJpeg(2222, 2)];
    const requests = receivers(20).map((to, i) => ({
      ...mms,
      to,
      text: `${i % 3}`,
      files: [[one], [two], [two, one]][i % 3],
    }));
    const outcomes = await bench.agent.send(requests, { settle: 'accepted' });
    assert.ok(outcomes.every(({ status }) => status === 'accepted'));
    const bytesOf = new Map(bench.gateway.uploads.map(({ name, data }) => [name, data.length]));
    assert.equal(bench.gateway.messages.length, 20);
    for (const { text, files } of bench.gateway.messages) {
      assert.deepEqual(
        files.map((name) => bytesOf.get(name)),
        { 0: [1111], 1: [2222], 2: [2222, 1111] }[text],
      );
    }
    assert.equal(bench.gateway.uploads.length, 2);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('leaves a JPEG of 800 bytes untouched, byte for byte', async () => {
    bench = new MmsBench();
    await bench.start();
    const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#e63946' } })
      .jpeg()
      .toBuffer();
    assert.ok(small.length < 800);
    // A comment fills it up: an encoder would not keep it.
    const comment = Buffer.alloc(800 - small.length - 4, 'x');
    const segment = Buffer.alloc(4);
    segment.writeUInt16BE(0xfffe);
    segment.writeUInt16BE(comment.length + 2, 2);
    const jpeg = Buffer.concat([small.subarray(0, 2), segment, comment, small.subarray(2)]);
    assert.equal(jpeg.length, 800);
    assert.equal((await bench.sendOne({ text: 'small', files: jpeg })).status, 'accepted');
    assert.deepEqual(bench.gateway.uploads[0]?.data, jpeg);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('makes a PNG of 5 MB a JPEG that fits and still looks like it', async () => {
    bench = new MmsBench();
    await bench.start();
    const png = await photograph({ width: 1800, height: 1200, noise: 10 }).png({ compressionLevel: 1 }).toBuffer();
    assert.ok(png.length > 5_000_000, `${png.length} bytes`);
    assert.equal((await bench.sendOne({ text: 'large', files: png })).status, 'accepted');
    const [upload] = bench.gateway.uploads;
    assert.ok(upload);
    assert.equal(upload.ext, 'jpg');
    assert.ok(upload.data.length <= 200_000, `${upload.data.length} bytes`);
    const { format, width, height } = await sharp(upload.data).metadata();
    assert.equal(format, 'jpeg');
    assert.ok(width >= 1000, `${width} pixels wide`);
    assert.ok(Math.abs(width / height - 1.5) < 0.01);
    assert.ok((await difference(png, upload.data)) < 3);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('passes sound and film within the limits of the carriers, and refuses them beyond', async () => {
    bench = new MmsBench();
    await bench.start();
    const sound = (bytes: number) => Buffer.concat([Buffer.from('MMMD'), Buffer.alloc(bytes - 4, 1)]);
    const film = (bytes: number) =>
      Buffer.concat([Buffer.from('\0\0\0\x18ftyp3gp5', 'latin1'), Buffer.alloc(bytes - 12)]);
    const fitting = [sound(100_000), { data: film(299_999), ext: 'skm' }, { data: film(299_999), ext: '.K3G' }];
    for (const files of fitting) assert.equal((await bench.sendOne({ files })).status, 'accepted');
    assert.deepEqual(
      bench.gateway.uploads.map(({ ext, data }) => [ext, data.length]),
      [
        ['mmf', 100_000],
        ['skm', 299_999],
        ['k3g', 299_999],
      ],
    );
    const beyond: [unknown, string][] = [
      [sound(100_001), 'USHOT_FILE_TOO_LARGE'],
      [{ data: film(300_000), ext: 'skm' }, 'USHOT_FILE_TOO_LARGE'],
      [{ data: film(300_000), ext: 'k3g' }, 'USHOT_FILE_TOO_LARGE'],
      [{ data: film(1000), ext: 'mp4' }, 'USHOT_FILE_TYPE'],
      [Buffer.alloc(0), 'USHOT_FILE_EMPTY'],
      [Buffer.from('hello'), 'USHOT_FILE_UNKNOWN'],
    ];
    for (const [files, code] of beyond) {
      const { status, error, result } = await bench.sendOne({ files });
      assert.deepEqual([status, error?.code, result], ['invalid', code, 78]);
    }
    assert.equal(bench.gateway.messages.length, 3);
    assert.deepEqual(bench.gateway.violations, []);
  });
});

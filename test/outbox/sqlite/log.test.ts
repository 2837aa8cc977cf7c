/** The log beside the database: what is read back, whatever a crash left at its end. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import sinon from 'sinon';
import { Log } from '../../../lib/outbox/sqlite/log.ts';
import { makeFolder, removeFolder } from './folder.ts';

describe('the log', () => {
  let folder: string;
  let file: string;
  const open: Log[] = [];

  beforeEach(() => {
    folder = makeFolder();
    file = path.join(folder, 'log');
    fs.writeFileSync(file, '');
  });
  afterEach(() => {
    for (const log of open.splice(0)) log.close();
    removeFolder(folder);
  });

  const openLog = (generation: number): Log => {
    const log = new Log(file, generation);
    open.push(log);
    return log;
  };
  const textsOf = (log: Log): string[] => log.read().map(String);
  const entriesOf = (generation: number): string[] => textsOf(openLog(generation));
  const write = (generation: number, entries: readonly string[]): void => {
    const log = openLog(generation);
    for (const entry of entries) log.append(Buffer.from(entry));
  };

  it('gives back what was appended, in order, also behind what was read', () => {
    write(7, ['["one"]', '["한글"]']);
    const log = openLog(7);
    assert.deepEqual(textsOf(log), ['["one"]', '["한글"]']);
    log.append(Buffer.from('three'));
    assert.deepEqual(entriesOf(7), ['["one"]', '["한글"]', 'three']);
  });

  it('is empty when it never was written', () => {
    assert.deepEqual(entriesOf(1), []);
  });

  it('knows nothing of earlier generations, whose entries it is written over', () => {
    const log = openLog(1);
    for (const entry of ['first', 'second', 'third']) log.append(Buffer.from(entry));
    log.restart(2);
    assert.deepEqual(entriesOf(2), []);
    log.append(Buffer.from('FIRST'));
    assert.deepEqual(entriesOf(2), ['FIRST'], 'what stands behind it is old');
    assert.equal(log.generation, 2);
  });

  it('ends where a crash tore it, wherever that was', () => {
    const torn = '말을 잇지 못하고';
    write(3, ['kept', torn]);
    const keptBytes = 12 + Buffer.byteLength('kept');
    const whole = fs.readFileSync(file).subarray(0, keptBytes + 12 + Buffer.byteLength(torn));
    fc.assert(
      fc.property(
        fc.integer({ min: keptBytes, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          fs.writeFileSync(file, whole.subarray(0, at));
          assert.deepEqual(entriesOf(3), ['kept'], `cut at ${at}`);
          const damaged = Buffer.from(whole);
          damaged.writeUInt8((damaged.readUInt8(at) ?? 0) ^ flip, at);
          fs.writeFileSync(file, damaged);
          assert.deepEqual(entriesOf(3), ['kept'], `changed at ${at}`);
        },
      ),
    );
  });

  it('keeps what nobody has read when it is closed, and nothing that the database has', () => {
    write(2, ['kept']);
    new Log(file, 2).close();
    assert.deepEqual(entriesOf(2), ['kept'], 'opening failed, say');
    const log = new Log(file, 2);
    assert.deepEqual(textsOf(log), ['kept']);
    log.restart(3);
    log.append(Buffer.from('newer'));
    assert.equal(log.isSpent, false);
    log.close();
    assert.deepEqual(entriesOf(3), ['newer']);
    const last = new Log(file, 3);
    last.restart(4);
    assert.equal(last.isSpent, true);
    last.empty();
    last.close();
    assert.equal(fs.statSync(file).size, 0);
  });

  it('reads nothing of an entry that it refused', () => {
    write(1, ['kept']);
    const log = openLog(1);
    assert.deepEqual(textsOf(log), ['kept']);
    const original = fs.fdatasyncSync;
    fs.fdatasyncSync = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    try {
      assert.throws(() => log.append(Buffer.from('refused')), { code: 'EIO' });
    } finally {
      fs.fdatasyncSync = original;
    }
    assert.deepEqual(entriesOf(1), ['kept']);
    log.append(Buffer.from('next'));
    assert.deepEqual(entriesOf(1), ['kept', 'next']);
  });

  it('writes nothing over what was kept where it could not make room before', () => {
    let isFull = true;
    const { writeSync } = fs;
    const stub = sinon.stub(fs, 'writeSync').callsFake(((...args: Parameters<typeof writeSync>) => {
      // Some file systems refuse a large write as a whole, where a small one fits.
      if (isFull && Number(args[3]) > 100_000) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      return writeSync(...args);
    }) as typeof writeSync);
    try {
      const log = openLog(1);
      for (const entry of ['one', 'two']) log.append(Buffer.from(entry));
      isFull = false;
      log.append(Buffer.from('three'));
    } finally {
      stub.restore();
    }
    assert.deepEqual(entriesOf(1), ['one', 'two', 'three']);
  });

  it('is refused when any byte of it is damaged that has a valid entry behind it', () => {
    write(5, ['first', 'second', 'third']);
    const whole = fs.readFileSync(file);
    const lastAt = 12 + 5 + 12 + 6;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lastAt - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(whole);
        damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
        fs.writeFileSync(file, damaged);
        assert.throws(() => entriesOf(5), /damaged at byte (0|17):/, `changed at ${at}`);
      }),
    );
    fs.writeFileSync(file, Buffer.concat([Buffer.alloc(512), whole.subarray(512)]));
    assert.deepEqual(entriesOf(5), [], 'nothing is left of it');
  });

  it('is refused when a sector of it is lost that has a valid entry behind it', () => {
    const long = 'x'.repeat(700);
    write(5, [long, long, long, long]);
    const whole = fs.readFileSync(file);
    for (const at of [0, 512, 1024]) {
      fs.writeFileSync(file, Buffer.from(whole).fill(0, at, at + 512));
      assert.throws(() => entriesOf(5), { code: 'USHOT_STORE' }, `at ${at}`);
    }
  });

  it('is refused when it begins with a generation that the database does not know yet', () => {
    const log = openLog(7);
    log.append(Buffer.from('old'));
    log.restart(8);
    log.append(Buffer.from('new'));
    assert.throws(() => entriesOf(7), /newer than its database/);
    assert.deepEqual(entriesOf(9), []);
  });

  it('is not refused for what a crash leaves of a first entry, over those of earlier generations', () => {
    const sectors = (bytes: Buffer): Buffer[] =>
      Array.from({ length: Math.ceil(bytes.length / 512) }, (_, i) => bytes.subarray(i * 512, i * 512 + 512));
    const log = openLog(3);
    for (let i = 0; i < 20; i++) log.append(Buffer.from(`${i} ${'x'.repeat(i * 37)}`));
    log.restart(4);
    const before = sectors(fs.readFileSync(file));
    log.append(Buffer.from('y'.repeat(3000)));
    const after = sectors(fs.readFileSync(file));
    // Any of its sectors may be on the disk, but not all.
    for (let written = 0; written < 2 ** 6 - 1; written++) {
      const left = after.map((sector, i) => (i >= 6 || written & (1 << i) ? sector : (before[i] ?? sector)));
      fs.writeFileSync(file, Buffer.concat(left));
      assert.deepEqual(entriesOf(4), [], `sectors ${written.toString(2)}`);
    }
  });

  it('is not refused for what is left of a longer entry that failed, whatever text was in it', () => {
    const log = openLog(0x0a0a0a0a);
    log.append(Buffer.from('kept'));
    const original = fs.fdatasyncSync;
    fs.fdatasyncSync = () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    try {
      // Bytes that JSON can hold, and that look as much like headers as these can.
      assert.throws(() => log.append(Buffer.alloc(3000, '\n')), { code: 'EIO' });
    } finally {
      fs.fdatasyncSync = original;
    }
    assert.deepEqual(entriesOf(0x0a0a0a0a), ['kept']);
    log.append(Buffer.from('next'));
    assert.deepEqual(entriesOf(0x0a0a0a0a), ['kept', 'next']);
  });

  it('is never empty while it is in use, and has nothing in it for that', () => {
    const log = openLog(1);
    log.occupy();
    assert.equal(fs.statSync(file).size, 12);
    assert.deepEqual(entriesOf(1), []);
    log.append(Buffer.from('kept'));
    log.occupy();
    assert.deepEqual(entriesOf(1), ['kept']);
  });

  it('says how long it is, until it begins anew', () => {
    const log = openLog(1);
    log.append(Buffer.from('kept'));
    log.append(Buffer.from('한글'));
    assert.equal(log.bytes, 2 * 12 + 4 + 6);
    log.restart(2);
    assert.equal(log.bytes, 0);
  });
});

/** The framer takes any chunking, and fails at the right byte. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Codec, defaultWire, Framer, RemoteProtocolError } from '../../lib/protocol/index.ts';

const codec = new Codec(defaultWire);
const login = codec.encode('1010', { ID: 'a', PASSWORD: 'b' });
const upload = codec.encode('2030', { FILE_EXT: 'jpg', FILE: Buffer.from([3, 1, 2, 3, 1, 2, 3]) });
const poll = codec.encode('1030', null);

/** A frame with one byte changed. */
const changed = (offset: number, byte: number, frame: Buffer = login): Buffer => {
  const copy = Buffer.from(frame);
  copy[offset] = byte;
  return copy;
};

const withLength = (length: string): Buffer => {
  const copy = Buffer.from(login);
  copy.write(length.padEnd(8, ' '), 12, 'latin1');
  return copy;
};

const failure = (act: () => unknown): RemoteProtocolError => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RemoteProtocolError, String(error));
    return error;
  }
  return assert.fail('no error');
};

describe('Framer', () => {
  it('gives the same frames whatever the chunks', () => {
    const whole = Buffer.concat([login, poll, upload, login]);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        const framer = new Framer();
        const bounds = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const found = bounds.flatMap((start, index) => framer.push(whole.subarray(start, bounds[index + 1])));
        assert.deepEqual(
          found.map(({ bytes }) => bytes.toString('latin1')),
          [login, poll, upload, login].map((bytes) => bytes.toString('latin1')),
        );
        assert.equal(framer.bufferedBytes, 0);
      }),
    );
  });

  it('reads the header', () => {
    const [frame] = new Framer().push(
      codec.encode('1026', null, { VERSION: 'SAM10', RESP_CODE: '00000', RESP_MESG: 'OK' }),
    );
    assert.deepEqual(frame?.header, {
      VERSION: 'SAM10',
      COMMAND: '1026',
      LENGTH: 0,
      RESP_CODE: '00000',
      RESP_MESG: 'OK',
    });
  });

  it('takes LENGTH blank, zero-filled, at the right, padded with NULs', () => {
    for (const length of ['', '0', '00000000', '       0', '\0\0\0\0\0\0\0\0']) {
      const blank = Buffer.from(poll);
      blank.write(length.padEnd(8, ' '), 12, 'latin1');
      assert.equal(new Framer().push(blank)[0]?.header.LENGTH, 0, JSON.stringify(length));
    }
    for (const length of ['40', '00000040', '      40', '  40', '40\0\0\0\0\0\0']) {
      assert.equal(new Framer().push(withLength(length))[0]?.body.length, 40, JSON.stringify(length));
    }
  });

  it('fails at the very first byte of something else', () => {
    const error = failure(() => new Framer().push(Buffer.from('H')));
    assert.equal(error.problem, 'mark');
    assert.equal(error.offset, 0);
    assert.equal(error.byte, 0x48);
    assert.match(error.message, /expected SOH \(0x01\) but found 0x48 \(at byte 0 of the frame, which is 0x48\)/);
    assert.match(error.text('ko'), /SOH \(0x01\)이\(가\) 와야 하는데 0x48/);
  });

  it('names offset and byte of a missing mark, in the frame and in the stream', () => {
    const stx = failure(() => new Framer().push(Buffer.concat([login, changed(75, 0x41)])));
    assert.deepEqual([stx.field, stx.offset, stx.byte, stx.streamOffset], ['STX', 75, 0x41, login.length + 75]);
    const etx = failure(() => new Framer().push(changed(login.length - 1, 0x20)));
    assert.deepEqual([etx.field, etx.offset, etx.byte], ['ETX', login.length - 1, 0x20]);
  });

  it('names the byte that makes LENGTH no number', () => {
    const error = failure(() => new Framer().push(withLength('4x')));
    assert.deepEqual([error.problem, error.field, error.offset, error.byte], ['not-a-number', 'LENGTH', 13, 0x78]);
    assert.equal(failure(() => new Framer().push(withLength('-1'))).offset, 12);
    assert.equal(failure(() => new Framer().push(withLength('4 0'))).offset, 13);
  });

  it('bounds LENGTH before it gathers anything', () => {
    const error = failure(() => new Framer().push(withLength('2097153')));
    assert.equal(error.problem, 'too-long');
    assert.match(error.message, /2097153 bytes, but at most 2097152/);
    assert.equal(new Framer().push(withLength('2097152')).length, 0);
    assert.equal(failure(() => new Framer({ maxBodyBytes: 39 }).push(login)).problem, 'too-long');
    assert.equal(new Framer({ maxBodyBytes: 40 }).push(login).length, 1);
  });

  it('never looks for the next SOH: once failed, it stays failed', () => {
    const framer = new Framer();
    failure(() => framer.push(changed(login.length - 1, 0x20)));
    assert.equal(failure(() => framer.push(login)).field, 'ETX');
    assert.equal(framer.bufferedBytes, 0);
  });

  it('hands over, once, the frames before the trouble', () => {
    const framer = new Framer();
    framer.push(login.subarray(0, 30));
    const rest = Buffer.concat([login.subarray(30), poll, Buffer.from('?')]);
    const first = failure(() => framer.push(rest));
    assert.deepEqual(
      first.frames.map(({ header }) => header.COMMAND),
      ['1010', '1030'],
    );
    assert.equal(first.streamOffset, login.length + poll.length);
    assert.deepEqual(failure(() => framer.push(poll)).frames, []);
  });

  it('holds what is not complete, and no more', () => {
    const framer = new Framer();
    for (const [index, byte] of [...login.subarray(0, -1)].entries()) {
      assert.deepEqual(framer.push(Buffer.from([byte])), []);
      assert.equal(framer.bufferedBytes, index + 1);
    }
    assert.equal(framer.push(login.subarray(-1)).length, 1);
    assert.equal(framer.bufferedBytes, 0);
  });

  it('does not let go of a frame that was gathered when the next one comes', () => {
    const framer = new Framer();
    framer.push(login.subarray(0, 50));
    const [first] = framer.push(login.subarray(50));
    framer.push(upload.subarray(0, 50));
    framer.push(upload.subarray(50));
    assert.deepEqual(first?.bytes, login);
  });

  it('takes linear time for single bytes', function () {
    this.timeout(10_000);
    // Quadratic copying would move 10^12 bytes here.
    const big = codec.encode('1031', {
      records: Array.from({ length: 9999 }, (_, index) => ({
        GRP_ID: 'g',
        MSG_ID: String(index),
        RECEIVER: '01012345678',
        SEND_DT: '2009-01-01 09:30:10',
        RESULT: '6',
      })),
    });
    assert.equal(big.length, 77 + 819_922);
    const framer = new Framer();
    let found = 0;
    for (let at = 0; at < big.length; at += 1) found += framer.push(big.subarray(at, at + 1)).length;
    assert.equal(found, 1);
  });

  it('takes an empty chunk', () => {
    assert.deepEqual(new Framer().push(Buffer.alloc(0)), []);
  });
});

/** The columns of the table add up to what the manual prints, and say what the manual says. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { FrameSpec } from '../../lib/protocol/frames.ts';
import { ENVELOPE_BYTES, frames, HEADER_BYTES, headerAt, layFrame } from '../../lib/protocol/index.ts';
import { protocolReference, REFERENCE_FILE } from '../../scripts/generate-protocol-reference.ts';

const bytesOf = (command: keyof typeof frames, userCode: 'omit' | 'include' = 'omit') => {
  const { once, repeated } = layFrame(command, frames[command], { userCode });
  return [once.bytes, repeated?.bytes];
};

describe('the table of frames', () => {
  it('has a header of 76 bytes and 77 around a body', () => {
    assert.equal(HEADER_BYTES, 76);
    assert.equal(ENVELOPE_BYTES, 77);
    assert.deepEqual(headerAt, {
      SOH: 0,
      VERSION: 1,
      COMMAND: 7,
      LENGTH: 12,
      RESP_CODE: 20,
      RESP_MESG: 25,
      STX: 75,
    });
  });

  it('adds up to the totals that the manual prints', () => {
    assert.deepEqual(bytesOf('1010'), [40, undefined]);
    assert.deepEqual(bytesOf('1020'), [4, 284]);
    assert.deepEqual(bytesOf('1021'), [4, 40]);
    assert.deepEqual(bytesOf('1024'), [4 + 512, 2224]);
    assert.deepEqual(bytesOf('1026'), [0, undefined]);
    assert.deepEqual(bytesOf('1030'), [4, 40]);
    assert.deepEqual(bytesOf('1031'), [4, 82]);
    assert.deepEqual(bytesOf('1044'), [4, 4 + 224]);
    assert.deepEqual(bytesOf('1045'), [4 + 512, 4 + 224]);
    assert.deepEqual(bytesOf('2030'), [13, undefined]);
    assert.deepEqual(bytesOf('2040'), [128, undefined]);
  });

  it('lists 33 bytes for 1011, of which the manual prints 24', () => {
    assert.deepEqual(bytesOf('1011'), [33, undefined]);
    assert.equal(frames['1011'].shortBytes, 24);
    assert.equal(frames['1011'].printed, '24');
  });

  it('has 30 bytes more for each message that carries a USERCODE', () => {
    assert.deepEqual(bytesOf('1020', 'include'), [4, 314]);
    assert.deepEqual(bytesOf('1024', 'include'), [516, 2254]);
    assert.deepEqual(bytesOf('1044', 'include'), [4, 258]);
    assert.deepEqual(bytesOf('1045', 'include'), [516, 258]);
  });

  it('puts USERCODE right behind MSG, or last', () => {
    for (const command of ['1020', '1024', '1044', '1045'] as const) {
      assert.equal(Object.keys(frames[command].records).at(-1), 'USERCODE');
    }
  });

  it('knows the commands that answer each other', () => {
    for (const spec of Object.values<FrameSpec>(frames)) {
      for (const answer of spec.answeredBy) assert.ok(Object.hasOwn(frames, answer), answer);
    }
  });

  it('is what docs/protocol-reference.md shows (else run scripts/generate-protocol-reference.ts)', () => {
    assert.equal(readFileSync(REFERENCE_FILE, 'utf8'), protocolReference());
  });
});

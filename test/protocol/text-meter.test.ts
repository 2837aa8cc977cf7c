/** The meter of the editor measures as the codec counts, from a table small enough for a page. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { charset, measure, packWidths, unpackWidths } from '../../lib/protocol/index.ts';

const limits = { smsBytes: 90, lmsBytes: 2000 };
const widths = unpackWidths(packWidths((unit) => charset('cp949').width(unit)));

describe('text-meter', () => {
  it('carries the widths of a charset to the browser', () => {
    for (const name of ['cp949', 'euc-kr'] as const) {
      const packed = packWidths((unit) => charset(name).width(unit));
      const unpacked = unpackWidths(packed);
      for (let unit = 0; unit < 0x10000; unit += 1) {
        if (unpacked(unit) !== charset(name).width(unit)) assert.fail(`${name} U+${unit.toString(16)}`);
      }
      assert.ok(packed.length < 40_000, `${packed.length}`);
    }
  });

  it('imports nothing, so that a browser can load it', () => {
    const source = readFileSync(new URL('../../lib/protocol/text-meter.ts', import.meta.url), 'utf8');
    assert.doesNotMatch(source, /^\s*import\b|\brequire\(|\bBuffer\b|\bprocess\b/m);
  });

  it('tells SMS, LMS and too long apart', () => {
    assert.deepEqual(measure('가'.repeat(45), widths, limits), { bytes: 90, kind: 'SMS', limit: 90, unencodable: [] });
    assert.deepEqual(measure(`${'가'.repeat(45)}a`, widths, limits), {
      bytes: 91,
      kind: 'LMS',
      limit: 2000,
      unencodable: [],
    });
    const long = measure('a'.repeat(2001), widths, limits);
    assert.deepEqual([long.kind, long.bytes, long.limit], ['too-long', 2001, 2000]);
    assert.deepEqual(measure('', widths, limits).kind, 'SMS');
  });

  it('counts as what would be sent', () => {
    assert.equal(measure('각'.normalize('NFD'), widths, limits).bytes, 2);
    const odd = measure('₩🔥\u200b', widths, limits);
    assert.equal(odd.bytes, 3);
    assert.deepEqual(odd.unencodable, [
      { char: '₩', index: 0, suggestion: '￦' },
      { char: '🔥', index: 1 },
      { char: '\u200b', index: 3, suggestion: '' },
    ]);
  });
});

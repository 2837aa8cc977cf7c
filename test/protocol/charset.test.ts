/** The table against iconv-lite, code point by code point, and what is said about characters that have no code. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { charset, normalizeText } from '../../lib/protocol/index.ts';

const cp949 = charset('cp949');
const eucKr = charset('euc-kr');

/** What iconv-lite makes of one character; undefined where it gives up and writes '?'. */
function authority(char: string): Buffer | undefined {
  const bytes = iconv.encode(char, 'cp949');
  return bytes.length === 1 && bytes[0] === 0x3f && char !== '?' ? undefined : bytes;
}

const isControl = (unit: number): boolean => (unit < 0x20 && ![9, 10, 13].includes(unit)) || unit === 0x7f;
const isKsX1001 = (bytes: Buffer): boolean =>
  bytes.length === 1 || ((bytes[0] ?? 0) >= 0xa1 && (bytes[1] ?? 0) >= 0xa1);

describe('charset', () => {
  it('agrees with iconv-lite on every code unit, both ways', () => {
    let double = 0;
    for (let unit = 0; unit < 0x10000; unit += 1) {
      const char = String.fromCharCode(unit);
      const bytes = unit >= 0xd800 && unit <= 0xdfff ? undefined : authority(char);
      const wanted = isControl(unit) ? undefined : bytes;
      if (wanted === undefined) {
        if (cp949.width(unit) !== 0) assert.fail(`U+${unit.toString(16)} should have no code`);
        continue;
      }
      if (cp949.width(unit) !== wanted.length) assert.fail(`width of U+${unit.toString(16)}`);
      if (!cp949.encode(char).equals(wanted)) assert.fail(`U+${unit.toString(16)}`);
      if (cp949.decode(wanted) !== char || cp949.firstBad(wanted, 0, wanted.length) !== -1) {
        assert.fail(`bytes of U+${unit.toString(16)}`);
      }
      if (eucKr.width(unit) !== (isKsX1001(wanted) ? wanted.length : 0)) assert.fail(`euc-kr, U+${unit.toString(16)}`);
      if (wanted.length === 2) double += 1;
    }
    assert.equal(double, 17_048);
  });

  it('agrees with iconv-lite on every pair of bytes', () => {
    for (let lead = 0x80; lead <= 0xff; lead += 1) {
      for (let trail = 0; trail <= 0xff; trail += 1) {
        const pair = Buffer.from([lead, trail]);
        const theirs = iconv.decode(pair, 'cp949');
        const isOne = theirs.length === 1 && theirs !== '\ufffd';
        if ((cp949.firstBad(pair, 0, 2) === -1) !== isOne) assert.fail(pair.toString('hex'));
        if (isOne && cp949.decode(pair) !== theirs) assert.fail(pair.toString('hex'));
      }
    }
  });

  it('has 11,172 Hangul syllables, 2,350 of them in KS X 1001', () => {
    const syllables = Array.from({ length: 11_172 }, (_, index) => 0xac00 + index);
    assert.ok(syllables.every((unit) => cp949.width(unit) === 2));
    assert.equal(syllables.filter((unit) => eucKr.width(unit) === 2).length, 2350);
  });

  it('names the character that it cannot encode', () => {
    assert.throws(() => cp949.encode('가🔥'), /cp949 has no code for U\+1F525 at position 1/);
    assert.throws(() => eucKr.encode('똠'), /euc-kr has no code for U\+B620 at position 0/);
    assert.deepEqual(cp949.encode('?'), Buffer.from('?'));
    assert.deepEqual(cp949.encode(''), Buffer.alloc(0));
  });

  it('counts bytes as they are written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'가똠a1 \n漢…'), maxLength: 60 }), (text) => {
        assert.equal(cp949.byteLength(text), cp949.encode(text).length);
        assert.equal(cp949.encode(text).equals(iconv.encode(text, 'cp949')), true);
        assert.equal(cp949.decode(cp949.encode(text)), text);
      }),
    );
  });

  it('leaves out half a character at the end, and only there', () => {
    const bytes = cp949.encode('가나다');
    assert.equal(cp949.decode(bytes.subarray(0, 5)), '가나');
    assert.equal(cp949.decode(bytes.subarray(1)), cp949.decode(bytes, 1));
    assert.equal(cp949.decode(Buffer.from([0xff])), '\ufffd');
    assert.equal(cp949.decode(Buffer.from([0x80, 0x41])), '\ufffdA');
    assert.equal(cp949.decode(Buffer.from([0xb0, 0x20, 0x41])), '\ufffd A');
    assert.equal(cp949.decode(Buffer.from([0xc9, 0xa1, 0x41])), '\ufffdA');
  });

  it('decodes long texts', () => {
    const text = '긴 글 '.repeat(50_000);
    assert.equal(cp949.decode(cp949.encode(text)), text);
  });

  it('decodes any bytes without failing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const text = cp949.decode(Buffer.from(bytes));
        const bad = cp949.firstBad(bytes, 0, bytes.length);
        if (bad === -1) assert.deepEqual(cp949.encode(text), Buffer.from(bytes));
        else assert.ok(bad < bytes.length);
      }),
    );
  });

  it('names what cannot be sent, with what could stand there instead', () => {
    const cases: [string, string | undefined][] = [
      ['—', '-'],
      ['–', '-'],
      ['−', '-'],
      ['₩', '￦'],
      ['©', '(c)'],
      ['•', '·'],
      ['\u00a0', ' '],
      ['\u2009', ' '],
      ['\u200b', ''],
      ['\ufeff', ''],
      ['é', 'e'],
      ['ƛ', undefined],
      ['⁄', '/'],
      ['⑯', '16'],
      ['ﬁ', 'fi'],
      ['»', '》'],
      ['❤️', '♥'],
      ['✅', 'V'],
      ['⚠️', '!'],
      ['🔥', undefined],
      ['👨‍👩‍👧', undefined],
      ['🇰🇷', undefined],
      ['👍🏽', undefined],
      ['\ud83d', undefined],
    ];
    for (const [char, suggestion] of cases) {
      const wanted = suggestion === undefined ? { char, index: 2 } : { char, index: 2, suggestion };
      assert.deepEqual(cp949.unencodable(`가 ${char} 나`), [wanted], char);
    }
  });

  it('has nothing to say about what KS X 1001 has', () => {
    for (const char of '…“”‘’·―￦€®™★☆♥☎→▶①⑮㎡℃※㈜½ß∼～´漢') {
      assert.deepEqual(eucKr.unencodable(char), [], char);
    }
  });

  it('takes off what makes an emoji of a character that can be sent', () => {
    assert.deepEqual(cp949.unencodable('☎️'), [{ char: '\ufe0f', index: 1, suggestion: '' }]);
    assert.equal(cp949.replace('1️⃣ 확인'), '1 확인');
  });

  it('replaces by rule', () => {
    assert.equal(cp949.replace('“₩5,000” — 결제🔥 완료\u200b❤️'), '“￦5,000” - 결제? 완료♥');
    assert.equal(eucKr.replace('똠방각하'), '?방각하');
    assert.equal(cp949.replace('가'.normalize('NFD')), '가');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom(cp949, eucKr), (text, by) => {
        const replaced = by.replace(text);
        assert.deepEqual(by.unencodable(replaced), []);
        assert.equal(by.decode(by.encode(replaced)), replaced);
      }),
    );
  });

  it('suggests only what every charset has', () => {
    for (let point = 0x80; point < 0x20000; point += 1) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      for (const { suggestion } of eucKr.unencodable(String.fromCodePoint(point))) {
        if (suggestion !== undefined) eucKr.encode(suggestion);
      }
    }
  });
});

describe('normalizeText', () => {
  it('composes, and reports control characters but for line breaks and tabs', () => {
    assert.deepEqual(normalizeText('한글'.normalize('NFD')), { text: '한글', controls: [] });
    assert.deepEqual(normalizeText('a\r\n\tb').controls, []);
    assert.deepEqual(normalizeText('가\u0007나\u0000\u007f\u0085').controls, [
      { char: 'U+0007', index: 1 },
      { char: 'U+0000', index: 3 },
      { char: 'U+007F', index: 4 },
      { char: 'U+0085', index: 5 },
    ]);
  });
});

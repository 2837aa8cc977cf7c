import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseReceiver, parseSender } from '../../lib/agent/numbers.ts';

describe('numbers', () => {
  const receivers: [string | number, string][] = [
    ['01012345678', '01012345678'],
    ['010-1234-5678', '01012345678'],
    [' 010 1234 5678 ', '01012345678'],
    ['+82 10-1234-5678', '01012345678'],
    ['+82 (0)10-1234-5678', '01012345678'],
    ['821012345678', '01012345678'],
    ['011-234-5678', '0112345678'],
    ['0191234567', '0191234567'],
    ['0504-1234-5678', '050412345678'],
    ['05012345678', '05012345678'],
    [1012345678, '01012345678'],
  ];
  for (const [given, digits] of receivers) {
    it(`takes ${JSON.stringify(given)} as a receiver`, () => {
      assert.deepEqual(parseReceiver(given), { ok: true, digits });
    });
  }

  const notReceivers: [string | number, string][] = [
    ['', 'empty'],
    ['--', 'empty'],
    ['010-12AB-5678', 'letters'],
    ['1012345678', 'lost-zero'],
    ['0101234567', 'unknown'],
    ['010123456789', 'unknown'],
    ['0212345678', 'unknown'],
    ['15881234', 'unknown'],
    ['+1 202 555 0100', 'letters'],
    [12, 'unknown'],
  ];
  for (const [given, problem] of notReceivers) {
    it(`refuses ${JSON.stringify(given)} as a receiver: ${problem}`, () => {
      assert.deepEqual(parseReceiver(given), { ok: false, problem });
    });
  }

  for (const given of [
    '02-123-4567',
    '0212345678',
    '031-123-4567',
    '070-1234-5678',
    '080-123-4567',
    '1588-1234',
    '1666-0000',
    '1899-9999',
    '0303-123-4567',
    '0505-1234-5678',
    '010-1234-5678',
  ]) {
    it(`takes ${given} as a sender`, () => {
      assert.deepEqual(parseSender(given), { ok: true, digits: given.replaceAll('-', '') });
    });
  }

  for (const given of ['112', '02-1588-1234-5', '1588-12345', '1234-5678', '039-123-4567']) {
    it(`refuses ${given} as a sender`, () => {
      assert.equal(parseSender(given).ok, false);
    });
  }

  it('takes digits only, 12 at most, whatever is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[+0-9 ()-]{0,20}$/)), (text) => {
        for (const parse of [parseReceiver, parseSender]) {
          const number = parse(text);
          if (number.ok) assert.match(number.digits, /^\d{8,12}$/);
        }
      }),
    );
  });
});

/** Korean time, whatever the zone of the host. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatKst, isKst, isoKst, kstToIso, parseKst } from '../../lib/protocol/index.ts';

describe('dates', () => {
  it('are Korean time', () => {
    const ms = Date.UTC(2026, 10, 23, 0, 30, 10, 999);
    assert.equal(formatKst(ms), '2026-11-23 09:30:10');
    assert.equal(isoKst(ms), '2026-11-23T09:30:10+09:00');
    assert.equal(formatKst(Date.UTC(2025, 11, 31, 15)), '2026-01-01 00:00:00');
    assert.equal(parseKst('2026-11-23 09:30:10'), Date.UTC(2026, 10, 23, 0, 30, 10));
    assert.equal(parseKst(' 2026-11-23 09:30:10 '), Date.UTC(2026, 10, 23, 0, 30, 10));
  });

  it('are read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62e9, max: 250e9 }), (seconds) => {
        const text = formatKst(seconds * 1000);
        assert.equal(parseKst(text), seconds * 1000);
        assert.equal(kstToIso(text), isoKst(seconds * 1000));
        assert.equal(Date.parse(isoKst(seconds * 1000)), seconds * 1000);
      }),
    );
  });

  it('are real or nothing', () => {
    for (const text of ['2024-02-29 00:00:00', '2000-02-29 23:59:59', '2026-12-31 23:59:59'])
      assert.ok(isKst(text), text);
    for (const text of [
      '',
      '2026-02-29 00:00:00',
      '1900-02-29 00:00:00',
      '2026-13-01 00:00:00',
      '2026-00-01 00:00:00',
      '2026-04-31 00:00:00',
      '2026-01-00 00:00:00',
      '2026-01-01 24:00:00',
      '2026-01-01 00:60:00',
      '2026-01-01 00:00:60',
      '2026-01-01T00:00:00',
      '2026/01/01 00:00:00',
      '2026-1-1 00:00:00',
      '2026-01-01 00:00',
      '2026-01-01 00:00:00.0',
      '20260101000000',
      '2026-01-01 0x:00:00',
      '202６-01-01 00:00:00',
    ]) {
      assert.equal(isKst(text), false, text);
      assert.equal(parseKst(text), undefined, text);
      assert.equal(kstToIso(text), undefined, text);
    }
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseTime } from '../../lib/agent/times.ts';
import { formatKst } from '../../lib/protocol/index.ts';

describe('times', () => {
  const nine = Date.UTC(2026, 0, 31, 0, 0, 0);
  const times: [unknown, number | undefined][] = [
    ['2026-01-31T09:00:00+09:00', nine],
    ['2026-01-31T00:00:00Z', nine],
    ['2026-01-31T01:00+0100', nine],
    ['2026-01-31 09:00:00', nine],
    ['2026-01-31 09:00', nine],
    ['2026-01-31T09:00:00.250', nine + 250],
    ['2026-01-31', nine - 9 * 3_600_000],
    [nine, nine],
    [nine / 1000, nine],
    [String(nine), nine],
    [new Date(nine), nine],
    ['20260131090000', nine],
    [20260131090000, nine],
    [' 202601310900 ', nine],
    ['20260230090000', undefined],
    ['20260131', undefined],
    [20260131, undefined],
    ['2026-02-30 09:00:00', undefined],
    ['2026-01-31 24:00:00', undefined],
    ['2026-01-31 09:60:00', undefined],
    ['9999-01-01 09:00:00', undefined],
    ['1969-12-31 09:00:00', undefined],
    [nine * 1000, undefined],
    [nine * 1_000_000, undefined],
    [1e20, undefined],
    [8.64e15, undefined],
    [new Date(8.64e15), undefined],
    ['tomorrow', undefined],
    ['', undefined],
    [Number.NaN, undefined],
    [-1, undefined],
    [new Date(Number.NaN), undefined],
    [{}, undefined],
    [true, undefined],
  ];
  for (const [given, ms] of times) {
    it(`reads ${given instanceof Date ? 'a Date' : JSON.stringify(given)} as ${ms}`, () => {
      assert.equal(parseTime(given), ms);
    });
  }

  it('reads what the wire writes, whatever the zone of the host', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }), (seconds) => {
        assert.equal(parseTime(formatKst(seconds * 1000)), seconds * 1000);
      }),
    );
  });
});

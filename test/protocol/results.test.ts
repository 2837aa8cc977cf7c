/** The result codes are those of the manual's section C, and RESP_CODEs are read by an open table. */

import assert from 'node:assert/strict';
import { describeResult, type Result, respAction, resultOf, results } from '../../lib/protocol/index.ts';

/** Copied from the manual. */
const LISTED = [
  0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 20, 21, 22, 23, 28, 29, 36, 37, 50, 51, 52, 53, 54, 59, 60, 61, 62,
  63, 64, 69, 73, 74, 75, 76, 77, 78, 79, 80, 81, 84, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99,
];

describe('results', () => {
  it('lists every code of the manual and no other', () => {
    assert.deepEqual(Object.keys(results).map(Number), LISTED);
  });

  it('asks for sending again exactly where the manual does', () => {
    assert.deepEqual(
      LISTED.filter((code) => resultOf(code).retryable),
      [95, 96, 97, 98, 99],
    );
    for (const row of Object.values(results)) assert.equal('retryable' in row, row.ko.includes('재전송 필요'));
  });

  it('knows one success and two states that are no ends', () => {
    assert.deepEqual(
      LISTED.filter((code) => resultOf(code).delivered),
      [6],
    );
    assert.deepEqual(
      LISTED.filter((code) => !resultOf(code).final),
      [0, 1],
    );
  });

  it('gives 73 to 79 to the agent', () => {
    assert.deepEqual(
      LISTED.filter((code) => resultOf(code).category === 'agent'),
      [73, 74, 75, 76, 77, 78, 79],
    );
    for (const code of [73, 74, 75, 76, 77, 78, 79]) assert.match(describeResult(code, 'ko'), /^\[Agent\] /);
  });

  it('has a sentence in both languages for each', () => {
    for (const { en, ko } of Object.values(results)) {
      assert.match(en, /^[A-Z][\x20-\x7e]+$/);
      assert.match(ko, /[가-힣]/);
    }
  });

  it('reads numbers however they are written, and keeps what came', () => {
    for (const raw of ['6', '06', '006', ' 6', '6  ']) {
      const { code, delivered, raw: kept } = resultOf(raw);
      assert.deepEqual([code, delivered, kept], [6, true, raw.trim()]);
    }
  });

  it('takes what it does not know for a final failure', () => {
    for (const raw of ['2', '100', '', 'abc', '-6', '6.0', 'toString', '__proto__']) {
      const result: Result = resultOf(raw);
      assert.deepEqual(
        [result.known, result.delivered, result.final, result.retryable],
        [false, false, true, false],
        raw,
      );
      assert.equal(result.raw, raw);
      assert.ok(result.en.length > 0 && result.ko.length > 0);
    }
    assert.equal(resultOf('2').code, 2);
    assert.equal(resultOf('abc').code, undefined);
  });
});

describe('respAction', () => {
  it('knows 00000, and takes every other code for something in the frame', () => {
    assert.equal(respAction('00000'), 'ok');
    for (const code of ['', '11001', '0', 'toString']) assert.equal(respAction(code), 'bisect', code);
  });

  it('learns', () => {
    assert.equal(respAction('11001', { '11001': 'stop' }), 'stop');
    assert.equal(respAction(' 11001', { '11001': 'relogin' }), 'relogin');
  });
});

/** Every trouble reads well in both languages: no hole of its sentence stays open. */
import assert from 'node:assert/strict';
import { UshotError } from '../../lib/errors.ts';
import * as trouble from '../../lib/session/trouble.ts';
import { linkSettings } from './values.ts';

describe('session trouble', () => {
  const settings = linkSettings({ localAddress: '192.0.2.1' });
  const reset = { code: 'ECONNRESET', message: 'read ECONNRESET' };
  const dialCodes = ['ENOTFOUND', 'ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EPIPE'];
  const troubles = [
    ...dialCodes.map((code) => trouble.notOpened(settings, { code, message: code }, 1_234)),
    trouble.notOpened(settings, undefined, 0),
    trouble.timedOut(settings, 30_000),
    trouble.lost(settings, reset),
    trouble.lost(settings, undefined),
    trouble.lost(settings, { message: 'no code' }),
    trouble.silentClose(settings, reset),
    trouble.silentClose(settings, undefined),
    trouble.loginRefused('11001', '비밀번호 오류'),
    trouble.loginRefused('', ''),
    trouble.unanswered(settings, '1020', 30_000),
    trouble.unexpected(settings, '1031'),
    trouble.notTheProtocol(settings, 'expected SOH'),
    trouble.flooded(settings, 20_001),
    trouble.notReady(settings),
    trouble.stopped,
  ];

  for (const { code, params, detail } of troubles) {
    it(`${code}, ${detail}`, () => {
      const error = new UshotError(code, params);
      for (const text of [error.message, error.text('ko')]) {
        assert.doesNotMatch(text, /[{}]|undefined|NaN/);
      }
      assert.notEqual(detail, '');
    });
  }
});

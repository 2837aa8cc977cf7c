/** What a login says, and what holds then. */

import assert from 'node:assert/strict';
import { effectiveTerms, type FrameOf, readLogin } from '../../lib/protocol/index.ts';

const answer = (RESP_MESG: string, body: FrameOf<'1011'>['body']): FrameOf<'1011'> => ({
  COMMAND: '1011',
  VERSION: 'SAM11',
  RESP_CODE: '00000',
  RESP_MESG,
  body,
});

const whole = {
  FEE_TYPE: '1',
  SMS_COST: '20.0',
  LMS_COST: '50',
  MMS_COST: '250.5',
  BALANCE: '100000',
  VARIABLE_YN: 'Y',
  MAX_MSG_SIZE: '2000',
};

describe('readLogin', () => {
  it('reads all that the manual lists', () => {
    assert.deepEqual(readLogin(answer('30|1|', whole)), {
      feeType: 'prepaid',
      smsCost: 20,
      lmsCost: 50,
      mmsCost: 250.5,
      balance: 100_000,
      variable: true,
      maxMsgBytes: 2000,
      maxPerRequest: 30,
      service: 'sms',
    });
  });

  it('leaves out what is not there, or not to be read', () => {
    assert.deepEqual(readLogin(answer('', null)), {});
    assert.deepEqual(readLogin(answer('OK', {})), {});
    const odd = { FEE_TYPE: '9', SMS_COST: 'n/a', BALANCE: '', VARIABLE_YN: '?', MAX_MSG_SIZE: '0' };
    assert.deepEqual(readLogin(answer('x|y|', odd)), {});
    assert.deepEqual(readLogin(answer('0|3|', { FEE_TYPE: '2', VARIABLE_YN: 'n', BALANCE: '-5' })), {
      feeType: 'postpaid',
      variable: false,
      balance: -5,
    });
  });

  it('splits RESP_MESG at the bars, as many as there are', () => {
    const of = (text: string) => {
      const { maxPerRequest, service } = readLogin(answer(text, null));
      return [maxPerRequest, service];
    };
    assert.deepEqual(of('30|1|'), [30, 'sms']);
    assert.deepEqual(of(' 30 | 2 |x|y'), [30, 'callback-url']);
    assert.deepEqual(of('100|2'), [100, 'callback-url']);
    assert.deepEqual(of('30|'), [30, undefined]);
    assert.deepEqual(of('30'), [30, undefined]);
    assert.deepEqual(of('|1|'), [undefined, 'sms']);
    assert.deepEqual(of('OK'), [undefined, undefined]);
    assert.deepEqual(of('1.5|1|'), [undefined, 'sms']);
  });
});

describe('effectiveTerms', () => {
  const auto = { variable: 'auto' } as const;

  it('is careful where nothing is known', () => {
    assert.deepEqual(effectiveTerms({}, auto), {
      variable: false,
      maxMsgBytes: 2000,
      maxPerRequest: 1,
      service: 'sms',
    });
  });

  it('takes the settings where the login is silent, and caps with them what it says', () => {
    const settings = { variable: 'auto', maxMsgBytes: 1500, maxPerRequest: 10 } as const;
    assert.deepEqual(effectiveTerms({}, settings), {
      variable: false,
      maxMsgBytes: 1500,
      maxPerRequest: 10,
      service: 'sms',
    });
    const said = effectiveTerms({ maxMsgBytes: 2000, maxPerRequest: 30 }, settings);
    assert.deepEqual([said.maxMsgBytes, said.maxPerRequest], [1500, 10]);
    const less = effectiveTerms({ maxMsgBytes: 1000, maxPerRequest: 5 }, settings);
    assert.deepEqual([less.maxMsgBytes, less.maxPerRequest], [1000, 5]);
  });

  it('lets neither Y nor a setting widen what MAX_MSG_SIZE says', () => {
    const bytes = (maxMsgBytes: number | undefined, variable: boolean) =>
      effectiveTerms({ variable, ...(maxMsgBytes === undefined ? {} : { maxMsgBytes }) }, auto).maxMsgBytes;
    assert.equal(bytes(2000, true), 2000);
    assert.equal(bytes(3000, true), 3000);
    assert.equal(bytes(9999, true), 3000);
    assert.equal(bytes(3000, false), 2000);
    assert.equal(bytes(undefined, true), 2000);
    assert.equal(effectiveTerms({ variable: true }, { ...auto, maxMsgBytes: 3000 }).maxMsgBytes, 3000);
  });

  it('lets the setting decide on the frames', () => {
    assert.equal(effectiveTerms({ variable: true }, { variable: 'N' }).variable, false);
    assert.equal(effectiveTerms({ variable: false }, { variable: 'Y' }).variable, true);
    assert.equal(effectiveTerms({ variable: true }, auto).variable, true);
  });

  it('never sends more than COUNT can say', () => {
    assert.equal(effectiveTerms({ maxPerRequest: 99_999 }, auto).maxPerRequest, 9999);
  });

  it('passes the rest on', () => {
    const terms = effectiveTerms({ feeType: 'prepaid', balance: 5, service: 'callback-url' }, auto);
    assert.deepEqual([terms.feeType, terms.balance, terms.service], ['prepaid', 5, 'callback-url']);
  });
});

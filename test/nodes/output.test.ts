import assert from 'node:assert/strict';
import { UshotError } from '../../lib/errors.ts';
import { FlowError } from '../../nodes/flow-error.ts';
import { answer } from '../../nodes/output.ts';
import { accepted } from './fake-agent.ts';

const failed = (to: string) =>
  accepted(to, { messageId: null, status: 'invalid', result: 77, error: new UshotError('USHOT_RECEIVER', { to }) });

describe('nodes/output', () => {
  it('answers one message with an object, several with an array', () => {
    const one = accepted('010');
    assert.deepEqual(answer([one], false, 'en'), one);
    assert.deepEqual(answer([one], true, 'en'), [one]);
    assert.deepEqual(answer([one, one], false, 'en'), [one, one]);
    assert.deepEqual(answer([], true, 'en'), []);
  });

  it('puts a plain error into the elements that failed', () => {
    const told = answer([accepted('010'), failed('01a')], false, 'ko') as unknown as Record<string, unknown>[];
    assert.equal(told[0]?.['error'], undefined);
    assert.deepEqual(told[1]?.['error'], {
      code: 'USHOT_RECEIVER',
      message: new UshotError('USHOT_RECEIVER', { to: '01a' }).text('ko'),
      result: 77,
    });
    assert.equal(told[1]?.['status'], 'invalid');
    assert.doesNotThrow(() => JSON.stringify(told));
  });

  it('tells the cause in one language', () => {
    const params = { field: 'text', expected: 'a text', expectedKo: '문자열', found: 'an object', foundKo: '객체' };
    const error = new UshotError('USHOT_FIELD', params);
    const cause = { field: 'text', code: 'USHOT_FIELD', result: 79 };
    assert.deepEqual(new FlowError(error, 'ko').cause, { ...cause, expected: '문자열', found: '객체' });
    assert.deepEqual(new FlowError(error, 'en').cause, { ...cause, expected: 'a text', found: 'an object' });
    assert.equal(new FlowError(error, 'ko').message, 'text 값은 문자열이어야 하는데 객체입니다.');
  });

  it('throws the error of the only message', () => {
    assert.throws(
      () => answer([failed('01a')], false, 'ko'),
      (error: unknown) => {
        assert.ok(error instanceof FlowError);
        assert.equal(error.code, 'USHOT_RECEIVER');
        assert.equal(error.result, 77);
        assert.equal(error.message, new UshotError('USHOT_RECEIVER', { to: '01a' }).text('ko'));
        return true;
      },
    );
  });

  it('throws the first of many, with what became of each, when none went well', () => {
    assert.throws(
      () => answer([failed('01a'), failed('01b')], true, 'en'),
      (error: unknown) => {
        assert.ok(error instanceof FlowError);
        assert.match(error.message, /first of 2 messages/);
        assert.equal(error.outcomes?.length, 2);
        return true;
      },
    );
  });

  it('has errors of which a Catch node can copy all that matters', () => {
    const error = new FlowError(new UshotError('USHOT_RECEIVER', { to: '01a' }), 'en');
    assert.equal(error.toString(), error.message);
    for (const own of ['code', 'stack', 'cause']) assert.ok(Object.hasOwn(error, own), own);
    assert.deepEqual(error.cause, { code: 'USHOT_RECEIVER', result: 77, to: '01a' });
  });
});

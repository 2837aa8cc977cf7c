import assert from 'node:assert/strict';
import type { Fault } from '../../lib/simulator/index.ts';
import { Client, codecs, gatewayOf, sms } from './client.ts';

function withFault(fault: Fault, options = {}) {
  const { gateway, clock } = gatewayOf(options);
  const client = Client.in(gateway, 'smsSend');
  client.chunks.length = 0;
  const remove = gateway.faults.add(fault);
  return { gateway, clock, client, remove };
}

const two = { records: [sms('m1'), sms('m2')] };
const answerBytes = codecs.SAM11.encode(
  '1021',
  { records: two.records.map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID })) },
  { RESP_CODE: '00000', RESP_MESG: 'OK' },
);

describe('simulator: faults', () => {
  it('reject a frame with the code and text asked for, so often as asked', () => {
    const { gateway, client } = withFault({ kind: 'reject', times: 2, code: '12345', text: '잠시 후 다시' });
    for (const _ of [1, 2]) {
      const answer = client.ask('1020', two);
      assert.deepEqual([answer?.COMMAND, answer?.RESP_CODE, answer?.RESP_MESG], ['1021', '12345', '잠시 후 다시']);
    }
    assert.equal(gateway.seen('m1'), undefined);
    assert.equal(client.ask('1020', two)?.RESP_CODE, '00000');
    assert.deepEqual([gateway.journal.counters.faults, gateway.journal.counters.complaints], [2, 0]);
    assert.deepEqual(gateway.faults.list, []);
  });

  it('reject only frames that hold a receiver', () => {
    const { client } = withFault({ kind: 'reject', receivers: ['01099999999'] });
    assert.equal(client.ask('1020', two)?.RESP_CODE, '00000');
    assert.equal(
      client.ask('1020', { records: [sms('m3'), sms('m4', { RECEIVER: '01099999999' })] })?.RESP_CODE,
      '99999',
    );
    assert.equal(client.ask('1020', { records: [sms('m3')] })?.RESP_CODE, '00000');
  });

  it('cut before taking', () => {
    const { gateway, client } = withFault({ kind: 'cut-before-take' });
    client.send('1020', two);
    assert.deepEqual([client.closed, client.chunks.length, gateway.seen('m1')], [true, 0, undefined]);
  });

  it('cut before the answer, the messages taken', () => {
    const { gateway, client } = withFault({ kind: 'cut-before-answer' });
    client.send('1020', two);
    assert.deepEqual([client.closed, client.chunks.length, gateway.seen('m1')?.taken], [true, 0, 1]);
  });

  it('cut in the answer, and after it', () => {
    const half = withFault({ kind: 'cut-in-answer' }).client;
    half.send('1020', two);
    assert.equal(half.closed, true);
    assert.deepEqual(Buffer.concat(half.chunks), answerBytes.subarray(0, Math.floor(answerBytes.length / 2)));
    const whole = withFault({ kind: 'cut-after-answer' }).client;
    whole.send('1020', two);
    assert.equal(whole.closed, true);
    assert.deepEqual(Buffer.concat(whole.chunks), answerBytes);
  });

  it('answer late; what is asked meanwhile is complained of', async () => {
    const { gateway, clock, client } = withFault({ kind: 'late', delayMs: 5000, times: 1 });
    client.send('1020', two);
    assert.equal(gateway.seen('m1')?.taken, 1);
    await clock.advance(4999);
    client.send('1020', { records: [sms('m3')] });
    assert.equal(client.take(), undefined);
    assert.equal(gateway.journal.complaints.at(-1)?.kind, 'pipelined');
    await clock.advance(1);
    assert.equal(client.take()?.RESP_CODE, '00000');
    assert.equal(client.ask('1020', { records: [sms('m3')] })?.RESP_CODE, '00000');
  });

  it('answer late to nobody when the link has gone', async () => {
    const { clock, client } = withFault({ kind: 'late', delayMs: 5000 });
    client.send('1020', two);
    client.hangUp();
    await clock.advance(10_000);
    assert.equal(client.chunks.length, 0);
  });

  it('say nothing', async () => {
    const { gateway, clock, client } = withFault({ kind: 'silence', times: 1 });
    client.send('1020', two);
    await clock.advance(1000);
    assert.deepEqual([client.closed, client.chunks.length, gateway.seen('m1')?.taken], [false, 0, 1]);
  });

  it('answer with garbage, the same for the same seed', () => {
    const texts = [1, 2].map(() => {
      const { client } = withFault({ kind: 'garbage' });
      client.send('1020', two);
      return Buffer.concat(client.chunks).toString('hex');
    });
    assert.equal(texts[0]?.length, 128);
    assert.equal(texts[0], texts[1]);
  });

  it('take half a frame and say so', () => {
    const { gateway, client } = withFault({ kind: 'partial', times: 1 });
    const answer = client.ask('1020', two);
    assert.deepEqual(answer?.body, { records: [{ GRP_ID: 'group', MSG_ID: 'm1' }] });
    assert.equal(gateway.seen('m2'), undefined);
    gateway.faults.add({ kind: 'partial', code: '12345' });
    assert.equal(client.ask('1020', { records: [sms('m3'), sms('m4')] })?.RESP_CODE, '12345');
    assert.deepEqual([gateway.seen('m3')?.taken, gateway.seen('m4')], [1, undefined]);
  });

  it('write in slices', () => {
    const single = withFault({ kind: 'slice', size: 1 }).client;
    single.send('1020', two);
    assert.equal(single.chunks.length, answerBytes.length);
    assert.equal(single.take()?.RESP_CODE, '00000');
    const random = withFault({ kind: 'slice' }).client;
    random.send('1020', two);
    assert.ok(random.chunks.length > 1 && random.chunks.length < answerBytes.length);
    assert.deepEqual(Buffer.concat(random.chunks), answerBytes);
  });

  it('refuse or cut logins, and otherwise spare them', () => {
    const { gateway } = withFault({ kind: 'refuse-login', times: 1, code: '11009', text: 'Busy' });
    gateway.faults.add({ kind: 'cut-at-login', times: 1 });
    gateway.faults.add({ kind: 'cut-before-answer', probability: 1 });
    const refused = new Client(gateway, 'smsSend');
    const answer = refused.ask('1010', { ID: 'a', PASSWORD: 'p' });
    assert.deepEqual([answer?.RESP_CODE, answer?.RESP_MESG, refused.closed], ['11009', 'Busy', true]);
    const cut = new Client(gateway, 'smsSend');
    assert.equal(cut.ask('1010', { ID: 'a', PASSWORD: 'p' }), undefined);
    assert.equal(cut.closed, true);
    Client.in(gateway, 'smsSend');
    gateway.faults.add({ kind: 'silence', commands: ['1010'] });
    const silent = new Client(gateway, 'smsSend');
    assert.equal(silent.ask('1010', { ID: 'a', PASSWORD: 'p' }), undefined);
    assert.equal(silent.closed, false);
  });

  it('refuse connections', () => {
    const { gateway } = withFault({ kind: 'refuse-connection', ports: ['smsReport'] });
    assert.equal(new Client(gateway, 'smsReport').closed, true);
    assert.equal(new Client(gateway, 'smsSend').closed, false);
  });

  it('strike their port and command only, until taken away', () => {
    const { gateway, client, remove } = withFault({ kind: 'reject', ports: ['mmsSend'], commands: ['2030'] });
    const mms = Client.in(gateway, 'mmsSend');
    assert.equal(client.ask('1020', { records: [] })?.RESP_CODE, '00000');
    assert.equal(mms.ask('1044', { records: [] })?.RESP_CODE, '00000');
    assert.equal(mms.ask('2030', { FILE_EXT: 'jpg', FILE: Buffer.from('x') })?.RESP_CODE, '99999');
    remove();
    assert.equal(mms.ask('2030', { FILE_EXT: 'jpg', FILE: Buffer.from('x') })?.RESP_CODE, '00000');
  });

  it('come up by chance as often as their probability says, the same way for the same seed', () => {
    const runs = [1, 1, 2].map((seed) => {
      const { gateway } = gatewayOf({}, seed);
      gateway.faults.add({ kind: 'reject', probability: 0.1 });
      const client = Client.in(gateway, 'smsSend');
      return Array.from({ length: 1000 }, () => client.ask('1020', { records: [] })?.RESP_CODE === '99999');
    });
    const count = runs[0]?.filter(Boolean).length ?? 0;
    assert.ok(count > 60 && count < 140, String(count));
    assert.deepEqual(runs[0], runs[1]);
    assert.notDeepEqual(runs[0], runs[2]);
  });

  it('report another result, or twice', async () => {
    const { gateway, clock, client } = withFault({ kind: 'result', result: 8, receivers: ['01012345678'], times: 1 });
    gateway.faults.add({ kind: 'report-twice', times: 1 });
    client.ask('1020', two);
    await clock.advance(5000);
    const reports = Client.in(gateway, 'smsReport', 'SAM10');
    const records = reports.ask('1030', null);
    assert.equal(records?.COMMAND, '1031');
    const got = records?.COMMAND === '1031' ? records.body?.records.map((r) => `${r.MSG_ID} ${r.RESULT}`) : [];
    assert.deepEqual(got?.sort(), ['m1 8', 'm1 8', 'm2 6']);
  });

  it('are refused when what they say does not fit the frame', () => {
    const { gateway } = gatewayOf();
    assert.throws(() => gateway.faults.add({ kind: 'reject', code: '123456' }), RangeError);
    assert.throws(() => gateway.faults.add({ kind: 'reject', text: '가'.repeat(26) }), RangeError);
    assert.throws(() => gateway.faults.add({ kind: 'reject', text: '😀' }), RangeError);
    assert.throws(() => gateway.faults.add({ kind: 'result', result: 1000 }), RangeError);
    assert.throws(() => gateway.faults.add({ kind: 'slice', size: 0 }), RangeError);
    assert.throws(() => gatewayOf({ terms: { maxPerRequest: 10_000 } }), RangeError);
    assert.throws(() => gatewayOf({ reportDelayMs: { min: 2, max: 1 } }), RangeError);
  });
});

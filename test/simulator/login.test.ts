import assert from 'node:assert/strict';
import { Client, codecs, gatewayOf } from './client.ts';

const body = (frame: { body: unknown } | undefined) => frame?.body;

describe('simulator: logins', () => {
  it('answers on all four ports, with any id when there are no accounts', () => {
    const { gateway } = gatewayOf();
    for (const port of ['smsSend', 'smsReport', 'mmsSend', 'mmsReport'] as const) {
      const client = new Client(gateway, port);
      const answer = client.ask('1010', { ID: 'anybody', PASSWORD: 'anything' });
      assert.equal(answer?.COMMAND, '1011');
      assert.equal(answer?.RESP_CODE, '00000');
      assert.equal(answer?.RESP_MESG, '30|1|');
      assert.equal(answer?.VERSION, 'SAM11');
      assert.deepEqual(body(answer), {
        FEE_TYPE: '1',
        SMS_COST: '20.0',
        LMS_COST: '50.0',
        MMS_COST: '250.0',
        BALANCE: '10000000',
        VARIABLE_YN: 'Y',
        MAX_MSG_SIZE: '3000',
      });
      assert.equal(client.closed, false);
    }
    assert.equal(gateway.journal.counters.logins, 4);
    gateway.stop();
  });

  it('announces the terms of the account', () => {
    const { gateway } = gatewayOf({
      accounts: [
        {
          id: 'a',
          password: 'p',
          variable: false,
          maxMsgBytes: 2000,
          maxPerRequest: 100,
          service: 'callback-url',
          smsCost: 9.5,
          balance: 1e12,
        },
      ],
    });
    const answer = new Client(gateway, 'smsSend').ask('1010', { ID: 'a', PASSWORD: 'p' });
    assert.equal(answer?.RESP_MESG, '100|2|');
    assert.deepEqual(body(answer), {
      FEE_TYPE: '1',
      SMS_COST: '9.5',
      LMS_COST: '50.0',
      MMS_COST: '250.0',
      BALANCE: '99999999',
      VARIABLE_YN: 'N',
      MAX_MSG_SIZE: '2000',
    });
  });

  it('answers in 24 bytes on request', () => {
    const { gateway } = gatewayOf({ loginAnswer: 'short' });
    const client = new Client(gateway, 'smsSend');
    client.send('1010', { ID: 'a', PASSWORD: 'p' });
    assert.equal(client.chunks[0]?.length, 77 + 24);
    assert.equal(client.chunks[0]?.toString('latin1', 76, 76 + 24), '1 20.0  50.0  250.0     ');
  });

  it('refuses a wrong password with a code, and closes', () => {
    const { gateway } = gatewayOf({ accounts: [{ id: 'a', password: 'p' }] });
    for (const PASSWORD of ['q', 'P', 'pp']) {
      const client = new Client(gateway, 'smsSend');
      const answer = client.ask('1010', { ID: 'a', PASSWORD });
      assert.deepEqual([answer?.COMMAND, answer?.RESP_CODE, body(answer)], ['1011', '11001', null]);
      assert.equal(client.closed, true);
    }
    const complaint = gateway.journal.complaints[0];
    assert.equal(complaint?.kind, 'login-account');
    assert.doesNotMatch(complaint?.text ?? '', /pp/);
  });

  it('may refuse with a body of blanks', () => {
    const { gateway } = gatewayOf({ accounts: [{ id: 'a', password: 'p' }], refusalBody: 'blank' });
    const client = new Client(gateway, 'smsSend');
    client.send('1010', { ID: 'a', PASSWORD: 'x' });
    assert.match(client.chunks[0]?.toString('latin1', 76, (client.chunks[0]?.length ?? 0) - 1) ?? '', /^ {24,}$/);
  });

  it('closes without a word when the address is not allowed', () => {
    const { gateway } = gatewayOf({ allowAddresses: ['10.0.0.1'] });
    const stranger = new Client(gateway, 'smsSend', 'SAM11', '10.0.0.2');
    stranger.send('1010', { ID: 'a', PASSWORD: 'p' });
    assert.deepEqual([stranger.chunks.length, stranger.closed], [0, true]);
    const friend = new Client(gateway, 'smsSend', 'SAM11', '10.0.0.1');
    assert.equal(friend.ask('1010', { ID: 'a', PASSWORD: 'p' })?.RESP_CODE, '00000');
  });

  it('wants the login first, in the right form, and once', () => {
    const { gateway } = gatewayOf();
    const hasty = new Client(gateway, 'smsSend');
    assert.equal(hasty.ask('1020', { records: [] })?.RESP_CODE, '10001');
    assert.equal(hasty.closed, true);

    const impolite = new Client(gateway, 'smsSend');
    assert.equal(impolite.ask('1010', { ID: 'a', PASSWORD: 'p' }, { RESP_MESG: 'Hello' })?.RESP_CODE, '11003');

    const old = new Client(gateway, 'smsSend');
    const bytes = codecs.SAM11.encode('1010', { ID: 'a', PASSWORD: 'p' });
    bytes.write('SAM09', 1, 'latin1');
    old.write(bytes);
    assert.equal(old.take()?.RESP_CODE, '20003');

    const twice = Client.in(gateway, 'smsSend');
    assert.equal(twice.ask('1010', { ID: 'a', PASSWORD: 'p' })?.RESP_CODE, '11004');
    assert.equal(twice.closed, false);
  });

  it('closes a connection that never logs in', async () => {
    const { gateway, clock } = gatewayOf({ loginTimeoutMs: 5000 });
    const client = new Client(gateway, 'smsSend');
    await clock.advance(4999);
    assert.equal(client.closed, false);
    await clock.advance(1);
    assert.equal(client.closed, true);
    assert.equal(gateway.journal.complaints.at(-1)?.kind, 'login-late');
    assert.equal(clock.armedCount, 0);
  });

  it('closes an idle connection when told to', async () => {
    const { gateway, clock } = gatewayOf({ idleCloseMs: 60_000 });
    const client = Client.in(gateway, 'smsSend');
    await clock.advance(40_000);
    client.ask('1020', { records: [] });
    await clock.advance(59_999);
    assert.equal(client.closed, false);
    await clock.advance(1);
    assert.equal(client.closed, true);
  });

  it('bounds connections and ids', () => {
    const { gateway } = gatewayOf({ connectionLimit: 2 });
    Client.in(gateway, 'smsSend');
    Client.in(gateway, 'smsSend');
    assert.equal(new Client(gateway, 'smsSend').closed, true);
    gateway.cut();
    for (let i = 0; i < 999; i++) {
      const client = Client.in(gateway, 'smsSend', 'SAM11', `id${i}`);
      client.hangUp();
    }
    assert.equal(new Client(gateway, 'smsSend').ask('1010', { ID: 'more', PASSWORD: 'p' })?.RESP_CODE, '11005');
  });
});

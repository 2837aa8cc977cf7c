import assert from 'node:assert/strict';
import { Client, gatewayOf, lms, sms } from './client.ts';

describe('simulator: send requests', () => {
  it('answers SAM11 by the ids it took, SAM10 without a body', () => {
    const { gateway } = gatewayOf();
    const eleven = Client.in(gateway, 'smsSend', 'SAM11').ask('1020', { records: [sms('m1'), sms('m2')] });
    assert.equal(eleven?.COMMAND, '1021');
    assert.deepEqual(eleven?.body, {
      records: [
        { GRP_ID: 'group', MSG_ID: 'm1' },
        { GRP_ID: 'group', MSG_ID: 'm2' },
      ],
    });
    const ten = Client.in(gateway, 'smsSend', 'SAM10').ask('1020', { records: [sms('m3')] });
    assert.deepEqual([ten?.COMMAND, ten?.RESP_CODE, ten?.body], ['1026', '00000', null]);
    assert.equal(gateway.journal.counters.messages, 3);
  });

  it('keeps what it took, decoded', () => {
    const { gateway } = gatewayOf();
    const heard: string[] = [];
    gateway.onMessage(({ MSG_ID }) => heard.push(MSG_ID));
    Client.in(gateway, 'smsSend').ask('1020', { records: [sms('m1', { URL: 'http://a.kr' }), sms('m2')] });
    const [first] = gateway.journal.messages;
    assert.deepEqual(
      { ...first, atMs: 0 },
      {
        atMs: 0,
        port: 'smsSend',
        account: 'practice',
        command: '1020',
        kind: 'SMS',
        GRP_ID: 'group',
        MSG_ID: 'm1',
        SENDER: '0212345678',
        RECEIVER: '01012345678',
        RESERVE_DT: '',
        TIMEOUT_DT: '',
        SUBJECT: '',
        MSG: '안녕하세요',
        URL: 'http://a.kr',
        USERCODE: '',
        files: [],
        duplicate: false,
        count: 2,
      },
    );
    assert.deepEqual(heard, ['m1', 'm2']);
  });

  it('answers keep-alives in the way it is told', () => {
    const empty = { records: [] };
    assert.deepEqual(Client.in(gatewayOf().gateway, 'smsSend').ask('1020', empty)?.body, { records: [] });
    assert.equal(Client.in(gatewayOf().gateway, 'mmsSend').ask('1044', empty)?.RESP_CODE, '00000');
    const fixed = gatewayOf({ terms: { variable: false } }).gateway;
    assert.equal(Client.in(fixed, 'mmsSend').ask('1024', empty)?.RESP_CODE, '00000');
    assert.equal(Client.in(gatewayOf({ keepaliveAnswer: 'empty' }).gateway, 'smsSend').ask('1020', empty)?.body, null);
    const silent = gatewayOf({ keepaliveAnswer: 'silence' }).gateway;
    const client = Client.in(silent, 'smsSend');
    assert.equal(client.ask('1020', empty), undefined);
    assert.equal(client.ask('1020', { records: [sms('m1')] })?.RESP_CODE, '00000');
    assert.equal(silent.journal.counters.keepalives, 1);
  });

  it('refuses more than the login announced', () => {
    const { gateway } = gatewayOf({ terms: { maxPerRequest: 2 } });
    const client = Client.in(gateway, 'smsSend');
    const answer = client.ask('1020', { records: [sms('a'), sms('b'), sms('c')] });
    assert.deepEqual([answer?.COMMAND, answer?.RESP_CODE, answer?.body], ['1021', '21001', null]);
    assert.equal(gateway.journal.counters.messages, 0);
    assert.equal(client.ask('1020', { records: [sms('a'), sms('b')] })?.RESP_CODE, '00000');
  });

  it('takes 1044 and 1045, or 1024, as VARIABLE_YN says', () => {
    const variable = Client.in(gatewayOf().gateway, 'mmsSend');
    assert.equal(variable.ask('1044', { records: [lms('a')] })?.RESP_CODE, '00000');
    assert.equal(variable.ask('1024', { records: [lms('b')] })?.RESP_CODE, '21002');
    const fixed = Client.in(gatewayOf({ terms: { variable: false } }).gateway, 'mmsSend');
    assert.equal(fixed.ask('1024', { records: [lms('a')] })?.RESP_CODE, '00000');
    assert.equal(fixed.ask('1044', { records: [lms('b')] })?.RESP_CODE, '21002');
  });

  it('measures texts by MAX_MSG_SIZE, in bytes', () => {
    const { gateway } = gatewayOf({ terms: { maxMsgBytes: 2001 } });
    const client = Client.in(gateway, 'mmsSend');
    assert.equal(client.ask('1044', { records: [lms('a', { MSG: `${'가'.repeat(1000)}a` })] })?.RESP_CODE, '00000');
    assert.equal(client.ask('1044', { records: [lms('b', { MSG: '가'.repeat(1001) })] })?.RESP_CODE, '21004');
    // Fixed frames hold 2,000 whatever MAX_MSG_SIZE says.
    const fixed = gatewayOf({ terms: { variable: false, maxMsgBytes: 1000 } }).gateway;
    assert.equal(
      Client.in(fixed, 'mmsSend').ask('1024', { records: [lms('c', { MSG: '가'.repeat(501) })] })?.RESP_CODE,
      '21004',
    );
  });

  it('lets callback-URL accounts send nothing else', () => {
    const { gateway } = gatewayOf({ terms: { service: 'callback-url' } });
    const client = Client.in(gateway, 'smsSend');
    assert.equal(client.ask('1020', { records: [sms('a')] })?.RESP_CODE, '21007');
    assert.equal(client.ask('1020', { records: [sms('a', { URL: 'http://a.kr' })] })?.RESP_CODE, '00000');
  });

  it('takes each frame on its own port only', () => {
    const { gateway } = gatewayOf();
    assert.equal(Client.in(gateway, 'smsSend').ask('1044', { records: [lms('a')] })?.RESP_CODE, '20005');
    assert.equal(Client.in(gateway, 'mmsSend').ask('1020', { records: [sms('a')] })?.RESP_CODE, '20005');
    assert.equal(Client.in(gateway, 'smsReport').ask('1020', { records: [sms('a')] })?.RESP_CODE, '20005');
    assert.equal(gateway.journal.counters.messages, 0);
  });

  describe('a MSG_ID again', () => {
    it('counts and flags it, and takes it once', async () => {
      const { gateway, clock } = gatewayOf();
      const client = Client.in(gateway, 'smsSend');
      assert.equal(client.ask('1020', { records: [sms('m1')] })?.RESP_CODE, '00000');
      assert.equal(client.ask('1020', { records: [sms('m1')] })?.RESP_CODE, '00000');
      await clock.advance(10_000);
      assert.deepEqual(
        gateway.journal.messages.map(({ duplicate }) => duplicate),
        [false, true],
      );
      assert.equal(gateway.journal.counters.duplicates, 1);
      assert.equal(gateway.seen('m1')?.taken, 2);
      assert.equal(gateway.reportsWaiting, 1);
      assert.equal(gateway.balance('practice'), 10_000_000 - 20);
    });

    it('is refused, or sent again, by option', async () => {
      const refusing = gatewayOf({ duplicates: 'refuse' }).gateway;
      const client = Client.in(refusing, 'smsSend');
      client.ask('1020', { records: [sms('m1')] });
      assert.equal(client.ask('1020', { records: [sms('m0'), sms('m1')] })?.RESP_CODE, '21005');
      assert.equal(refusing.seen('m0'), undefined);

      const { gateway, clock } = gatewayOf({ duplicates: 'report-again' });
      const again = Client.in(gateway, 'smsSend');
      again.ask('1020', { records: [sms('m1')] });
      again.ask('1020', { records: [sms('m1')] });
      await clock.advance(10_000);
      assert.equal(gateway.reportsWaiting, 2);
      assert.equal(gateway.balance('practice'), 10_000_000 - 40);
    });

    it('is always refused for another text or receiver, and twice within a frame', () => {
      const { gateway } = gatewayOf({ duplicates: 'report-again' });
      const client = Client.in(gateway, 'smsSend');
      client.ask('1020', { records: [sms('m1')] });
      assert.equal(client.ask('1020', { records: [sms('m1', { MSG: '다른 내용' })] })?.RESP_CODE, '21006');
      assert.equal(client.ask('1020', { records: [sms('m1', { RECEIVER: '01087654321' })] })?.RESP_CODE, '21006');
      assert.equal(client.ask('1020', { records: [sms('m2'), sms('m2')] })?.RESP_CODE, '21005');
    });

    it('is the account’s own: another account may use it', () => {
      const { gateway } = gatewayOf({ duplicates: 'refuse' });
      assert.equal(
        Client.in(gateway, 'smsSend', 'SAM11', 'a').ask('1020', { records: [sms('m1')] })?.RESP_CODE,
        '00000',
      );
      assert.equal(
        Client.in(gateway, 'smsSend', 'SAM11', 'b').ask('1020', { records: [sms('m1')] })?.RESP_CODE,
        '00000',
      );
    });

    it('is remembered within bounds, without bounds, or not at all', () => {
      const bounded = gatewayOf({ idLimit: 8, journalLimit: 3 }).gateway;
      const unbounded = gatewayOf({ journal: 'ids' }).gateway;
      const off = gatewayOf({ journal: 'off', duplicates: 'refuse' }).gateway;
      for (const gateway of [bounded, unbounded, off]) {
        const client = Client.in(gateway, 'smsSend');
        for (let i = 0; i < 20; i++) client.ask('1020', { records: [sms(`m${i}`)] });
        assert.equal(gateway.journal.counters.messages, 20);
      }
      assert.equal(bounded.seen('m0'), undefined);
      assert.equal(bounded.seen('m19')?.taken, 1);
      assert.deepEqual(
        bounded.journal.messages.map(({ MSG_ID }) => MSG_ID),
        ['m17', 'm18', 'm19'],
      );
      assert.deepEqual(
        [...unbounded.ids()].map(([id]) => id),
        Array.from({ length: 20 }, (_, i) => `m${i}`),
      );
      assert.equal(unbounded.journal.messages.length, 0);
      assert.equal(off.seen('m19'), undefined);
    });
  });

  describe('the balance', () => {
    it('goes down by the price of each kind, and the next login shows it', () => {
      const { gateway } = gatewayOf({ terms: { balance: 1000 } });
      Client.in(gateway, 'smsSend').ask('1020', { records: [sms('a'), sms('b')] });
      Client.in(gateway, 'mmsSend').ask('1044', { records: [lms('c')] });
      assert.equal(gateway.balance('practice'), 1000 - 2 * 20 - 50);
      const answer = new Client(gateway, 'smsSend').ask('1010', { ID: 'practice', PASSWORD: 'x' });
      assert.equal(answer?.COMMAND === '1011' && answer.body?.BALANCE, '910');
    });

    it('when empty, brings result 92', async () => {
      const { gateway, clock } = gatewayOf({ terms: { balance: 30 } });
      const reports = Client.in(gateway, 'smsReport', 'SAM11');
      Client.in(gateway, 'smsSend').ask('1020', { records: [sms('a'), sms('b')] });
      await clock.advance(5000);
      const results: string[] = [];
      for (let frame = reports.takeReport(); frame; frame = reports.takeReport()) {
        for (const { MSG_ID, RESULT } of frame.body?.records ?? []) results.push(`${MSG_ID} ${RESULT}`);
        reports.acknowledge(frame);
      }
      assert.deepEqual(results.sort(), ['a 6', 'b 92']);
      assert.equal(gateway.balance('practice'), 10);
    });

    it('when empty, refuses by option; postpaid accounts have none', () => {
      const { gateway } = gatewayOf({ terms: { balance: 30 }, whenEmpty: 'refuse' });
      const client = Client.in(gateway, 'smsSend');
      assert.equal(client.ask('1020', { records: [sms('a'), sms('b')] })?.RESP_CODE, '21008');
      assert.equal(client.ask('1020', { records: [sms('a')] })?.RESP_CODE, '00000');
      gateway.setBalance('practice', 0);
      assert.equal(client.ask('1020', { records: [sms('b')] })?.RESP_CODE, '21008');
      const later = gatewayOf({ terms: { balance: 0, feeType: '2' }, whenEmpty: 'refuse' }).gateway;
      assert.equal(Client.in(later, 'smsSend').ask('1020', { records: [sms('a')] })?.RESP_CODE, '00000');
    });
  });

  it('takes nothing more when too many reports wait', async () => {
    const { gateway, clock } = gatewayOf({ reportLimit: 2 });
    const client = Client.in(gateway, 'smsSend');
    assert.equal(client.ask('1020', { records: [sms('a'), sms('b')] })?.RESP_CODE, '00000');
    assert.equal(client.ask('1020', { records: [sms('c')] })?.RESP_CODE, '21009');
    const reports = Client.in(gateway, 'smsReport', 'SAM10');
    await clock.advance(5000);
    reports.ask('1030', null);
    reports.ask('1030', null);
    assert.equal(client.ask('1020', { records: [sms('c')] })?.RESP_CODE, '00000');
  });
});

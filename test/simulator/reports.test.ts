import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type FrameOf, formatKst } from '../../lib/protocol/index.ts';
import { Client, gatewayOf, lms, sms } from './client.ts';

const at = { min: 1000, max: 1000 };
const ids = (frame: FrameOf<'1031'> | undefined) => frame?.body?.records.map(({ MSG_ID }) => MSG_ID);

/** All that comes, acknowledged. */
function drain(client: Client): FrameOf<'1031'>[] {
  const frames: FrameOf<'1031'>[] = [];
  for (let frame = client.takeReport(); frame; frame = client.takeReport()) {
    frames.push(frame);
    client.acknowledge(frame);
  }
  return frames;
}

describe('simulator: reports', () => {
  it('fall due after the delay and say what the manual lists', async () => {
    const { gateway, clock } = gatewayOf({ reportDelayMs: at });
    const reports = Client.in(gateway, 'smsReport');
    const takenMs = clock.now();
    Client.in(gateway, 'smsSend').ask('1020', { records: [sms('m1')] });
    await clock.advance(999);
    assert.equal(reports.take(), undefined);
    await clock.advance(1);
    const frame = reports.takeReport();
    assert.deepEqual(frame?.body?.records, [
      {
        GRP_ID: 'group',
        MSG_ID: 'm1',
        RECEIVER: '01012345678',
        SEND_DT: formatKst(takenMs + 1000),
        RESULT: '6',
        TELECOM: '01990',
      },
    ]);
    assert.deepEqual([frame?.VERSION, frame?.RESP_CODE], ['SAM11', '']);
    gateway.stop();
    assert.equal(clock.armedCount, 0);
  });

  it('end with NN for 010-0000-00NN, and with 90 when TIMEOUT_DT passed', async () => {
    const { gateway, clock } = gatewayOf({ reportDelayMs: at });
    const reports = Client.in(gateway, 'smsReport');
    const send = Client.in(gateway, 'smsSend');
    const records = [
      sms('a', { RECEIVER: '01000000007' }),
      sms('b', { RECEIVER: '01000000095' }),
      sms('c', { RECEIVER: '01000000100' }),
      sms('d', { TIMEOUT_DT: formatKst(clock.now()) }),
      sms('e', { TIMEOUT_DT: formatKst(clock.now() + 2000) }),
    ];
    assert.equal(send.ask('1020', { records })?.RESP_CODE, '00000');
    await clock.advance(1000);
    const results = drain(reports).flatMap(({ body }) => body?.records.map((r) => `${r.MSG_ID} ${r.RESULT}`) ?? []);
    assert.deepEqual(results.sort(), ['a 7', 'b 95', 'c 6', 'd 90', 'e 6']);
  });

  it('spread between the two delays by the seed', async () => {
    const orders = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const { gateway, clock } = gatewayOf({ reportsPerFrame: 1 }, seed);
        const reports = Client.in(gateway, 'smsReport');
        Client.in(gateway, 'smsSend').ask('1020', { records: Array.from({ length: 20 }, (_, i) => sms(`m${i}`)) });
        const order: string[] = [];
        for (let ms = 0; ms < 3100; ms += 50) {
          await clock.advance(50);
          order.push(...drain(reports).flatMap((frame) => ids(frame) ?? []));
          if (ms < 900) assert.deepEqual(order, []);
        }
        assert.equal(order.length, 20);
        return order.join();
      }),
    );
    assert.equal(orders[0], orders[1]);
    assert.notEqual(orders[0], orders[2]);
  });

  it('go to the port of their service, or to any by option', async () => {
    const own = gatewayOf({ reportDelayMs: at });
    const smsReports = Client.in(own.gateway, 'smsReport');
    const mmsReports = Client.in(own.gateway, 'mmsReport');
    Client.in(own.gateway, 'smsSend').ask('1020', { records: [sms('s')] });
    Client.in(own.gateway, 'mmsSend').ask('1044', { records: [lms('l')] });
    await own.clock.advance(1000);
    assert.deepEqual(ids(smsReports.takeReport()), ['s']);
    assert.deepEqual(ids(mmsReports.takeReport()), ['l']);

    const any = gatewayOf({ reportDelayMs: at, reportPort: 'any' });
    const only = Client.in(any.gateway, 'mmsReport');
    Client.in(any.gateway, 'smsSend').ask('1020', { records: [sms('s')] });
    await any.clock.advance(1000);
    assert.deepEqual(ids(only.takeReport()), ['s']);
  });

  it('are the account’s own, and may be switched off', async () => {
    const { gateway, clock } = gatewayOf({ reportDelayMs: at });
    const other = Client.in(gateway, 'smsReport', 'SAM11', 'other');
    Client.in(gateway, 'smsSend').ask('1020', { records: [sms('s')] });
    await clock.advance(1000);
    assert.equal(other.take(), undefined);

    const off = gatewayOf({ reports: false });
    const reports = Client.in(off.gateway, 'smsReport');
    Client.in(off.gateway, 'smsSend').ask('1020', { records: [sms('s')] });
    await off.clock.advance(100_000);
    assert.equal(reports.take(), undefined);
  });

  it('can be made up', async () => {
    const { gateway, clock } = gatewayOf();
    const reports = Client.in(gateway, 'smsReport');
    const record = {
      GRP_ID: 'g',
      MSG_ID: 'never-sent',
      RECEIVER: '01011112222',
      SEND_DT: '',
      RESULT: '06',
      TELECOM: '',
    };
    gateway.report('practice', 'sms', record);
    await clock.advance(0);
    assert.deepEqual(reports.takeReport()?.body?.records, [record]);
    assert.throws(() => gateway.report('nobody', 'sms', record), RangeError);
    assert.throws(() => gateway.report('practice', 'sms', { ...record, RESULT: '12345' }));
  });

  describe('SAM11', () => {
    const setUp = async (count: number, options = {}) => {
      const { gateway, clock } = gatewayOf({ reportDelayMs: at, reportsPerFrame: 2, ...options });
      const records = Array.from({ length: count }, (_, i) => sms(`m${i}`));
      Client.in(gateway, 'smsSend').ask('1020', { records });
      await clock.advance(1000);
      return { gateway, clock };
    };

    it('pushes one frame, and the next after the acknowledgement', async () => {
      const { gateway } = await setUp(5);
      const reports = Client.in(gateway, 'smsReport');
      const first = reports.takeReport();
      assert.deepEqual(ids(first), ['m0', 'm1']);
      assert.equal(reports.take(), undefined);
      assert.equal(gateway.seen('m0')?.acknowledged, 0);
      reports.acknowledge(first);
      assert.deepEqual(gateway.seen('m0'), { ...gateway.seen('m0'), reported: 1, acknowledged: 1 });
      const second = reports.takeReport();
      assert.deepEqual(ids(second), ['m2', 'm3']);
      reports.acknowledge(second);
      reports.acknowledge(reports.takeReport());
      assert.equal(gateway.reportsWaiting, 0);
      assert.equal(gateway.journal.counters.complaints, 0);
    });

    it('pushes several without waiting when the window allows', async () => {
      const { gateway } = await setUp(7, { pushWindow: 3 });
      const reports = Client.in(gateway, 'smsReport');
      const frames = [reports.takeReport(), reports.takeReport(), reports.takeReport()];
      assert.deepEqual(frames.map(ids), [
        ['m0', 'm1'],
        ['m2', 'm3'],
        ['m4', 'm5'],
      ]);
      assert.equal(reports.take(), undefined);
      for (const frame of frames) reports.acknowledge(frame);
      assert.deepEqual(ids(reports.takeReport()), ['m6']);
      assert.equal(gateway.journal.counters.complaints, 0);
    });

    it('takes only an acknowledgement of the same ids in the same order', async () => {
      const { gateway } = await setUp(2);
      const reports = Client.in(gateway, 'smsReport');
      reports.takeReport();
      const [a, b] = [
        { GRP_ID: 'group', MSG_ID: 'm0' },
        { GRP_ID: 'group', MSG_ID: 'm1' },
      ];
      for (const records of [[b, a], [a], [a, { ...b, MSG_ID: 'x' }], [{ ...a, GRP_ID: 'x' }, b], [a, b, a]]) {
        reports.send('1030', { records });
      }
      assert.deepEqual(
        gateway.journal.complaints.map(({ kind }) => kind),
        Array(5).fill('ack-unknown'),
      );
      assert.equal(gateway.reportsWaiting, 2);
      reports.send('1030', { records: [a, b] });
      assert.equal(gateway.reportsWaiting, 0);
      assert.equal(reports.take(), undefined);
    });

    it('complains of acknowledgements out of turn or with an error code, and takes them', async () => {
      const { gateway } = await setUp(4, { pushWindow: 2 });
      const reports = Client.in(gateway, 'smsReport');
      const [first, second] = [reports.takeReport(), reports.takeReport()];
      reports.acknowledge(second);
      const records = (first?.body?.records ?? []).map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID }));
      reports.send('1030', { records }, { RESP_CODE: '12345' });
      assert.deepEqual(
        gateway.journal.complaints.map(({ kind }) => kind),
        ['ack-order', 'ack-code'],
      );
      assert.equal(gateway.reportsWaiting, 0);
    });

    it('pushes again after a time-out, takes both acknowledgements, and gives up in the end', async () => {
      const { gateway, clock } = await setUp(1, { repushMs: 10_000, pushTries: 3 });
      const reports = Client.in(gateway, 'smsReport');
      await clock.advance(10_000);
      const frames = [reports.takeReport(), reports.takeReport()];
      assert.deepEqual(frames.map(ids), [['m0'], ['m0']]);
      for (const frame of frames) reports.acknowledge(frame);
      assert.equal(gateway.journal.counters.complaints, 0);
      assert.equal(gateway.journal.counters.reportsRepeated, 1);
      assert.equal(gateway.reportsWaiting, 0);
      assert.equal(gateway.seen('m0')?.acknowledged, 1);
      await clock.advance(100_000);
      assert.equal(reports.take(), undefined);

      const deaf = await setUp(1, { repushMs: 10_000, pushTries: 3 });
      const client = Client.in(deaf.gateway, 'smsReport');
      await deaf.clock.advance(29_999);
      assert.equal(client.closed, false);
      await deaf.clock.advance(1);
      assert.equal(client.closed, true);
      assert.equal(deaf.gateway.journal.complaints.at(-1)?.kind, 'ack-missing');
      assert.deepEqual(ids(Client.in(deaf.gateway, 'smsReport').takeReport()), ['m0']);
    });

    it('pushes again after a cut, the oldest first, and on a newer login', async () => {
      const { gateway } = await setUp(5);
      const first = Client.in(gateway, 'smsReport');
      assert.deepEqual(ids(first.takeReport()), ['m0', 'm1']);
      first.hangUp();
      const second = Client.in(gateway, 'smsReport');
      const again = second.takeReport();
      assert.deepEqual(ids(again), ['m0', 'm1']);
      // The second link is silent; a third one logs in beside it.
      const third = Client.in(gateway, 'smsReport');
      assert.deepEqual(ids(third.takeReport()), ['m0', 'm1']);
      // The second was slow, not dead: its acknowledgement counts, and what follows goes to the newest.
      second.acknowledge(again);
      assert.deepEqual(ids(third.takeReport()), ['m2', 'm3']);
      assert.equal(second.take(), undefined);
      assert.equal(gateway.reportsWaiting, 3);
    });

    it('goes back to an older link when the newest has gone', async () => {
      const { gateway } = await setUp(2);
      const older = Client.in(gateway, 'smsReport');
      older.takeReport();
      const newer = Client.in(gateway, 'smsReport');
      assert.deepEqual(ids(newer.takeReport()), ['m0', 'm1']);
      newer.hangUp();
      assert.deepEqual(ids(older.takeReport()), ['m0', 'm1']);
    });

    it('answers a heartbeat, and does not answer the answer to its own', async () => {
      const { gateway, clock } = gatewayOf({ heartbeatMs: 30_000 });
      const reports = Client.in(gateway, 'smsReport');
      reports.send('1030', { records: [] });
      assert.deepEqual(reports.takeReport()?.body, { records: [] });
      await clock.advance(30_000);
      assert.deepEqual(reports.takeReport()?.body, { records: [] });
      reports.send('1030', { records: [] });
      assert.equal(reports.take(), undefined);
      assert.equal(gateway.journal.counters.complaints, 0);
      await clock.advance(60_000);
      assert.equal(reports.frames.length, 2);
      assert.equal(gateway.journal.complaints.at(-1)?.kind, 'heartbeat-missing');
    });

    it('may leave a heartbeat unanswered, and put a code on its pushes', async () => {
      const { gateway } = await setUp(1, { heartbeatAnswer: false, pushCode: '00000' });
      const reports = Client.in(gateway, 'smsReport');
      assert.equal(reports.takeReport()?.RESP_CODE, '00000');
      reports.send('1030', { records: [] });
      assert.equal(reports.take(), undefined);
    });

    it('wants a COUNT in a 1030', () => {
      const { gateway } = gatewayOf();
      const reports = Client.in(gateway, 'smsReport');
      reports.send('1030', null);
      assert.equal(reports.take(), undefined);
      assert.equal(gateway.journal.complaints[0]?.kind, 'format');
    });
  });

  describe('SAM10', () => {
    const setUp = async (count: number, options = {}) => {
      const { gateway, clock } = gatewayOf({ reportDelayMs: at, reportsPerFrame: 2, ...options });
      const records = Array.from({ length: count }, (_, i) => sms(`m${i}`));
      if (count > 0) Client.in(gateway, 'smsSend', 'SAM10').ask('1020', { records });
      await clock.advance(1000);
      return { gateway, clock };
    };
    const poll = (client: Client) => {
      client.send('1030', null);
      return client.takeReport();
    };

    it('answers polls, and forgets with the next one', async () => {
      const { gateway } = await setUp(3);
      const reports = Client.in(gateway, 'smsReport', 'SAM10');
      assert.equal(reports.take(), undefined);
      const first = poll(reports);
      assert.deepEqual([first?.VERSION, first?.RESP_CODE, ids(first)], ['SAM10', '00000', ['m0', 'm1']]);
      assert.equal(gateway.reportsWaiting, 3);
      assert.deepEqual(ids(poll(reports)), ['m2']);
      assert.equal(gateway.reportsWaiting, 1);
      assert.deepEqual(poll(reports)?.body, { records: [] });
      assert.equal(gateway.reportsWaiting, 0);
      assert.equal(gateway.seen('m2')?.acknowledged, 1);
    });

    it('brings what a cut may have lost again, unless it forgets once written', async () => {
      const kept = await setUp(3);
      const first = Client.in(kept.gateway, 'smsReport', 'SAM10');
      poll(first);
      first.hangUp();
      assert.deepEqual(ids(poll(Client.in(kept.gateway, 'smsReport', 'SAM10'))), ['m0', 'm1']);

      const lost = await setUp(3, { pollForget: 'written' });
      const second = Client.in(lost.gateway, 'smsReport', 'SAM10');
      poll(second);
      second.hangUp();
      assert.deepEqual(ids(poll(Client.in(lost.gateway, 'smsReport', 'SAM10'))), ['m2']);
    });

    it('has three ways to say that nothing is due', async () => {
      const empty = await setUp(0, { emptyPoll: 'empty' });
      assert.equal(poll(Client.in(empty.gateway, 'smsReport', 'SAM10'))?.body, null);
      const silent = await setUp(0, { emptyPoll: 'silence' });
      const client = Client.in(silent.gateway, 'smsReport', 'SAM10');
      assert.equal(poll(client), undefined);
      assert.equal(poll(client), undefined);
      assert.equal(silent.gateway.journal.counters.complaints, 0);
    });

    it('wants no body in a 1030', () => {
      const { gateway } = gatewayOf();
      const reports = Client.in(gateway, 'smsReport', 'SAM10');
      reports.send('1030', { records: [] });
      assert.equal(reports.take()?.RESP_CODE, '20002');
    });
  });

  it('fall due each at its own time, whatever the order in which they were planned', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1000), { maxLength: 60 }), async (delays) => {
        const { gateway, clock } = gatewayOf({ reportsPerFrame: 1, pushWindow: 100 });
        const reports = Client.in(gateway, 'smsReport');
        const startMs = clock.now();
        const came: string[] = [];
        gateway.onReport(({ record }) => came.push(`${record.MSG_ID} ${clock.now() - startMs}`));
        for (const [i, delayMs] of delays.entries()) {
          const record = { GRP_ID: 'g', MSG_ID: `m${i}`, RECEIVER: '0', SEND_DT: '', RESULT: '6', TELECOM: '' };
          gateway.report('practice', 'sms', record, delayMs);
        }
        await clock.advance(1000);
        const planned = delays.map((delayMs, i) => ({ delayMs, text: `m${i} ${delayMs}` }));
        assert.deepEqual(
          came,
          planned.sort((a, b) => a.delayMs - b.delayMs).map(({ text }) => text),
        );
        assert.equal(reports.frames.length, delays.length);
      }),
      { numRuns: 30 },
    );
  });

  it('survive whatever cuts the links, each acknowledged once', async () => {
    const { gateway, clock } = gatewayOf({ journal: 'ids', reportsPerFrame: 3, pushWindow: 2, repushMs: 3000 }, 7);
    gateway.faults.add({ kind: 'cut-before-answer', probability: 0.1, commands: ['1031'] });
    gateway.faults.add({ kind: 'cut-after-answer', probability: 0.2, commands: ['1031'] });
    gateway.faults.add({ kind: 'cut-before-take', probability: 0.2, commands: ['1030'] });
    const send = Client.in(gateway, 'smsSend');
    for (let f = 0; f < 10; f++) {
      send.ask('1020', { records: Array.from({ length: 30 }, (_, i) => sms(`m${f * 30 + i}`)) });
    }
    const got = new Set<string>();
    let reports = Client.in(gateway, 'smsReport');
    let logins = 1;
    for (let round = 0; round < 1000 && (gateway.reportsWaiting > 0 || gateway.reportsPlanned > 0); round++) {
      await clock.advance(100);
      for (const frame of drain(reports)) for (const id of ids(frame) ?? []) got.add(id);
      if (reports.closed) {
        reports = Client.in(gateway, 'smsReport');
        logins += 1;
      }
    }
    assert.equal(got.size, 300);
    assert.ok(logins > 10, `${logins} logins`);
    for (const [id, seen] of gateway.ids()) assert.equal(seen.acknowledged, 1, id);
  });
});

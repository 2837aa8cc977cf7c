import assert from 'node:assert/strict';
import type { SendOutcome } from '../../lib/agent/index.ts';
import { UshotError } from '../../lib/errors.ts';
import { receivers, sms, World } from './world.ts';

const only = <T>(list: readonly T[]): T => {
  assert.equal(list.length, 1);
  return list[0] as T;
};
const codes = (outcomes: readonly SendOutcome[]) => outcomes.map((one) => one.error?.code ?? one.status);

describe('agent', () => {
  it('sends a message, and gives its report with what was carried', async () => {
    const world = new World();
    world.listen();
    world.agent.use('sms');
    const outcome = only(await world.send({ text: '펌프 2 정지' }));
    assert.equal(outcome.status, 'accepted');
    assert.equal(outcome.type, 'SMS');
    assert.equal(outcome.to, '01012345678');
    await world.clock.advance(5_000);
    const { report, carried } = only(world.given);
    assert.equal(report.messageId, outcome.messageId);
    assert.equal(report.status, 'delivered');
    assert.equal(report.result, 6);
    assert.match(report.sentAt ?? '', /^2026-01-05T09:00:0\d\+09:00$/);
    assert.deepEqual(carried, { topic: 'test' });
    assert.deepEqual(world.gateway.journal.complaints, []);
    await world.agent.stop();
  });

  for (const protocol of ['SAM10', 'SAM11']) {
    it(`batches naturally, as many a frame as the login announced (${protocol})`, async () => {
      const world = new World({ settings: { protocol } });
      world.listen();
      world.agent.use('sms');
      await world.clock.advance(1_000);
      const outcomes = await world.send({ to: receivers(70) }, 'delivered', 20_000);
      assert.deepEqual(new Set(codes(outcomes)), new Set(['delivered']));
      assert.deepEqual(
        world.frames.map(({ ids }) => ids.length),
        [30, 30, 10],
      );
      assert.deepEqual(
        world.frames.flatMap(({ ids }) => ids),
        outcomes.map(({ messageId }) => messageId),
      );
      assert.equal(world.given.length, 70);
      assert.deepEqual(world.gateway.journal.complaints, []);
      await world.agent.stop();
    });
  }

  it('opens only the links of a service that is used, one login a port', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.send({});
    assert.deepEqual(world.network.dials.sort(), [33300, 33301]);
    await world.agent.stop();
  });

  it('closes the links of a service that nobody needs any more, and opens them again', async () => {
    const world = new World();
    world.agent.use('sms');
    const letGo = world.agent.use('mms');
    await world.clock.advance(1_000);
    assert.equal(world.network.openCount, 4);
    letGo();
    await world.clock.advance(599_000);
    assert.equal(world.network.openCount, 4);
    await world.clock.advance(10_000);
    assert.equal(world.network.openCount, 2);
    assert.equal(only(await world.send({ text: '가'.repeat(46) }, 'delivered', 20_000)).status, 'delivered');
    await world.agent.stop();
    world.gateway.stop();
    assert.equal(world.clock.armedCount, 0);
  });

  it('turns a text that is too long for SMS into an LMS, and opens the link for it then', async () => {
    const world = new World();
    world.agent.use('sms');
    const outcome = only(await world.send({ text: '가'.repeat(46) }));
    assert.equal(outcome.type, 'LMS');
    assert.equal(only(world.frames).command, '1044');
    assert.deepEqual(codes(await world.send({ text: '가'.repeat(46), overflow: 'reject' })), ['USHOT_TEXT_TOO_LONG']);
    await world.agent.stop();
  });

  it('uses fixed frames where the login says so, and refuses what only a variable one could hold', async () => {
    const world = new World({ gateway: { terms: { variable: false } } });
    const outcomes = await world.send([{ text: 'a'.repeat(2_000) }, { text: 'a'.repeat(2_001) }]);
    assert.deepEqual(codes(outcomes), ['accepted', 'USHOT_TEXT_TOO_LONG']);
    assert.equal(outcomes[1]?.result, 78);
    assert.equal(only(world.frames).command, '1024');
    // Now the login is known: refused before it is taken.
    assert.equal(only(await world.send({ text: 'a'.repeat(2_001) })).status, 'invalid');
    await world.agent.stop();
  });

  it('says what is wrong with bad input, and takes the rest of a list', async () => {
    const world = new World();
    const outcomes = await world.send([
      { to: undefined },
      { to: '010-12AB-5678' },
      { to: '1012345678' },
      { to: 1012345678 },
      { from: '' },
      { from: '12' },
      { text: '' },
      { text: '안녕 😀' },
      { text: 'a\u0000b' },
      { sendAt: 'tomorrow' },
      { messageId: 'has blank' },
      { url: 'ftp://x' },
      { to: ['01011112222', 'x', '01033334444'] },
    ]);
    assert.deepEqual(codes(outcomes), [
      'USHOT_NO_RECEIVER',
      'USHOT_RECEIVER',
      'USHOT_RECEIVER_ZERO',
      'accepted',
      'USHOT_NO_SENDER',
      'USHOT_SENDER',
      'USHOT_NO_TEXT',
      'USHOT_UNENCODABLE',
      'USHOT_CONTROL_CHARACTER',
      'USHOT_TIME',
      'USHOT_MESSAGE_ID',
      'USHOT_URL',
      'accepted',
      'USHOT_RECEIVER',
      'accepted',
    ]);
    for (const { error } of outcomes) {
      if (!error) continue;
      assert.doesNotMatch(error.message + error.text('ko'), /\{\w+\}|undefined/);
      assert.match(error.text('ko'), /[가-힣]/);
    }
    assert.match(outcomes[7]?.error?.message ?? '', /😀 \(U\+1F600\)/);
    await world.agent.stop();
  });

  it('ends what waits when the gateway refuses a login that it never took, and sends it never', async () => {
    const world = new World({ gateway: { accounts: [{ id: 'tester', password: 'other' }] } });
    const early = world.agent.send([sms], { settle: 'accepted' });
    const kept = world.agent.send([{ ...sms, text: 'kept' }], { settle: 'stored' });
    const [first] = await world.wait(early);
    assert.equal(first?.error?.code, 'USHOT_LINK_LOGIN_REFUSED');
    assert.equal(first?.status, 'cancelled');
    assert.deepEqual(codes(await world.send({ text: 'later' }, 'delivered')), ['USHOT_LINK_LOGIN_REFUSED']);
    assert.deepEqual(codes(await kept), ['stored']);
    const [before] = await kept;
    assert.equal((await world.store.get([before?.messageId as string]))[0]?.state, 'READY');
    await world.agent.stop();
  });

  it('waits through a refusal of a login that worked before', async () => {
    const world = new World();
    await world.send({}, 'accepted');
    world.gateway.faults.add({ kind: 'refuse-login', times: 3 });
    world.network.cut();
    assert.deepEqual(codes(await world.send({ text: 'patient' }, 'accepted', 600_000)), ['accepted']);
    await world.agent.stop();
  });

  it('goes on by itself after the gateway was away, the second time as the first', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.send({});
    for (let outage = 0; outage < 3; outage++) {
      world.network.reach = { code: 'ECONNREFUSED' };
      world.network.cut();
      const sent = world.agent.send([sms], { settle: 'accepted' });
      await world.clock.advance(60_000);
      assert.equal(world.agent.status.waiting, 1);
      world.network.reach = 'open';
      assert.deepEqual(codes(await world.wait(sent, 120_000)), ['accepted']);
    }
    assert.equal(world.gateway.journal.counters.duplicates, 0);
    await world.agent.stop();
  });

  it('finds one bad message in a refused frame and sends the others', async () => {
    const world = new World();
    const list = receivers(30);
    world.gateway.faults.add({
      kind: 'reject',
      commands: ['1020'],
      receivers: [list[17] as string],
      code: '11001',
      text: 'NO',
    });
    const outcomes = await world.send({ to: list }, 'accepted', 60_000);
    const failed = outcomes.filter(({ status }) => status !== 'accepted');
    assert.equal(only(failed).to, list[17]);
    assert.equal(failed[0]?.error?.code, 'USHOT_REJECTED');
    assert.match(failed[0]?.error?.message ?? '', /11001/);
    assert.equal(world.gateway.journal.counters.duplicates, 0);
    await world.agent.stop();
  });

  it('pauses when every frame is refused, instead of refusing the whole backlog away', async () => {
    const world = new World();
    world.gateway.faults.add({ kind: 'reject', commands: ['1020'], code: '99999', text: 'BALANCE' });
    const sent = world.agent.send([{ ...sms, to: receivers(300) }], { settle: 'accepted' });
    await world.clock.advance(60_000);
    assert.ok(world.agent.status.waiting > 250, `${world.agent.status.waiting} wait`);
    world.gateway.faults.clear();
    const outcomes = await world.wait(sent, 300_000);
    assert.ok(outcomes.filter(({ status }) => status === 'accepted').length > 280);
    await world.agent.stop();
  });

  it('does what was learnt about a code: stops, logs in anew, tries later, or gives up', async () => {
    const respCodes = '11005=stop, 11006=relogin, 11007=retry, 11008=fail';
    const world = new World({ settings: { respCodes } });
    const refuse = (code: string) => world.gateway.faults.add({ kind: 'reject', commands: ['1020'], times: 1, code });
    refuse('11005');
    const waiting = world.agent.send([{ ...sms, to: receivers(3) }], { settle: 'accepted' });
    await world.clock.advance(55_000);
    assert.equal(world.agent.status.waiting, 3);
    assert.deepEqual(codes(await world.wait(waiting, 10_000)), ['accepted', 'accepted', 'accepted']);
    assert.equal(only(world.frames).ids.length, 3);

    const logins = world.network.dials.filter((port) => port === 33300).length;
    refuse('11006');
    assert.deepEqual(codes(await world.send({ text: 'anew' }, 'accepted', 60_000)), ['accepted']);
    assert.equal(world.network.dials.filter((port) => port === 33300).length, logins + 1);

    refuse('11007');
    assert.deepEqual(codes(await world.send({ text: 'later' }, 'accepted', 60_000)), ['accepted']);
    refuse('11008');
    assert.deepEqual(codes(await world.send({ to: receivers(2), text: 'no' })), ['USHOT_REJECTED', 'USHOT_REJECTED']);
    await world.agent.stop();
    world.gateway.stop();
    assert.equal(world.clock.armedCount, 0);
  });

  it('tries what is refused for a passing reason again in halves, so that one bad message takes no other with it', async () => {
    const world = new World({ settings: { respCodes: '11009=retry' } });
    const list = receivers(21);
    world.gateway.faults.add({ kind: 'reject', commands: ['1020'], receivers: [list[7] as string], code: '11009' });
    const outcomes = await world.send({ to: list }, 'accepted', 3_600_000);
    assert.deepEqual(
      outcomes.filter(({ status }) => status !== 'accepted').map(({ to, error }) => [to, error?.code]),
      [[list[7], 'USHOT_REJECTED']],
    );
    assert.equal(world.gateway.journal.counters.duplicates, 0);
    await world.agent.stop();
  });

  it('rejects no message that is out of pauses for the sake of one that is not', async () => {
    const world = new World({ settings: { respCodes: '11005=stop, 11009=retry' } });
    world.agent.use('sms');
    await world.clock.advance(1_000);
    const [good, bad] = receivers(2) as [string, string];
    const reject = { kind: 'reject', commands: ['1020'] } as const;
    // Not keep-alives, which are refused as well otherwise.
    world.gateway.faults.add({ ...reject, receivers: [good], times: 5, code: '11005' });
    const innocent = world.agent.send([{ ...sms, to: good }], { settle: 'accepted' });
    await world.clock.advance(4 * 60_000 + 30_000);
    world.gateway.faults.add({ ...reject, receivers: [bad], code: '11009' });
    const culprit = world.agent.send([{ ...sms, to: bad }], { settle: 'accepted' });
    assert.deepEqual(codes(await world.wait(innocent, 600_000)), ['accepted']);
    assert.deepEqual(codes(await world.wait(culprit, 3_600_000)), ['USHOT_REJECTED']);
    await world.agent.stop();
  });

  it('leaves an unanswered frame in doubt, settles it by its report, and sends nothing twice', async () => {
    const world = new World();
    world.listen();
    world.gateway.faults.add({ kind: 'cut-before-answer', commands: ['1020'], times: 1 });
    const outcomes = await world.send({ to: receivers(5) }, 'delivered', 60_000);
    assert.deepEqual(new Set(codes(outcomes)), new Set(['delivered']));
    assert.equal(world.gateway.journal.counters.messages, 5);
    await world.agent.stop();
  });

  it('sends what is in doubt again under the same id when no report comes, or holds it, by the setting', async () => {
    const lost = { kind: 'cut-before-take', commands: ['1020'], times: 1 } as const;
    const resending = new World();
    resending.gateway.faults.add(lost);
    const first = await resending.send({}, 'accepted', 200_000);
    assert.deepEqual(codes(first), ['accepted']);
    assert.equal(only(resending.gateway.journal.messages).MSG_ID, first[0]?.messageId);
    await resending.agent.stop();

    const holding = new World({ settings: { inDoubt: 'hold' } });
    holding.gateway.faults.add(lost);
    assert.deepEqual(codes(await holding.send({}, 'accepted', 200_000)), ['in_doubt']);
    await holding.clock.advance(1_000);
    assert.equal(holding.agent.status.held, 1);
    assert.equal(holding.gateway.journal.messages.length, 0);
    const held = only(await holding.agent.held());
    assert.equal(held.to, '010****5678');
    assert.equal(await holding.agent.decide([held.messageId, 'unknown'], 'resend'), 1);
    await holding.clock.advance(1_000);
    assert.equal(only(holding.gateway.journal.messages).MSG_ID, held.messageId);
    holding.gateway.faults.add(lost);
    await holding.send({ text: 'again' }, 'accepted', 200_000);
    const again = only(await holding.agent.held());
    assert.equal(await holding.agent.decide([again.messageId], 'discard'), 1);
    await holding.clock.advance(1_000);
    assert.equal(holding.agent.status.held, 0);
    assert.equal(holding.gateway.journal.messages.length, 1);
    await holding.agent.stop();
  });

  it('sends nothing from hold whose time has passed', async () => {
    const world = new World({ settings: { inDoubt: 'hold', maxAgeMinutes: 10 } });
    world.gateway.faults.add({ kind: 'cut-before-take', commands: ['1020'], times: 1 });
    await world.send({}, 'accepted', 200_000);
    await world.clock.suspend(700_000);
    const { messageId } = only(await world.agent.held());
    assert.equal(await world.agent.decide([messageId], 'resend'), 0);
    assert.equal(await world.agent.decide([messageId], 'discard'), 1);
    await world.agent.stop();
  });

  it('does not count the hold while no report can come', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.clock.advance(1_000);
    world.gateway.faults.add({ kind: 'cut-before-take', commands: ['1020'], times: 1 });
    world.gateway.faults.add({ kind: 'refuse-connection', ports: ['smsReport'] });
    world.gateway.cut('smsReport');
    await world.send({}, 'stored');
    await world.clock.advance(600_000);
    assert.equal(world.agent.status.inDoubt, 1);
    world.gateway.faults.clear();
    await world.clock.advance(300_000);
    assert.equal(world.agent.status.inDoubt, 0);
    assert.equal(world.gateway.journal.messages.length, 1);
    await world.agent.stop();
  });

  it('waits for sendAt, expires by expireAt, and sends neither early nor late', async () => {
    const world = new World();
    const nowMs = world.clock.now();
    const outcomes = world.agent.send(
      [
        { ...sms, sendAt: nowMs + 3_600_000 },
        { ...sms, text: 'late', sendAt: nowMs + 60_000, expireAt: nowMs + 120_000 },
      ],
      { settle: 'accepted' },
    );
    await world.clock.advance(30_000);
    assert.equal(world.gateway.journal.messages.length, 0);
    world.network.reach = { code: 'ECONNREFUSED' };
    world.network.cut();
    await world.clock.advance(150_000);
    world.network.reach = 'open';
    assert.deepEqual(codes(await world.wait(outcomes, 4_000_000)), ['accepted', 'USHOT_EXPIRED']);
    const sent = only(world.gateway.journal.messages);
    assert.ok(sent.atMs >= nowMs + 3_600_000 && sent.atMs < nowMs + 3_602_000);
    assert.equal(sent.RESERVE_DT, '');
    assert.equal(sent.TIMEOUT_DT, '2026-01-06 10:00:00');
    await world.agent.stop();
  });

  it('sends what has fallen due when the clock was put forward, without waiting for anything else', async () => {
    const world = new World();
    await world.send({ sendAt: '2026-01-05 09:10:00' }, 'stored');
    await world.clock.advance(1_000);
    world.clock.correct(600_000);
    await world.clock.advance(30_000);
    assert.equal(world.frames.length, 1);
    await world.agent.stop();
  });

  describe('a clock that was ahead and is put right', () => {
    const AHEAD_MS = 9 * 3_600_000;

    for (const restarts of [false, true]) {
      it(`does not keep an alarm back${restarts ? ' after a restart' : ''}, and what is scheduled has its time`, async () => {
        const world = new World();
        const nowMs = world.clock.now();
        // Local time in the machine's own clock, taken for UTC until the network is there.
        world.network.reach = { code: 'ECONNREFUSED' };
        world.clock.correct(AHEAD_MS);
        await world.send({ text: 'alarm' }, 'stored');
        await world.send({ text: 'scheduled', sendAt: nowMs + AHEAD_MS + 3_600_000 }, 'stored');
        world.clock.correct(-AHEAD_MS);
        if (restarts) await world.crash();
        world.network.reach = 'open';
        await world.clock.advance(60_000);
        assert.deepEqual(
          world.frames.map(({ texts }) => texts),
          [['alarm']],
        );
        await world.clock.advance(AHEAD_MS + 3_600_000);
        assert.deepEqual(only(world.frames.slice(1)).texts, ['scheduled']);
        await world.agent.stop();
      });
    }

    it('does not shorten the hold of a doubt when it was behind, nor end what is held', async () => {
      const lost = { kind: 'cut-before-take', commands: ['1020'], times: 1 } as const;
      const resending = new World();
      await resending.send({ text: 'before' });
      resending.gateway.faults.add(lost);
      await resending.send({ text: 'doubt' }, 'stored');
      resending.clock.correct(-48 * 3_600_000);
      await resending.crash();
      await resending.clock.advance(5_000);
      resending.clock.correct(48 * 3_600_000);
      await resending.clock.advance(55_000);
      assert.equal(resending.agent.status.inDoubt, 1);
      await resending.clock.advance(20_000);
      assert.equal(resending.frames.at(-1)?.texts[0], 'doubt');
      await resending.agent.stop();

      const holding = new World({ settings: { inDoubt: 'hold' } });
      holding.gateway.faults.add(lost);
      await holding.send({}, 'accepted', 200_000);
      holding.clock.correct(-48 * 3_600_000);
      await holding.crash();
      await holding.clock.advance(5_000);
      holding.clock.correct(48 * 3_600_000);
      await holding.clock.advance(5_000);
      assert.equal(holding.agent.status.held, 1);
      await holding.agent.stop();
    });

    it('makes neither a doubt nor a pause longer', async () => {
      const world = new World({ settings: { respCodes: '11005=stop' } });
      await world.send({ text: 'before' });
      world.gateway.faults.add({ kind: 'cut-before-take', commands: ['1020'], times: 1 });
      await world.send({ text: 'doubt' }, 'stored');
      await world.clock.advance(1_000);
      assert.equal(world.agent.status.inDoubt, 1);
      world.clock.correct(-AHEAD_MS);
      await world.clock.advance(70_000);
      assert.equal(world.frames.at(-1)?.texts[0], 'doubt');

      world.gateway.faults.add({ kind: 'reject', commands: ['1020'], times: 1, code: '11005' });
      await world.send({ text: 'pause' }, 'stored');
      await world.clock.advance(1_000);
      world.clock.correct(-AHEAD_MS);
      await world.clock.advance(61_000);
      assert.equal(world.frames.at(-1)?.texts[0], 'pause');
      await world.agent.stop();
    });
  });

  it('says so when no report came by the horizon, and takes one that comes later', async () => {
    const world = new World({
      settings: { maxAgeMinutes: 3_000 },
      gateway: { reportDelayMs: { min: 26 * 3_600_000, max: 26 * 3_600_000 } },
    });
    world.listen();
    const sent = world.agent.send([sms], { settle: 'delivered' });
    await world.clock.advance(5_000);
    await world.clock.suspend(25 * 3_600_000);
    const outcome = only(await world.wait(sent));
    assert.equal(outcome.error?.code, 'USHOT_NO_REPORT');
    await world.clock.suspend(2 * 3_600_000);
    await world.clock.advance(120_000);
    assert.equal(only(world.given).report.status, 'delivered');
    const stored = only(await world.store.get([outcome.messageId as string]));
    assert.equal(stored.state, 'DELIVERED');
    await world.agent.stop();
  });

  it('sends results 95 to 99 again under a new id that is linked to the first, and ends', async () => {
    const world = new World({ settings: { resendTries: 2 } });
    world.listen();
    const outcome = only(await world.send({ to: '01000000097' }, 'delivered', 3_600_000));
    assert.equal(outcome.error?.code, 'USHOT_FAILED');
    assert.equal(outcome.result, 97);
    const reports = world.given.map(({ report }) => report);
    assert.equal(reports.length, 3);
    const firstId = reports[0]?.messageId;
    assert.deepEqual(
      reports.map(({ retryOf, resentAs }) => [retryOf, resentAs]),
      [
        [null, reports[1]?.messageId],
        [firstId, reports[2]?.messageId],
        [firstId, null],
      ],
    );
    assert.equal(new Set(reports.map(({ messageId }) => messageId)).size, 3);
    await world.agent.stop();
  });

  it('answers a repeated messageId with the first outcome, and refuses it for other content', async () => {
    const world = new World({ settings: { maxPerMinute: 1 } });
    const first = only(await world.send({ messageId: 'alarm-17' }));
    assert.equal(first.status, 'accepted');
    await world.clock.advance(10_000);
    assert.equal(only(await world.send({ messageId: 'alarm-17' })).status, 'delivered');
    assert.deepEqual(codes(await world.send({ messageId: 'alarm-17', text: 'other' })), ['USHOT_MESSAGE_ID_REUSED']);
    assert.equal(world.gateway.journal.messages.length, 1);
    await world.agent.stop();
  });

  describe('guards', () => {
    it('stop a runaway flow by the minute and by the Korean day', async () => {
      const world = new World({ settings: { maxPerMinute: 3, maxPerDay: 5 } });
      assert.deepEqual(codes(await world.send({ to: receivers(4) }, 'stored')), [
        'stored',
        'stored',
        'stored',
        'USHOT_RATE',
      ]);
      await world.clock.advance(1_000);
      assert.equal(world.agent.status.guard, 'USHOT_RATE');
      await world.clock.advance(60_000);
      assert.deepEqual(codes(await world.send({ to: receivers(3) }, 'stored')), [
        'stored',
        'stored',
        'USHOT_DAILY_CAP',
      ]);
      await world.crash();
      await world.clock.advance(60_000);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['USHOT_DAILY_CAP']);
      // The Korean day ends at 15:00 UTC.
      await world.clock.suspend(15 * 3_600_000);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['stored']);
      await world.agent.stop();
    });

    it('stop nothing as a duplicate of what never went out', async () => {
      const world = new World({ settings: { duplicateSeconds: 3_600, cooldownSeconds: 3_600 } });
      world.agent.use('sms');
      await world.clock.advance(1_000);
      world.gateway.faults.add({ kind: 'reject', commands: ['1020'], times: 1, code: '11001', text: 'NO' });
      assert.deepEqual(codes(await world.send({})), ['USHOT_REJECTED']);
      assert.deepEqual(codes(await world.send({})), ['accepted']);
      assert.deepEqual(codes(await world.send({})), ['USHOT_DUPLICATE']);

      const expiring = { text: 'soon', sendAt: '2026-01-05 09:02:00', expireAt: '2026-01-05 09:02:01' };
      world.gateway.faults.add({ kind: 'refuse-login', times: 100, code: '11002' });
      world.network.cut();
      await world.send(expiring, 'stored');
      assert.deepEqual(codes(await world.send({ text: 'soon' }, 'stored')), ['USHOT_DUPLICATE']);
      await world.clock.advance(300_000);
      assert.deepEqual(codes(await world.send({ text: 'soon' }, 'stored')), ['stored']);
      await world.wait(world.agent.stop(), 60_000);
    });

    it('do not stop all messages for an hour when the clock was set back by it', async () => {
      const world = new World({ settings: { maxPerMinute: 2, duplicateSeconds: 5 } });
      await world.clock.advance(0);
      assert.deepEqual(codes(await world.send([{ text: '1' }, { text: '2' }], 'stored')), ['stored', 'stored']);
      world.clock.correct(-3_600_000);
      assert.deepEqual(codes(await world.send([{ text: '3' }], 'stored')), ['USHOT_RATE']);
      await world.clock.advance(61_000);
      assert.deepEqual(codes(await world.send([{ text: '1' }, { text: '2' }], 'stored')), ['stored', 'stored']);
      assert.deepEqual(codes(await world.send([{ text: '1' }], 'stored')), ['USHOT_DUPLICATE']);
      await world.agent.stop();
    });

    it('count nothing that the store did not take', async () => {
      const world = new World({
        settings: { maxPerMinute: 1, maxPerDay: 1, duplicateSeconds: 600, cooldownSeconds: 60 },
      });
      await world.clock.advance(0);
      const accept = world.store.accept.bind(world.store);
      world.store.accept = () => Promise.reject(new Error('disk full'));
      assert.deepEqual(codes(await world.send({}, 'stored')), ['USHOT_STORE']);
      world.store.accept = accept;
      await world.clock.advance(1_500);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['stored']);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['USHOT_DUPLICATE']);
      assert.deepEqual(codes(await world.send({ text: 'other' }, 'stored')), ['USHOT_RATE']);
      await world.agent.stop();
    });

    it('do not count a repeat of an id whose message was pruned', async () => {
      const world = new World({ settings: { maxPerMinute: 1, retentionDays: 1, maxAgeMinutes: 1 } });
      await world.send({ messageId: 'order-1' }, 'accepted');
      await world.clock.advance(5 * 24 * 3_600_000);
      assert.deepEqual(await world.store.get(['order-1']), []);
      await world.send({ messageId: 'order-1' }, 'stored');
      assert.deepEqual(codes(await world.send({ text: 'new' }, 'stored')), ['stored']);
      await world.agent.stop();
    });

    it('stop duplicates from the one that went, and hold a storm until it is quiet', async () => {
      const world = new World({ settings: { duplicateSeconds: 10 } });
      assert.deepEqual(codes(await world.send([{}, {}, { text: 'other' }], 'stored')), [
        'stored',
        'USHOT_DUPLICATE',
        'stored',
      ]);
      await world.clock.advance(9_000);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['USHOT_DUPLICATE']);
      await world.clock.advance(1_001);
      assert.deepEqual(codes(await world.send({}, 'stored')), ['stored']);
      await world.crash();
      assert.deepEqual(codes(await world.send({}, 'stored')), ['USHOT_DUPLICATE']);
      await world.agent.stop();

      const storm = new World({ settings: { cooldownSeconds: 10 } });
      assert.deepEqual(codes(await storm.send({}, 'stored')), ['stored']);
      for (let i = 0; i < 5; i++) {
        await storm.clock.advance(9_000);
        assert.deepEqual(codes(await storm.send({}, 'stored')), ['USHOT_COOLDOWN']);
      }
      await storm.clock.advance(10_001);
      assert.deepEqual(codes(await storm.send({}, 'stored')), ['stored']);
      await storm.agent.stop();
    });
  });

  describe('a long list of receivers', () => {
    it('is stored in slices, between which others come, and is one group in order', async () => {
      const world = new World({ commitMs: 20 });
      await world.clock.advance(100);
      const list = world.agent.send([{ ...sms, to: receivers(1_200).join() }], { settle: 'stored' });
      const alarm = only(await world.send({ text: '정지' }, 'stored'));
      const outcomes = await world.wait(list);
      assert.deepEqual(
        outcomes.map(({ to }) => to),
        receivers(1_200),
      );
      assert.equal(new Set(outcomes.map(({ groupId }) => groupId)).size, 1);
      const seqs = await Promise.all(
        [outcomes[0], alarm, outcomes[1_199]].map(
          async (one) => only(await world.store.get([one?.messageId ?? ''])).seq,
        ),
      );
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
      );
      await world.wait(world.agent.stop(), 60_000);
    });

    it('is answered when each of its messages is as far as was asked', async () => {
      const world = new World({ commitMs: 5 });
      const outcomes = await world.send({ to: receivers(1_200) }, 'delivered', 600_000);
      assert.deepEqual(new Set(codes(outcomes)), new Set(['delivered']));
      assert.equal(world.gateway.journal.messages.length, 1_200);
      assert.deepEqual(world.gateway.journal.complaints, []);
      await world.wait(world.agent.stop(), 60_000);
    });

    it('keeps what it has, and says so of each receiver, when the store fails in its middle', async () => {
      const world = new World();
      await world.clock.advance(0);
      const accept = world.store.accept.bind(world.store);
      let calls = 0;
      world.store.accept = (messages) => (++calls === 2 ? Promise.reject(new Error('disk full')) : accept(messages));
      const outcomes = await world.send({ to: receivers(1_200) }, 'accepted', 60_000);
      assert.deepEqual(
        outcomes.map(({ to }) => to),
        receivers(1_200),
      );
      assert.deepEqual(new Set(codes(outcomes.slice(0, 500))), new Set(['accepted']));
      assert.deepEqual(new Set(codes(outcomes.slice(500))), new Set(['USHOT_STORE']));
      assert.deepEqual(
        world.gateway.journal.messages.map(({ MSG_ID }) => MSG_ID),
        outcomes.slice(0, 500).map(({ messageId }) => messageId),
      );
      await world.agent.stop();
    });

    for (const when of ['while', 'after'] as const) {
      it(`is answered when the agent stops in its middle, where a slice is stored ${when} it does`, async () => {
        const world = new World();
        await world.clock.advance(1_000);
        const accept = world.store.accept.bind(world.store);
        let calls = 0;
        let goOn = (): void => {};
        const held = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        world.store.accept = async (messages) => {
          const results = await accept(messages);
          if (++calls === 2) await held;
          return results;
        };
        const list = world.agent.send([{ ...sms, to: receivers(1_200) }], { settle: 'delivered' });
        while (calls < 2) await world.clock.advance(0);
        const stopped = world.agent.stop();
        if (when === 'after') await world.wait(stopped, 60_000);
        goOn();
        const outcomes = await world.wait(list, 60_000);
        assert.deepEqual(
          outcomes.map(({ to }) => to),
          receivers(1_200),
        );
        assert.ok(outcomes.slice(0, 1_000).every(({ messageId, error }) => messageId !== null && !error));
        assert.deepEqual(new Set(codes(outcomes.slice(1_000))), new Set(['USHOT_STOPPED']));
        assert.equal(calls, 2);
        await world.wait(stopped, 60_000);
      });
    }

    it('is not divided where that would make an error of it, or hide one', async () => {
      const world = new World({ settings: { pictures: 'as-is' } });
      const [one] = await world.send({ to: receivers(1_001), messageId: 'order-1' });
      assert.equal(one?.error?.code, 'USHOT_ID_FOR_SEVERAL');
      const jpeg = Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), Buffer.alloc(800)]);
      const mms = { node: 'mms', subject: '현관', files: [jpeg], to: receivers(1_001) } as const;
      const put = world.store.putAttachment.bind(world.store);
      let puts = 0;
      world.store.putAttachment = (...file) => {
        puts++;
        return put(...file);
      };
      assert.deepEqual(new Set(codes(await world.send(mms, 'accepted', 60_000))), new Set(['accepted']));
      assert.deepEqual([puts, world.gateway.journal.counters.uploads], [1, 1]);
      assert.equal(world.gateway.journal.messages.length, 1_001);
      await world.agent.stop();
    });
  });

  describe('pictures', () => {
    const jpeg = (filler: number) =>
      Buffer.concat([
        Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
        Buffer.alloc(780, filler),
        Buffer.from('ffd9', 'hex'),
      ]);
    const mms = { node: 'mms', text: '사진', subject: '현관' } as const;

    it('uploads a picture once for all that share it, and keeps other pictures in other frames', async () => {
      const world = new World({ settings: { pictures: 'as-is' } });
      const [one, two] = [jpeg(1), jpeg(2)];
      const requests = receivers(10).map((to, i) => ({ ...mms, to, files: [i % 2 ? two : one] }));
      const outcomes = await world.send(requests);
      assert.deepEqual(new Set(codes(outcomes)), new Set(['accepted']));
      assert.equal(world.gateway.journal.counters.uploads, 2);
      const byFile = new Map<string, number>();
      for (const { files } of world.gateway.journal.messages)
        byFile.set(files.join(), (byFile.get(files.join()) ?? 0) + 1);
      assert.deepEqual([...byFile.values()], [5, 5]);
      assert.deepEqual(world.gateway.journal.complaints, []);
      await world.agent.stop();
    });

    it('uploads again after a cut, and never sends the message without its picture or twice', async () => {
      const world = new World({ settings: { pictures: 'as-is' }, gateway: { fileScope: 'connection' } });
      world.gateway.faults.add({ kind: 'cut-before-answer', commands: ['2030'], times: 2 });
      const outcome = only(await world.send({ ...mms, files: [jpeg(3)] }, 'delivered', 120_000));
      assert.equal(outcome.status, 'delivered');
      assert.equal(only(world.gateway.journal.messages).files.length, 1);
      await world.agent.stop();
    });

    it('takes a Buffer that went through JSON', async () => {
      const world = new World({ settings: { pictures: 'as-is' } });
      const files = JSON.parse(JSON.stringify([jpeg(5), { data: jpeg(6), ext: 'jpg' }]));
      assert.deepEqual(codes(await world.send({ ...mms, files })), ['accepted']);
      assert.deepEqual(
        only(world.gateway.journal.messages).files.map((name) => world.gateway.files.data(name)),
        [jpeg(5), jpeg(6)],
      );
      await world.agent.stop();
    });

    it('gives a flow the name of a file that it uploads', async () => {
      const world = new World({ settings: { pictures: 'as-is' } });
      const file = await world.wait(world.agent.upload(jpeg(4), 'camera.jpeg'));
      assert.equal(file.ext, 'jpg');
      assert.equal(file.size, 802);
      const outcome = only(await world.send({ ...mms, files: file.fileName }, 'delivered'));
      assert.equal(outcome.status, 'delivered');
      await world.agent.stop();
    });
  });

  it('answers inputs that wait when it stops, and leaves no timer behind', async () => {
    const world = new World();
    world.network.reach = 'hang';
    const waiting = world.agent.send([sms], { settle: 'delivered' });
    await world.clock.advance(1_000);
    await world.agent.stop();
    assert.deepEqual(codes(await waiting), ['stored']);
    assert.deepEqual(codes(await world.agent.send([sms], { settle: 'stored' })), ['USHOT_STOPPED']);
    world.gateway.stop();
    assert.equal(world.clock.armedCount, 0);
  });

  it('keeps reports for a flow that listens later, and gives them once', async () => {
    const world = new World();
    await world.send({ to: receivers(3) }, 'delivered');
    assert.equal(world.given.length, 0);
    await world.crash();
    world.listen();
    await world.clock.advance(1_000);
    assert.equal(world.given.length, 3);
    await world.crash();
    world.listen();
    await world.clock.advance(1_000);
    assert.equal(world.given.length, 3);
    await world.agent.stop();
  });

  it('keeps unheard reports over a weekend, and old messages as long as it is told', async () => {
    const world = new World({ settings: { retentionDays: 5 } });
    const { messageId } = only(await world.send({}, 'delivered'));
    await world.clock.suspend(70 * 3_600_000);
    await world.crash();
    world.listen();
    await world.clock.advance(1_000);
    assert.equal(world.given.length, 1);
    await world.crash();
    await world.send({}, 'delivered');
    await world.clock.suspend(74 * 3_600_000);
    await world.clock.advance(10_000);
    world.listen();
    await world.clock.advance(1_000);
    assert.equal(world.given.length, 1);
    assert.equal((await world.store.get([messageId as string])).length, 0);
    await world.agent.stop();
  });

  it('empties texts when their time is over, and keeps the rest of the message', async () => {
    const world = new World({ settings: { textRetentionDays: 2 } });
    world.listen();
    const { messageId } = only(await world.send({ text: '인증번호 1234' }, 'delivered'));
    const stored = async () => only(await world.store.get([messageId as string]));
    await world.clock.suspend(47 * 3_600_000);
    await world.clock.advance(70_000);
    assert.equal((await stored()).text, '인증번호 1234');
    await world.clock.suspend(3_600_000);
    await world.clock.advance(70_000);
    const { text, state, to } = await stored();
    assert.deepEqual({ text, state, to }, { text: '', state: 'DELIVERED', to: '01012345678' });
    await world.agent.stop();
  });

  it('keeps texts as long as their messages when nothing else is said', async () => {
    const world = new World();
    world.listen();
    const { messageId } = only(await world.send({ text: '점검 알림' }, 'delivered'));
    await world.clock.suspend(20 * 24 * 3_600_000);
    await world.clock.advance(70_000);
    assert.equal(only(await world.store.get([messageId as string])).text, '점검 알림');
    await world.agent.stop();
  });

  it('tells nobody a secret or a text in its log', async () => {
    const world = new World();
    world.gateway.faults.add({ kind: 'refuse-login', times: 2, code: '11002', text: 'WRONG' });
    await world.send({ text: 'private words' }, 'accepted', 300_000);
    assert.ok(world.log.some((line) => /11002 WRONG/.test(line)));
    assert.doesNotMatch(world.log.join('\n'), /secret|private words|01012345678/);
    await world.agent.stop();
  });

  it('opens no link before its store is open', async () => {
    const world = new World({ commitMs: 500 });
    world.listen();
    world.agent.use('sms');
    await world.clock.advance(0);
    assert.deepEqual(world.network.dials, []);
    await world.clock.advance(5_000);
    assert.deepEqual(world.network.dials.sort(), [33300, 33301]);
    assert.doesNotMatch(world.log.join('\n'), /error/);
    await world.wait(world.agent.stop(), 60_000);
  });

  it('gives up a message that cannot be written as a frame, and goes on with the others', async () => {
    const world = new World();
    await world.send({}, 'accepted');
    const [model] = await world.store.get([world.gateway.journal.messages[0]?.MSG_ID as string]);
    assert.ok(model);
    // What an older version, or a hand, may have left in the store.
    const poison = { ...model, messageId: 'poison', expireAtMs: 8.64e15, state: 'READY' as const };
    await world.store.accept([poison]);
    assert.deepEqual(codes(await world.send({ to: receivers(5) }, 'accepted', 60_000)), Array(5).fill('accepted'));
    await world.clock.advance(60_000);
    assert.equal((await world.store.get(['poison']))[0]?.state, 'REJECTED');
    await world.agent.stop();
  });

  it('takes no files with an SMS, and quotes no endless input', async () => {
    const world = new World();
    const [files, endless] = await world.send([{ files: ['a.jpg'] }, { to: 'x'.repeat(1_000_000) }]);
    assert.equal(files?.error?.code, 'USHOT_FILES_WITH_SMS');
    assert.ok((endless?.error?.message.length ?? 0) < 300 && (endless?.to?.length ?? 0) < 100);
    await world.agent.stop();
  });

  it('opens its store again where that opened, and could not be read then', async () => {
    const world = new World();
    const counts = world.store.counts.bind(world.store);
    world.store.counts = () => Promise.reject(new Error('disk away'));
    await world.clock.advance(0);
    assert.match(String(world.agent.status.problem), /disk away/);
    world.store.counts = counts;
    await world.clock.advance(10_000);
    assert.equal(world.agent.status.problem, null);
    assert.deepEqual(codes(await world.send({})), ['accepted']);
    await world.agent.stop();
  });

  it('is an error of the table whatever goes wrong in the store', async () => {
    const world = new World();
    await world.clock.advance(0);
    world.store.accept = () => Promise.reject(new Error('disk full'));
    const outcome = only(await world.send({}));
    assert.ok(outcome.error instanceof UshotError);
    assert.equal(outcome.error.code, 'USHOT_STORE');
    assert.match(outcome.error.message, /disk full/);
    await world.agent.stop();
  });
});

/** How many commits the agent asks for: each is a sync of the disk, so what can share one does. */
import assert from 'node:assert/strict';
import sinon from 'sinon';
import { Agent, readSettings } from '../../lib/agent/index.ts';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import { Codec } from '../../lib/protocol/index.ts';
import { MemoryNetwork } from '../support/memory-network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { receivers, sms, World } from './world.ts';

describe('commits of the agent', () => {
  it('claims an alarm on an idle link behind its accepting, before that is committed', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.clock.advance(1_000);
    const { promise: committed, resolve: commit } = Promise.withResolvers<void>();
    const { store } = world;
    const [accept, exchange] = [store.accept.bind(store), store.exchange.bind(store)];
    sinon.stub(store, 'accept').callsFake((messages) => committed.then(() => accept(messages)));
    const exchanges = sinon
      .stub(store, 'exchange')
      .callsFake((settlements, claim, nowMs) => committed.then(() => exchange(settlements, claim, nowMs)));
    const sent = world.agent.send([sms], { settle: 'accepted' });
    await world.clock.advance(0);
    assert.equal(exchanges.firstCall?.args[1]?.service, 'sms');
    commit();
    assert.equal((await world.wait(sent))[0]?.status, 'accepted');
    assert.equal(world.frames.length, 1);
    await world.agent.stop();
  });

  for (const [what, passesMs, isCut] of [
    ['', 0, false],
    [', and makes another one when that took long', 2_000, false],
    [', and makes another one for another connection', 20_000, true],
  ] as const) {
    it(`makes a frame while its claim is committed, and lets nothing out before${what}`, async () => {
      const world = new World();
      world.agent.use('sms');
      await world.clock.advance(1_000);
      const { promise: committed, resolve: commit } = Promise.withResolvers<void>();
      const exchange = world.store.exchange.bind(world.store);
      sinon.stub(world.store, 'exchange').callsFake(async (settlements, claim, nowMs, decided) => {
        const claimed = await exchange(settlements, claim, nowMs, decided);
        if (claimed.length > 0) await committed;
        return claimed;
      });
      const encoded = sinon.spy(Codec.prototype, 'encode');
      const framesMade = () => encoded.getCalls().filter(({ args }) => args[0] === '1020').length;
      try {
        const sent = world.agent.send([sms], { settle: 'accepted' });
        await world.clock.advance(0);
        assert.deepEqual([framesMade(), world.frames.length], [1, 0]);
        if (isCut) world.network.cut();
        await world.clock.advance(passesMs);
        assert.equal(world.frames.length, 0);
        commit();
        assert.equal((await world.wait(sent, 20_000))[0]?.status, 'accepted');
        assert.deepEqual([framesMade(), world.frames.length], [what === '' ? 1 : 2, 1]);
      } finally {
        encoded.restore();
        await world.agent.stop();
      }
    });
  }

  it('leaves in doubt what a mistake of ours kept from being a frame, says so, and goes on', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.clock.advance(1_000);
    const exchange = world.store.exchange.bind(world.store);
    const stub = sinon.stub(world.store, 'exchange').callsFake(async (settlements, claim, nowMs, decided) => {
      const claimed = await exchange(settlements, claim, nowMs);
      // As no store gives it.
      const broken = claimed.map((message) => ({ ...message, files: null as unknown as [] }));
      decided?.(broken);
      return broken;
    });
    await world.agent.send([sms], { settle: 'stored' });
    await world.clock.advance(0);
    assert.match(world.log.join('\n'), /TypeError/);
    stub.restore();
    assert.equal((await world.send({}))[0]?.status, 'accepted');
    assert.equal((await world.store.counts()).IN_DOUBT, 1);
    await world.agent.stop();
  });

  it('marks reports as given together with the next ones, or alone after a moment', async () => {
    const world = new World({ gateway: { reportDelayMs: { min: 0, max: 0 }, reportsPerFrame: 10 } });
    world.listen();
    world.agent.use('sms');
    const taken = sinon.spy(world.store, 'takeReports');
    const mark = world.store.reportsEmitted.bind(world.store);
    const takenAtMark: number[] = [];
    sinon.stub(world.store, 'reportsEmitted').callsFake((seqs) => {
      takenAtMark.push(taken.callCount);
      return mark(seqs);
    });
    await world.send({ to: receivers(30) }, 'delivered');
    await world.clock.advance(1_000);
    // Three frames of reports: the first two are marked with the one that follows.
    assert.deepEqual(takenAtMark, [2, 3, 3]);
    assert.deepEqual(await world.store.pendingReports(100), []);
    await world.agent.stop();
  });

  it('marks what it gave before it stops', async () => {
    const world = new World();
    world.listen();
    world.agent.use('sms');
    world.agent.onReport(() => void world.agent.stop());
    await world.send({}, 'delivered', 20_000);
    await world.agent.stop();
    await world.store.open(world.clock.now());
    assert.deepEqual(await world.store.pendingReports(100), []);
  });

  it('asks for reports that nobody was given only once the store is open', async () => {
    const outbox = new MemoryOutbox();
    let isOpen = false;
    const open = outbox.open.bind(outbox);
    sinon.stub(outbox, 'open').callsFake(async (nowMs) => {
      await open(nowMs);
      isOpen = true;
    });
    const pending = sinon.stub(outbox, 'pendingReports').callsFake(async () => {
      assert.ok(isOpen);
      return [];
    });
    const log: string[] = [];
    const agent = new Agent(readSettings({ host: 'gateway', id: 'tester', password: 'secret' }), {
      clock: new VirtualClock(),
      random: Math.random,
      dial: new MemoryNetwork().dial,
      outbox,
      language: 'en',
      log: (level, line) => void log.push(`${level} ${line}`),
    });
    agent.onReport(() => {});
    agent.start();
    await agent.stop();
    assert.deepEqual(log, []);
    assert.equal(pending.callCount, 0);
  });
});

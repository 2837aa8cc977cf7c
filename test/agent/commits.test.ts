/** How many commits the agent asks for: each is a sync of the disk, so what can share one does. */
import assert from 'node:assert/strict';
import sinon from 'sinon';
import { Agent, readSettings } from '../../lib/agent/index.ts';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import { MemoryNetwork } from '../support/memory-network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { receivers, World } from './world.ts';

describe('commits of the agent', () => {
  it('claims an alarm on an idle link behind its accepting, before that is committed', async () => {
    const world = new World();
    world.agent.use('sms');
    await world.clock.advance(1_000);
    let commit = (): void => {};
    const accept = world.store.accept.bind(world.store);
    sinon.stub(world.store, 'accept').callsFake(async (messages) => {
      const accepted = accept(messages);
      await new Promise<void>((resolve) => {
        commit = resolve;
      });
      return accepted;
    });
    const exchange = sinon.spy(world.store, 'exchange');
    const sent = world.send({});
    await world.clock.advance(0);
    assert.equal(exchange.firstCall?.args[1]?.service, 'sms');
    commit();
    assert.equal((await sent)[0]?.status, 'accepted');
    await world.agent.stop();
  });

  it('marks reports as given together with the next ones, or alone after a moment', async () => {
    const world = new World({ gateway: { reportDelayMs: { min: 0, max: 0 }, reportsPerFrame: 10 } });
    world.listen();
    world.agent.use('sms');
    const marks = sinon.spy(world.store, 'reportsEmitted');
    const taken = sinon.spy(world.store, 'takeReports');
    await world.send({ to: receivers(30) }, 'delivered');
    await world.clock.advance(1_000);
    assert.equal(taken.callCount, 3);
    assert.equal(marks.args.flat(2).length, 30);
    assert.ok(marks.callCount <= 3);
    for (const call of marks.getCalls().slice(0, -1)) {
      assert.ok(taken.getCalls().some((one) => one.calledImmediatelyBefore(call)));
    }
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

  it('does not ask the store before it is open', async () => {
    const log: string[] = [];
    const agent = new Agent(readSettings({ host: 'gateway', id: 'tester', password: 'secret' }), {
      clock: new VirtualClock(),
      random: Math.random,
      dial: new MemoryNetwork().dial,
      outbox: new MemoryOutbox(),
      language: 'en',
      log: (level, line) => void log.push(`${level} ${line}`),
    });
    agent.onReport(() => {});
    agent.start();
    await agent.stop();
    assert.deepEqual(log, []);
  });
});

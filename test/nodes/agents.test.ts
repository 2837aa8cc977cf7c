import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { type AgentSettings, readSettings } from '../../lib/agent/index.ts';
import { UshotError } from '../../lib/errors.ts';
import { Agents, type Holder, type Service } from '../../nodes/agents.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { FakeStarter } from './fake-agent.ts';

const settings = (change: Record<string, unknown> = {}): AgentSettings =>
  readSettings({ host: 'gw.example', id: 'me', password: 'secret', ...change });

class Session implements Holder {
  readonly sessionId: string;
  readonly name: string;
  readonly language = 'en';
  readonly userDir = undefined;
  readonly needs = new Set<Service>(['sms']);
  readonly logged: string[] = [];
  started = 0;
  constructor(sessionId: string, name = sessionId) {
    this.sessionId = sessionId;
    this.name = name;
  }
  services() {
    return this.needs;
  }
  flowsStarted() {
    this.started++;
  }
  log(_level: string, text: string) {
    this.logged.push(text);
  }
}

describe('nodes/agents', () => {
  let clock: VirtualClock;
  let starter: FakeStarter;
  let events: EventEmitter;
  let agents: Agents;
  let config: object;

  /** What Node-RED's runtime does, around what the test lets happen between. */
  const started = () => events.emit('flows:started', { config });
  const stopping = () => events.emit('flows:stopping', { config });
  const deploying = () => {
    config = {};
    stopping();
  };

  beforeEach(() => {
    clock = new VirtualClock();
    starter = new FakeStarter();
    events = new EventEmitter();
    config = {};
    agents = new Agents(starter.start, clock);
    agents.watch(events);
    agents.watch(events);
  });

  it('does not mind what is set for practice at the real gateway', async () => {
    const agent = await agents.acquire(new Session('a'), settings());
    assert.equal(await agents.acquire(new Session('b'), settings({ practiceResult: '8' })), agent);
  });

  it('tells how the agent fares that has logged in with the same settings, and of no other', async () => {
    const agent = await agents.acquire(new Session('a'), settings());
    assert.equal(await agents.statusOf(settings({ name: 'other', maxPerDay: '7' })), agent.status);
    for (const change of [{ password: 'typed' }, { mmsReportPort: '1' }, { host: 'elsewhere' }, { id: 'you' }]) {
      assert.equal(await agents.statusOf(settings(change)), null);
    }
  });

  it('keeps an agent, and its services, over a deploy that leaves its settings', async () => {
    const first = new Session('a');
    const agent = await agents.acquire(first, settings());
    await agents.takeServices(first);
    started();
    deploying();
    await agents.release(first, false);
    assert.equal(starter.only.inUse.sms, 1);
    const second = new Session('a', 'renamed');
    assert.equal(await agents.acquire(second, settings({ name: 'renamed' })), agent);
    await agents.takeServices(second);
    started();
    await clock.advance(60_000);
    assert.equal(starter.only.stopped, false);
    assert.equal(starter.only.inUse.sms, 1);
    assert.equal(events.listenerCount('flows:started'), 1);
  });

  it('lets a service go that nobody needs after a deploy', async () => {
    const session = new Session('a');
    session.needs.add('mms');
    await agents.acquire(session, settings());
    await agents.takeServices(session);
    assert.deepEqual(starter.only.inUse, { sms: 1, mms: 1 });
    session.needs.delete('mms');
    started();
    assert.deepEqual(starter.only.inUse, { sms: 1, mms: 0 });
  });

  it('stops an agent that nobody took up when the flows have started again', async () => {
    const session = new Session('a');
    await agents.acquire(session, settings());
    started();
    deploying();
    await agents.release(session, false);
    assert.equal(starter.only.stopped, false);
    started();
    await clock.advance(0);
    assert.equal(starter.only.stopped, true);
    assert.equal(clock.armedCount, 0);
  });

  it('stops it after a grace when the flows do not start', async () => {
    const session = new Session('a');
    await agents.acquire(session, settings());
    started();
    deploying();
    await agents.release(session, false);
    await clock.advance(29_000);
    assert.equal(starter.only.stopped, false);
    await clock.advance(1_000);
    assert.equal(starter.only.stopped, true);
  });

  it('waits for the end when the node was removed, and when no start follows the stop', async () => {
    for (const removed of [true, false]) {
      const session = new Session('a');
      await agents.acquire(session, settings());
      started();
      if (removed) deploying();
      else stopping();
      await agents.release(session, removed);
      assert.equal(starter.agents.at(-1)?.stopped, true);
    }
  });

  it('stops the old agent before it starts the one with other settings', async () => {
    for (const change of [{ timeoutSeconds: 5 }, { host: 'other.example' }]) {
      starter.events.length = 0;
      const before = new Session('a');
      await agents.acquire(before, settings());
      started();
      deploying();
      await agents.release(before, false);
      let goOn = () => {};
      starter.beforeStop = () => new Promise((resolve) => (goOn = resolve));
      const after = new Session('a');
      const acquired = agents.acquire(after, settings(change));
      await clock.advance(0);
      assert.equal(starter.events.length, 1);
      starter.beforeStop = () => Promise.resolve();
      goOn();
      await acquired;
      assert.deepEqual(
        starter.events.map((event) => event.split(' ')[0]),
        ['start', 'stop', 'start'],
      );
      await agents.release(after, true);
    }
  });

  it('shares an agent between two sessions of an account that agree', async () => {
    const [a, b] = [new Session('a'), new Session('b')];
    assert.equal(await agents.acquire(a, settings({ name: 'A' })), await agents.acquire(b, settings({ name: 'B' })));
    await agents.release(a, true);
    assert.equal(starter.only.stopped, false);
    starter.only.log('info', 'spoken to those who are left');
    assert.deepEqual([a.logged.length, b.logged.length], [0, 1]);
    await agents.release(b, true);
    assert.equal(starter.only.stopped, true);
  });

  it('refuses a second session of the account that differs', async () => {
    await agents.acquire(new Session('a', 'first'), settings());
    assert.throws(
      () => agents.acquire(new Session('b', 'second'), settings({ padding: 'nul' })),
      (error: unknown) => {
        assert.ok(error instanceof UshotError && error.code === 'USHOT_SESSION_CONFLICT');
        assert.deepEqual(error.params, { host: 'gw.example', first: 'first', second: 'second' });
        return true;
      },
    );
    assert.equal(starter.only.stopped, false);
  });

  it('gives each practising session a gateway of its own', async () => {
    const practice = settings({ mode: 'practice' });
    const agent = await agents.acquire(new Session('a'), practice);
    assert.notEqual(agent, await agents.acquire(new Session('b'), practice));
    assert.equal(agent, await agents.acquire(new Session('a'), practice));
  });

  it('tries again after a start that failed', async () => {
    let fails = true;
    const fussy = new Agents(async (...args) => {
      if (fails) throw new Error('no');
      return starter.start(...args);
    }, clock);
    const session = new Session('a');
    await assert.rejects(fussy.acquire(session, settings()), /no/);
    await fussy.release(session, false);
    fails = false;
    assert.ok(await fussy.acquire(session, settings()));
    await fussy.stopAll();
    assert.equal(starter.only.stopped, true);
  });

  it('tells sessions that the flows have started, until they are released', async () => {
    const session = new Session('a');
    agents.enrol(session);
    started();
    await agents.release(session, false);
    started();
    assert.equal(session.started, 1);
  });
});

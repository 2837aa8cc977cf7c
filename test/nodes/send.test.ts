/** The nodes that send, in a real Node-RED runtime, with an agent that is not. */
import assert from 'node:assert/strict';
import type { SendOutcome } from '../../lib/agent/index.ts';
import { UshotError } from '../../lib/errors.ts';
import { accepted } from './fake-agent.ts';
import { catchAll, completeOf, type FlowItem, Harness, out, session1, settle, tab } from './harness.ts';

const refused = (to: string): SendOutcome =>
  accepted(to, { messageId: null, status: 'invalid', result: 77, error: new UshotError('USHOT_RECEIVER', { to }) });

for (const kind of ['sms', 'mms'] as const) {
  describe(`nodes/ushot-send-${kind}`, () => {
    let harness: Harness;
    const sender = (properties: object = {}): FlowItem => ({
      id: 'n',
      z: 'f',
      type: `ushot-send-${kind}`,
      session: 's1',
      to: '010-1234-5678',
      toType: 'str',
      from: '02-123-4567',
      fromType: 'str',
      text: 'payload',
      textType: 'msg',
      settle: 'accepted',
      carry: 'topic',
      wires: [['out']],
      ...properties,
    });
    const load = (properties: object = {}) =>
      harness.load([
        tab,
        session1,
        sender(properties),
        out(),
        catchAll,
        out('caught'),
        completeOf('n'),
        out('completed'),
      ]);

    beforeEach(() => {
      harness = new Harness();
    });
    afterEach(() => harness.unload());

    it('sends the text and answers on the same msg', async () => {
      await load();
      const sent = harness.inbox('out');
      const completed = harness.inbox('completed');
      harness.node('n').receive({ payload: 'hello', topic: 'T', other: 1 });
      const msg = await sent.next();
      await completed.next();
      assert.deepEqual(harness.agent.asked, [
        {
          requests: [{ node: kind, overflow: 'lms', to: '010-1234-5678', from: '02-123-4567', text: 'hello' }],
          options: { settle: 'accepted', carry: { topic: 'T' } },
        },
      ]);
      const payload = msg.payload as SendOutcome;
      assert.equal(payload.status, 'accepted');
      assert.equal(payload.to, '010-1234-5678');
      assert.deepEqual([msg['topic'], msg['other']], ['T', 1]);
      assert.equal(completed.messages.length, 1);
    });

    it('passes on how far to wait, and what to carry', async () => {
      await load({ settle: 'delivered', carry: 'order.id', overflow: 'reject' });
      const sent = harness.inbox('out');
      harness.node('n').receive({ payload: 'hello', topic: 'T', order: { id: 7 } });
      await sent.next();
      const [{ options, requests } = assert.fail()] = harness.agent.asked;
      assert.deepEqual(options, { settle: 'delivered', carry: { 'order.id': 7 } });
      assert.equal(requests[0]?.overflow, kind === 'sms' ? 'reject' : 'reject');
    });

    it('answers an array with an array', async () => {
      await load();
      const sent = harness.inbox('out');
      harness.node('n').receive({ payload: [{ text: 'a' }, { text: 'b', to: '011' }] });
      const { payload } = await sent.next();
      assert.deepEqual(
        (payload as SendOutcome[]).map(({ to }) => to),
        ['010-1234-5678', '011'],
      );
      harness.node('n').receive({ payload: [{ text: 'a' }] });
      assert.ok(Array.isArray((await sent.next(2)).payload));
    });

    it('answers with an array when `to` names several', async () => {
      await load();
      harness.agent.onSend = () => [accepted('1'), accepted('2')];
      const sent = harness.inbox('out');
      harness.node('n').receive({ payload: { to: '1,2', text: 'a' } });
      assert.equal(((await sent.next()).payload as unknown[]).length, 2);
    });

    it('ends in one error that a Catch node can read', async () => {
      await load();
      harness.agent.onSend = () => [refused('01a')];
      const caught = harness.inbox('caught');
      const sent = harness.inbox('out');
      const completed = harness.inbox('completed');
      harness.node('n').receive({ payload: 'hello' });
      const { error, payload } = (await caught.next()) as { error: Record<string, unknown>; payload: unknown };
      await settle();
      assert.equal(error['code'], 'USHOT_RECEIVER');
      assert.equal(error['message'], new UshotError('USHOT_RECEIVER', { to: '01a' }).message);
      assert.equal((error['cause'] as Record<string, unknown>)['result'], 77);
      assert.equal(payload, 'hello');
      assert.deepEqual([caught.messages.length, sent.messages.length, completed.messages.length], [1, 0, 0]);
    });

    it('sends on when some of many failed', async () => {
      await load();
      harness.agent.onSend = () => [accepted('010'), refused('01a')];
      const sent = harness.inbox('out');
      const completed = harness.inbox('completed');
      harness.node('n').receive({ payload: { to: '010,01a', text: 'x' } });
      const [good, bad] = (await sent.next()).payload as Record<string, unknown>[];
      await completed.next();
      assert.equal(good?.['error'], undefined);
      assert.deepEqual(Object.keys(bad?.['error'] ?? {}), ['code', 'message', 'result']);
      assert.equal(sent.messages.length, 1);
    });

    it('tells a payload that it cannot read', async () => {
      await load();
      const caught = harness.inbox('caught');
      harness.node('n').receive({ payload: true });
      const { error } = (await caught.next()) as { error: Record<string, unknown> };
      assert.equal(error['code'], 'USHOT_PAYLOAD');
      assert.equal(harness.agent.asked.length, 0);
    });

    it('works without a Catch or Complete node, and logs one line', async () => {
      await harness.load([tab, session1, sender(), out()]);
      harness.agent.onSend = () => [refused('01a')];
      harness.node('n').receive({ payload: 'hello' });
      await settle();
      assert.deepEqual(harness.logged('ERROR'), [new UshotError('USHOT_RECEIVER', { to: '01a' }).message]);
    });

    it('says that there is no session', async () => {
      await load({ session: '' });
      const caught = harness.inbox('caught');
      harness.node('n').receive({ payload: 'hello' });
      const { error } = (await caught.next()) as { error: Record<string, unknown> };
      assert.equal(error['code'], 'USHOT_NO_SESSION');
      assert.deepEqual(
        harness.badges('n').map(({ text }) => text),
        ['no session'],
      );
    });

    it('says so, too, when the session is of another type', async () => {
      await load({ session: 'out' });
      const caught = harness.inbox('caught');
      harness.node('n').receive({ payload: 'hello' });
      assert.equal(((await caught.next()) as { error: Record<string, unknown> }).error['code'], 'USHOT_NO_SESSION');
    });

    describe('an input that waits through a deploy', () => {
      const waiting = async () => {
        await load();
        const goOn: ((outcomes: SendOutcome[]) => void)[] = [];
        harness.agent.onSend = () => new Promise((resolve) => goOn.push(resolve));
        harness.node('n').receive({ payload: 'hello' });
        harness.node('n').receive({ payload: 'again' });
        await settle();
        assert.equal(goOn.length, 2);
        return goOn;
      };
      const flow = (...more: FlowItem[]) => [tab, out(), out('caught'), catchAll, session1, ...more];

      it('is answered by the node that took the place, before and after it is there', async () => {
        const [first, second] = await waiting();
        const deployed = harness.deploy(flow(sender()));
        first?.([accepted('1')]);
        await deployed;
        const sent = harness.inbox('out');
        second?.([accepted('2')]);
        await sent.next(2);
        assert.deepEqual(sent.messages.map(({ payload }) => (payload as SendOutcome).to).sort(), ['1', '2']);
      });

      it('has its error caught in the new flow', async () => {
        const [first] = await waiting();
        await harness.deploy(flow(sender()));
        const caught = harness.inbox('caught');
        first?.([refused('x')]);
        assert.equal(((await caught.next()) as { error: Record<string, unknown> }).error['code'], 'USHOT_RECEIVER');
      });

      it('ends with an error when the node is removed', async () => {
        const [first] = await waiting();
        await harness.deploy(flow(), 'nodes');
        const caught = harness.inbox('caught');
        first?.([accepted('1')]);
        assert.equal(((await caught.next()) as { error: Record<string, unknown> }).error['code'], 'USHOT_NODE_GONE');
      });
    });

    it('warns once of what cannot be carried', async () => {
      await load({ carry: 'fn' });
      const sent = harness.inbox('out');
      harness.node('n').receive({ payload: 'a', fn: () => 1 });
      harness.node('n').receive({ payload: 'b', fn: () => 1 });
      await sent.next(2);
      assert.equal(harness.logged('WARN').filter((line) => line.includes('report: fn')).length, 1);
    });

    it(`uses the ${kind} service, and no other`, async () => {
      await load();
      await settle();
      assert.deepEqual(harness.agent.inUse, { sms: 0, mms: 0, [kind]: 1 });
    });
  });
}

describe('nodes/ushot-send-sms in practice', () => {
  const harness = new Harness();
  afterEach(() => harness.unload());

  it('needs no sender', async () => {
    const node = {
      id: 'n',
      z: 'f',
      type: 'ushot-send-sms',
      session: 's1',
      to: '010-1234-5678',
      toType: 'str',
      wires: [['out']],
    };
    await harness.load([tab, { ...session1, mode: 'practice' }, node, out()], {});
    const sent = harness.inbox('out');
    harness.node('n').receive({ payload: 'hello' });
    await sent.next();
    assert.match(String(harness.agent.asked[0]?.requests[0]?.from), /^0\d{8,}$/);
  });
});

/** The session node and its users in a real Node-RED runtime: troubles, badges, deploys. */
import assert from 'node:assert/strict';
import { UshotError } from '../../lib/errors.ts';
import { linkStates, quiet } from './fake-agent.ts';
import { catchAll, credentials, type FlowItem, Harness, type Message, out, session1, settle, tab } from './harness.ts';

const sender: FlowItem = {
  id: 'n',
  z: 'f',
  type: 'ushot-send-sms',
  session: 's1',
  to: '010',
  toType: 'str',
  wires: [['out']],
};
const reports: FlowItem = { id: 'r', z: 'f', type: 'ushot-report-in', session: 's1', filter: 'all', wires: [['told']] };
const flow = [tab, session1, sender, out(), catchAll, out('caught')];
const errorOf = (msg: Message) => msg['error'] as Record<string, unknown>;

describe('nodes/ushot-session', () => {
  let harness: Harness;
  beforeEach(() => {
    harness = new Harness();
  });
  afterEach(() => harness.unload());

  const links = (state: (typeof quiet.links)[number]['state']) => quiet.links.map((link) => ({ ...link, state }));

  it('hands the settings, with the credentials, to the agent', async () => {
    await harness.load([tab, { ...session1, timeoutSeconds: '7' }, sender, out()]);
    const { settings } = harness.agent;
    assert.deepEqual(
      [settings.id, settings.password, settings.host, settings.timeoutSeconds, settings.smsSendPort],
      ['me', 'secret', 'gw.example', 7, 33_300],
    );
  });

  it('takes values from the environment', async () => {
    process.env['USHOT_TEST_PORT'] = '4711';
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Node-RED writes it.
    await harness.load([tab, { ...session1, smsSendPort: '${USHOT_TEST_PORT}' }, sender, out()]);
    assert.equal(harness.agent.settings.smsSendPort, 4711);
  });

  it('tells Catch nodes of its users what is wrong with its settings', async () => {
    let caught: Message[] = [];
    await harness.load([...flow.filter(({ id }) => id !== 's1'), { ...session1, smsSendPort: 'x' }]);
    caught = harness.inbox('caught').messages;
    await settle();
    // Told when the flows had started, which may have been before the inbox was there; an input tells it again.
    harness.node('n').receive({ payload: 'x' });
    await settle();
    const last = caught.at(-1);
    assert.ok(last);
    assert.equal(errorOf(last)['code'], 'USHOT_SETTINGS');
    assert.match(String(errorOf(last)['message']), /smsSendPort/);
    assert.equal(harness.badges('n').at(-1)?.['text'], 'settings wrong');
    assert.equal(harness.starter.agents.length, 0);
  });

  it('asks for the account', async () => {
    await harness.load(flow, {});
    const caught = harness.inbox('caught');
    harness.node('n').receive({ payload: 'x' });
    assert.equal(errorOf(await caught.next())['code'], 'USHOT_SETTINGS_EMPTY');
  });

  it('tells each kind of trouble once, through its users, until all is well', async () => {
    await harness.load(flow);
    await settle();
    const caught = harness.inbox('caught');
    const refused = linkStates.waiting('USHOT_LINK_REFUSED', Date.now() + 5_000, { host: 'gw', port: 1 });
    for (let i = 0; i < 5; i++) {
      harness.agent.become({ links: links(refused) });
      harness.agent.become({ links: links(linkStates.connecting) });
    }
    await settle();
    assert.deepEqual(
      caught.messages.map((msg) => errorOf(msg)['code']),
      ['USHOT_LINK_REFUSED'],
    );
    assert.equal((errorOf(caught.messages[0] as Message)['source'] as { id: string }).id, 's1');
    harness.agent.become({ links: links(linkStates.ready) });
    harness.agent.become({ links: links(refused) });
    await settle();
    assert.equal(caught.messages.length, 2);
    assert.deepEqual(harness.logged('ERROR'), []);
  });

  it('shows its state on its users, not more than once a second', async () => {
    await harness.load(flow);
    await settle();
    for (let i = 1; i <= 50; i++) harness.agent.become({ waiting: i });
    await settle();
    const texts = harness.badges('n').map(({ text }) => text);
    assert.ok(texts.length <= 2, texts.join());
  });

  it('lets the second session of an account know that it is in conflict', async () => {
    const second = { ...session1, id: 's2', name: 'two', padding: 'nul' };
    const other = { ...sender, id: 'm', session: 's2' };
    await harness.load([...flow, second, other], { ...credentials, s2: credentials.s1 });
    const caught = harness.inbox('caught');
    await settle();
    harness.node('m').receive({ payload: 'x' });
    await caught.next();
    assert.equal(errorOf(caught.messages.at(-1) as Message)['code'], 'USHOT_SESSION_CONFLICT');
    assert.equal(harness.badges('m').at(-1)?.['text'], 'session conflict');
    // The first goes: the second takes its place at that deploy, though nothing about it has changed.
    await harness.deploy([tab, second, other, out(), catchAll, out('caught')], 'nodes', {
      s2: credentials.s1,
    });
    await settle();
    assert.deepEqual(
      harness.starter.events.map((event) => event.split(' ')[0]),
      ['start', 'stop', 'start'],
    );
  });

  it('keeps its agent over deploys that leave its settings', async () => {
    await harness.load(flow);
    await settle();
    const { agent } = harness;
    await harness.deploy(flow, 'full');
    await harness.deploy([...flow, { ...sender, id: 'another' }], 'nodes');
    await harness.deploy([...flow.filter(({ id }) => id !== 's1'), { ...session1, name: 'renamed' }], 'nodes');
    await settle();
    assert.equal(harness.agent, agent);
    assert.equal(agent.stopped, false);
    assert.equal(agent.inUse.sms, 1);
    const sent = harness.inbox('out');
    harness.node('n').receive({ payload: 'still there' });
    await sent.next();
  });

  it('changes its agent with its settings', async () => {
    await harness.load(flow);
    await settle();
    await harness.deploy([...flow.filter(({ id }) => id !== 's1'), { ...session1, timeoutSeconds: 5 }], 'nodes');
    await settle();
    assert.deepEqual(
      harness.starter.agents.map(({ stopped, settings }) => [stopped, settings.timeoutSeconds]),
      [
        [true, 30],
        [false, 5],
      ],
    );
  });

  it('ends its agent when it is deleted, and when the runtime stops', async () => {
    await harness.load(flow);
    await settle();
    await harness.deploy([tab, { ...sender, session: '' }, out()], 'full', {});
    await settle();
    assert.equal(harness.agent.stopped, true);
  });

  it('logs what the agent says', async () => {
    await harness.load(flow);
    await settle();
    harness.agent.log('info', 'one');
    harness.agent.log('warn', 'two');
    harness.agent.log('error', 'three');
    assert.ok(harness.logged('INFO').includes('one'));
    assert.ok(harness.logged('WARN').includes('two'));
    assert.ok(harness.logged('ERROR').includes('three'));
  });

  it('speaks the language of the server', async () => {
    await harness.load([...flow.filter(({ id }) => id !== 's1'), { ...session1, host: '' }]);
    const caught = harness.inbox('caught');
    harness.node('n').receive({ payload: 'x' });
    const { message } = errorOf(await caught.next());
    assert.equal(message, new UshotError('USHOT_SETTINGS_EMPTY', { session: 'one', property: 'host' }).message);
  });

  describe('with ushot-report-in', () => {
    it('gives each report to each node, with what was carried', async () => {
      const failedOnly = { ...reports, id: 'r2', filter: 'failed', wires: [['told2']] };
      await harness.load([tab, session1, reports, failedOnly, out('told'), out('told2')]);
      await settle();
      const told = harness.inbox('told');
      const told2 = harness.inbox('told2');
      harness.agent.report({ messageId: 'A' }, { topic: 'T', 'order.id': 7 });
      harness.agent.report({ messageId: 'B', status: 'failed', result: 7 });
      await told.next(2);
      const [first] = told.messages;
      assert.deepEqual([first?.['topic'], first?.['order']], ['T', { id: 7 }]);
      assert.ok(first);
      assert.equal((first.payload as { messageId: string }).messageId, 'A');
      await told2.next();
      assert.deepEqual(
        told2.messages.map(({ payload }) => (payload as { messageId: string }).messageId),
        ['B'],
      );
    });

    it('listens only while all nodes are there', async () => {
      const both = [tab, session1, reports, { ...reports, id: 'r2' }, out('told')];
      await harness.load(both);
      await settle();
      const { agent } = harness;
      assert.equal(agent.reportListeners.size, 1);
      await harness.node('r').close(false);
      assert.equal(agent.reportListeners.size, 0);
      await harness.deploy([...both.slice(0, 2), { ...reports, filter: 'failed' }, ...both.slice(3)], 'nodes');
      await settle();
      assert.equal(agent.reportListeners.size, 1);
    });

    it('asks for no reports when no node wants them', async () => {
      await harness.load(flow);
      await settle();
      assert.equal(harness.agent.reportListeners.size, 0);
    });
  });

  describe('with ushot-upload-file', () => {
    const upload = { id: 'u', z: 'f', type: 'ushot-upload-file', session: 's1', wires: [['out']] };

    it('uploads, and collects the names', async () => {
      await harness.load([tab, session1, upload, out()]);
      const sent = harness.inbox('out');
      const bytes = Buffer.from('abc');
      harness.node('u').receive({ payload: bytes, filename: 'a.jpg' });
      const first = await sent.next();
      assert.deepEqual(first.payload, { fileName: 'FILE1.jpg', size: 3, ext: 'jpg' });
      assert.deepEqual(first['files'], ['FILE1.jpg']);
      harness.node('u').receive({ payload: '/tmp/b.jpg', files: 'EARLIER.jpg' });
      assert.deepEqual((await sent.next(2))['files'], ['EARLIER.jpg', 'FILE2.jpg']);
      assert.deepEqual(harness.agent.uploaded, [
        { file: bytes, name: 'a.jpg' },
        { file: '/tmp/b.jpg', name: undefined },
      ]);
      assert.deepEqual(harness.agent.inUse, { sms: 0, mms: 1 });
    });
  });
});

/** The connection test and the messages on hold, as the editor asks for them. */
import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { UshotError } from '../../lib/errors.ts';
import { startSimulator } from '../../lib/simulator/index.ts';
import { type HeldAnswer, readDecision, readProbeRequest, serveAdmin } from '../../nodes/admin.ts';
import { startAgent } from '../../nodes/start-agent.ts';
import { Harness, session1, settle, tab } from './harness.ts';

type Link = {
  service: string;
  role: string;
  ok: boolean;
  running?: boolean;
  code?: string;
  text?: string;
  terms?: Record<string, unknown>;
};
type Answer = { links?: Link[]; problem?: string };

describe('nodes/admin', () => {
  let harness: Harness;
  let simulator: Awaited<ReturnType<typeof startSimulator>>;
  beforeEach(async () => {
    harness = new Harness();
    simulator = await startSimulator({
      accounts: [{ id: 'me', password: 'secret', feeType: '1', balance: 12_345, smsCost: 9 }],
      reportDelayMs: { min: 0, max: 0 },
    });
  });
  afterEach(async () => {
    await harness.unload();
    await simulator.stop();
  });

  const account = { s1: { id: 'me', password: 'secret' } };
  const settings = () => ({
    host: '127.0.0.1',
    smsSendPort: String(simulator.ports.smsSend),
    smsReportPort: String(simulator.ports.smsReport),
    mmsSendPort: String(simulator.ports.mmsSend),
    mmsReportPort: String(simulator.ports.mmsReport),
  });
  const session = () => ({ id: 's1', type: 'ushot-session', ...settings() });

  const probe = async (body: object): Promise<Answer & { status: number }> => {
    const response = await helper.request().post('/ushot/probe').send(body);
    return { status: response.status, ...(response.body as Answer) };
  };
  const asked = (more: object = {}) => ({
    ...{ node: 's1', settings: settings(), id: 'me', password: 'secret', language: 'en' },
    ...more,
  });
  const logins = () => simulator.gateway.journal.counters.logins;

  before((done) => void helper.startServer(done));
  after((done) => void helper.stopServer(done));

  it('logs in on each port with what is typed, before anything is deployed', async () => {
    await harness.load([tab], {}, startAgent);
    const { links = [] } = await probe(asked({ node: 'new' }));
    assert.deepEqual(
      links.map(({ service, role, ok, running }) => [service, role, ok, running]),
      [
        ['sms', 'send', true, false],
        ['sms', 'report', true, false],
        ['mms', 'send', true, false],
        ['mms', 'report', true, false],
      ],
    );
    const terms = links[0]?.terms ?? {};
    assert.deepEqual(
      [terms['feeType'], terms['balance'], terms['smsCost'], terms['maxPerRequest'], terms['variable']],
      ['prepaid', 12_345, 9, 30, true],
    );
    // They are closed again.
    while (simulator.gateway.connections.length > 0) await settle();
  });

  it('says why not, in the language of the reader', async () => {
    await harness.load([tab], {}, startAgent);
    const wrong = await probe(asked({ password: 'nope', language: 'ko' }));
    for (const { code, text } of wrong.links ?? []) {
      assert.equal(code, 'USHOT_LINK_LOGIN_REFUSED');
      assert.match(String(text), /로그인을 거부/);
    }
    const { smsSendPort, ...others } = settings();
    await simulator.refuse();
    const refused = await probe(asked({ settings: { ...others, smsSendPort } }));
    assert.deepEqual(new Set(refused.links?.map(({ code }) => code)), new Set(['USHOT_LINK_REFUSED']));
  });

  it('says what cannot be tried at all', async () => {
    await harness.load([tab], {}, startAgent);
    assert.match(String((await probe(asked({ id: '' }))).problem), /id/);
    assert.match(
      String((await probe(asked({ settings: { ...settings(), smsSendPort: 'x' } }))).problem),
      /smsSendPort/,
    );
    assert.equal((await probe({ node: 's1' })).status, 400);
    assert.equal((await probe(asked({ settings: { host: { a: 1 } } }))).status, 400);
  });

  it('uses the stored password where the dialog does not know it, and the environment', async () => {
    process.env['USHOT_TEST_HOST'] = '127.0.0.1';
    await harness.load([tab, session()], account, startAgent);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Node-RED writes it.
    const typed = { ...settings(), host: '${USHOT_TEST_HOST}' };
    const { links = [] } = await probe(asked({ password: '__PWRD__', settings: typed }));
    assert.deepEqual(
      links.map(({ ok }) => ok),
      [true, true, true, true],
    );
    const unknown = await probe(asked({ node: 'new', password: '__PWRD__' }));
    assert.match(String(unknown.problem), /password/);
  });

  it('does not log in a second time where the running session is logged in', async () => {
    const sender = { id: 'n', z: 'f', type: 'ushot-send-sms', session: 's1', wires: [[]] };
    await harness.load([tab, session(), sender], account, startAgent);
    await harness.untilBadge('n', 'ready');
    const before = logins();
    const { links = [] } = await probe(asked({ password: '__PWRD__' }));
    assert.deepEqual(
      links.map(({ service, ok, running }) => [service, ok, running]),
      [
        ['sms', true, true],
        ['sms', true, true],
        ['mms', true, false],
        ['mms', true, false],
      ],
    );
    assert.equal(logins(), before + 2);
    const other = await probe(asked({ password: 'nope' }));
    assert.deepEqual(new Set(other.links?.map(({ ok }) => ok)), new Set([false]));
  });

  it('knows how long an LMS may be once the login has told', async () => {
    const sender = { id: 'n', z: 'f', type: 'ushot-send-mms', session: 's1', wires: [[]] };
    await harness.load([tab, session(), sender], account, startAgent);
    await harness.untilBadge('n', 'ready');
    const { body } = await helper.request().get('/ushot/sessions/s1');
    assert.deepEqual(body, { lmsBytes: 3000 });
    assert.deepEqual((await helper.request().get('/ushot/sessions/none')).body, {});
  });

  describe('messages on hold', () => {
    const message = (messageId: string) => ({
      ...{ messageId, to: '010****5678', type: 'SMS' as const },
      ...{ sinceMs: 1_000, expireAtMs: 9_000 },
    });
    const path = (id = 's1') => `/ushot/sessions/${id}/held`;
    const ask = async (id?: string): Promise<HeldAnswer> => (await helper.request().get(path(id))).body as HeldAnswer;
    const decide = (body: object, id?: string) => helper.request().post(path(id)).send(body);

    it('lists them, with all there are and the time by the same clock', async () => {
      await harness.load([tab, session1]);
      await settle();
      assert.deepEqual({ ...(await ask()), nowMs: 0 }, { held: [], count: 0, nowMs: 0 });
      harness.agent.onHold = [message('a'), message('b')];
      const { held, count, nowMs } = await ask();
      assert.deepEqual([held, count], [[message('a'), message('b')], 2]);
      assert.ok(Math.abs(nowMs - Date.now()) < 60_000);
      harness.agent.onHold = Array.from({ length: 300 }, (_, i) => message(`m${i}`));
      harness.agent.become({ held: 300 });
      const many = await ask();
      assert.deepEqual([many.held.length, many.count], [200, 300]);
    });

    it('has none where there is no session, or one that cannot be used', async () => {
      await harness.load([tab, session1], {});
      for (const id of ['none', 's1']) assert.deepEqual((await ask(id)).held, []);
      const body = { messageIds: ['a'], decision: 'resend', language: 'ko' };
      const unknown = await decide(body, 'none');
      assert.deepEqual([unknown.status, (unknown.body as Answer).problem], [404, '끝나기 전에 세션이 중지되었습니다.']);
      const unusable = await decide(body);
      assert.equal(unusable.status, 503);
      assert.match(String((unusable.body as Answer).problem), /id/);
    });

    it('carries out the decision, and says how many it concerned', async () => {
      await harness.load([tab, session1]);
      await settle();
      harness.agent.onHold = [message('a'), message('b'), message('c')];
      const resent = await decide({ messageIds: ['a', 'a', 'gone'], decision: 'resend' });
      assert.deepEqual([resent.status, resent.body], [200, { decided: 1 }]);
      await decide({ messageIds: ['b'], decision: 'discard' });
      assert.deepEqual(harness.agent.decisions, [
        { messageIds: ['a', 'gone'], decision: 'resend' },
        { messageIds: ['b'], decision: 'discard' },
      ]);
      assert.deepEqual((await ask()).held, [message('c')]);
      assert.equal((await decide({ messageIds: 'c', decision: 'discard' })).status, 400);
      assert.equal(harness.agent.decisions.length, 2);
    });

    it('says what went wrong', async () => {
      await harness.load([tab, session1]);
      await settle();
      const fail = () => Promise.reject(new UshotError('USHOT_STORE', { problem: 'full' }));
      Object.assign(harness.agent, { held: fail, decide: fail });
      assert.equal((await helper.request().get(path())).status, 503);
      const { status, body } = await decide({ messageIds: ['a'], decision: 'resend' });
      assert.equal(status, 503);
      assert.match(String((body as Answer).problem), /full/);
    });

    it('needs the permission to read flows, and to decide the one to deploy', async () => {
      const asked: [method: string, path: string, permission: string][] = [];
      const route = (method: string) => (path: string, guard: string) => void asked.push([method, path, guard]);
      const RED = {
        httpAdmin: { get: route('get'), post: route('post') },
        auth: { needsPermission: (permission: string) => permission },
      };
      serveAdmin(RED as never, () => assert.fail());
      assert.deepEqual(
        asked.filter(([, path]) => path.endsWith('/held')),
        [
          ['get', '/ushot/sessions/:id/held', 'flows.read'],
          ['post', '/ushot/sessions/:id/held', 'flows.write'],
        ],
      );
      assert.equal(asked.length, 4);
    });

    it('takes only a decision about some messages', () => {
      const good = { messageIds: ['a', 'b'], decision: 'discard', language: 'ko' };
      assert.deepEqual(readDecision({ ...good, more: 1 }), good);
      assert.equal(readDecision({ ...good, language: 'fr' })?.language, 'en');
      const ids = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);
      assert.equal(readDecision({ ...good, messageIds: ids(200) })?.messageIds.length, 200);
      for (const bad of [
        ...[null, 7, 'x', [], {}],
        { ...good, decision: 'send' },
        { ...good, messageIds: [] },
        { ...good, messageIds: ids(201) },
        { ...good, messageIds: ['a', 7] },
        { ...good, messageIds: [''] },
        { ...good, messageIds: ['x'.repeat(501)] },
        { ...good, messageIds: { length: 1 } },
      ]) {
        assert.equal(readDecision(bad), null);
      }
    });
  });

  it('takes only known properties that are short texts', () => {
    const request = { node: 'a', id: 'b', password: 'c', language: 'fr', settings: { host: 'h', evil: 'x' } };
    assert.deepEqual(readProbeRequest(request), { ...request, language: 'en', settings: { host: 'h' } });
    for (const bad of [
      null,
      7,
      {},
      { ...request, id: 7 },
      { ...request, settings: ['h'] },
      { ...request, id: 'x'.repeat(501) },
    ]) {
      assert.equal(readProbeRequest(bad), null);
    }
  });
});

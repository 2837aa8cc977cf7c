/** The connection test, as the editor asks for it. */
import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { startSimulator } from '../../lib/simulator/index.ts';
import { readProbeRequest } from '../../nodes/admin.ts';
import { startAgent } from '../../nodes/start-agent.ts';
import { Harness, settle, tab } from './harness.ts';

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

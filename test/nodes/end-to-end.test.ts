/** Flows, nodes, agent, sockets: against the strict gateway, which shares no code with us, and in practice mode. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlowReport, SendOutcome } from '../../lib/agent/index.ts';
import { startAgent } from '../../nodes/start-agent.ts';
import { StrictGateway } from '../support/strict-gateway.ts';
import { catchAll, type FlowItem, Harness, type Message, out, tab } from './harness.ts';

const sender = (kind: 'sms' | 'mms', more: object = {}): FlowItem => ({
  id: kind,
  z: 'f',
  type: `ushot-send-${kind}`,
  session: 's1',
  from: '02-123-4567',
  fromType: 'str',
  wires: [['out']],
  ...more,
});
const reports: FlowItem = { id: 'r', z: 'f', type: 'ushot-report-in', session: 's1', filter: 'all', wires: [['told']] };
const credentials = { s1: { id: 'me', password: 'secret' } };
const codeOf = (msg: Message) => (msg['error'] as { code: string }).code;

describe('nodes, end to end', () => {
  let harness: Harness;
  let userDir: string;
  beforeEach(() => {
    harness = new Harness();
    userDir = mkdtempSync(join(tmpdir(), 'ushot-nodes-'));
  });
  afterEach(async () => {
    await harness.unload();
    rmSync(userDir, { recursive: true, force: true });
  });

  /** Real agents, whose stores are in a folder of this test. */
  const load = (flow: FlowItem[], creds: Record<string, object> = credentials) =>
    harness.load([tab, out(), out('told'), out('caught'), catchAll, ...flow], creds, (settings, key, surroundings) =>
      startAgent(settings, key, { ...surroundings, userDir }),
    );

  for (const version of ['SAM11', 'SAM10'] as const) {
    describe(`against the strict gateway, ${version}`, () => {
      let gateway: StrictGateway;
      const session = (): FlowItem => ({
        id: 's1',
        type: 'ushot-session',
        host: '127.0.0.1',
        smsSendPort: gateway.ports.smsSend,
        smsReportPort: gateway.ports.smsReport,
        mmsSendPort: gateway.ports.mmsSend,
        mmsReportPort: gateway.ports.mmsReport,
        protocol: version,
        pollSeconds: 0.1,
        reconnectSeconds: 0.2,
        // A frame may leave just as the gateway dies.
        inDoubtSeconds: 1,
      });
      beforeEach(async () => {
        gateway = new StrictGateway({
          version,
          account: credentials.s1,
          resultOf: ({ receiver }) => (receiver === '01000000007' ? '7' : '6'),
        });
        await gateway.start();
      });
      afterEach(() => gateway.stop());

      it('sends one, a list, and an array, and hands back their reports', async () => {
        await load([session(), sender('sms', { carry: 'topic' }), reports]);
        const sent = harness.inbox('out');
        const told = harness.inbox('told');
        const node = harness.node('sms');
        node.receive({ topic: 'A', payload: { to: '010-1234-5678', text: '안녕하세요' } });
        const first = (await sent.next()).payload as SendOutcome;
        assert.deepEqual([first.status, first.type, first.to], ['accepted', 'SMS', '01012345678']);
        node.receive({ topic: 'B', payload: { to: ['010-1111-1111', '01000000007'], text: 'list' } });
        assert.equal(((await sent.next(2)).payload as unknown[]).length, 2);
        node.receive({
          topic: 'C',
          payload: [
            { to: '01033333333', text: 'c' },
            { to: '01044444444', text: 'd' },
          ],
        });
        await sent.next(3);
        await told.next(5);
        const byReceiver = new Map(told.messages.map((msg) => [(msg.payload as FlowReport).to, msg]));
        const failed = byReceiver.get('01000000007');
        assert.equal(failed?.['topic'], 'B');
        assert.deepEqual(
          [(failed?.payload as FlowReport | undefined)?.status, (failed?.payload as FlowReport | undefined)?.result],
          ['failed', 7],
        );
        assert.equal(byReceiver.get('01012345678')?.['topic'], 'A');
        assert.equal(gateway.messages.length, 5);
        assert.deepEqual(gateway.violations, []);
      });

      it('waits for delivery when it is told to', async () => {
        await load([session(), sender('sms', { settle: 'delivered' })]);
        const sent = harness.inbox('out');
        const caught = harness.inbox('caught');
        harness.node('sms').receive({ payload: { to: '01012345678', text: 'a' } });
        assert.equal(((await sent.next()).payload as SendOutcome).status, 'delivered');
        harness.node('sms').receive({ payload: { to: '01000000007', text: 'b' } });
        assert.equal(codeOf(await caught.next()), 'USHOT_FAILED');
        assert.deepEqual(gateway.violations, []);
      });

      it('keeps its logins over a deploy, and goes on after an outage', async () => {
        const flow = () => [tab, out(), out('told'), out('caught'), catchAll, session(), sender('sms'), reports];
        await load([session(), sender('sms'), reports]);
        harness.node('sms').receive({ payload: { to: '01012345678', text: 'a' } });
        await harness.inbox('out').next();
        const before = gateway.connections.length;
        await harness.deploy(flow(), 'full', credentials);
        harness.node('sms').receive({ payload: { to: '01012345678', text: 'b' } });
        await harness.inbox('out').next();
        assert.equal(gateway.connections.length, before);
        await gateway.stop();
        const sent = harness.inbox('out');
        harness.node('sms').receive({ payload: { to: '01012345678', text: 'c' } });
        await gateway.start();
        assert.equal(((await sent.next()).payload as SendOutcome).status, 'accepted');
        assert.deepEqual(gateway.violations, []);
      });

      it('sends a long text as LMS, and a picture as MMS', async () => {
        await load([session(), sender('sms'), sender('mms', { subject: '제목', subjectType: 'str' })]);
        const sent = harness.inbox('out');
        harness.node('sms').receive({ payload: { to: '01012345678', text: '가'.repeat(60) } });
        assert.equal(((await sent.next()).payload as SendOutcome).type, 'LMS');
        harness.node('mms').receive({ payload: { to: '01012345678', text: 'picture' }, files: bitmap });
        assert.equal(((await sent.next(2)).payload as SendOutcome).type, 'MMS');
        assert.equal(gateway.uploads.length, 1);
        assert.deepEqual(gateway.violations, []);
      });

      it('refuses what is wrong with one error each', async () => {
        await load([session(), sender('sms', { overflow: 'reject' })]);
        const caught = harness.inbox('caught');
        const cases: [unknown, string][] = [
          [{ text: 'x' }, 'USHOT_NO_RECEIVER'],
          [{ to: '010-abcd', text: 'x' }, 'USHOT_RECEIVER'],
          [{ to: '01012345678', text: 'x'.repeat(101) }, 'USHOT_TEXT_TOO_LONG'],
          [{ to: '01012345678', text: '🎉' }, 'USHOT_UNENCODABLE'],
          [{ to: '01012345678' }, 'USHOT_NO_TEXT'],
        ];
        for (const [i, [payload, code]] of cases.entries()) {
          harness.node('sms').receive({ payload });
          assert.equal(codeOf(await caught.next(i + 1)), code);
        }
        assert.equal(gateway.messages.length, 0);
      });
    });
  }

  it('says that the password is wrong, on the badge and to Catch nodes', async () => {
    const gateway = new StrictGateway({ account: { id: 'me', password: 'other' } });
    await gateway.start();
    try {
      const session = { id: 's1', type: 'ushot-session', host: '127.0.0.1', ...portsOf(gateway) };
      await load([session, sender('sms')]);
      const caught = await harness.inbox('caught').next();
      assert.equal(codeOf(caught), 'USHOT_LINK_LOGIN_REFUSED');
      assert.equal((caught['error'] as { source: { id: string } }).source.id, 's1');
      await harness.untilBadge('sms', 'login refused');
    } finally {
      await gateway.stop();
    }
  });

  it('practises without an account', async () => {
    const session = { id: 's1', type: 'ushot-session', mode: 'practice' };
    await load([session, sender('sms', { from: '' }), reports], {});
    const told = harness.inbox('told');
    harness.node('sms').receive({ payload: { to: '010-0000-0007', text: '연습' } });
    const report = (await told.next()).payload as FlowReport;
    assert.deepEqual([report.status, report.result], ['failed', 7]);
    await harness.untilBadge('sms', 'practising');
  });

  describe('practice that fails on purpose', () => {
    const practise = async (more: object) => {
      const session = { id: 's1', type: 'ushot-session', mode: 'practice', practiceDelaySeconds: '0', ...more };
      await load([session, sender('sms', { from: '' }), reports], {});
      return { sent: harness.inbox('out'), told: harness.inbox('told'), caught: harness.inbox('caught') };
    };
    const send = (text: string) => harness.node('sms').receive({ payload: { to: '010-1234-5678', text } });

    it('ends every message with the chosen result', async () => {
      const { told } = await practise({ practiceResult: '8' });
      send('off');
      assert.equal(((await told.next()).payload as FlowReport).result, 8);
    });

    it('refuses messages after so many', async () => {
      const { sent, caught } = await practise({ practiceFault: 'reject', practiceFaultAfter: '2' });
      for (const text of ['a', 'b']) {
        send(text);
        await sent.next(text === 'a' ? 1 : 2);
      }
      send('c');
      assert.equal(codeOf(await caught.next()), 'USHOT_REJECTED');
    });

    it('cuts the connection: the report tells what became of the message', async () => {
      const { told } = await practise({ practiceFault: 'cut', reconnectSeconds: '0.1' });
      send('doubtful');
      assert.equal(((await told.next()).payload as FlowReport).status, 'delivered');
    });

    it('refuses the login, from the start or later', async () => {
      const { caught } = await practise({ practiceFault: 'refuse-login' });
      assert.equal(codeOf(await caught.next()), 'USHOT_LINK_LOGIN_REFUSED');
      await harness.unload();
      harness = new Harness();
      const later = await practise({
        practiceFault: 'refuse-address',
        practiceFaultAfter: '1',
        reconnectSeconds: '0.1',
      });
      send('last');
      await later.sent.next();
      await harness.untilBadge('sms', 'address refused');
    });

    it('reports twice: the flow hears of it once', async () => {
      const { told } = await practise({ practiceFault: 'report-twice' });
      send('a');
      await told.next();
      send('b');
      await told.next(2);
      const ids = told.messages.map(({ payload }) => (payload as FlowReport).messageId);
      assert.equal(new Set(ids).size, ids.length);
    });
  });

  describe('the examples', () => {
    const folder = new URL('../../examples/', import.meta.url);
    const isOurs = (item: FlowItem) => item.type.startsWith('ushot-') || item.type === 'tab';

    for (const file of readdirSync(folder)) {
      it(`"${file}" works as it is, in practice mode`, async () => {
        const example = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as FlowItem[];
        const nodes = example
          .filter(isOurs)
          .map((item) => ({ ...item, wires: item['wires'] ? [['seen']] : undefined }));
        const withOutput = nodes.map(({ wires, ...item }) => (wires ? { ...item, wires } : item)) as FlowItem[];
        const { id: z } = example.find(({ type }) => type === 'tab') as FlowItem;
        await harness.load([...withOutput, { ...out('seen'), z }], {}, (settings, key, surroundings) =>
          startAgent(settings, key, { ...surroundings, userDir }),
        );
        const seen = harness.inbox('seen');
        const first = withOutput.find(
          ({ type }) => type !== 'tab' && type !== 'ushot-session' && type !== 'ushot-report-in',
        );
        harness
          .node(String(first?.id))
          .receive(
            first?.type === 'ushot-upload-file'
              ? { payload: bitmap }
              : { payload: { to: '010-1234-5678', text: '안녕' } },
          );
        const { payload } = await seen.next();
        assert.ok(payload);
      });
    }
  });
});

const portsOf = ({ ports }: StrictGateway) => ({
  smsSendPort: ports.smsSend,
  smsReportPort: ports.smsReport,
  mmsSendPort: ports.mmsSend,
  mmsReportPort: ports.mmsReport,
});

/** A picture of four pixels. */
const bitmap = Buffer.from(
  '424d4600000000000000360000002800000002000000020000000100180000000000100000001' +
    '30b0000130b000000000000000000000000ff00ff00000000ff00ffffff0000',
  'hex',
);

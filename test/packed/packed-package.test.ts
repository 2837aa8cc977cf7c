/**
 * What users install: the packed tarball in an empty user directory, in the newest Node-RED and in the oldest that we
 * support, with a strict gateway at the other end. The test helper that other suites use stubs much of Node-RED; here
 * nothing is stubbed.
 */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StrictGateway } from '../support/strict-gateway.ts';
import { currentNodeRed, installIntoUserDir, oldestNodeRed, pack, root, type Tarball } from './installation.ts';
import { type FlowNode, RunningNodeRed } from './running-node-red.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  'node-red': { nodes: Record<string, string> };
};
const nodeTypes = Object.keys(manifest['node-red'].nodes);
const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.json'));
const account = { id: 'packed', password: 'secret' };

describe('packed package', function () {
  this.timeout(60_000);

  let folder: string;
  let tarball: Tarball;
  before(function () {
    this.timeout(300_000);
    mkdirSync(join(root, '.tmp'), { recursive: true });
    folder = mkdtempSync(join(root, '.tmp', 'packed-'));
    tarball = pack(folder);
    installIntoUserDir(tarball, join(folder, 'installed'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('holds what users need and nothing else', () => {
    const { contents } = tarball;
    for (const file of ['LICENSE', 'README.md', 'README.ko.md', 'CHANGELOG.md', 'package.json']) {
      assert.ok(contents.includes(file), `${file} is missing`);
    }
    for (const file of Object.values(manifest['node-red'].nodes)) {
      assert.ok(contents.includes(file), `${file} is missing`);
      assert.ok(contents.includes(file.replace('.js', '.html')), `the editor part of ${file} is missing`);
    }
    for (const example of examples) assert.ok(contents.includes(`examples/${example}`), `${example} is missing`);
    const strangers = contents.filter((path) => !/^(dist|examples|resources)\/|^[A-Za-z.]+(\.md|\.json)?$/.test(path));
    assert.deepEqual(strangers, []);
    assert.deepEqual(
      contents.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts')),
      [],
    );
  });

  for (const installation of [currentNodeRed, oldestNodeRed]) {
    describe(installation === currentNodeRed ? 'in Node-RED 5 on Node.js 24' : 'in Node-RED 4.1 on Node.js 22', () => {
      let gateway: StrictGateway;
      let nodeRed: RunningNodeRed;

      before(async function () {
        // The first run ever installs Node-RED 4.1.
        this.timeout(300_000);
        const installed = installation();
        const userDir = join(folder, installed.name.replaceAll(' ', '-'));
        cpSync(join(folder, 'installed'), userDir, { recursive: true });
        gateway = new StrictGateway({ account, variable: 'N' });
        await gateway.start();
        nodeRed = await RunningNodeRed.start(installed, userDir, sendingFlow(gateway), { session: account });
      });
      after(async () => {
        await nodeRed?.stop();
        await gateway?.stop();
      });

      it('registers every node without an error', async () => {
        const sets =
          await nodeRed.json<{ module: string; types: string[]; err?: string; enabled: boolean }[]>('/nodes');
        const ours = sets.filter(({ module }) => module === '@ushot/node-red');
        assert.deepEqual(
          ours.filter((set) => set.err !== undefined || !set.enabled),
          [],
          nodeRed.output,
        );
        assert.deepEqual(ours.flatMap(({ types }) => types).sort(), [...nodeTypes].sort());
      });

      it('speaks Korean to a Korean browser and English to others', async () => {
        const [korean = '', english = ''] = await Promise.all(
          ['ko', 'en-US'].map(async (language) => {
            const catalogs = await nodeRed.json<Record<string, unknown>>(`/nodes/messages?lng=${language}`);
            const ours = Object.entries(catalogs).filter(([name]) => name.startsWith('@ushot/node-red/'));
            assert.equal(ours.length, nodeTypes.length, Object.keys(catalogs).join());
            return JSON.stringify(ours);
          }),
        );
        assert.match(korean, /[가-힣]/);
        assert.match(english, /[A-Za-z]/);
        assert.doesNotMatch(english, /[가-힣]{2}/);
        const help = await nodeRed.text('/nodes', { accept: 'text/html', 'accept-language': 'ko' });
        const section = help.slice(help.indexOf('data-help-name="ushot-send-sms"'));
        assert.match(section.slice(0, 2000), /[가-힣]{2}/);
      });

      it('serves its icons', async () => {
        const icons = await nodeRed.json<Record<string, string[]>>('/icons');
        const ours = icons['@ushot/node-red'] ?? [];
        assert.notEqual(ours.length, 0);
        for (const icon of ours) assert.ok((await nodeRed.text(`/icons/@ushot/node-red/${icon}`)).length > 0);
      });

      it('lists its examples in the Import menu', async () => {
        const library = JSON.stringify(await nodeRed.json('/library/examples/flows/@ushot/node-red'));
        for (const example of examples) assert.ok(library.includes(example.replace('.json', '')), library);
      });

      it('sends what comes in by HTTP and brings the reports back', async () => {
        const one = await nodeRed.post('/send', { to: '010-0000-0006', text: '점검 1: 이상 없음' });
        assert.equal(one.status, 200, `${JSON.stringify(one.body)}\n${nodeRed.output}\n${gateway.summary()}`);
        const answer = one.body as { messageId: string; status: string; type: string };
        assert.equal(answer.status, 'accepted');
        assert.equal(answer.type, 'SMS');

        const many = await nodeRed.post('/send', { to: ['01000000006', '01000000006'], text: 'two' });
        assert.equal((many.body as unknown[]).length, 2);
        const bad = await nodeRed.post('/send', { to: 'nobody', text: 'x' });
        assert.deepEqual([bad.status, (bad.body as { code?: string }).code], [500, 'USHOT_RECEIVER']);

        const reported = async () => (await nodeRed.json<{ messageId: string; status: string }[]>('/reports')) ?? [];
        await nodeRed.until(async () => (await reported()).length === 3, `three reports. ${gateway.summary()}`);
        const report = (await reported()).find(({ messageId }) => messageId === answer.messageId);
        assert.equal(report?.status, 'delivered');

        assert.deepEqual(
          gateway.messages.map(({ receiver, text }) => [receiver, text]),
          [
            ['01000000006', '점검 1: 이상 없음'],
            ['01000000006', 'two'],
            ['01000000006', 'two'],
          ],
        );
        await gateway.until(() => gateway.reports.every(({ acknowledged }) => acknowledged > 0), 'acknowledgements');
        assert.deepEqual(gateway.violations, []);
      });

      it('sends an LMS too, over the MMS ports', async () => {
        const text = '가'.repeat(200);
        const { status, body } = await nodeRed.post('/send', { to: '01000000006', text });
        assert.deepEqual([status, (body as { type?: string }).type], [200, 'LMS'], nodeRed.output);
        assert.equal(gateway.messages.at(-1)?.text, text);
        assert.deepEqual(gateway.violations, []);
      });

      it('goes on by itself after the gateway was away', async () => {
        await gateway.stop();
        const answer = nodeRed.post('/send', { to: '01000000006', text: 'still here' });
        await gateway.start();
        assert.equal((await answer).status, 200);
        assert.equal(gateway.messages.at(-1)?.text, 'still here');
        assert.deepEqual(gateway.violations, []);
      });

      it('runs every example in practice mode', async () => {
        for (const example of examples) {
          const flow = JSON.parse(readFileSync(join(root, 'examples', example), 'utf8')) as FlowNode[];
          for (const { type } of flow.filter((node) => node.type.startsWith('ushot-')))
            assert.ok(nodeTypes.includes(type));
          const talking = flow.map((node) => (node.type === 'debug' ? { ...node, console: true } : node));
          await nodeRed.deploy(talking);
          const seen = nodeRed.output.length;
          for (const { id } of flow.filter((node) => node.type === 'inject')) await nodeRed.post(`/inject/${id}`, {});
          await nodeRed.until(() => /\[debug:/.test(nodeRed.output.slice(seen)), `what ${example} shows`);
          assert.doesNotMatch(nodeRed.output.slice(seen), /\[error\]/);
        }
      });
    });
  }
});

/** POST /send -> ushot-send-sms -> the answer, or the error's code; and the reports so far under GET /reports. */
function sendingFlow({ ports }: StrictGateway): FlowNode[] {
  const z = 'tab';
  const flow: FlowNode[] = [
    { id: z, type: 'tab', label: 'Packed' },
    {
      ...{ id: 'session', type: 'ushot-session', name: 'strict', mode: 'gateway', host: '127.0.0.1' },
      ...{ smsSendPort: ports.smsSend, smsReportPort: ports.smsReport },
      ...{ mmsSendPort: ports.mmsSend, mmsReportPort: ports.mmsReport },
      // A frame may leave just as the gateway goes; its messages are in doubt then, and go again.
      ...{ protocol: 'SAM11', reconnectSeconds: 1, inDoubt: 'resend', inDoubtSeconds: 1 },
    },
    { id: 'in', type: 'http in', z, url: '/send', method: 'post', wires: [['send']] },
    {
      ...{ id: 'send', type: 'ushot-send-sms', z, session: 'session', settle: 'accepted', overflow: 'lms' },
      ...{ from: '0212345678', fromType: 'str' },
      wires: [['out']],
    },
    { id: 'catch', type: 'catch', z, scope: ['send'], wires: [['failed']] },
    {
      ...{ id: 'failed', type: 'change', z },
      rules: [
        { t: 'set', p: 'statusCode', pt: 'msg', to: '500', tot: 'num' },
        { t: 'set', p: 'payload', pt: 'msg', to: '{"code": error.code, "message": error.message}', tot: 'jsonata' },
      ],
      wires: [['out']],
    },
    { id: 'out', type: 'http response', z, wires: [] },
    { id: 'report', type: 'ushot-report-in', z, session: 'session', filter: 'all', wires: [['note']] },
    functionNode('note', z, 'flow.set("reports", [...(flow.get("reports") ?? []), msg.payload]);', []),
    { id: 'list', type: 'http in', z, url: '/reports', method: 'get', wires: [['read']] },
    functionNode('read', z, 'msg.payload = flow.get("reports") ?? []; return msg;', [['out']]),
  ];
  // Node-RED tells a node on the canvas from a config node by its place.
  return flow.map((node) => (node['z'] === undefined ? node : { ...node, x: 100, y: 100 }));
}

function functionNode(id: string, z: string, func: string, wires: string[][]): FlowNode {
  return { id, type: 'function', z, func, outputs: wires.length, wires };
}

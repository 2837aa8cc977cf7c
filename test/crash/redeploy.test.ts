/**
 * What a flow author does in the middle of the day: deploys of each kind, and a restart of Node-RED, while 10,000 messages
 * go through it. The gateway remembers every id. Whoever posts gets an answer or posts the same ids again, as a careful
 * client does when its answer was cut off.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { type Simulator, startSimulator } from '../../lib/simulator/index.ts';
import { currentNodeRed, root } from '../packed/installation.ts';
import { type FlowNode, RunningNodeRed } from '../packed/running-node-red.ts';

const MESSAGES = 10_000;
const AT_ONCE = 50;
const POSTERS = 4;
const CONNECTIONS = 2;
/** Of a frame's answer: with it messages wait, and frames are out, at every moment. */
const ANSWER_MS = 15;
const ACCOUNT = { id: 'redeploy', password: 'secret' };

interface Interruption {
  readonly name: string;
  /** Of its logins: none where the links must stay up. */
  readonly logins: number;
  happen(nodeRed: Deployments): Promise<void>;
}

const ALL_LINKS = CONNECTIONS + 1;

const interruptions: readonly Interruption[] = [
  {
    name: '"Modified nodes", another node changed',
    logins: 0,
    happen: (nodeRed) => nodeRed.deploy('nodes', 'note', { name: 'changed' }),
  },
  {
    name: '"Modified flows", another flow changed',
    logins: 0,
    happen: (nodeRed) => nodeRed.deploy('flows', 'note', { name: 'changed again' }),
  },
  { name: 'full deploy', logins: 0, happen: (nodeRed) => nodeRed.deploy('full', 'note', { name: 'once more' }) },
  {
    name: '"Modified nodes", the sending node changed',
    logins: 0,
    happen: (nodeRed) => nodeRed.deploy('nodes', 'send', { name: 'changed' }),
  },
  {
    name: '"Modified nodes", the session changed',
    logins: ALL_LINKS,
    happen: (nodeRed) => nodeRed.deploy('nodes', 'session', { keepaliveSeconds: 31 }),
  },
  { name: 'restart', logins: ALL_LINKS, happen: (nodeRed) => nodeRed.restart() },
];

/** A Node-RED whose flows change, and that comes back at another address. */
class Deployments {
  readonly userDir: string;
  #flows: readonly FlowNode[];
  #running: RunningNodeRed | null = null;

  constructor(userDir: string, flows: readonly FlowNode[]) {
    this.userDir = userDir;
    this.#flows = flows;
    // As npm installs it.
    mkdirSync(path.join(userDir, 'node_modules', '@ushot'), { recursive: true });
    symlinkSync(root, path.join(userDir, 'node_modules', '@ushot', 'node-red'), 'dir');
  }

  async start(): Promise<void> {
    this.#running = await RunningNodeRed.start(currentNodeRed(), this.userDir, this.#flows, { session: ACCOUNT });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  get running(): RunningNodeRed {
    assert.ok(this.#running);
    return this.#running;
  }

  /** Deploys one changed node, as the editor does with this choice in its Deploy menu. */
  async deploy(kind: 'full' | 'flows' | 'nodes', id: string, change: Record<string, unknown>): Promise<void> {
    this.#flows = this.#flows.map((node) => (node.id === id ? { ...node, ...change } : node));
    const { running } = this;
    const before = running.output.length;
    const response = await fetch(`${running.address}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'Node-RED-Deployment-Type': kind },
      body: JSON.stringify(this.#flows),
    });
    assert.equal(response.status, 204, await response.text());
    await running.until(() => /Started (modified )?(flows|nodes)/.test(running.output.slice(before)), 'the deploy');
  }

  /** Posts messages until an answer says that they are kept. Resolves with how many tries failed. */
  async post(messages: readonly { readonly messageId: string }[]): Promise<number> {
    for (let failed = 0; ; failed++) {
      try {
        const response = await fetch(`${this.running.address}/send`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(messages),
          signal: AbortSignal.timeout(3_000),
        });
        const told =
          response.status === 200 ? ((await response.json()) as { messageId: string; error?: object }[]) : [];
        if (told.length === messages.length && told.every(({ error }) => error === undefined)) {
          assert.deepEqual(
            told.map(({ messageId }) => messageId),
            messages.map(({ messageId }) => messageId),
          );
          return failed;
        }
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
      await pause(50);
    }
  }
}

function flowsFor({ ports }: Simulator): FlowNode[] {
  const z = 'tab';
  return [
    { id: z, type: 'tab', label: 'Messages' },
    { id: 'elsewhere', type: 'tab', label: 'Something else' },
    {
      ...{ id: 'session', type: 'ushot-session', name: 'simulator', mode: 'gateway', host: '127.0.0.1' },
      ...{ smsSendPort: ports.smsSend, smsReportPort: ports.smsReport },
      ...{ mmsSendPort: ports.mmsSend, mmsReportPort: ports.mmsReport },
      ...{ protocol: 'SAM11', inDoubt: 'hold', inDoubtSeconds: 1, reconnectSeconds: 0.2, connections: CONNECTIONS },
    },
    { id: 'in', type: 'http in', z, url: '/send', method: 'post', wires: [['send']] },
    {
      ...{ id: 'send', type: 'ushot-send-sms', z, session: 'session', settle: 'stored', overflow: 'reject' },
      wires: [['out']],
    },
    { id: 'catch', type: 'catch', z, scope: ['send'], wires: [['failed']] },
    {
      ...{ id: 'failed', type: 'change', z, wires: [['out']] },
      rules: [{ t: 'set', p: 'statusCode', pt: 'msg', to: '500', tot: 'num' }],
    },
    { id: 'out', type: 'http response', z, wires: [] },
    { id: 'report', type: 'ushot-report-in', z, session: 'session', filter: 'all', wires: [[]] },
    { id: 'note', type: 'function', z: 'elsewhere', name: '', func: 'return msg;', outputs: 1, wires: [[]] },
  ].map((node) => ('z' in node ? { ...node, x: 100, y: 100 } : node));
}

describe('Node-RED, deployed and restarted in the middle of 10,000 messages', function () {
  this.timeout(120_000);

  const batches = Array.from({ length: MESSAGES / AT_ONCE }, (_, batch) =>
    Array.from({ length: AT_ONCE }, (_, i) => {
      const number = batch * AT_ONCE + i;
      const messageId = `DEPLOY${String(number).padStart(6, '0')}`;
      return { messageId, to: `010${30_000_000 + number}`, from: '0212345678', text: `경보 ${number}` };
    }),
  );
  const ids = batches.flatMap((batch) => batch.map(({ messageId }) => messageId));
  const share = Math.ceil(batches.length / interruptions.length);
  const figures: string[] = [];
  let simulator: Simulator;
  let nodeRed: Deployments;
  let folder: string;
  let logins = 0;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'ushot-redeploy-'));
    simulator = await startSimulator({ journal: 'ids', reportDelayMs: { min: 5, max: 200 } });
    simulator.gateway.faults.add({ kind: 'late', commands: ['1020'], delayMs: ANSWER_MS });
    simulator.gateway.onLogin(({ ok }) => {
      if (ok) logins++;
    });
    nodeRed = new Deployments(folder, flowsFor(simulator));
    await nodeRed.start();
    await nodeRed.running.until(() => logins === ALL_LINKS, 'the first logins');
  });
  after(async () => {
    await nodeRed?.stop();
    await simulator?.stop();
    rmSync(folder, { recursive: true, force: true });
    console.log(`\n  ${MESSAGES} messages through Node-RED:\n${figures.map((line) => `    ${line}`).join('\n')}`);
  });

  for (const [index, { name, logins: expected, happen }] of interruptions.entries()) {
    it(`${name}: ${expected === 0 ? 'the links stay up' : 'the links come back'}`, async () => {
      const before = logins;
      const { messages } = simulator.gateway.journal.counters;
      const todo = batches.slice(index * share, (index + 1) * share);
      const count = todo.length * AT_ONCE;
      let answered = 0;
      let failed = 0;
      let interrupted: Promise<void> | undefined;
      let waiting = 0;
      const poster = async () => {
        for (let batch = todo.shift(); batch; batch = todo.shift()) {
          failed += await nodeRed.post(batch);
          if (++answered < POSTERS || interrupted) continue;
          waiting = answered * AT_ONCE - (simulator.gateway.journal.counters.messages - messages);
          interrupted = happen(nodeRed);
        }
      };
      await Promise.all(Array.from({ length: POSTERS }, poster));
      await interrupted;
      await nodeRed.running.until(
        () => simulator.gateway.journal.counters.messages - messages >= count && logins - before >= expected,
        `${count} messages to arrive`,
      );
      figures.push(`${name}: ${waiting} of ${count} on their way, ${failed} posts again, ${logins - before} logins`);
      assert.equal(logins - before, expected);
    });
  }

  it('loses none and doubles none', async () => {
    const { gateway } = simulator;
    await nodeRed.running.until(() => gateway.reportsPlanned + gateway.reportsWaiting === 0, 'the reports');
    await nodeRed.stop();
    const lost = ids.filter((id) => !gateway.seen(id));
    const doubled = ids.filter((id) => (gateway.seen(id)?.taken ?? 0) > 1);
    figures.push(`lost ${lost.length}, doubled ${doubled.length}`);
    assert.deepEqual(lost, []);
    assert.deepEqual(doubled, []);
    assert.equal([...gateway.ids()].length, MESSAGES);
    assert.deepEqual(gateway.journal.complaints, []);

    const [file, ...others] = readdirSync(path.join(folder, 'ushot')).filter((name) => name.endsWith('.db'));
    assert.ok(file !== undefined && others.length === 0, 'one store for one account');
    const outbox = new SqliteOutbox({ file: path.join(folder, 'ushot', file) });
    await outbox.open(Date.now());
    try {
      const states = new Set((await outbox.get(ids)).map(({ state }) => state));
      assert.deepEqual([...states], ['DELIVERED']);
      assert.deepEqual(await outbox.pendingReports(1), [], 'every report was given to the flow');
    } finally {
      await outbox.close();
    }
  });
});

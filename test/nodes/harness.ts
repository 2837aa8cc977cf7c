/** A Node-RED runtime with our nodes in it, and agents that the test holds in its hand. */
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import type { Node, NodeInitializer } from 'node-red';
import helper from 'node-red-node-test-helper';
import { Agents, type StartAgent } from '../../nodes/agents.ts';
import { replaceAgents } from '../../nodes/process-agents.ts';
import reportIn from '../../nodes/ushot-report-in.ts';
import sendMms from '../../nodes/ushot-send-mms.ts';
import sendSms from '../../nodes/ushot-send-sms.ts';
import session from '../../nodes/ushot-session.ts';
import uploadFile from '../../nodes/ushot-upload-file.ts';
import { FakeStarter } from './fake-agent.ts';

const nodeRed = createRequire(import.meta.url).resolve('node-red');
helper.init(nodeRed);
/** Where every line of the log comes by. */
const { log } = createRequire(nodeRed)('@node-red/util') as {
  log: Record<'addHandler' | 'removeHandler', (handler: EventEmitter) => void>;
};

const initializers: NodeInitializer[] = [session, sendSms, sendMms, uploadFile, reportIn];

export type FlowItem = { id: string; type: string; [property: string]: unknown };
export type Message = Record<string, unknown> & { payload?: unknown };

/** What a config node and a tab need, so that a test names only what matters to it. */
export const session1: FlowItem = { id: 's1', type: 'ushot-session', name: 'one', host: 'gw.example' };
export const credentials = { s1: { id: 'me', password: 'secret' } };
export const tab: FlowItem = { id: 'f', type: 'tab', label: 'flow' };
export const out = (id = 'out'): FlowItem => ({ id, z: 'f', type: 'helper' });
export const catchAll: FlowItem = {
  id: 'catch',
  z: 'f',
  type: 'catch',
  scope: null,
  uncaught: false,
  wires: [['caught']],
};
export const completeOf = (id: string): FlowItem => ({
  id: 'complete',
  z: 'f',
  type: 'complete',
  scope: [id],
  wires: [['completed']],
});

/** Collects what arrives at a node. */
export class Inbox {
  readonly messages: Message[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(id: string) {
    helper.getNode(id).on('input', (msg) => {
      this.messages.push(msg as Message);
      for (const { count, resolve } of this.#waiting) if (this.messages.length >= count) resolve();
    });
  }

  async next(count = 1): Promise<Message> {
    if (this.messages.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    return this.messages[count - 1] as Message;
  }
}

export class Harness {
  readonly starter = new FakeStarter();
  /** Of Node-RED, beside its own. To be set before the flow is loaded. */
  settings: { userDir?: string; lang?: string } = {};
  readonly #lines = new EventEmitter();
  #agents: Agents | null = null;
  #former: Agents | null = null;

  /** Loads a flow; `start` brings real agents instead of fakes. */
  async load(flow: FlowItem[], creds: Record<string, object> = credentials, start?: StartAgent): Promise<void> {
    this.#agents = new Agents(start ?? this.starter.start);
    this.#former = replaceAgents(this.#agents);
    helper.settings(this.settings);
    log.addHandler(this.#lines);
    await helper.load(initializers, placed(flow), structuredClone(creds));
  }

  /** Deploys as the editor does. Credentials that are not given stay as they are. */
  deploy(flow: FlowItem[], type: 'full' | 'flows' | 'nodes' = 'full', creds: object = credentials): Promise<void> {
    return helper.setFlows(placed(flow), type, structuredClone(creds));
  }

  async unload(): Promise<void> {
    await helper.unload();
    log.removeHandler(this.#lines);
    await this.#agents?.stopAll();
    if (this.#former) replaceAgents(this.#former);
  }

  get agent() {
    return this.starter.only;
  }

  node(id: string): Node {
    return helper.getNode(id);
  }

  inbox(id: string): Inbox {
    return new Inbox(id);
  }

  /** The badges that the node has worn since it was loaded. */
  badges(id: string): Record<string, unknown>[] {
    const { status } = helper.getNode(id);
    const worn = status.args.filter((_, i) => (status.thisValues[i] as Node).id === id);
    return worn.map(([badge]) => badge as Record<string, unknown>);
  }

  /** Resolves when the node wears a badge with this text. */
  async untilBadge(id: string, text: string): Promise<void> {
    const isWorn = () => this.badges(id).some((badge) => badge['text'] === text);
    const node: EventEmitter = helper.getNode(id);
    while (!isWorn()) await once(node, 'call:status');
  }

  /** Resolves with the lines of the log that match, at the given level, when there are so many. */
  async untilLogged(level: 'INFO' | 'WARN' | 'ERROR', pattern: RegExp, count = 1): Promise<string[]> {
    const found = () => this.logged(level).filter((line) => pattern.test(line));
    while (found().length < count) await once(this.#lines, 'log');
    return found();
  }

  /** What was logged, at the given level. */
  logged(level: 'INFO' | 'WARN' | 'ERROR'): string[] {
    const log = helper.log();
    const entries = log.args.map(([entry]) => entry as { level: number; msg: unknown });
    return entries.filter((entry) => entry.level === log[level]).map(({ msg }) => String(msg));
  }
}

/** Node-RED takes what has no place on the canvas for a config node. */
function placed(flow: readonly FlowItem[]): FlowItem[] {
  return flow.map((item) => (item['z'] === undefined ? item : { x: 100, y: 100, ...item }));
}

/** Lets everything that is ready to run, run. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

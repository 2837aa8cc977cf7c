/** The two nodes that send: a msg in, what became of its messages out. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { SendRequest } from '../lib/agent/index.ts';
import type { AgentFace } from './agents.ts';
import { joinSession } from './flow-node.ts';
import { carriedNames, collectCarried, evaluateFields, readRequests } from './input.ts';
import { answer } from './output.ts';
import { ParkedFiles } from './parked-files.ts';

/** In practice a message needs no registered sender: a new node works as soon as a receiver is typed. */
const PRACTICE_SENDER = '0212345678';

const settles = ['accepted', 'stored', 'delivered'] as const;

export interface SendNodeDef extends NodeDef {
  session: string;
  overflow?: string;
  settle?: string;
  carry?: string;
  /** The typed inputs: `to`, `toType` and so on. */
  [field: string]: unknown;
}

export function setUpSendNode(RED: NodeAPI, node: Node, config: SendNodeDef, kind: SendRequest['node']): void {
  const overflow = config.overflow === 'reject' ? 'reject' : 'lms';
  const settle = settles.find((known) => known === config.settle) ?? 'accepted';
  const names = carriedNames(config.carry ?? 'topic');
  let warned = false;

  const { session, language, onInput } = joinSession(RED, node, config.session, { services: [kind] });
  const ask = async (msg: NodeMessageInFlow, agent: AgentFace) => {
    const given = await evaluateFields(RED.util, node, kind, config, msg);
    const fields = session?.practice ? { from: PRACTICE_SENDER, ...given } : given;
    const { requests, list } = readRequests(msg.payload, fields, kind, overflow);
    const { carried, lost } = collectCarried(RED.util, names, msg);
    if (lost.length > 0 && !warned) {
      warned = true;
      node.warn(notCarried[language](lost.join(', ')));
    }
    return { sending: agent.send(requests, { settle, carry: carried }), list };
  };
  const folder = RED.settings.userDir === undefined ? tmpdir() : join(RED.settings.userDir, 'ushot');

  onInput(async (msg, agent) => {
    // What was read from the msg is not held while it waits, which may be long; nor are its pictures.
    const { sending, list } = await ask(msg, agent);
    const parking = kind === 'mms' ? parkedFiles.park(msg, folder) : null;
    const outcomes = await sending.finally(async () => (await parking)?.());
    msg.payload = answer(outcomes, list, language);
    return msg;
  });
}

/** One for the process: memory is. */
const parkedFiles = new ParkedFiles();

const notCarried = {
  en: (names: string) => `These properties of the msg cannot be kept for the report: ${names}.`,
  ko: (names: string) => `결과에 되돌려 줄 수 없는 msg 속성입니다: ${names}.`,
} as const;

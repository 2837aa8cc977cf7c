/**
 * What all nodes of a flow that use a session have in common: they join it, wear its badge, and end each input in
 * exactly one `done()`, whatever happens while it waits.
 */
import type { Node, NodeAPI, NodeMessage, NodeMessageInFlow } from 'node-red';
import { type Language, UshotError } from '../lib/errors.ts';
import type { AgentFace, Service } from './agents.ts';
import { flowError } from './flow-error.ts';
import { Homes } from './homes.ts';
import { serverLanguage } from './language.ts';
import type { Report, Session, SessionNode } from './session.ts';
import { type Badge, troubleBadge } from './status.ts';

export interface Wishes {
  readonly services: readonly Service[];
  readonly report?: Report;
}

export interface FlowNode {
  readonly session: Session | null;
  /** Of the errors that this node makes. */
  readonly language: Language;
  /**
   * Calls `work` for each input. What it resolves with is sent on, and the input is done; what it rejects with is the
   * input's error. An input that waits through a deploy is answered by the node that took this one's place.
   */
  onInput(work: (msg: NodeMessageInFlow, agent: AgentFace) => Promise<NodeMessage>): void;
}

/** To be called once by a node's constructor, after `createNode`. */
export function joinSession(RED: NodeAPI, node: Node, sessionId: string, wishes: Wishes): FlowNode {
  const session = findSession(RED, sessionId);
  const language = serverLanguage(RED.settings as { lang?: unknown });
  const show = (badge: Badge) => node.status(badge);
  const leave = session?.join({ node, show, ...wishes });
  if (!session) show(troubleBadge('USHOT_NO_SESSION'));

  homes.watch(RED.events);
  homes.enter(node);
  node.on('close', (removed: boolean, done: () => void) => {
    leave?.();
    homes.leave(node, removed);
    done();
  });

  return {
    session,
    language,
    onInput(work) {
      node.on('input', (msg, send, done) => {
        const succeed = (answer: NodeMessage) =>
          homes.answer(node.id, (home) => {
            // The `send` of an input belongs to the node that took it, whose wires are gone after a deploy.
            if (home === node) send(answer);
            else if (home) home.send(answer);
            else return done(flowError(new UshotError('USHOT_NODE_GONE'), language));
            done();
          });
        const fail = (error: unknown) =>
          homes.answer(node.id, (home) => {
            const told = flowError(error, language);
            if (home && home !== node) home.error(told, msg);
            else done(told);
          });
        const agent = session ? session.agent() : Promise.reject(new UshotError('USHOT_NO_SESSION'));
        agent.then((live) => work(msg, live)).then(succeed, fail);
      });
    },
  };
}

/** Of this process: nodes of all flows. */
const homes = new Homes();

function findSession(RED: NodeAPI, id: string): Session | null {
  const found = id ? (RED.nodes.getNode(id) as Partial<SessionNode> | null) : null;
  return found?.ushot ?? null;
}

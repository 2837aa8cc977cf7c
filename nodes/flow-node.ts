/**
 * What all nodes of a flow that use a session have in common: they join it, wear its badge, and end each input in
 * exactly one `done()`, whatever happens while it waits.
 */
import type { Node, NodeAPI, NodeMessage, NodeMessageInFlow } from 'node-red';
import { type Language, UshotError } from '../lib/errors.ts';
import type { AgentFace, Service } from './agents.ts';
import { flowError } from './flow-error.ts';
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
   * input's error. An input that still waits when the node closes is done then, and nothing is sent on.
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

  const open = new Set<() => void>();
  node.on('close', () => {
    leave?.();
    for (const done of open) done();
    open.clear();
  });

  return {
    session,
    language,
    onInput(work) {
      node.on('input', (msg, send, done) => {
        // The node's own way to end is kept apart, so that a late answer finds the input ended.
        const end = () => done();
        open.add(end);
        const agent = session ? session.agent() : Promise.reject(new UshotError('USHOT_NO_SESSION'));
        agent
          .then((live) => work(msg, live))
          .then(
            (answer) => {
              if (!open.delete(end)) return;
              send(answer);
              done();
            },
            (error: unknown) => {
              if (open.delete(end)) done(flowError(error, language));
            },
          );
      });
    },
  };
}

function findSession(RED: NodeAPI, id: string): Session | null {
  const found = id ? (RED.nodes.getNode(id) as Partial<SessionNode> | null) : null;
  return found?.ushot ?? null;
}

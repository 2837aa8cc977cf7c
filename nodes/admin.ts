/**
 * What the editor asks the server, behind the permissions that deploying has:
 *
 *   POST ushot/probe              can this account be used with what is typed in the dialog? One login on each port.
 *   GET  ushot/sessions/:id       what the running session knows of its account
 *   GET  ushot/sessions/:id/held  messages on hold, oldest first
 *   POST ushot/sessions/:id/held  what the operator decided about some of them
 */
import type { NodeAPI } from 'node-red';
import {
  type AgentSettings,
  type HeldMessage,
  type LinkProbe,
  probeAccount,
  readSettings,
  sessionProperties,
} from '../lib/agent/index.ts';
import { systemClock } from '../lib/clock.ts';
import { type Language, UshotError } from '../lib/errors.ts';
// biome-ignore lint/style/noRestrictedImports: a login before there is an agent, through the same network.
import { dialTcp } from '../lib/session/index.ts';
import type { Agents } from './agents.ts';
import type { Session, SessionNode } from './session.ts';

/** What the dialog sends. Nothing in it is trusted. */
interface ProbeRequest {
  /** The session node, deployed or not. */
  readonly node: string;
  /** Properties by name, as typed: texts that may hold ${ENV}. */
  readonly settings: Readonly<Record<string, string>>;
  readonly id: string;
  /** What is typed, or `STORED`. */
  readonly password: string;
  readonly language: Language;
}

export type ProbeAnswer =
  | { readonly links: readonly LinkAnswer[] }
  /** Nothing was tried; why, in the reader's language. */
  | { readonly problem: string };

type LinkAnswer = Pick<LinkProbe, 'service' | 'role'> &
  (
    | { readonly ok: true; readonly running: boolean; readonly terms: object }
    | { readonly ok: false; readonly code: string; readonly text: string }
  );

/** What the dialog sends when the operator has decided. Nothing in it is trusted. */
interface Decision {
  readonly messageIds: readonly string[];
  readonly decision: 'resend' | 'discard';
  readonly language: Language;
}

export interface HeldAnswer {
  /** The oldest, at most `MOST_HELD`. */
  readonly held: readonly HeldMessage[];
  /** All there are. */
  readonly count: number;
  /** The server's clock, by which their times are meant. */
  readonly nowMs: number;
}

/** How many were held until now; with a problem, nothing was done. */
export type DecisionAnswer = { readonly decided: number } | { readonly problem: string };

/** What the editor shows for a password that it was not given. */
const STORED = '__PWRD__';
const LONGEST_VALUE = 500;
const MOST_AT_A_TIME = 3;
/** Messages on hold that are shown, and decided about, at a time. */
const MOST_HELD = 200;

export function serveAdmin(RED: NodeAPI, agents: () => Agents): void {
  let underWay = 0;

  RED.httpAdmin.post('/ushot/probe', RED.auth.needsPermission('flows.write'), (request, response) => {
    const asked = readProbeRequest(request.body);
    if (!asked) return void response.status(400).json({ problem: 'Bad request' });
    if (underWay >= MOST_AT_A_TIME) return void response.status(429).json({ problem: busy[asked.language] });
    underWay += 1;
    answerProbe(RED, asked, agents())
      .then(
        (answer) => response.json(answer),
        (error: unknown) => {
          const problem = problemText(error, asked.language);
          response.status(error instanceof UshotError ? 200 : 500).json({ problem });
        },
      )
      .finally(() => {
        underWay -= 1;
      });
  });

  RED.httpAdmin.get('/ushot/sessions/:id', RED.auth.needsPermission('flows.read'), (request, response) => {
    const node = RED.nodes.getNode(String(request.params['id'])) as Partial<SessionNode> | null;
    response.json({ lmsBytes: node?.ushot?.lmsBytes });
  });

  const sessionOf = (id: unknown) => (RED.nodes.getNode(String(id)) as Partial<SessionNode> | null)?.ushot;
  const held = '/ushot/sessions/:id/held';

  RED.httpAdmin.get(held, RED.auth.needsPermission('flows.read'), (request, response) => {
    listHeld(sessionOf(request.params['id'])).then(
      (answer) => response.json(answer),
      (error: unknown) => response.status(503).json({ problem: problemText(error, 'en') }),
    );
  });

  RED.httpAdmin.post(held, RED.auth.needsPermission('flows.write'), (request, response) => {
    const asked = readDecision(request.body);
    if (!asked) return void response.status(400).json({ problem: 'Bad request' });
    const { messageIds, decision, language } = asked;
    const session = sessionOf(request.params['id']);
    if (!session) return void response.status(404).json({ problem: new UshotError('USHOT_STOPPED').text(language) });
    session
      .agent()
      .then((agent) => agent.decide(messageIds, decision))
      .then(
        (decided) => response.json({ decided } satisfies DecisionAnswer),
        (error: unknown) => response.status(503).json({ problem: problemText(error, language) }),
      );
  });
}

export function readProbeRequest(body: unknown): ProbeRequest | null {
  const { node, settings, id, password, language } = (body ?? {}) as Record<string, unknown>;
  const isShort = (value: unknown): value is string => typeof value === 'string' && value.length <= LONGEST_VALUE;
  if (!isShort(node) || !isShort(id) || !isShort(password)) return null;
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return null;
  const known = Object.entries(settings).filter(([name]) => Object.hasOwn(sessionProperties, name));
  if (!known.every(([, value]) => isShort(value))) return null;
  return { node, settings: Object.fromEntries(known), id, password, language: language === 'ko' ? 'ko' : 'en' };
}

export function readDecision(body: unknown): Decision | null {
  const { messageIds, decision, language } = (body ?? {}) as Record<string, unknown>;
  if (decision !== 'resend' && decision !== 'discard') return null;
  if (!Array.isArray(messageIds) || messageIds.length === 0 || messageIds.length > MOST_HELD) return null;
  const isId = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= LONGEST_VALUE;
  if (!messageIds.every(isId)) return null;
  return { messageIds: [...new Set(messageIds)], decision, language: language === 'ko' ? 'ko' : 'en' };
}

/** A session that was never deployed, or cannot be used, shows none. */
async function listHeld(session: Session | undefined): Promise<HeldAnswer> {
  const agent = await session?.agent().catch(() => null);
  const held = agent ? await agent.held(MOST_HELD) : [];
  // The agent counts now and then, so its number may be behind the list.
  const more = held.length === MOST_HELD ? (agent?.status.held ?? 0) : 0;
  return { held, count: Math.max(held.length, more), nowMs: systemClock.now() };
}

async function answerProbe(RED: NodeAPI, asked: ProbeRequest, agents: Agents): Promise<ProbeAnswer> {
  const settings = settingsOf(RED, asked);
  const links = await probeAccount(
    settings,
    { clock: systemClock, random: Math.random, dial: dialTcp },
    await agents.statusOf(settings),
  );
  return { links: links.map((link) => tell(link, asked.language)) };
}

/** With ${ENV} filled in as at a deploy, and the stored password where none was typed. */
function settingsOf(RED: NodeAPI, { node, settings, id, password }: ProbeRequest): AgentSettings {
  const deployed = RED.nodes.getNode(node);
  const stored = RED.nodes.getCredentials(node) as { password?: string } | undefined;
  const fill = (value: string): string => {
    if (!/\$\{[^}]+\}/.test(value)) return value;
    // Without a node, as it is before the first deploy, the environment of the process is all there is.
    return String(RED.util.evaluateNodeProperty(value, 'env', deployed as never, {}));
  };
  const filled = Object.entries(settings).map(([name, value]) => [name, fill(value)]);
  return readSettings({
    ...Object.fromEntries(filled),
    name: settings['name'] || 'UShot',
    mode: 'gateway',
    id: fill(id),
    password: fill(password === STORED ? (stored?.password ?? '') : password),
  });
}

function tell(link: LinkProbe, language: Language): LinkAnswer {
  const { service, role } = link;
  if (link.kind === 'ok') return { service, role, ok: true, running: link.running, terms: link.terms };
  const { code, params } = link.trouble;
  return { service, role, ok: false, code, text: new UshotError(code, params).text(language) };
}

function problemText(error: unknown, language: Language): string {
  return error instanceof UshotError ? error.text(language) : String(error);
}

const busy: Readonly<Record<Language, string>> = {
  en: 'Other connection tests are under way. Try again in a moment.',
  ko: '다른 연결 테스트가 진행 중입니다. 잠시 뒤 다시 시도하세요.',
};

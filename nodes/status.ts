/**
 * What a node's badge says, from the state of its session. Pure.
 *
 * The text is English whatever the server's locale: flows read it through Status nodes. The editor shows it in the
 * browser's language (resources/editor.js): it looks the text up in the session's catalogue under `status`, numbers put
 * aside ("waiting (12)" is `waiting (#)`). Texts stay below 20 characters; the other members are for Status nodes.
 */
import type { AgentStatus } from '../lib/agent/index.ts';
import type { ErrorCode } from '../lib/errors.ts';

/** What a badge can say, and how it looks. `#` stands for a number. */
export const badges = {
  'no session': { fill: 'red', shape: 'ring' },
  'session conflict': { fill: 'red', shape: 'ring' },
  'settings wrong': { fill: 'red', shape: 'ring' },
  'store failed': { fill: 'red', shape: 'ring' },
  'login refused': { fill: 'red', shape: 'ring' },
  'address refused': { fill: 'red', shape: 'ring' },
  'retry in # s': { fill: 'red', shape: 'ring' },
  stopped: { fill: 'grey', shape: 'ring' },
  connecting: { fill: 'yellow', shape: 'ring' },
  '# on hold': { fill: 'yellow', shape: 'dot' },
  '# in doubt': { fill: 'yellow', shape: 'dot' },
  'limit reached': { fill: 'yellow', shape: 'dot' },
  'duplicate stopped': { fill: 'yellow', shape: 'dot' },
  'waiting (#)': { fill: 'blue', shape: 'dot' },
  practising: { fill: 'blue', shape: 'ring' },
  ready: { fill: 'green', shape: 'dot' },
} as const satisfies Record<string, Look>;

export type BadgeState = keyof typeof badges;

interface Look {
  readonly fill: 'red' | 'green' | 'yellow' | 'blue' | 'grey';
  readonly shape: 'ring' | 'dot';
}

export interface Badge extends Look {
  readonly text: string;
  /** Which of `badges` it is. */
  readonly state: BadgeState;
  /** True when nothing leaves this machine. */
  readonly practice: boolean;
  /** The trouble behind a red badge. */
  readonly code?: ErrorCode;
  readonly waiting?: number;
  readonly inFlight?: number;
  readonly awaitingReport?: number;
  readonly inDoubt?: number;
  readonly held?: number;
}

export function badge(state: BadgeState, number?: number, more: Partial<Badge> = {}): Badge {
  const text = number === undefined ? state : state.replace('#', String(Math.min(number, MOST_SHOWN)));
  return { ...badges[state], text, state, practice: false, ...more };
}

/** Keeps a text below 20 characters. */
const MOST_SHOWN = 9_999_999;

/** Troubles of the session as a whole, that have a badge of their own. */
const troubles: Partial<Record<ErrorCode, BadgeState>> = {
  USHOT_NO_SESSION: 'no session',
  USHOT_SESSION_CONFLICT: 'session conflict',
  USHOT_STORE: 'store failed',
  USHOT_STOPPED: 'stopped',
  USHOT_LINK_LOGIN_REFUSED: 'login refused',
  USHOT_LINK_SILENT_CLOSE: 'address refused',
  USHOT_DUPLICATE: 'duplicate stopped',
  USHOT_COOLDOWN: 'duplicate stopped',
};

/** A session that cannot work at all. */
export function troubleBadge(code: ErrorCode): Badge {
  return badge(troubles[code] ?? 'settings wrong', undefined, { code });
}

/** The gravest thing that there is to say comes first. `services`: whose links concern the node; none means all. */
export function agentBadge(status: AgentStatus, nowMs: number, services: readonly ('sms' | 'mms')[] = []): Badge {
  const { practice, waiting, inFlight, awaitingReport, inDoubt, held } = status;
  const say = (state: BadgeState, number?: number, code?: ErrorCode) =>
    badge(state, number, { practice, waiting, inFlight, awaitingReport, inDoubt, held, ...(code && { code }) });

  if (status.problem) return say(troubles[status.problem.code] ?? 'settings wrong', undefined, status.problem.code);
  const concerned = status.links.filter(({ service }) => services.length === 0 || services.includes(service));
  const states = concerned.map((link) => link.state);
  for (const state of states) {
    if (state.name !== 'waiting') continue;
    const { code } = state.trouble;
    const named = troubles[code];
    if (named) return say(named, undefined, code);
    return say('retry in # s', secondsShown(state.untilMs - nowMs), code);
  }
  const onTheWay = states.some(({ name }) => name === 'connecting' || name === 'logging-in');
  if (onTheWay || states.length === 0) return say('connecting');
  if (held > 0) return say('# on hold', held);
  if (inDoubt > 0) return say('# in doubt', inDoubt);
  if (status.guard) return say(troubles[status.guard] ?? 'limit reached', undefined, status.guard);
  if (waiting > 0) return say('waiting (#)', waiting);
  if (states.every((state) => state.name === 'stopped')) return say('stopped');
  return say(practice ? 'practising' : 'ready');
}

/** Whole seconds to the next try: exact below 10, in tens above, so that a badge need not change every second. */
function secondsShown(ms: number): number {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return seconds <= 10 ? seconds : Math.ceil(seconds / 10) * 10;
}

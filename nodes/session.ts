/**
 * What stands behind a session node: it finds the account's agent and shares it out among the nodes that use the session.
 * Nodes join it and are told badges and reports; troubles of the session reach the Catch nodes of its users.
 *
 * Between the stop and the start of a deploy nodes come and go, so three things wait until the flows have started:
 * troubles are told (before, no Catch node would be there to hear), reports are handed out (before, a node that is still
 * to come would miss some), and a session that was refused for a conflict tries again (the other may be gone).
 */
import type { Node, NodeAPI } from 'node-red';
import {
  type AgentSettings,
  type AgentStatus,
  type FlowReport,
  type LogLevel,
  readSettings,
  sessionProperties,
} from '../lib/agent/index.ts';
import { type Clock, systemClock, type Timer } from '../lib/clock.ts';
import { type ErrorCode, type Language, UshotError } from '../lib/errors.ts';
import type { AgentFace, Agents, Holder, Service } from './agents.ts';
import { flowError } from './flow-error.ts';
import { serverLanguage } from './language.ts';
import { Latest } from './latest.ts';
import { agentBadge, type Badge, badge, troubleBadge } from './status.ts';

export type Report = (report: FlowReport, carried: Readonly<Record<string, unknown>>) => void;

/** A node that uses the session. */
export interface Member {
  readonly node: Node;
  /** What it sends by. None: it is told of the session as a whole. */
  readonly services: readonly Service[];
  show(badge: Badge): void;
  /** Present on a node that wants the delivery reports. */
  readonly report?: Report;
}

type Account = { id?: string; password?: string };

/** The node in the flow file: `users` is where Node-RED looks up whose Catch nodes hear of a config node's errors. */
export interface SessionNode extends Node<Account> {
  users: Record<string, Node>;
  ushot: Session;
}

const BADGE_INTERVAL_MS = 1_000;
/** A pause longer than this is shown in steps of it. */
const RETRY_STEP_MS = 10_000;

export class Session implements Holder {
  readonly sessionId: string;
  readonly name: string;
  readonly practice: boolean;
  readonly language: Language;
  readonly userDir: string | undefined;
  readonly #node: SessionNode;
  readonly #agents: Agents;
  readonly #clock: Clock;
  readonly #settings: AgentSettings | null = null;
  readonly #members = new Map<Member, Latest<Badge>>();
  /** Why there is no agent. */
  #trouble: UshotError | Error | null = null;
  #agent: Promise<AgentFace> | null = null;
  #live: AgentFace | null = null;
  #stopStatus: (() => void) | null = null;
  #stopReports: (() => void) | null = null;
  #step: Timer | null = null;
  /** Troubles that were told and are not over. */
  #told = new Set<ErrorCode>();
  /** What waits for the flows to run. */
  #untold: (() => void)[] = [];
  #flowsRunning = false;
  #closed = false;

  constructor(
    RED: NodeAPI,
    node: SessionNode,
    config: Readonly<Record<string, unknown>>,
    agents: Agents,
    clock: Clock = systemClock,
  ) {
    this.#node = node;
    this.#agents = agents;
    this.#clock = clock;
    const { lang, userDir } = RED.settings as { lang?: unknown; userDir?: string };
    this.language = serverLanguage({ lang });
    this.userDir = userDir;
    this.sessionId = node._alias ?? node.id;
    this.name = node.name || this.sessionId;
    this.practice = config['mode'] === 'practice';
    agents.watch(RED.events);
    agents.enrol(this);
    try {
      this.#settings = readSettings(settingsOf(node, config));
      this.#connect(this.#settings);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The account's agent. Rejects with the reason when the session cannot be used. */
  agent(): Promise<AgentFace> {
    return this.#agent ?? Promise.reject(this.#trouble ?? new UshotError('USHOT_STOPPED'));
  }

  /** Returns how to leave. */
  join(member: Member): () => void {
    const shown = new Latest<Badge>(this.#clock, BADGE_INTERVAL_MS, (latest) => member.show(latest));
    this.#members.set(member, shown);
    this.#node.users[member.node.id] = member.node;
    shown.put(this.#badgeFor(member));
    if (member.services.length > 0) this.#takeServices();
    return () => {
      shown.end();
      this.#members.delete(member);
      delete this.#node.users[member.node.id];
      // A deploy is under way, and it brings the member back: nothing is told or handed out before it is there.
      this.#flowsRunning = false;
      if (member.report) this.#holdReports();
    };
  }

  async close(removed: boolean): Promise<void> {
    this.#closed = true;
    for (const shown of this.#members.values()) shown.end();
    this.#step?.cancel();
    this.#stopStatus?.();
    this.#holdReports();
    await this.#agents.release(this, removed);
  }

  /** What the login of the running agent said of the length of an LMS, if there is one. */
  get lmsBytes(): number | undefined {
    const links = this.#live?.status.links ?? [];
    for (const { service, role, state } of links) {
      if (service === 'mms' && role === 'send' && state.name === 'ready') return state.terms.maxMsgBytes;
    }
    return undefined;
  }

  // What the registry of agents asks of a holder.

  services(): ReadonlySet<Service> {
    return new Set([...this.#members.keys()].flatMap((member) => member.services));
  }

  flowsStarted(): void {
    this.#flowsRunning = true;
    if (this.#settings && this.#trouble instanceof UshotError && this.#trouble.code === 'USHOT_SESSION_CONFLICT') {
      try {
        this.#connect(this.#settings);
        this.#untold = [];
      } catch {
        // Refused as before, and told before.
      }
    }
    for (const tell of this.#untold.splice(0)) tell();
    this.#takeServices();
    this.#handOutReports();
  }

  log(level: LogLevel, text: string): void {
    if (level === 'info') this.#node.log(text);
    else if (level === 'warn') this.#node.warn(text);
    else this.#node.error(text);
  }

  #connect(settings: AgentSettings): void {
    const agent = this.#agents.acquire(this, settings);
    this.#agent = agent;
    this.#trouble = null;
    agent.then(
      (live) => {
        if (this.#closed) return;
        this.#live = live;
        this.#stopStatus = live.onStatus((status) => this.#statusChanged(status));
        this.#statusChanged(live.status);
        if (this.#flowsRunning) this.#handOutReports();
      },
      (error: unknown) => {
        if (!this.#closed) this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    const trouble = error instanceof Error ? error : new Error(String(error));
    this.#trouble = trouble;
    this.#agent = null;
    this.#showBadges();
    this.#tell(flowError(trouble, this.language));
  }

  #showBadges(): void {
    for (const [member, shown] of this.#members) shown.put(this.#badgeFor(member));
  }

  #badgeFor(member: Member): Badge {
    const trouble = this.#trouble;
    if (trouble) return troubleBadge(trouble instanceof UshotError ? trouble.code : 'USHOT_STORE');
    if (!this.#live) return badge('connecting', undefined, { practice: this.practice });
    return agentBadge(this.#live.status, this.#clock.now(), member.services);
  }

  #takeServices(): void {
    // A failure to start is told by `#connect`.
    this.#agents.takeServices(this).catch(() => {});
  }

  #wantsReports(): boolean {
    return [...this.#members.keys()].some((member) => member.report);
  }

  #handOutReports(): void {
    if (this.#closed || this.#stopReports || !this.#live || !this.#wantsReports()) return;
    this.#stopReports = this.#live.onReport((report, carried) => {
      for (const member of this.#members.keys()) member.report?.(report, carried);
    });
  }

  #holdReports(): void {
    this.#stopReports?.();
    this.#stopReports = null;
  }

  #statusChanged(status: AgentStatus): void {
    const nowMs = this.#clock.now();
    this.#showBadges();
    this.#tellTroubles(status);
    this.#step?.cancel();
    const untilMs = status.links.map(({ state }) => (state.name === 'waiting' ? state.untilMs - nowMs : 0));
    const longestMs = Math.max(0, ...untilMs);
    if (longestMs > RETRY_STEP_MS) {
      this.#step = this.#clock.timer(longestMs % RETRY_STEP_MS || RETRY_STEP_MS, () => {
        if (this.#live) this.#statusChanged(this.#live.status);
      });
    }
  }

  /** Tells each kind of trouble once, until the links are all well again. */
  #tellTroubles(status: AgentStatus): void {
    const present = status.problem ? [status.problem] : [];
    for (const { state } of status.links) {
      if (state.name === 'waiting') present.push(new UshotError(state.trouble.code, state.trouble.params));
    }
    for (const error of present) {
      if (this.#told.has(error.code)) continue;
      this.#told.add(error.code);
      this.#tellQuietly(flowError(error, this.language));
    }
    const well = present.length === 0 && status.links.every(({ state }) => state.name === 'ready');
    if (well && this.#told.size > 0) {
      this.#told.clear();
      this.#node.log(recovered[this.language]);
    }
  }

  /** To the Catch nodes of the session's users, else to the log. */
  #tell(error: Error): void {
    this.#whenFlowsRun(() => this.#node.error(error, {}));
  }

  /** As `#tell`, for what the agent has logged already: `node.error` would log it once more. */
  #tellQuietly(error: Error): void {
    const flow = this.#node._flow as { handleError?(node: Node, error: Error, msg: object): void } | undefined;
    this.#whenFlowsRun(() => {
      if (flow?.handleError) flow.handleError(this.#node, error, {});
      else this.#node.error(error, {});
    });
  }

  #whenFlowsRun(tell: () => void): void {
    if (this.#flowsRunning) tell();
    else this.#untold.push(tell);
  }
}

const recovered: Readonly<Record<Language, string>> = {
  en: 'The session works again.',
  ko: '세션이 다시 정상으로 동작합니다.',
};

/** What `readSettings` takes: the node's own `id` is not the account's. */
function settingsOf(node: SessionNode, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { id, password } = (node.credentials as Account | undefined) ?? {};
  const named = Object.keys(sessionProperties).map((name) => [name, config[name]] as const);
  return { ...Object.fromEntries(named), name: node.name || node.id, id: id ?? '', password: password ?? '' };
}

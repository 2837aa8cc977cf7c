/** An agent that does what the test says: takes everything unless told otherwise, and shows what it was asked. */
import type {
  AgentSettings,
  AgentStatus,
  FlowReport,
  HeldMessage,
  LogLevel,
  SendOptions,
  SendOutcome,
  SendRequest,
} from '../../lib/agent/index.ts';
import type { AgentFace, RunningAgent, StartAgent } from '../../nodes/agents.ts';

export class FakeAgent implements AgentFace {
  readonly settings: AgentSettings;
  readonly log: (level: LogLevel, line: string) => void;
  readonly asked: { requests: readonly SendRequest[]; options: SendOptions }[] = [];
  readonly uploaded: { file: unknown; name: string | undefined }[] = [];
  readonly inUse: Record<'sms' | 'mms', number> = { sms: 0, mms: 0 };
  readonly reportListeners = new Set<Parameters<AgentFace['onReport']>[0]>();
  readonly statusListeners = new Set<Parameters<AgentFace['onStatus']>[0]>();
  /** What is on hold, and what was decided about it. */
  onHold: HeldMessage[] = [];
  readonly decisions: { messageIds: readonly string[]; decision: 'resend' | 'discard' }[] = [];
  stopped = false;
  status: AgentStatus = quiet;
  /** One outcome for each request, unless a test knows better. */
  onSend: (requests: readonly SendRequest[]) => Promise<SendOutcome[]> | SendOutcome[] = (requests) =>
    requests.map((request) => accepted(String(request.to)));

  constructor(settings: AgentSettings, log: (level: LogLevel, line: string) => void) {
    this.settings = settings;
    this.log = log;
  }

  use(service: 'sms' | 'mms'): () => void {
    this.inUse[service]++;
    return () => void this.inUse[service]--;
  }

  async send(requests: readonly SendRequest[], options: SendOptions): Promise<SendOutcome[]> {
    this.asked.push({ requests, options });
    return this.onSend(requests);
  }

  async upload(file: unknown, name?: string) {
    this.uploaded.push({ file, name });
    return { fileName: `FILE${this.uploaded.length}.jpg`, size: 3, ext: 'jpg' };
  }

  async held(limit = 200): Promise<HeldMessage[]> {
    return this.onHold.slice(0, limit);
  }

  async decide(messageIds: readonly string[], decision: 'resend' | 'discard'): Promise<number> {
    this.decisions.push({ messageIds, decision });
    const before = this.onHold.length;
    this.onHold = this.onHold.filter(({ messageId }) => !messageIds.includes(messageId));
    return before - this.onHold.length;
  }

  onReport(listener: Parameters<AgentFace['onReport']>[0]): () => void {
    this.reportListeners.add(listener);
    return () => void this.reportListeners.delete(listener);
  }

  onStatus(listener: Parameters<AgentFace['onStatus']>[0]): () => void {
    this.statusListeners.add(listener);
    return () => void this.statusListeners.delete(listener);
  }

  become(change: Partial<AgentStatus>): void {
    this.status = { ...this.status, ...change };
    for (const listener of this.statusListeners) listener(this.status);
  }

  report(report: Partial<FlowReport>, carried: Record<string, unknown> = {}): void {
    for (const listener of this.reportListeners) listener({ ...delivered, ...report }, carried);
  }
}

/** Starts fakes, and keeps all that were ever started. */
export class FakeStarter {
  readonly agents: FakeAgent[] = [];
  readonly keys: string[] = [];
  /** What happened, in order. */
  readonly events: string[] = [];
  /** A test that wants the end of an agent to take its time. */
  beforeStop: () => Promise<void> = () => Promise.resolve();

  readonly start: StartAgent = async (settings, key, { log }): Promise<RunningAgent> => {
    const agent = new FakeAgent(settings, log);
    this.agents.push(agent);
    this.keys.push(key);
    this.events.push(`start ${key}`);
    return {
      agent,
      stop: async () => {
        await this.beforeStop();
        agent.stopped = true;
        this.events.push(`stop ${key}`);
      },
    };
  };

  get only(): FakeAgent {
    const [agent, ...others] = this.agents;
    if (!agent || others.length > 0) throw new Error(`${this.agents.length} agents were started`);
    return agent;
  }
}

const ready = {
  name: 'ready',
  busy: false,
  terms: { variable: true, maxMsgBytes: 3000, maxPerRequest: 30, service: 'sms' },
} as AgentStatus['links'][number]['state'];

export const quiet: AgentStatus = {
  practice: false,
  problem: null,
  links: [
    { service: 'sms', role: 'send', index: 0, state: ready },
    { service: 'sms', role: 'report', index: 0, state: ready },
    { service: 'mms', role: 'send', index: 0, state: ready },
  ],
  waiting: 0,
  inFlight: 0,
  awaitingReport: 0,
  inDoubt: 0,
  held: 0,
  guard: null,
};

export const linkStates = {
  ready,
  connecting: { name: 'connecting' },
  waiting: (code: string, untilMs: number, params: Record<string, string | number> = {}) => ({
    name: 'waiting',
    untilMs,
    trouble: { code, params, detail: '' },
  }),
} as unknown as {
  ready: AgentStatus['links'][number]['state'];
  connecting: AgentStatus['links'][number]['state'];
  waiting(
    code: string,
    untilMs: number,
    params?: Record<string, string | number>,
  ): AgentStatus['links'][number]['state'];
};

let count = 0;

export function accepted(to: string, change: Partial<SendOutcome> = {}): SendOutcome {
  count++;
  return {
    messageId: `M${count}`,
    groupId: 'G',
    to,
    from: '021234567',
    type: 'SMS',
    status: 'accepted',
    ...change,
  };
}

export const delivered: FlowReport = {
  messageId: 'M1',
  groupId: 'G',
  to: '01012345678',
  type: 'SMS',
  status: 'delivered',
  result: 6,
  description: 'delivered',
  category: 'delivered',
  retryable: false,
  carrier: 'SKT',
  telecom: '01190',
  sentAt: '2026-01-05T09:00:00+09:00',
  retryOf: null,
  resentAs: null,
};

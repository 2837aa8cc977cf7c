/**
 * The links of one account, by service: so many send connections, each with its Sender, and one report connection.
 */
import type { Clock } from '../clock.ts';
import { describeError, type ErrorCode, type ErrorParams, type Language, UshotError } from '../errors.ts';
import type { Dial } from '../network.ts';
import type { Outbox, Service, Settlement } from '../outbox/outbox.ts';
import type { Charset, Codec, WireSettings } from '../protocol/index.ts';
import { Link, type LinkSettings, type LinkState } from '../session/index.ts';
import type { ReportRecord } from './reports.ts';
import type { ServiceKnowledge } from './request.ts';
import { Sender } from './sender.ts';
import type { AgentSettings } from './settings.ts';

type Role = LinkSettings['role'];

/** One connection as a node's badge sees it. */
export interface LinkStatus {
  readonly service: Service;
  readonly role: Role;
  readonly index: number;
  readonly state: LinkState;
}

export interface LinksDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: Dial;
  readonly outbox: Outbox;
  readonly codec: Codec;
  readonly charset: Charset;
  readonly language: Language;
  readonly log: (level: 'info' | 'warn', line: string) => void;
}

export interface LinksEvents {
  settled(settlements: readonly Settlement[]): void;
  /** Reports came; `stored` may be called once they are committed. */
  reports(records: readonly ReportRecord[], stored: () => void): void;
  storeTrouble(error: unknown): void;
  /** A link went from one state to another. */
  changed(): void;
  /** The gateway refuses the login, and never took one of this service since we run. See `refusal`. */
  refused(service: Service): void;
}

interface OpenService {
  readonly senders: Sender[];
  readonly links: { readonly role: Role; readonly index: number; readonly link: Link }[];
  /** Since when the report link is ready without a break. */
  reportReadySinceMs: number | null;
}

export class Links {
  readonly #settings: AgentSettings;
  readonly #deps: LinksDeps;
  readonly #events: LinksEvents;
  readonly #services = new Map<Service, OpenService>();
  readonly #closing = new Map<Service, Promise<void>>();
  /** By link, the trouble that was logged last: an outage is told once, not at every try. */
  readonly #told = new Map<string, ErrorCode>();
  readonly #refusals = new Map<Service, UshotError>();
  #known: ServiceKnowledge = { terms: {}, mmsRefused: null };

  constructor(settings: AgentSettings, deps: LinksDeps, events: LinksEvents) {
    this.#settings = settings;
    this.#deps = deps;
    this.#events = events;
  }

  /** What the logins said of the account so far. */
  get known(): ServiceKnowledge {
    return this.#known;
  }

  get status(): LinkStatus[] {
    return [...this.#services].flatMap(([service, { links }]) =>
      links.map(({ role, index, link }) => ({ service, role, index, state: link.state })),
    );
  }

  /** Since when the service's reports can come without a break, or null. */
  reportReadySinceMs(service: Service): number | null {
    return this.#services.get(service)?.reportReadySinceMs ?? null;
  }

  /** The clock was set, or the machine slept: nobody knows for how long reports could come. */
  clockJumped(nowMs: number): void {
    for (const opened of this.#services.values())
      if (opened.reportReadySinceMs !== null) opened.reportReadySinceMs = nowMs;
  }

  /**
   * Why nothing can be sent: the gateway refuses a login that it never took. The ID or the password must be wrong; a
   * login that worked before is tried again in the hope that it is a passing trouble.
   */
  refusal(service: Service): UshotError | null {
    return this.#refusals.get(service) ?? null;
  }

  senders(service: Service): readonly Sender[] {
    return this.#services.get(service)?.senders ?? [];
  }

  /** Messages of the service may be ready to be claimed. */
  poke(service: Service): void {
    for (const sender of this.senders(service)) sender.poke();
  }

  /** Does nothing while the service is open or closing; `changed` tells when it has closed. */
  open(service: Service): void {
    if (this.#services.has(service) || this.#closing.has(service)) return;
    const opened: OpenService = { senders: [], links: [], reportReadySinceMs: null };
    this.#services.set(service, opened);
    for (let index = 0; index < this.#settings.connections; index++) this.#addSender(service, index, opened);
    this.#addReportLink(service, opened);
    for (const { link } of opened.links) link.start();
    for (const sender of opened.senders) sender.start();
  }

  isOpen(service: Service): boolean {
    return this.#services.has(service);
  }

  /** Resolves when outstanding answers are settled and the sockets of the service are closed. */
  async close(service: Service): Promise<void> {
    const opened = this.#services.get(service);
    if (!opened) return this.#closing.get(service);
    this.#services.delete(service);
    const { senders, links } = opened;
    const stops = [
      ...senders.map((sender) => sender.stop()),
      ...links.filter(({ role }) => role === 'report').map(({ link }) => link.stop()),
    ];
    const closed = Promise.all(stops).then(() => {
      this.#closing.delete(service);
      this.#events.changed();
    });
    this.#closing.set(service, closed);
    await closed;
  }

  /** Resolves when every service is closed. */
  async stop(): Promise<void> {
    await Promise.all([...this.#services.keys(), ...this.#closing.keys()].map((service) => this.close(service)));
  }

  #addSender(service: Service, index: number, opened: OpenService): void {
    const { clock, outbox, codec, charset } = this.#deps;
    const link = this.#link(service, 'send', {
      state: (state, previous) => {
        this.#changed(service, 'send', index, state, previous);
        sender.linkChanged(state);
      },
      // Reports come on report ports only; the session closes a send link that gets one.
      reports: () => {},
    });
    const sender = new Sender(
      service,
      link,
      {
        clock,
        outbox,
        codec,
        charset,
        timeoutMs: this.#settings.timeoutSeconds * 1000,
        respCodes: this.#settings.respCodes,
      },
      {
        settled: (settlements) => this.#events.settled(settlements),
        storeTrouble: (error) => this.#events.storeTrouble(error),
        notice: (code, params) => this.#log('warn', code, params),
      },
    );
    opened.senders.push(sender);
    opened.links.push({ role: 'send', index, link });
  }

  #addReportLink(service: Service, opened: OpenService): void {
    const link = this.#link(service, 'report', {
      state: (state, previous) => {
        if (state.name !== 'ready') opened.reportReadySinceMs = null;
        else opened.reportReadySinceMs ??= this.#deps.clock.now();
        this.#changed(service, 'report', 0, state, previous);
      },
      reports: (records, stored) => this.#events.reports(records, stored),
    });
    opened.links.push({ role: 'report', index: 0, link });
  }

  #link(
    service: Service,
    role: Role,
    events: {
      state(state: LinkState, previous: LinkState): void;
      reports(records: readonly ReportRecord[], stored: () => void): void;
    },
  ): Link {
    const { clock, dial, random } = this.#deps;
    return new Link(
      linkSettings(this.#settings, service, role),
      { clock, dial, random },
      { ...events, notice: ({ code, params }) => this.#log('warn', code, params) },
    );
  }

  #changed(service: Service, role: Role, index: number, state: LinkState, previous: LinkState): void {
    const link = this.#name(service, role, index);
    if (state.name === 'ready' && previous.name !== 'ready') {
      this.#told.delete(link);
      if (role === 'send') {
        this.#refusals.delete(service);
        const mmsRefused = service === 'mms' ? null : this.#known.mmsRefused;
        this.#known = { terms: { ...this.#known.terms, [service]: state.terms }, mmsRefused };
      }
      this.#log('info', 'USHOT_LINK_READY', { link });
    }
    if (state.name === 'waiting') {
      const { trouble } = state;
      if (service === 'mms' && role === 'send' && trouble.code === 'USHOT_LINK_LOGIN_REFUSED') {
        const { respCode = '', respMesg = '' } = trouble;
        this.#known = { ...this.#known, mmsRefused: { respCode, respMesg } };
      }
      if (role === 'send' && trouble.code === 'USHOT_LINK_LOGIN_REFUSED' && !this.#known.terms[service]) {
        this.#refusals.set(service, new UshotError(trouble.code, trouble.params));
        this.#events.refused(service);
      }
      if (this.#told.get(link) !== trouble.code) {
        this.#told.set(link, trouble.code);
        this.#log('warn', trouble.code, trouble.params, `${link}: `);
      }
    }
    this.#events.changed();
  }

  #name(service: Service, role: Role, index: number): string {
    const number = this.#settings.connections > 1 && role === 'send' ? ` ${index + 1}` : '';
    return `${service.toUpperCase()} ${role}${number}`;
  }

  #log(level: 'info' | 'warn', code: ErrorCode, params: ErrorParams, before = ''): void {
    this.#deps.log(level, before + describeError(code, params, this.#deps.language));
  }
}

export function wireOf(settings: AgentSettings): WireSettings {
  const { protocol, padding, numberStyle, userCode, charset } = settings;
  return { version: protocol, padding, numberStyle, userCode, charset };
}

export function linkSettings(settings: AgentSettings, service: Service, role: Role): LinkSettings {
  const ports = {
    sms: { send: settings.smsSendPort, report: settings.smsReportPort },
    mms: { send: settings.mmsSendPort, report: settings.mmsReportPort },
  };
  const { localAddress, maxMsgBytes, maxPerRequest } = settings;
  return {
    role,
    service,
    host: settings.host,
    port: ports[service][role],
    ...(localAddress === '' ? {} : { localAddress }),
    id: settings.id,
    password: settings.password,
    wire: wireOf(settings),
    keepaliveMs: settings.keepaliveSeconds * 1000,
    pollMs: settings.pollSeconds * 1000,
    reconnectMs: settings.reconnectSeconds * 1000,
    timeoutMs: settings.timeoutSeconds * 1000,
    keepaliveAnswer: settings.keepaliveAnswer === 'yes',
    reportHeartbeat: settings.reportHeartbeat,
    ackCode: settings.ackCode,
    overrides: {
      variable: settings.variable,
      ...(maxMsgBytes === undefined ? {} : { maxMsgBytes }),
      ...(maxPerRequest === undefined ? {} : { maxPerRequest }),
    },
  };
}

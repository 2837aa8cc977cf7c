/**
 * The agents of this process: one for each account, whatever session nodes come and go.
 *
 * A deploy closes every node that it restarts, among them session nodes whose settings have not changed. Their agent,
 * and with it the links to the gateway, outlives them: once its last holder is gone it lingers until the flows have
 * started again, and stops then if nobody took it up. What is known to be final (a removed node, the end of the
 * process) stops it at once.
 *
 *     held -(last holder closes)-> lingering -(taken up with the same settings)-> held
 *       |                              |-(taken up with others)-> stopped, and awaited by its successor
 *       |                              '-(flows started without it, or the grace is over)-> stopped
 *       '-(last holder removed, or a stop that no start follows)-> stopped
 *
 * Two session nodes of the same account share an agent when their settings agree. When they differ, the second is
 * refused: two logins of one account would throw each other out for ever.
 */
import type { EventEmitter } from 'node:events';
import type { Agent, AgentSettings, AgentStatus, LogLevel } from '../lib/agent/index.ts';
import { type Clock, systemClock, type Timer } from '../lib/clock.ts';
import { type Language, UshotError } from '../lib/errors.ts';

/** What nodes use of an agent. */
export type AgentFace = Pick<Agent, 'use' | 'send' | 'upload' | 'held' | 'decide' | 'onReport' | 'onStatus' | 'status'>;

export interface RunningAgent {
  readonly agent: AgentFace;
  /** Orderly; resolves when nothing of it is left. */
  stop(): Promise<void>;
}

export type Service = 'sms' | 'mms';

/** A session node, as far as its agent is concerned. */
export interface Holder {
  /** The session node's id; for the copies that a subflow makes of one, that of the original. */
  readonly sessionId: string;
  readonly name: string;
  readonly language: Language;
  /** Node-RED's user directory. Without one, nothing outlives the process. */
  readonly userDir: string | undefined;
  /** The services that its users need now. */
  services(): ReadonlySet<Service>;
  /** All nodes of a deploy are there. */
  flowsStarted(): void;
  log(level: LogLevel, text: string): void;
}

/** Brings an agent to life. `key` names its store. */
export type StartAgent = (
  settings: AgentSettings,
  key: string,
  surroundings: Pick<Holder, 'log' | 'language' | 'userDir'>,
) => Promise<RunningAgent>;

/** A deploy waits up to 15 s for a node that closes slowly, so nobody may come back earlier than that. */
const GRACE_MS = 30_000;

interface Entry {
  readonly key: string;
  readonly settings: AgentSettings;
  /** All settings but the name, to compare. */
  readonly fingerprint: string;
  readonly running: Promise<RunningAgent>;
  readonly holders: Set<Holder>;
  /** How to let go of each service that is in use. */
  readonly uses: Map<Service, () => void>;
  /** Who speaks for the agent: its newest holder, also after that one has closed. */
  voice: Holder;
  grace: Timer | null;
}

/** Which account it is. In practice there is none: each session node has a gateway of its own. */
function keyOf(settings: AgentSettings, sessionId: string): string {
  if (settings.mode === 'practice') return `practice ${sessionId}`;
  return `gateway ${settings.host.toLowerCase()} ${settings.smsSendPort} ${settings.id}`;
}

function fingerprintOf({ name: _, ...settings }: AgentSettings): string {
  // What is set for practice makes no difference at the real gateway.
  const counts = ([name]: [string, unknown]) => settings.mode === 'practice' || !name.startsWith('practice');
  return JSON.stringify(Object.fromEntries(Object.entries(settings).filter(counts)));
}

/** All that a login and what comes of it depend on. */
const loginProperties = [
  'host',
  'smsSendPort',
  'smsReportPort',
  'mmsSendPort',
  'mmsReportPort',
  'localAddress',
  'id',
  'password',
  'protocol',
  'padding',
  'numberStyle',
  'userCode',
  'charset',
  'variable',
  'maxMsgBytes',
  'maxPerRequest',
] as const satisfies (keyof AgentSettings)[];

export class Agents {
  readonly #start: StartAgent;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Ends that are under way; a successor waits for them. */
  readonly #stopping = new Map<Entry, Promise<void>>();
  readonly #sessions = new Set<Holder>();
  readonly #watched = new Map<EventEmitter, () => void>();
  readonly #settled = new Map<string, () => void>();
  /** The flows that are running, to tell a deploy from the end. */
  #flows: unknown;
  /** Between a stop that no start follows and the next start. */
  #ending = false;

  constructor(start: StartAgent, clock: Clock = systemClock) {
    this.#start = start;
    this.#clock = clock;
  }

  /** Listens to Node-RED's runtime events. Calling it again with the same emitter does nothing. */
  watch(events: EventEmitter): void {
    if (this.#watched.has(events)) return;
    const configOf = (event: unknown) => (event as { config?: unknown } | undefined)?.config;
    const stopping = (event: unknown) => {
      // A deploy stops the old flows with the new ones at hand; a stop for good, with those that are running.
      this.#ending = this.#flows !== undefined && configOf(event) === this.#flows;
    };
    const started = (event: unknown) => {
      this.#flows = configOf(event);
      this.#ending = false;
      for (const entry of [...this.#entries.values()]) if (entry.holders.size === 0) void this.#stop(entry);
      for (const session of [...this.#sessions]) session.flowsStarted();
      // Not before now: between stop and start nobody needs anything, and the links must stay up.
      for (const entry of this.#entries.values()) this.#dropServices(entry);
      void Promise.all(this.#stopping.values()).then(() => {
        for (const settled of this.#settled.values()) settled();
      });
    };
    events.on('flows:stopping', stopping);
    events.on('flows:started', started);
    this.#watched.set(events, () => void events.off('flows:stopping', stopping).off('flows:started', started));
  }

  /**
   * `settled` is called whenever the flows have started and the agents that they no longer need have stopped; of several
   * with the same name the last one.
   */
  onSettled(name: string, settled: () => void): void {
    this.#settled.set(name, settled);
  }

  /** Of all agents that run, start or stop. */
  get keys(): string[] {
    return [...this.#entries.values(), ...this.#stopping.keys()].map(({ key }) => key);
  }

  /** Makes a session node known, so that it hears of `flowsStarted`, until it is released. */
  enrol(holder: Holder): void {
    this.#sessions.add(holder);
  }

  /**
   * The agent for these settings, shared or new. Throws USHOT_SESSION_CONFLICT when another session node holds the
   * account with other settings. The promise rejects when the agent could not be started.
   */
  acquire(holder: Holder, settings: AgentSettings): Promise<AgentFace> {
    const key = keyOf(settings, holder.sessionId);
    const fingerprint = fingerprintOf(settings);
    let entry = this.#entries.get(key);
    if (entry && entry.fingerprint !== fingerprint) {
      if (entry.holders.size > 0) {
        throw new UshotError('USHOT_SESSION_CONFLICT', {
          host: settings.host,
          first: entry.voice.name,
          second: holder.name,
        });
      }
      void this.#stop(entry);
      entry = undefined;
    }
    entry ??= this.#enter(key, fingerprint, settings, holder);
    entry.grace?.cancel();
    entry.grace = null;
    entry.holders.add(holder);
    entry.voice = holder;
    return entry.running.then(({ agent }) => agent);
  }

  /** Takes what the holder's users need into use. What they need no more is let go when the flows have started. */
  async takeServices(holder: Holder): Promise<void> {
    const entry = this.#entryOf(holder);
    if (!entry) return;
    const { agent } = await entry.running;
    if (!entry.holders.has(holder)) return;
    for (const service of holder.services()) {
      if (!entry.uses.has(service)) entry.uses.set(service, agent.use(service));
    }
  }

  /** Resolves when nothing has to be waited for any more. Releasing what was not acquired does nothing. */
  async release(holder: Holder, removed: boolean): Promise<void> {
    this.#sessions.delete(holder);
    const entry = this.#entryOf(holder);
    if (!entry) return;
    entry.holders.delete(holder);
    const [another] = entry.holders;
    if (another) {
      entry.voice = another;
    } else if (removed || this.#ending) {
      await this.#stop(entry);
    } else {
      entry.grace = this.#clock.timer(GRACE_MS, () => void this.#stop(entry));
    }
  }

  /** Stops every agent, held or not, and listens no more. For tests. */
  async stopAll(): Promise<void> {
    for (const unwatch of this.#watched.values()) unwatch();
    this.#watched.clear();
    for (const entry of [...this.#entries.values()]) void this.#stop(entry);
    await Promise.all(this.#stopping.values());
  }

  /** How the agent fares that has logged in just as these settings would; null when there is none. */
  async statusOf(settings: AgentSettings): Promise<AgentStatus | null> {
    const entry = this.#entries.get(keyOf(settings, ''));
    if (!entry || loginProperties.some((name) => entry.settings[name] !== settings[name])) return null;
    return entry.running.then(
      ({ agent }) => agent.status,
      () => null,
    );
  }

  #entryOf(holder: Holder): Entry | undefined {
    return [...this.#entries.values()].find(({ holders }) => holders.has(holder));
  }

  #dropServices(entry: Entry): void {
    const needed = new Set([...entry.holders].flatMap((holder) => [...holder.services()]));
    for (const [service, letGo] of entry.uses) {
      if (needed.has(service)) continue;
      entry.uses.delete(service);
      letGo();
    }
  }

  #enter(key: string, fingerprint: string, settings: AgentSettings, holder: Holder): Entry {
    // The same session node under another key (its host or id was changed): the old links go first as well.
    for (const old of [...this.#entries.values()]) {
      if (old.holders.size === 0 && old.voice.sessionId === holder.sessionId) void this.#stop(old);
    }
    const before = [...this.#stopping]
      .filter(([old]) => old.key === key || old.voice.sessionId === holder.sessionId)
      .map(([, stopped]) => stopped);
    const { language, userDir } = holder;
    const log = (level: LogLevel, text: string) => entry.voice.log(level, text);
    const running = Promise.all(before).then(() => this.#start(settings, key, { log, language, userDir }));
    const entry: Entry = {
      key,
      settings,
      fingerprint,
      running,
      holders: new Set(),
      uses: new Map(),
      voice: holder,
      grace: null,
    };
    // Whoever acquired it hears of the failure. The next to ask for it makes a new try.
    running.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    this.#entries.set(key, entry);
    return entry;
  }

  #stop(entry: Entry): Promise<void> {
    const known = this.#stopping.get(entry);
    if (known) return known;
    entry.grace?.cancel();
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
    const stopped = entry.running
      .then(
        (running) => running.stop(),
        () => {}, // It never ran.
      )
      .catch((error: unknown) => entry.voice.log('error', String(error)))
      .finally(() => this.#stopping.delete(entry));
    this.#stopping.set(entry, stopped);
    return stopped;
  }
}

/**
 * A small world for the agent: a clock that a test moves, a network in memory, the simulated gateway behind it, and a
 * store that outlives the agent, so that an agent can be killed and another one started on what it left.
 */
import {
  Agent,
  type AgentSettings,
  type FlowReport,
  readSettings,
  type SendOutcome,
  type SendRequest,
  type Settle,
} from '../../lib/agent/index.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Dial } from '../../lib/network.ts';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import type { Outbox } from '../../lib/outbox/outbox.ts';
import { Gateway, type GatewayOptions, type Port, seededRandom } from '../../lib/simulator/index.ts';
import { MemoryNetwork } from '../support/memory-network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const portNumbers: Readonly<Record<Port, number>> = {
  smsSend: 33300,
  smsReport: 33301,
  mmsSend: 33302,
  mmsReport: 33303,
};

export interface WorldOptions {
  readonly settings?: Partial<Record<keyof AgentSettings, string | number>>;
  readonly gateway?: GatewayOptions;
  readonly seed?: number;
  /** How long the store takes to commit, at most; a killed agent loses what was not committed. */
  readonly commitMs?: number;
}

export interface Given {
  readonly report: FlowReport;
  readonly carried: Readonly<Record<string, unknown>>;
}

export class World {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork();
  readonly store = new MemoryOutbox();
  readonly log: string[] = [];
  readonly given: Given[] = [];
  readonly #random: () => number;
  readonly #settings: AgentSettings;
  readonly #commitMs: number;
  gateway: Gateway;
  agent: Agent;
  /** Takes the store and the network away from the present agent, as a killed process loses them. */
  #kill: () => void = () => {};

  constructor({ settings = {}, gateway = {}, seed = 1, commitMs = 0 }: WorldOptions = {}) {
    this.#commitMs = commitMs;
    this.#random = seededRandom(seed);
    this.#settings = readSettings({ host: 'gateway', id: 'tester', password: 'secret', ...settings });
    this.gateway = new Gateway(gateway, { clock: this.clock, random: this.#random });
    for (const [port, number] of Object.entries(portNumbers)) {
      this.network.listen(number, (peer) => this.gateway.attach(port as Port, peer));
    }
    this.agent = this.#makeAgent();
  }

  /** Kills the agent without a word, and starts another one on the same store. */
  async crash(): Promise<void> {
    this.#kill();
    this.network.cut();
    await this.clock.advance(0);
    await this.store.close();
    this.agent = this.#makeAgent();
  }

  /** A dead agent writes nothing and hears nothing. */
  #makeAgent(): Agent {
    let alive = true;
    const timers = new Set<Timer>();
    const clock: Clock = {
      now: () => this.clock.now(),
      timer: (delayMs, fire) => {
        if (!alive) return { cancel: () => {} };
        const timer = this.clock.timer(delayMs, () => {
          timers.delete(timer);
          fire();
        });
        timers.add(timer);
        return timer;
      },
    };
    this.#kill = () => {
      alive = false;
      for (const timer of timers) timer.cancel();
    };
    const never = new Promise<never>(() => {});
    let committed: Promise<unknown> = Promise.resolve();
    const outbox = new Proxy<Outbox>(this.store, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (!alive) return never;
          const call = () => (alive ? (member.apply(target, args) as Promise<unknown>) : never);
          if (this.#commitMs === 0) return call().then((value) => (alive ? value : never));
          // In order, each after its commit: what is asked and not committed dies with the agent.
          const result = committed.then(() => pause(clock, Math.round(this.#random() * this.#commitMs))).then(call);
          committed = result.catch(() => {});
          return result.then((value) => (alive ? value : never));
        };
      },
    });
    const dial: Dial = (target, events) =>
      alive ? this.network.dial(target, events) : { write: () => {}, destroy: () => {} };
    const agent = new Agent(this.#settings, {
      clock,
      random: this.#random,
      dial,
      outbox,
      language: 'en',
      log: (level, line) => void (alive && this.log.push(`${level} ${line}`)),
    });
    agent.start();
    return agent;
  }

  listen(): () => void {
    return this.agent.onReport((report, carried) => void this.given.push({ report, carried }));
  }

  /** Sends and lets time pass until it is answered, `patienceMs` at most. */
  async send(
    request: Partial<SendRequest> | readonly Partial<SendRequest>[],
    settle: Settle = 'accepted',
    patienceMs = 5_000,
  ): Promise<SendOutcome[]> {
    const requests = (Array.isArray(request) ? request : [request]).map((one) => ({ ...sms, ...one }));
    return this.wait(this.agent.send(requests, { settle, carry: { topic: 'test' } }), patienceMs);
  }

  async wait<T>(promise: Promise<T>, patienceMs = 5_000): Promise<T> {
    let done = false;
    void promise.then(
      () => (done = true),
      () => (done = true),
    );
    const untilMs = this.clock.now() + patienceMs;
    await this.clock.advance(0);
    while (!done && this.clock.now() < untilMs) await this.clock.advance(100);
    if (!done) throw new Error(`not done within ${patienceMs} ms`);
    return promise;
  }

  /** Frames that carried messages, as [command, ids]. */
  get frames(): { command: string; ids: string[]; texts: string[] }[] {
    const frames: { command: string; ids: string[]; texts: string[]; left: number }[] = [];
    for (const message of this.gateway.journal.messages) {
      let last = frames.at(-1);
      if (!last || last.left === 0) {
        last = { command: message.command, ids: [], texts: [], left: message.count };
        frames.push(last);
      }
      last.left--;
      last.ids.push(message.MSG_ID);
      last.texts.push(message.MSG);
    }
    return frames.map(({ command, ids, texts }) => ({ command, ids, texts }));
  }
}

export const sms: SendRequest = { node: 'sms', to: '01012345678', from: '0212345678', text: '경보', overflow: 'lms' };

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.timer(ms, resolve));
}

/** `count` receivers that nobody minds. */
export function receivers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `010${String(10_000_000 + i)}`);
}

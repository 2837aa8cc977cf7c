/** The whole agent as the benchmarks drive it, and what it is given to send. */
import { Agent, type LogLevel, readSettings, type SendRequest } from '../../lib/agent/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Dial } from '../../lib/network.ts';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { dialTcp } from '../../lib/session/index.ts';

/** Messages of one input of the flow. */
export const INPUT = 100;
/** How many messages may be on their way: twice what four connections of 100 a frame carry at once. More would only wait. */
export const ON_THE_WAY = 1000;
/** Different messages that take turns. */
export const POOL = 3000;

export interface Ports {
  readonly smsSend: number;
  readonly smsReport: number;
}

export interface Shape {
  /** Messages a frame at most, as the login says. */
  readonly count: 30 | 100;
  readonly connections: number;
}

export interface Rig {
  readonly agent: Agent;
  /** Messages accepted by the gateway, as who drives it counts them, and reports given to the flow, since the start. */
  readonly done: { accepted: number; reported: number };
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly file: string;
  /** One of the gateway's accounts, of which each has its own `count`. */
  readonly id: string;
  readonly ports: Ports;
  readonly connections: number;
  readonly dial?: Dial;
  /** Without: lines that are more than information are printed. */
  readonly log?: (level: LogLevel, line: string) => void;
  /** Called after each report that was given to the flow. */
  readonly reported?: () => void;
}

const complain = (level: LogLevel, line: string): void => void (level !== 'info' && console.log(`${level} ${line}`));

export function startAgent(options: RigOptions): Rig {
  const { file, id, ports, connections, dial = dialTcp, log = complain, reported } = options;
  const settings = readSettings({
    ...{ name: 'bench', host: '127.0.0.1', smsSendPort: ports.smsSend, smsReportPort: ports.smsReport },
    ...{ connections, id, password: 'bench' },
  });
  const agent = new Agent(settings, {
    clock: systemClock,
    random: Math.random,
    dial,
    outbox: new SqliteOutbox({ file }),
    language: 'en',
    log,
  });
  const done = { accepted: 0, reported: 0 };
  agent.onReport(() => {
    done.reported++;
    reported?.();
  });
  agent.use('sms');
  agent.start();
  return { agent, done, stop: () => agent.stop() };
}

export const range = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** 45 syllables, 90 bytes: as much as an SMS holds. */
export const hangul = (seed: number): string =>
  String.fromCharCode(...range(45, (index) => 0xac00 + ((seed * 7919 + index * 263) % 11172)));
export const receiver = (index: number): string => `0101${String(index % 1e7).padStart(7, '0')}`;

export const requests = range(
  POOL,
  (index): SendRequest => ({
    ...{ node: 'sms', to: receiver(index), from: '0212345678', text: hangul(index), overflow: 'lms' },
  }),
);

/** The input that comes after so many messages. */
export const inputAfter = (messages: number): readonly SendRequest[] => {
  const first = messages % POOL;
  return requests.slice(first, first + INPUT);
};

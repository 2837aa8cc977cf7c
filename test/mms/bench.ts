/**
 * An agent on a store in a folder of its own, over real sockets to the strict gateway: what the tests of long texts and
 * pictures share. With `relay`, a relay stands in the line of the MMS send port, which can cut it in the middle of a frame.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Agent,
  type AgentSettings,
  type FlowReport,
  readSettings,
  type SendOutcome,
  type SendRequest,
  type Settle,
} from '../../lib/agent/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Outbox } from '../../lib/outbox/outbox.ts';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { dialTcp } from '../../lib/session/index.ts';
import { StrictGateway, type StrictGatewayOptions } from '../support/strict-gateway.ts';
import { Relay } from './relay.ts';

export type Settings = Partial<Record<keyof AgentSettings, string | number>>;

export const mms: SendRequest = { node: 'mms', to: '01012345678', from: '0212345678', overflow: 'lms' };
export const sms: SendRequest = { ...mms, node: 'sms' };

export class MmsBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'ushot-mms-'));
  readonly gateway: StrictGateway;
  readonly reports: FlowReport[] = [];
  relay: Relay | undefined;
  #agent: Agent | undefined;

  constructor(options: Partial<StrictGatewayOptions> = {}) {
    this.gateway = new StrictGateway(options);
  }

  async start(settings: Settings = {}, { relay = false, gateway = true } = {}): Promise<void> {
    if (gateway) await this.gateway.start();
    const { ports } = this.gateway;
    if (relay) this.relay = await Relay.start(ports.mmsSend);
    const all = {
      ...{ host: '127.0.0.1', id: 'me', password: 'secret', reconnectSeconds: 0.1, pollSeconds: 0.1 },
      ...{ smsSendPort: ports.smsSend, smsReportPort: ports.smsReport },
      ...{ mmsSendPort: this.relay?.port ?? ports.mmsSend, mmsReportPort: ports.mmsReport },
      ...settings,
    };
    this.#agent = new Agent(readSettings(all), {
      clock: systemClock,
      random: Math.random,
      dial: dialTcp,
      outbox: this.#outbox(),
      log: () => {},
      language: 'en',
    });
    this.#agent.onReport((report) => void this.reports.push(report));
    this.#agent.start();
  }

  #outbox(): Outbox {
    return new SqliteOutbox({ file: join(this.folder, 'store.db') });
  }

  get agent(): Agent {
    if (!this.#agent) throw new Error('not started');
    return this.#agent;
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    await this.relay?.stop();
    await this.gateway.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  send(request: Partial<SendRequest>, settle: Settle = 'accepted'): Promise<SendOutcome[]> {
    return this.agent.send([{ ...mms, ...request }], { settle });
  }

  /** Of one message to one receiver. */
  async sendOne(request: Partial<SendRequest>, settle: Settle = 'accepted'): Promise<SendOutcome> {
    const [outcome] = await this.send(request, settle);
    if (!outcome) throw new Error('no outcome');
    return outcome;
  }

  /** Resolves when the MMS login has told its terms. */
  async loggedIn(): Promise<void> {
    const release = this.agent.use('mms');
    // The badge tells it a third of a second later: too late for so many tests.
    await until(() =>
      this.agent.status.links.some(
        ({ service, role, state }) => service === 'mms' && role === 'send' && state.name === 'ready',
      ),
    );
    release();
  }

  /** Names of the attachments that the store keeps. */
  get attachments(): string[] {
    try {
      return readdirSync(join(this.folder, 'store.db-attachments'));
    } catch {
      return [];
    }
  }

  /** Frames of the MMS send port that were not logins or keep-alives, as [command, messages in it]. */
  get work(): string[] {
    return this.gateway.frames
      .filter(({ port, command, count }) => port === 'mmsSend' && (count > 0 || command === '2030'))
      .map(({ command, count }) => (command === '2030' ? '2030' : `${command}x${count}`));
  }
}

/** Resolves when `check` holds, looking at each turn of the event loop; the test's own time is the deadline. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}

/** A text of so many bytes of CP949, Hangul and ASCII by turns, with syllables that KS X 1001 lacks. */
export function mixedText(bytes: number): string {
  const unit = '가a뷁 힣9';
  const unitBytes = 9;
  const whole = unit.repeat(Math.floor(bytes / unitBytes));
  const rest = bytes % unitBytes;
  return whole + '펲'.repeat(Math.floor(rest / 2)) + 'z'.repeat(rest % 2);
}

/** Distinct by `n`, and a JPEG as far as its signature says: it passes byte for byte. */
export function plainJpeg(bytes: number, n = 0): Buffer {
  const jpeg = Buffer.alloc(bytes, `${n},`);
  Buffer.from('ffd8ffdb00040000', 'hex').copy(jpeg);
  // What a frame begins and ends with must not matter inside a file.
  jpeg.set([0x01, 0x02, 0x03, 0x00, 0x20], 20);
  jpeg.set([0xff, 0xd9], bytes - 2);
  return jpeg;
}

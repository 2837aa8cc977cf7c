/**
 * The messages that the store has in memory: those that have not ended, up to a number, and all that are changing. The
 * newest self of a message is the one here, else what is pending in the worker, else its row.
 */
import { PassingMap } from '../../passing-map.ts';
import { Ordered, type Timed } from '../ordered.ts';
import type { Service, StoredMessage } from '../outbox.ts';
import type { KeptReport } from './rows.ts';

/** A message in memory. A class, not a literal: see docs/decisions/0020. */
export class Live implements Timed {
  readonly seq: number;
  /** Replaced with each move, never changed: it is given out. */
  message: StoredMessage;
  /** In the order in which they came. */
  reports: readonly KeptReport[];
  /** Whether it is among the LiveMessages: else its newest self is not here. */
  isLive = false;
  /** How many changes hold it in memory, and the number of the last of them. */
  holds = 0;
  heldBy = 0;
  /** Whether the worker has an older self of it. */
  isKnown: boolean;
  /** While it is READY: when it falls due. */
  atMs: number;

  constructor(message: StoredMessage, reports: readonly KeptReport[], isKnown: boolean) {
    this.seq = message.seq;
    this.message = message;
    this.reports = reports;
    this.isKnown = isKnown;
    this.atMs = message.dueAtMs;
  }
}

export class LiveMessages {
  readonly #byId = new PassingMap<string, Live>();
  readonly #ready: Readonly<Record<Service, Ordered<Live>>> = { sms: new Ordered(), mms: new Ordered() };

  get size(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): Iterator<Live> {
    return this.#byId.values();
  }

  withId(messageId: string): Live | undefined {
    return this.#byId.get(messageId);
  }

  /** Those that are READY, in the order of claiming. */
  ready(service: Service): Ordered<Live> {
    return this.#ready[service];
  }

  add(live: Live): void {
    live.isLive = true;
    this.#byId.set(live.message.messageId, live);
    this.#show(live);
  }

  delete(live: Live): void {
    this.#hide(live);
    live.isLive = false;
    this.#byId.delete(live.message.messageId);
  }

  change(live: Live, message: StoredMessage, reports: readonly KeptReport[]): void {
    this.#hide(live);
    live.message = message;
    live.reports = reports;
    this.#show(live);
  }

  #show(live: Live): void {
    const { state, service, dueAtMs } = live.message;
    if (state !== 'READY') return;
    live.atMs = dueAtMs;
    this.#ready[service].add(live);
  }

  #hide(live: Live): void {
    if (live.message.state === 'READY') this.#ready[live.message.service].delete(live);
  }
}

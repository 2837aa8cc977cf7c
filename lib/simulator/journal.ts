/**
 * What the gateway saw, for tests and for people: the last messages with their fields, the last complaints, and
 * counters. All bounded; the oldest goes first.
 */
import type { Command } from '../protocol/index.ts';
import type { Complaint } from './complaints.ts';
import type { Port } from './ports.ts';

/** A message that the gateway took. Fields under the manual's names are as decoded. */
export interface TakenMessage {
  readonly atMs: number;
  readonly port: Port;
  readonly account: string;
  readonly command: Command;
  readonly kind: 'SMS' | 'LMS' | 'MMS';
  readonly GRP_ID: string;
  readonly MSG_ID: string;
  readonly SENDER: string;
  readonly RECEIVER: string;
  readonly RESERVE_DT: string;
  readonly TIMEOUT_DT: string;
  readonly SUBJECT: string;
  readonly MSG: string;
  readonly URL: string;
  readonly USERCODE: string;
  /** File names that are filled in. */
  readonly files: readonly string[];
  /** The MSG_ID had been taken before. */
  readonly duplicate: boolean;
  /** How many messages came in the same frame. */
  readonly count: number;
}

export interface Counters {
  connections: number;
  logins: number;
  loginsRefused: number;
  /** Frames received, whatever became of them. */
  frames: number;
  /** Send requests with messages that were taken. */
  requests: number;
  messages: number;
  duplicates: number;
  keepalives: number;
  polls: number;
  uploads: number;
  uploadBytes: number;
  complaints: number;
  faults: number;
  /** Reports that fell due, were sent (repeats too), were sent again, were done with. */
  reportsDue: number;
  reportsSent: number;
  reportsRepeated: number;
  reportsDone: number;
  /** Connections that ended in the middle of a frame. */
  brokenFrames: number;
}

export const noCounts = (): Counters => ({
  connections: 0,
  logins: 0,
  loginsRefused: 0,
  frames: 0,
  requests: 0,
  messages: 0,
  duplicates: 0,
  keepalives: 0,
  polls: 0,
  uploads: 0,
  uploadBytes: 0,
  complaints: 0,
  faults: 0,
  reportsDue: 0,
  reportsSent: 0,
  reportsRepeated: 0,
  reportsDone: 0,
  brokenFrames: 0,
});

/** The last `limit` things added. */
export class Recent<T> {
  readonly #limit: number;
  #items: T[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: T): void {
    this.#items.push(item);
    // Cutting at twice the limit makes each addition cheap.
    if (this.#items.length >= 2 * this.#limit) this.#items = this.#items.slice(-this.#limit);
  }

  get items(): readonly T[] {
    return this.#limit === 0 ? [] : this.#items.slice(-this.#limit);
  }

  clear(): void {
    this.#items = [];
  }
}

export class Journal {
  readonly #messages: Recent<TakenMessage>;
  readonly #complaints: Recent<Complaint>;
  readonly counters: Counters = noCounts();

  constructor(messageLimit: number, complaintLimit: number) {
    this.#messages = new Recent(messageLimit);
    this.#complaints = new Recent(complaintLimit);
  }

  addMessage(message: TakenMessage): void {
    this.#messages.add(message);
  }

  addComplaint(complaint: Complaint): void {
    this.#complaints.add(complaint);
  }

  /** The last messages taken, oldest first (journal 'full'). */
  get messages(): readonly TakenMessage[] {
    return this.#messages.items;
  }

  get complaints(): readonly Complaint[] {
    return this.#complaints.items;
  }

  /** Forgets messages and complaints; counters and ids stay. */
  clear(): void {
    this.#messages.clear();
    this.#complaints.clear();
  }
}

/**
 * The gateway's side of the protocol, without sockets and without a clock of its own: what `server.ts` puts behind four
 * TCP ports, and what tests attach to directly.
 *
 *   const gateway = new Gateway({ accounts: [...] }, { clock, random: seededRandom(42) });
 *   const end = gateway.attach('smsSend', { write: (bytes) => ..., close: () => ... });
 *   end.data(bytes); end.closed();
 *
 * Imports `protocol` and nothing of the client's side, or both ends would share a mistake.
 */
import type { Clock } from '../clock.ts';
import { Codec } from '../protocol/index.ts';
import { type Account, Accounts } from './accounts.ts';
import { type Complaint, describeFinding } from './complaints.ts';
import { Connection, type Peer } from './connection.ts';
import { type Fault, Faults } from './faults.ts';
import { Files } from './files.ts';
import type { House, LoginEvent, ReportEvent, UploadEvent } from './house.ts';
import type { SeenId } from './ids.ts';
import { Intake } from './intake.ts';
import { Journal, type TakenMessage } from './journal.ts';
import type { Port, Service } from './ports.ts';
import type { Random } from './random.ts';
import { type Batch, type ReportRecord, ReportSchedule } from './reports.ts';
import { type GatewayOptions, type GatewaySettings, readOptions } from './settings.ts';

export interface GatewayDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface Attached {
  data(chunk: Buffer): void;
  closed(): void;
}

/** Listeners of one kind of event. */
class Listeners<T> {
  #all: readonly ((event: T) => void)[] = [];

  add(listener: (event: T) => void): () => void {
    this.#all = [...this.#all, listener];
    return () => {
      this.#all = this.#all.filter((other) => other !== listener);
    };
  }

  tell(event: T): void {
    for (const listener of this.#all) listener(event);
  }

  get any(): boolean {
    return this.#all.length > 0;
  }
}

export class Gateway {
  readonly settings: GatewaySettings;
  /** What goes wrong on purpose; may change at any time. */
  readonly faults: Faults;
  /** Uploaded files. */
  readonly files: Files;
  readonly journal: Journal;
  readonly #clock: Clock;
  readonly #accounts: Accounts;
  readonly #schedule: ReportSchedule;
  readonly #house: House;
  readonly #connections = new Set<Connection>();
  #stopped = false;

  readonly #logins = new Listeners<LoginEvent>();
  readonly #messages = new Listeners<TakenMessage>();
  readonly #uploads = new Listeners<UploadEvent>();
  readonly #reports = new Listeners<ReportEvent>();
  readonly #complaints = new Listeners<Complaint>();
  readonly #struck = new Listeners<{ readonly fault: Fault; readonly port: Port; readonly command: string }>();
  readonly #troubles = new Listeners<Error>();

  constructor(options: GatewayOptions, { clock, random }: GatewayDeps) {
    const settings = readOptions(options);
    this.settings = settings;
    this.#clock = clock;
    const journal = new Journal(settings.journal === 'full' ? settings.journalLimit : 0, settings.complaintLimit);
    this.journal = journal;
    this.faults = new Faults(random, (fault, { port, command = '' }) => {
      journal.counters.faults += 1;
      this.#struck.tell({ fault, port, command });
    });
    this.files = new Files(settings, (error) => this.#troubles.tell(error));
    this.#schedule = new ReportSchedule(clock, (count) => {
      journal.counters.reportsDue += count;
    });
    this.#accounts = new Accounts(settings, {
      clock,
      reportsPerFrame: settings.reportsPerFrame,
      pushWindow: settings.pushWindow,
      repushMs: settings.repushMs,
      pushTries: settings.pushTries,
      done: (batch) => this.#done(batch),
    });
    const intake = new Intake({
      settings,
      clock,
      random,
      faults: this.faults,
      files: this.files,
      journal,
      schedule: this.#schedule,
      waiting: () => this.reportsWaiting,
      listening: () => this.#messages.any,
      tell: (message) => this.#messages.tell(message),
    });
    this.#house = {
      settings,
      clock,
      random,
      codecs: {
        SAM10: new Codec({ version: 'SAM10', ...settings.wire }),
        SAM11: new Codec({ version: 'SAM11', ...settings.wire }),
      },
      faults: this.faults,
      accounts: this.#accounts,
      files: this.files,
      intake,
      journal,
      complain: (place, found, code) => {
        const complaint: Complaint = {
          ...found,
          ...place,
          atMs: clock.now(),
          code,
          text: describeFinding(found, 'en'),
        };
        journal.counters.complaints += 1;
        journal.addComplaint(complaint);
        this.#complaints.tell(complaint);
      },
      loggedIn: (event) => this.#logins.tell(event),
      uploaded: (event) => this.#uploads.tell(event),
      reported: (place, batch) => {
        const { counters } = journal;
        counters.reportsSent += batch.reports.length;
        if (batch.sent > 1) counters.reportsRepeated += batch.reports.length;
        for (const { record, seen } of batch.reports) {
          if (seen) seen.reported += 1;
          if (this.#reports.any) this.#reports.tell({ ...place, record, repeats: batch.sent - 1 });
        }
      },
      left: (connection) => this.#connections.delete(connection as Connection),
    };
  }

  /** A connection to one of the ports. `peer` is its other end; what comes from there goes into what is returned. */
  attach(port: Port, peer: Peer, remote = '127.0.0.1'): Attached {
    this.journal.counters.connections += 1;
    const full = this.#connections.size >= this.settings.connectionLimit;
    if (this.#stopped || full || this.faults.connection(port)) {
      peer.close();
      return { data: () => {}, closed: () => {} };
    }
    const connection = new Connection(this.#house, port, peer, remote);
    this.#connections.add(connection);
    return connection;
  }

  /** The connections there are. */
  get connections(): readonly { readonly port: Port; readonly account: string | null; readonly remote: string }[] {
    return [...this.#connections];
  }

  /** Cuts all connections, or those to a port. */
  cut(port?: Port): void {
    for (const connection of [...this.#connections]) {
      if (port === undefined || connection.port === port) connection.close();
    }
  }

  /** What is known of a MSG_ID, over all accounts: how often it was taken, reported and acknowledged. */
  seen(id: string): Readonly<SeenId> | undefined {
    for (const account of this.#accounts) {
      const seen = account.ids?.get(id);
      if (seen) return seen;
    }
    return undefined;
  }

  /** Every MSG_ID remembered, with its counts, oldest first. */
  *ids(): IterableIterator<[string, Readonly<SeenId>]> {
    for (const account of this.#accounts) yield* account.ids ?? [];
  }

  /** Reports that are due and not done with. */
  get reportsWaiting(): number {
    return this.journal.counters.reportsDue - this.journal.counters.reportsDone;
  }

  /** Reports that are not due yet. */
  get reportsPlanned(): number {
    return this.#schedule.size;
  }

  balance(account: string): number | undefined {
    return this.#accounts.get(account)?.balance;
  }

  /** Changes what is left of an account's balance. The account must have logged in, or be among the options. */
  setBalance(account: string, balance: number): void {
    this.#account(account).balance = balance;
  }

  /** Reports something that no message asked for, such as an id that the client never sent. */
  report(account: string, service: Service, record: ReportRecord, delayMs = 0): void {
    // What does not fit a 1031 shows here, not when it goes out.
    this.#house.codecs.SAM11.encode('1031', { records: [record] });
    const report = { record, seen: null };
    this.#schedule.add(this.#clock.now() + delayMs, report, this.#account(account).queues[service]);
  }

  /** A login was answered or cut. */
  onLogin(listener: (event: LoginEvent) => void): () => void {
    return this.#logins.add(listener);
  }

  /** A message was taken. */
  onMessage(listener: (message: TakenMessage) => void): () => void {
    return this.#messages.add(listener);
  }

  onUpload(listener: (event: UploadEvent) => void): () => void {
    return this.#uploads.add(listener);
  }

  /** A report went out, for the first time or again. */
  onReport(listener: (event: ReportEvent) => void): () => void {
    return this.#reports.add(listener);
  }

  /** A client did something wrong. */
  onComplaint(listener: (complaint: Complaint) => void): () => void {
    return this.#complaints.add(listener);
  }

  /** A fault struck. */
  onFault(listener: (event: { fault: Fault; port: Port; command: string }) => void): () => void {
    return this.#struck.add(listener);
  }

  /** The simulator itself has trouble, such as a folder that it cannot write to. */
  onTrouble(listener: (error: Error) => void): () => void {
    return this.#troubles.add(listener);
  }

  /** Closes all connections and disarms all timers. Nothing happens afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#schedule.stop();
    this.cut();
    for (const account of this.#accounts) {
      account.queues.sms.stop();
      account.queues.mms.stop();
    }
  }

  #account(id: string): Account {
    const account = this.#accounts.get(id);
    if (!account) throw new RangeError(`No account "${id}" has logged in`);
    return account;
  }

  #done(batch: Batch): void {
    this.journal.counters.reportsDone += batch.reports.length;
    for (const { seen } of batch.reports) if (seen) seen.acknowledged += 1;
  }
}

/**
 * Taking messages: what a frame costs, which ids were there before, what becomes of each message and when its report
 * falls due. Receivers 010-0000-00NN, numbers that nobody can own, end with result NN; all others arrive (6).
 */
import type { Clock } from '../clock.ts';
import { formatKst, parseKst } from '../protocol/index.ts';
import type { Account } from './accounts.ts';
import { kindOf, type SendFrame, type SendRecord } from './checks.ts';
import { type Finding, finding } from './complaints.ts';
import type { Faults } from './faults.ts';
import type { Files } from './files.ts';
import { fingerprint, ownString, type SeenId } from './ids.ts';
import type { Journal, TakenMessage } from './journal.ts';
import { type Port, ports } from './ports.ts';
import type { Random } from './random.ts';
import type { ReportSchedule } from './reports.ts';
import type { GatewaySettings } from './settings.ts';

const DELIVERED = 6;
const TOO_LATE = 90;
const NO_MONEY = 92;

const testReceiver = /^010000000(\d\d)$/;
/** What TELECOM says: the manual's example, and its like for the other two carriers. */
const carriers = ['01190', '01690', '01990'] as const;

/** Who sent a frame, and on what. */
export interface Sender {
  readonly account: Account;
  readonly port: Port;
  readonly connection: object;
}

export interface IntakeDeps {
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  readonly files: Files;
  readonly journal: Journal;
  readonly schedule: ReportSchedule;
  /** Reports that are due and not fetched. */
  readonly waiting: () => number;
  /** Whether somebody wants to be told of each message, and the telling. */
  readonly listening: () => boolean;
  readonly tell: (message: TakenMessage) => void;
}

export class Intake {
  readonly #deps: IntakeDeps;
  readonly #dates = new Map<number, string>();

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /** Why a frame that is correct is refused all the same. */
  refusal(frame: SendFrame, files: readonly string[], sender: Sender): Finding | undefined {
    const { settings } = this.#deps;
    const { account } = sender;
    const records: readonly SendRecord[] = frame.body?.records ?? [];
    const command = frame.COMMAND;
    if (records.length === 0) return undefined;
    if (settings.reports) {
      const count = this.#deps.schedule.size + this.#deps.waiting();
      if (count + records.length > settings.reportLimit) return finding('busy', { count });
    }
    if (account.ids) {
      let index = 0;
      for (const record of records) {
        index += 1;
        const seen = account.ids.get(record.MSG_ID);
        if (!seen) continue;
        const id = record.MSG_ID;
        if (seen.print !== fingerprint(record.RECEIVER, record.MSG)) {
          return finding('duplicate-content', { index, command, id });
        }
        if (settings.duplicates === 'refuse') return finding('duplicate', { index, command, id });
      }
    }
    if (settings.unknownFile === 'refuse') {
      const index = files.findIndex((name) => !this.#deps.files.has(name, account.id, sender.connection));
      if (index >= 0) return finding('file-unknown', { index: index + 1, command });
    }
    if (settings.whenEmpty === 'refuse' && account.prepaid) {
      const cost = records.length * account.costOf(kindOf(frame, files));
      if (cost > account.balance) return finding('balance', { balance: account.balance, cost, command });
    }
    return undefined;
  }

  /** Takes the first `count` messages of a frame that nothing is wrong with. */
  take(frame: SendFrame, files: readonly string[], sender: Sender, count: number): void {
    const { settings, journal, clock } = this.#deps;
    const records: readonly SendRecord[] = frame.body?.records ?? [];
    const kind = kindOf(frame, files);
    const keeps = settings.journal === 'full' || this.#deps.listening();
    const filesKnown =
      files.length === 0 || files.every((name) => this.#deps.files.has(name, sender.account.id, sender.connection));
    const atMs = clock.now();
    journal.counters.requests += 1;
    journal.counters.messages += count;
    for (let i = 0; i < count; i++) {
      const record = records[i];
      if (!record) break;
      const { seen, duplicate } = this.#remember(sender.account, record);
      if (duplicate) journal.counters.duplicates += 1;
      if (!duplicate || settings.duplicates === 'report-again') {
        this.#report(frame.COMMAND, record, kind, filesKnown, sender, seen, atMs);
      }
      if (keeps) this.#write(frame, record, kind, files, sender, duplicate, atMs);
    }
  }

  #remember(account: Account, record: SendRecord): { seen: SeenId | null; duplicate: boolean } {
    if (!account.ids) return nothingSeen;
    const seen = account.ids.get(record.MSG_ID);
    if (seen) {
      seen.taken += 1;
      return { seen, duplicate: true };
    }
    return { seen: account.ids.add(record.MSG_ID, fingerprint(record.RECEIVER, record.MSG)), duplicate: false };
  }

  /** Charges the message and plans its report. */
  #report(
    command: SendFrame['COMMAND'],
    record: SendRecord,
    kind: TakenMessage['kind'],
    filesKnown: boolean,
    { account, port }: Sender,
    seen: SeenId | null,
    atMs: number,
  ): void {
    const { settings, faults, random, schedule } = this.#deps;
    const { min, max } = settings.reportDelayMs;
    const sentMs = max > min ? atMs + Math.floor(min + random() * (max - min)) : atMs + min;
    const cost = account.costOf(kind);
    if (!settings.reports) {
      if (account.prepaid && account.balance >= cost) account.balance -= cost;
      return;
    }
    const result = this.#resultOf(record, cost, filesKnown, account, sentMs);
    const occasion = { port, command, receivers: () => [record.RECEIVER] };
    const RESULT = String(faults.message('result', occasion)?.result ?? result);
    const report = {
      record: {
        GRP_ID: ownString(record.GRP_ID),
        MSG_ID: ownString(record.MSG_ID),
        RECEIVER: ownString(record.RECEIVER),
        SEND_DT: this.#dateOf(sentMs),
        RESULT,
        // What the gateway itself turned down never saw a carrier.
        TELECOM:
          Number(RESULT) >= 60 ? '' : (carriers[record.RECEIVER.charCodeAt(record.RECEIVER.length - 1) % 3] ?? ''),
      },
      seen,
    };
    const queue = account.queues[ports[port].service];
    schedule.add(sentMs, report, queue);
    if (faults.message('report-twice', occasion)) schedule.add(sentMs, report, queue);
  }

  /** Thousands of messages share a few seconds. */
  #dateOf(ms: number): string {
    const second = Math.floor(ms / 1000);
    let date = this.#dates.get(second);
    if (date === undefined) {
      if (this.#dates.size >= 100) this.#dates.clear();
      date = formatKst(second * 1000);
      this.#dates.set(second, date);
    }
    return date;
  }

  #resultOf(record: SendRecord, cost: number, filesKnown: boolean, account: Account, sentMs: number): number {
    if (!filesKnown) return this.#deps.settings.unknownFileResult;
    // Dates of one form stand in the order of their letters: most need not be read.
    const mayBeLate = record.TIMEOUT_DT !== '' && record.TIMEOUT_DT <= this.#dateOf(sentMs);
    if (mayBeLate && (parseKst(record.TIMEOUT_DT) ?? sentMs) < sentMs) return TOO_LATE;
    if (account.prepaid) {
      if (account.balance < cost) return NO_MONEY;
      account.balance -= cost;
    }
    const test = testReceiver.exec(record.RECEIVER);
    return test ? Number(test[1]) : DELIVERED;
  }

  #write(
    frame: SendFrame,
    record: SendRecord,
    kind: TakenMessage['kind'],
    files: readonly string[],
    { account, port }: Sender,
    duplicate: boolean,
    atMs: number,
  ): void {
    const message: TakenMessage = {
      atMs,
      port,
      account: account.id,
      command: frame.COMMAND,
      kind,
      GRP_ID: record.GRP_ID,
      MSG_ID: record.MSG_ID,
      SENDER: record.SENDER,
      RECEIVER: record.RECEIVER,
      RESERVE_DT: record.RESERVE_DT,
      TIMEOUT_DT: record.TIMEOUT_DT,
      SUBJECT: 'SUBJECT' in record ? record.SUBJECT : '',
      MSG: record.MSG,
      URL: 'URL' in record ? record.URL : '',
      USERCODE: record.USERCODE,
      files,
      duplicate,
      count: frame.body?.records.length ?? 0,
    };
    if (this.#deps.settings.journal === 'full') this.#deps.journal.addMessage(message);
    this.#deps.tell(message);
  }
}

const nothingSeen = { seen: null, duplicate: false } as const;

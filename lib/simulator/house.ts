/** What the connections of one gateway share. */
import type { Clock } from '../clock.ts';
import type { Codec, Version } from '../protocol/index.ts';
import type { Accounts } from './accounts.ts';
import type { Finding } from './complaints.ts';
import type { Faults } from './faults.ts';
import type { Files } from './files.ts';
import type { Intake } from './intake.ts';
import type { Journal } from './journal.ts';
import type { Port } from './ports.ts';
import type { Random } from './random.ts';
import type { Batch, ReportRecord } from './reports.ts';
import type { GatewaySettings } from './settings.ts';

/** Where something happened. */
export interface Place {
  readonly port: Port;
  readonly remote: string;
  /** The account's id, once it has logged in. */
  readonly account: string | null;
}

export interface LoginEvent extends Place {
  readonly id: string;
  readonly version: string;
  /** RESP_CODE of the answer; '' where the link was cut instead. */
  readonly code: string;
  readonly ok: boolean;
}

export interface ReportEvent extends Place {
  readonly record: ReportRecord;
  /** How often this report went out before. */
  readonly repeats: number;
}

export interface UploadEvent extends Place {
  readonly fileName: string;
  readonly bytes: number;
  /** Where it is kept, if in a folder. */
  readonly path: string | undefined;
}

export interface House {
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly codecs: Readonly<Record<Version, Codec>>;
  readonly faults: Faults;
  readonly accounts: Accounts;
  readonly files: Files;
  readonly intake: Intake;
  readonly journal: Journal;
  complain(place: Place, found: Finding, code: string): void;
  loggedIn(event: LoginEvent): void;
  uploaded(event: UploadEvent): void;
  reported(place: Place, batch: Batch): void;
  /** The connection has ended. */
  left(connection: object): void;
}

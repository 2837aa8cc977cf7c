/**
 * What the two threads of the engine say to each other. The caller's thread sends the calls that were made in one turn as
 * one list; the worker answers every call, in order, after the commit that holds it.
 */
import type { ErrorCode, ErrorParams } from '../../errors.ts';
import { UshotError } from '../../errors.ts';
import type { ClaimRequest, GuardQuery, Service, Settlement, SweepRequest } from '../outbox.ts';
import type { NewReportRow, NewRow } from './rows.ts';

export interface StoreOptions {
  readonly file: string;
  /** Bound of the database file, in bytes; meeting it is a full disk. */
  readonly maxFileBytes?: number | undefined;
  /** For tests and measurements only: how much longer each commit takes. */
  readonly commitDelayMs?: number | undefined;
  /** For tests only: the pages that the write-ahead log grows to before it is brought into the file. */
  readonly checkpointPages?: number | undefined;
  /** For tests only: the messages at most that are in the log and not in their rows. */
  readonly mostUnwritten?: number | undefined;
}

/** What the worker is started with. */
export interface WorkerSettings extends StoreOptions {
  readonly nowMs: number;
}

export type Call =
  | { readonly op: 'accept'; readonly rows: readonly NewRow[] }
  | {
      readonly op: 'exchange';
      readonly settlements: readonly Settlement[];
      readonly claim: ClaimRequest | null;
      readonly nowMs: number;
    }
  | { readonly op: 'takeReports'; readonly rows: readonly NewReportRow[]; readonly nowMs: number }
  | { readonly op: 'pendingReports'; readonly limit: number }
  | { readonly op: 'reportsEmitted'; readonly seqs: readonly number[] }
  | { readonly op: 'sweep'; readonly request: SweepRequest }
  | { readonly op: 'nextDueMs'; readonly service: Service; readonly nowMs: number }
  | { readonly op: 'cancel' | 'release'; readonly messageIds: readonly string[]; readonly nowMs: number }
  | { readonly op: 'listHeld'; readonly limit: number }
  | { readonly op: 'get'; readonly messageIds: readonly string[] }
  | { readonly op: 'counts' }
  | { readonly op: 'recentDuplicates'; readonly query: GuardQuery }
  | { readonly op: 'createdSince'; readonly sinceMs: number }
  | { readonly op: 'putAttachment'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly op: 'readAttachment'; readonly hash: string }
  | {
      readonly op: 'prune';
      readonly olderThanMs: number;
      readonly limit: number;
      readonly forgetBeforeMs: number | null;
    }
  | { readonly op: 'dropTexts'; readonly endedBeforeMs: number; readonly limit: number };

export type ToWorker = { readonly calls: readonly Call[] } | { readonly close: true };

/** An error on its way between the threads. */
export type Trouble =
  | { readonly code: ErrorCode; readonly params: ErrorParams }
  /** The message of an Error that is no UshotError. */
  | { readonly bug: string };

export type Reply = { readonly value: unknown } | { readonly trouble: Trouble };

export type FromWorker =
  | { readonly opened: true }
  | { readonly refused: Trouble }
  | { readonly replies: readonly Reply[] }
  | { readonly closed: Trouble | null };

/** What an accept comes to for each message: stored, a conflict, or the JSON of the message that it repeats. */
export type Accepted = 'stored' | 'conflict' | { readonly repeat: string };

/** Lists of messages as JSON. */
export interface SweptJson {
  readonly expired: string;
  readonly noReport: string;
  readonly resent: string;
  readonly held: string;
  readonly more: boolean;
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof UshotError) return { code: error.code, params: error.params };
  const message = error instanceof Error ? error.message : String(error);
  return { bug: message.startsWith('bug: ') ? message : `bug: ${message}` };
}

export function errorFrom(trouble: Trouble): Error {
  return 'bug' in trouble ? new Error(trouble.bug) : new UshotError(trouble.code, trouble.params);
}

/**
 * What the two threads of the engine say to each other. The caller's thread decides; the worker keeps what it is told to
 * keep, and answers questions about what is in the file. It takes one after the other, in order.
 */
import type { ErrorCode, ErrorParams } from '../../errors.ts';
import { UshotError } from '../../errors.ts';
import type { Tally } from './entry.ts';
import type { Questions } from './questions.ts';

export interface StoreOptions {
  readonly file: string;
  /** Bound of the database file, in bytes; meeting it is a full disk. */
  readonly maxFileBytes?: number | undefined;
  /** For tests and measurements only: how much longer each commit takes. */
  readonly commitDelayMs?: number | undefined;
  /** For tests only: the pages that the write-ahead log grows to before it is brought into the file. */
  readonly checkpointPages?: number | undefined;
  /** For tests only: the messages at most whose rows are older than the log; and that stay in memory without changing. */
  readonly mostUnwritten?: number | undefined;
}

/** What is to be kept. */
export interface Batch {
  /** An Entry, or null when nothing has changed. Given away: its memory goes to the worker. */
  readonly entry: Uint8Array<ArrayBuffer> | null;
  /** All that the log tells of is to be written into rows, this included. */
  readonly inRows: boolean;
  /** Messages are accepted: refused where the file has grown to its bound. */
  readonly accepts: boolean;
  /** Attachments that were put for the messages that are accepted: nobody waits with them any more. */
  readonly awaited: readonly string[];
  /** How many times a batch is known to have sunk: one that was made before that counts on what never came to be. */
  readonly sunkBefore: number;
}

type Names = keyof Questions & string;

/** A question: a method of Questions, and what it is given. */
export type Question = {
  readonly [Name in Names]: { readonly ask: Name; readonly of: Parameters<Questions[Name]> };
}[Names];

export type ToWorker = Batch | Question | { readonly close: true };

/** An error on its way between the threads. */
export type Trouble =
  | { readonly code: ErrorCode; readonly params: ErrorParams }
  /** The message of an Error that is no UshotError. */
  | { readonly bug: string };

/** What the store remembers at the start. */
export interface Opened {
  readonly tally: Tally;
  /** No message that was ever accepted has an id that sorts behind this one. */
  readonly greatestId: string;
  readonly anyUnmatched: boolean;
}

export type FromWorker =
  | { readonly opened: Opened }
  | { readonly refused: Trouble }
  /** How many batches more are on disk. */
  | { readonly kept: number }
  /** Nothing of any batch was kept that was handed over since. */
  | { readonly sunk: Trouble }
  | { readonly answer: unknown }
  | { readonly unanswered: Trouble }
  | { readonly closed: Trouble | null };

export function troubleOf(error: unknown): Trouble {
  if (error instanceof UshotError) return { code: error.code, params: error.params };
  const message = error instanceof Error ? error.message : String(error);
  return { bug: message.startsWith('bug: ') ? message : `bug: ${message}` };
}

export function errorFrom(trouble: Trouble): Error {
  return 'bug' in trouble ? new Error(trouble.bug) : new UshotError(trouble.code, trouble.params);
}

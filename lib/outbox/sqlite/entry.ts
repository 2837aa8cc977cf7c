/**
 * What one batch changes, as an entry of the log: rows as they are after it, not what was asked. Carrying out all entries in
 * order, over the rows that the database had when the log began, comes to the newest.
 *
 * An entry is lines of JSON: one of what is below, then the body of each new message, which goes into its row as it is.
 */
import type { DuplicateTimes } from '../outbox.ts';
import type { Live } from './live.ts';
import { bodyOf, type KeptReport, serviceCode, stateCode, typeCode, type UnmatchedRow } from './rows.ts';

/** How many messages are in each open state, by service and code of the state, and the last numbers given. */
export type Tally = readonly [open: readonly (readonly number[])[], lastSeq: number, lastReportSeq: number];

/** What moves change. */
export type Moved = readonly [
  ...[state: number, batchLimit: number, dueAtMs: number, updatedAtMs: number, claims: number],
  ...[result: number | null, detail: string | null],
];

/** Lists that are empty are left out of the text. Messages are as they are now: new ones in `put`, others in `moved`, those that moved alike together. */
export interface Entry {
  readonly put: readonly Put[];
  /** Of those in `put`. */
  readonly bodies: readonly string[];
  readonly moved: readonly (readonly [seqs: readonly number[], moved: Moved])[];
  /** All of each message, of those that have any. */
  readonly reports: readonly (readonly [seq: number, reports: readonly KeptReport[]])[];
  /** Reports that flows have not seen. */
  readonly pending: readonly (readonly [seq: number, messageId: string])[];
  /** Reports that they have, by now. */
  readonly emitted: readonly number[];
  /** For the guards. */
  readonly duplicates: readonly Duplicate[];
  /** Who needs which attachment. */
  readonly users: readonly (readonly [seq: number, hash: string])[];
  readonly unmatched: readonly UnmatchedRow[];
  readonly tally: Tally;
}

export type Put = readonly [
  ...[seq: number, messageId: string, service: number, type: number, createdAtMs: number, expireAtMs: number],
  ...[frameKey: string, moved: Moved],
];

export type Duplicate = readonly [duplicateKey: string, sentAtMs: number | null, seenAtMs: number];

/** Of messages that changed, and all else. */
export function entryText(changed: Iterable<Live>, rest: Omit<Entry, 'put' | 'bodies' | 'moved' | 'reports'>): string {
  const put: Put[] = [];
  let bodies = '';
  const moved: [seqs: number[], moved: Moved][] = [];
  const reports: [seq: number, reports: readonly KeptReport[]][] = [];
  for (const live of changed) {
    const { message, seq } = live;
    if (live.reports.length > 0) reports.push([seq, live.reports]);
    const last = moved.at(-1);
    if (!live.isKnown) {
      put.push(putOf(message));
      bodies += `\n${JSON.stringify(bodyOf(message))}`;
    } else if (last !== undefined && isAlike(message, last[1])) last[0].push(seq);
    else moved.push([[seq], movedOf(message)]);
  }
  const lists = Object.entries({ put, moved, reports, ...rest }).filter(([, list]) => list.length > 0);
  return JSON.stringify(Object.fromEntries(lists)) + bodies;
}

export function readEntry(text: string): Entry {
  const [first = '', ...bodies] = text.split('\n');
  return { ...EMPTY, ...(JSON.parse(first) as Pick<Entry, 'tally'> & Partial<Entry>), bodies };
}

/** Lists of which nothing is said. */
const EMPTY = { put: [], moved: [], reports: [], pending: [], emitted: [], duplicates: [], users: [], unmatched: [] };

function putOf(message: Live['message']): Put {
  const { seq, messageId, service, type, createdAtMs, expireAtMs, frameKey } = message;
  const fixed = [seq, messageId, serviceCode(service), typeCode(type), createdAtMs, expireAtMs, frameKey] as const;
  return [...fixed, movedOf(message)];
}

function movedOf(message: Live['message']): Moved {
  const { state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail } = message;
  return [stateCode(state, held), batchLimit, dueAtMs, updatedAtMs, claims, result, detail];
}

function isAlike(message: Live['message'], moved: Moved): boolean {
  return (
    message.updatedAtMs === moved[3] &&
    message.dueAtMs === moved[2] &&
    stateCode(message.state, message.held) === moved[0] &&
    message.claims === moved[4] &&
    message.batchLimit === moved[1] &&
    message.result === moved[5] &&
    message.detail === moved[6]
  );
}

/** The later of each. */
export function latest(some: DuplicateTimes | undefined, others: DuplicateTimes): DuplicateTimes {
  if (some === undefined) return others;
  const sentAtMs = some.sentAtMs === null ? others.sentAtMs : Math.max(some.sentAtMs, others.sentAtMs ?? some.sentAtMs);
  return { sentAtMs, seenAtMs: Math.max(some.seenAtMs, others.seenAtMs) };
}

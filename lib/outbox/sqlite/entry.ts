/**
 * What one batch changes, as an entry of the log: rows as they are after it, not what was asked. Carrying out all entries in
 * order, over the rows that the database had when the log began, comes to the newest.
 *
 * An entry is lines of JSON, in UTF-8: one of what is below, then what goes into rows as it is: the body of each new message,
 * and the reports of each message that has any. The caller's thread makes the bytes and gives them away; the worker puts
 * the same ones into the log and into rows. What they look like belongs to the schema: once that is released, another look is
 * a migration.
 */
import type { DuplicateTimes } from '../outbox.ts';
import type { Live } from './live.ts';
import { bodyOf, serviceCode, stateCode, typeCode, type UnmatchedRow } from './rows.ts';

/** How many messages are in each open state, by service and code of the state, and the last numbers given. */
export type Tally = readonly [open: readonly (readonly number[])[], lastSeq: number, lastReportSeq: number];

/** What moves change. */
export type Moved = readonly [
  ...[state: number, batchLimit: number, dueAtMs: number, updatedAtMs: number, claims: number],
  ...[result: number | null, detail: string | null],
];

/** The first line. Lists that are empty are left out. Messages are as they are now: new ones in `put`, others in `moved`, those that are alike together. */
interface Head {
  readonly put: readonly Put[];
  readonly moved: readonly (readonly [seqs: readonly number[], moved: Moved])[];
  /** Seqs of those that have reports. */
  readonly reports: readonly number[];
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

export interface Entry extends Head {
  /** The lines that follow: of each message in `put` its body, then of each in `reports` all of them. */
  readonly lines: readonly Buffer[];
}

type Put = readonly [seqs: readonly number[], messageIds: readonly string[], fixed: Fixed, moved: Moved];

/** What never changes and has a column. */
export type Fixed = readonly [
  ...[service: number, type: number, createdAtMs: number, expireAtMs: number, frameKey: string],
];

export type Duplicate = readonly [duplicateKey: string, sentAtMs: number | null, seenAtMs: number];

/** Of messages that changed, and all else. */
export function entryBytes(
  changed: Iterable<Live>,
  rest: Omit<Head, 'put' | 'moved' | 'reports'>,
): Uint8Array<ArrayBuffer> {
  const put: [seqs: number[], messageIds: string[], fixed: Fixed, moved: Moved][] = [];
  const moved: [seqs: number[], moved: Moved][] = [];
  const reports: number[] = [];
  const bodyLines: string[] = [];
  const reportLines: string[] = [];
  for (const live of changed) {
    const { message, seq } = live;
    if (live.reports.length > 0) {
      reports.push(seq);
      reportLines.push(JSON.stringify(live.reports));
    }
    if (live.isKnown) {
      const last = moved.at(-1);
      if (last !== undefined && hasMoved(message, last[1])) last[0].push(seq);
      else moved.push([[seq], movedOf(message)]);
      continue;
    }
    bodyLines.push(JSON.stringify(bodyOf(message)));
    const last = put.at(-1);
    if (last !== undefined && hasFixed(message, last[2]) && hasMoved(message, last[3])) {
      last[0].push(seq);
      last[1].push(message.messageId);
    } else put.push([[seq], [message.messageId], fixedOf(message), movedOf(message)]);
  }
  const lists = Object.entries({ put, moved, reports, ...rest }).filter(([, list]) => list.length > 0);
  return bytesOf([JSON.stringify(Object.fromEntries(lists)), ...bodyLines, ...reportLines]);
}

export function readEntry(bytes: Buffer): Entry {
  const [head = bytes, ...lines] = linesOf(bytes);
  return { ...EMPTY, ...(JSON.parse(head.toString()) as Pick<Head, 'tally'> & Partial<Head>), lines };
}

/** Entries that are read as one, each of them whole. */
export function joined(entries: readonly Buffer[]): Buffer {
  if (entries.length === 1) return entries[0] as Buffer;
  return Buffer.concat(entries.flatMap((entry, i) => (i === 0 ? [entry] : [BETWEEN, entry])));
}

/** The opposite. */
export function parted(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(BETWEEN); end >= 0; end = bytes.indexOf(BETWEEN, from)) {
    entries.push(bytes.subarray(from, end));
    from = end + BETWEEN.length;
  }
  entries.push(bytes.subarray(from));
  return entries;
}

/** No line is empty. */
const BETWEEN = Buffer.from('\n\n');
const LINE_FEED = 0x0a;
/** Of one UTF-16 unit. */
const UTF8_BYTES_MOST = 3;

function bytesOf(lines: readonly string[]): Uint8Array<ArrayBuffer> {
  const most = lines.reduce((sum, { length }) => sum + 1 + length * UTF8_BYTES_MOST, 0);
  const bytes = most > room.length ? Buffer.allocUnsafeSlow(most) : room;
  let end = 0;
  for (const line of lines) {
    if (end > 0) bytes[end++] = LINE_FEED;
    end += bytes.write(line, end);
  }
  return new Uint8Array(bytes.subarray(0, end));
}

/** Where entries are put together, but for huge ones. */
const room = Buffer.allocUnsafeSlow(512 * 1024);

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  lines.push(bytes.subarray(from));
  return lines;
}

/** Lists of which nothing is said. */
const EMPTY = { put: [], moved: [], reports: [], pending: [], emitted: [], duplicates: [], users: [], unmatched: [] };

function fixedOf({ service, type, createdAtMs, expireAtMs, frameKey }: Live['message']): Fixed {
  return [serviceCode(service), typeCode(type), createdAtMs, expireAtMs, frameKey];
}

function hasFixed(message: Live['message'], fixed: Fixed): boolean {
  return (
    message.expireAtMs === fixed[3] &&
    message.createdAtMs === fixed[2] &&
    message.frameKey === fixed[4] &&
    typeCode(message.type) === fixed[1] &&
    serviceCode(message.service) === fixed[0]
  );
}

function movedOf(message: Live['message']): Moved {
  const { state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail } = message;
  return [stateCode(state, held), batchLimit, dueAtMs, updatedAtMs, claims, result, detail];
}

function hasMoved(message: Live['message'], moved: Moved): boolean {
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

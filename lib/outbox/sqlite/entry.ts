/**
 * Entries of the log: what one commit changed, as JSON. An entry holds rows as they are after the commit, not what was
 * asked: carrying out all entries in order, over the rows that the database had when the log began, comes to the newest.
 */
import {
  type ChangingValues,
  changingValues,
  listJson,
  type MessageRow,
  type MessageValues,
  messageValues,
} from './rows.ts';

/** What is not of a single message: how many are in each open state, and the last numbers given. */
export type Tally = readonly [open: readonly (readonly number[])[], lastSeq: number, lastReportSeq: number];

export interface Entry {
  readonly tally: Tally;
  /** Messages that are new since the log began. */
  readonly put: readonly MessageValues[];
  /** Of messages that were there: what moves write, and the seq. */
  readonly moved: readonly (readonly [...ChangingValues, seq: number])[];
  /** Reports that flows have not seen; and of those in earlier entries, which they have. */
  readonly pending: readonly (readonly [seq: number, messageId: string])[];
  readonly emitted: readonly number[];
}

/** The body of a row is JSON itself and is passed on as it is. */
export function putJson(row: MessageRow): string {
  const [seq, messageId, service, type, createdAtMs, expireAtMs, frameKey, body] = messageValues(row);
  return (
    `[${seq},${JSON.stringify(messageId)},${service},${type},${createdAtMs},${expireAtMs},${JSON.stringify(frameKey)}` +
    `,${body},${changingJson(row)}]`
  );
}

export const movedJson = (row: MessageRow): string => `[${changingJson(row)},${row.seq}]`;

/** `put` and `moved` as JSON already. */
export function entryJson(
  put: readonly string[],
  moved: readonly string[],
  rest: Omit<Entry, 'put' | 'moved'>,
): string {
  return `[${listJson(put)},${listJson(moved)},${JSON.stringify([rest.tally, rest.pending, rest.emitted])}]`;
}

export function readEntry(json: string): Entry {
  const [puts, moves, [tally, pending, emitted]] = JSON.parse(json) as [
    ...[unknown[][], unknown[][]],
    [Entry['tally'], Entry['pending'], Entry['emitted']],
  ];
  const put = puts.map((values) => [
    ...values.slice(0, BODY),
    text(values[BODY]),
    ...changingFrom(values.slice(BODY + 1)),
  ]);
  const moved = moves.map((values) => changingFrom(values));
  return { put: put as never, moved: moved as never, tally, pending, emitted };
}

/** Where `body` stands among MessageValues, and `reports` among ChangingValues. */
const BODY = 7;
const REPORTS = 7;

function changingJson(row: MessageRow): string {
  const [state, batchLimit, dueAtMs, updatedAtMs, claims, result, detail, reports] = changingValues(row);
  const detailJson = detail === null ? 'null' : JSON.stringify(detail);
  return `${state},${batchLimit},${dueAtMs},${updatedAtMs},${claims},${result},${detailJson},${reports}`;
}

/** `reports` is JSON itself, as the body is. */
const changingFrom = (values: readonly unknown[]): unknown[] => values.with(REPORTS, text(values[REPORTS]));

const text = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

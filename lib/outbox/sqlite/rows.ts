/**
 * Messages and reports as rows. The numbers in the columns are codes of the tables below, whose order is part of the
 * schema. A message goes between the threads, and into its row, as JSON made once by the caller's thread: the worker
 * passes it on without reading it.
 */

import type { InboxReport, NewMessage, NewReport, StoredMessage } from '../outbox.ts';
import { attachmentHashes, CREATED_BUCKET_MS, type Move } from '../rules.ts';
import type { State } from '../states.ts';

/** By code. HELD is IN_DOUBT that is held: the two are searched apart. Codes below 5 are open. */
const STATE_CODES = [
  'READY',
  'IN_FLIGHT',
  'ACCEPTED',
  'IN_DOUBT',
  'HELD',
  'DELIVERED',
  'FAILED',
  'NO_REPORT',
  'REJECTED',
  'EXPIRED',
  'CANCELLED',
  'SUPPRESSED',
] as const;
export const OPEN_STATES = 5;
export const SERVICES = ['sms', 'mms'] as const;
export const TYPES = ['SMS', 'LMS', 'MMS'] as const;
export const OUTCOMES = ['delivered', 'failed', 'pending'] as const;

/** The codes that statements name. */
export const READY = 0;
export const IN_FLIGHT = 1;
export const ACCEPTED = 2;
export const IN_DOUBT = 3;
export const HELD = 4;

const CODES = Object.fromEntries(STATE_CODES.map((name, code) => [name, code])) as Record<State, number>;

export const stateCode = (state: State, held: boolean): number => (held ? HELD : CODES[state]);

/** The state and `held` of each code. */
const STATES: readonly { readonly state: State; readonly held: boolean }[] = STATE_CODES.map((name) =>
  name === 'HELD' ? { state: 'IN_DOUBT', held: true } : { state: name, held: false },
);

export const stateOf = (code: number): { readonly state: State; readonly held: boolean } => at(STATES, code);

/** A message as the store works with it: what moves write, and what never changes, most of it as JSON. */
export interface MessageRow extends Changing {
  readonly seq: number;
  readonly messageId: string;
  readonly service: number;
  readonly type: number;
  readonly createdAtMs: number;
  readonly expireAtMs: number;
  readonly frameKey: string;
  /** See `bodyOf`. */
  readonly body: string;
}

/** What changes of a message. */
export interface Changing extends Move {
  /** Its reports: a JSON array of KeptReports, or null while there is none. */
  readonly reports: string | null;
}

/** The columns of a message, in the order of `SQL.putMessage` and of all that select messages. */
export type MessageValues = readonly [
  ...[seq: number, messageId: string, service: number, type: number, createdAtMs: number, expireAtMs: number],
  ...[frameKey: string, body: string, ...ChangingValues],
];

export type ChangingValues = readonly [
  ...[state: number, batchLimit: number, dueAtMs: number, updatedAtMs: number, claims: number],
  ...[result: number | null, detail: string | null, reports: string | null],
];

export function messageRow(values: MessageValues): MessageRow {
  const { state, held } = stateOf(values[8]);
  return {
    seq: values[0],
    messageId: values[1],
    service: values[2],
    type: values[3],
    createdAtMs: values[4],
    expireAtMs: values[5],
    frameKey: values[6],
    body: values[7],
    state,
    held,
    batchLimit: values[9],
    dueAtMs: values[10],
    updatedAtMs: values[11],
    claims: values[12],
    result: values[13],
    detail: values[14],
    reports: values[15],
  };
}

export function messageValues(row: MessageRow): MessageValues {
  const { seq, messageId, service, type, createdAtMs, expireAtMs, frameKey, body } = row;
  return [seq, messageId, service, type, createdAtMs, expireAtMs, frameKey, body, ...changingValues(row)];
}

export function changingValues(row: Changing): ChangingValues {
  const { state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail, reports } = row;
  return [stateCode(state, held), batchLimit, dueAtMs, updatedAtMs, claims, result, detail, reports];
}

export function changingOf(row: Changing): Changing {
  const { state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail, reports } = row;
  return { state, held, batchLimit, dueAtMs, updatedAtMs, claims, result, detail, reports };
}

/** A message on its way into the store, as a flat list: cheap to hand to another thread. */
export type NewRow = readonly [
  messageId: string,
  state: number,
  service: number,
  type: number,
  createdAtMs: number,
  dueAtMs: number,
  expireAtMs: number,
  result: number | null,
  detail: string | null,
  frameKey: string,
  duplicateKey: string,
  /** Of its attachments, or null when it has none. */
  hashes: readonly string[] | null,
  body: string,
];

export function newRow(message: NewMessage): NewRow {
  const { messageId, state, service, type, createdAtMs, dueAtMs, expireAtMs, result, detail } = message;
  return [
    messageId,
    stateCode(state, false),
    SERVICES.indexOf(service),
    TYPES.indexOf(type),
    createdAtMs,
    dueAtMs,
    expireAtMs,
    result,
    detail,
    message.frameKey,
    message.duplicateKey,
    message.files.length === 0 ? null : attachmentHashes(message),
    JSON.stringify(bodyOf(message)),
  ];
}

/** What never changes of a message and is not searched for, in the order of the schema; its `content_hash` is the 13th. */
type Body = readonly [
  ...[type: StoredMessage['type'], service: StoredMessage['service'], groupId: string, to: string, from: string],
  ...[text: string, subject: string, url: string, userCode: string, files: StoredMessage['files']],
  ...[frameKey: string, carry: string | null, contentHash: string, duplicateKey: string, createdAtMs: number],
  ...[retryOf: string | null, attempt: number],
];

function bodyOf(message: NewMessage): Body {
  const { type, service, groupId, to, from, text, subject, url, userCode, files } = message;
  const { frameKey, carry, contentHash, duplicateKey, createdAtMs, retryOf, attempt } = message;
  return [
    ...([type, service, groupId, to, from, text, subject, url, userCode, files] as const),
    ...([frameKey, carry, contentHash, duplicateKey, createdAtMs, retryOf, attempt] as const),
  ];
}

/** The body of a message without what people read of it. */
export function withoutTexts(body: string): string {
  const [type, service, groupId, to, from, , , , ...rest] = JSON.parse(body) as Body;
  return JSON.stringify([type, service, groupId, to, from, '', '', '', ...rest] satisfies Body);
}

export const contentHashIn = (body: string): string => (JSON.parse(body) as Body)[12];

/** The columns of a row and then its body, as they go between the threads. */
type MessageFields = readonly [
  ...[seq: number, messageId: string, state: number, batchLimit: number, dueAtMs: number, expireAtMs: number],
  ...[updatedAtMs: number, claims: number, result: number | null, detail: string | null],
  ...Body,
];

/** The JSON of the MessageFields of a row. The body is passed on as it is. */
export function fieldsJson(row: MessageRow): string {
  const { seq, messageId, state, held, batchLimit, dueAtMs, expireAtMs, updatedAtMs, claims, result } = row;
  const detail = row.detail === null ? 'null' : JSON.stringify(row.detail);
  return (
    `[${seq},${JSON.stringify(messageId)},${stateCode(state, held)},${batchLimit},${dueAtMs},${expireAtMs}` +
    `,${updatedAtMs},${claims},${result},${detail},${row.body.slice(1)}`
  );
}

/** A JSON array of JSON texts. */
export const listJson = (items: readonly string[]): string => `[${items.join(',')}]`;

export const messagesFrom = (json: string): StoredMessage[] => (JSON.parse(json) as MessageFields[]).map(messageFrom);

function messageFrom(fields: MessageFields): StoredMessage {
  const { state, held } = stateOf(fields[2]);
  return {
    seq: fields[0],
    messageId: fields[1],
    state,
    held,
    batchLimit: fields[3],
    dueAtMs: fields[4],
    expireAtMs: fields[5],
    updatedAtMs: fields[6],
    claims: fields[7],
    result: fields[8],
    detail: fields[9],
    type: fields[10],
    service: fields[11],
    groupId: fields[12],
    to: fields[13],
    from: fields[14],
    text: fields[15],
    subject: fields[16],
    url: fields[17],
    userCode: fields[18],
    files: fields[19],
    frameKey: fields[20],
    carry: fields[21],
    contentHash: fields[22],
    duplicateKey: fields[23],
    createdAtMs: fields[24],
    retryOf: fields[25],
    attempt: fields[26],
  };
}

/** A report on its way into the inbox. */
export type NewReportRow = readonly [messageId: string, result: number, outcome: number, wire: string];

/** All that came of a report but its messageId, in the order of the schema. */
type Wire = readonly [groupId: string, to: string, resultRaw: string, telecom: string, sentAtRaw: string];

export function newReportRow(report: NewReport): NewReportRow {
  const { messageId, groupId, to, resultRaw, telecom, sentAtRaw, result, outcome } = report;
  const wire: Wire = [groupId, to, resultRaw, telecom, sentAtRaw];
  return [messageId, result, OUTCOMES.indexOf(outcome), JSON.stringify(wire)];
}

export interface ReportRow {
  readonly seq: number;
  readonly message_id: string;
  readonly received_at: number;
  readonly result: number;
  readonly outcome: number;
  readonly wire: string;
}

/** A report as it is kept with its message. */
type KeptReport = readonly [seq: number, receivedAtMs: number, result: number, outcome: number, wire: Wire];

/** `reports` of a message that has one more. */
export function withReport(reports: string | null, { seq, received_at, result, outcome, wire }: ReportRow): string {
  const added = `[${seq},${received_at},${result},${outcome},${wire}]`;
  return reports === null ? `[${added}]` : `${reports.slice(0, -1)},${added}]`;
}

/** The reports of a message, in the order in which they came. */
export function reportsIn({ messageId, reports }: MessageRow): ReportRow[] {
  if (reports === null) return [];
  return (JSON.parse(reports) as KeptReport[]).map(([seq, received_at, result, outcome, wire]) => ({
    ...{ seq, message_id: messageId, received_at, result, outcome, wire: JSON.stringify(wire) },
  }));
}

/** A report as it goes between the threads; `wire` and the message are passed on as they are. */
type InboxFields = readonly [
  ...[seq: number, messageId: string, receivedAtMs: number, result: number, outcome: number, wire: Wire],
  message: MessageFields | null,
];

/** The JSON of the InboxFields of a row. `message` is the row of its message, or undefined. */
export function inboxJson(report: ReportRow, message: MessageRow | undefined): string {
  const { seq, message_id, received_at, result, outcome, wire } = report;
  const messageJson = message === undefined ? 'null' : fieldsJson(message);
  return `[${seq},${JSON.stringify(message_id)},${received_at},${result},${outcome},${wire},${messageJson}]`;
}

export const reportsFrom = (json: string): InboxReport[] => (JSON.parse(json) as InboxFields[]).map(reportFrom);

function reportFrom(fields: InboxFields): InboxReport {
  const [seq, messageId, receivedAtMs, result, outcome, wire, message] = fields;
  return {
    messageId,
    groupId: wire[0],
    to: wire[1],
    resultRaw: wire[2],
    telecom: wire[3],
    sentAtRaw: wire[4],
    result,
    outcome: at(OUTCOMES, outcome),
    seq,
    receivedAtMs,
    message: message === null ? null : messageFrom(message),
  };
}

export const bucketOf = (atMs: number): number => Math.floor(atMs / CREATED_BUCKET_MS);

/** The entry of a table of codes. */
export function at<T>(table: readonly T[], code: number): T {
  const value = table[code];
  if (value === undefined) throw new Error(`bug: code ${code} is not in the table`);
  return value;
}

/**
 * Messages and reports as the file has them. The numbers in the columns are codes of the tables below, whose order is part
 * of the schema. What is searched for or changes has a column; the rest of a message is one JSON array, its body.
 */
import type { MessageType, NewReport, Service, StoredMessage } from '../outbox.ts';
import { CREATED_BUCKET_MS, type Remembered } from '../rules.ts';
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
export const SERVICES = ['sms', 'mms'] as const satisfies readonly Service[];
export const TYPES = ['SMS', 'LMS', 'MMS'] as const satisfies readonly MessageType[];
const OUTCOMES = ['delivered', 'failed', 'pending'] as const;

/** The codes that statements name. */
export const READY = 0;
export const IN_FLIGHT = 1;
export const ACCEPTED = 2;
export const IN_DOUBT = 3;
export const HELD = 4;
export const FAILED = 6;
export const SUPPRESSED = 11;

const CODES = Object.fromEntries(STATE_CODES.map((name, code) => [name, code])) as Record<State, number>;

export const stateCode = (state: State, held: boolean): number => (held ? HELD : CODES[state]);
export const serviceCode = (service: Service): number => (service === 'sms' ? 0 : 1);
export const typeCode = (type: MessageType): number => TYPES.indexOf(type);
export const bucketOf = (atMs: number): number => Math.floor(atMs / CREATED_BUCKET_MS);

/** The state and `held` of each code. */
const STATES: readonly { readonly state: State; readonly held: boolean }[] = STATE_CODES.map((name) =>
  name === 'HELD' ? { state: 'IN_DOUBT', held: true } : { state: name, held: false },
);

/** The columns of a message, in the order of `SQL.putMessage` and of all that select messages. */
export type MessageValues = readonly [
  ...[seq: number, messageId: string, service: number, type: number, createdAtMs: number, expireAtMs: number],
  ...[frameKey: string, body: string, ...ChangingValues],
];

/** Of these, what changes. */
export type ChangingValues = readonly [
  ...[state: number, batchLimit: number, dueAtMs: number, updatedAtMs: number, claims: number],
  ...[result: number | null, detail: string | null, reports: string | null],
];

/** Where `state` stands among MessageValues. */
export const STATE = 8;

/** What never changes of a message and is not searched for, in the order of the schema; its `content_hash` is the 13th. */
export type Body = readonly [
  ...[type: StoredMessage['type'], service: StoredMessage['service'], groupId: string, to: string, from: string],
  ...[text: string, subject: string, url: string, userCode: string, files: StoredMessage['files']],
  ...[frameKey: string, carry: string | null, contentHash: string, duplicateKey: string, createdAtMs: number],
  ...[retryOf: string | null, attempt: number],
];

/** Where `retryOf` stands in a body. */
export const RETRY_OF = 15;

export function bodyOf(message: StoredMessage): Body {
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

export function messageOf(values: MessageValues): StoredMessage {
  const body = JSON.parse(values[7]) as Body;
  const { state, held } = at(STATES, values[8]);
  return {
    messageId: values[1],
    groupId: body[2],
    type: body[0],
    service: body[1],
    to: body[3],
    from: body[4],
    text: body[5],
    subject: body[6],
    url: body[7],
    userCode: body[8],
    files: body[9],
    frameKey: body[10],
    carry: body[11],
    contentHash: body[12],
    duplicateKey: body[13],
    createdAtMs: body[14],
    dueAtMs: values[10],
    expireAtMs: values[5],
    retryOf: body[15],
    attempt: body[16],
    state,
    detail: values[14],
    result: values[13],
    seq: values[0],
    batchLimit: values[9],
    updatedAtMs: values[11],
    claims: values[12],
    held,
  };
}

/** A row of `remembered`: what is left of a message that was pruned. */
export interface RememberedRow {
  readonly message_id: string;
  readonly seq: number;
  readonly content_hash: string;
  readonly state: number;
  readonly batch_limit: number;
  readonly due_at: number;
  readonly updated_at: number;
  readonly claims: number;
  readonly result: number | null;
  readonly detail: string | null;
}

export function rememberedOf(row: RememberedRow): Remembered {
  const { seq, content_hash: contentHash, batch_limit: batchLimit, due_at: dueAtMs, updated_at: updatedAtMs } = row;
  const { claims, result, detail } = row;
  return { seq, contentHash, batchLimit, dueAtMs, updatedAtMs, claims, result, detail, ...at(STATES, row.state) };
}

/** All that came of a report but its messageId, in the order of the schema: by it, a repeat is known. */
type Wire = readonly [groupId: string, to: string, resultRaw: string, telecom: string, sentAtRaw: string];

/** A report as it is kept with its message. */
export type KeptReport = readonly [seq: number, receivedAtMs: number, result: number, outcome: number, wire: Wire];

export function keptReport(report: NewReport, seq: number, receivedAtMs: number): KeptReport {
  const { groupId, to, resultRaw, telecom, sentAtRaw, result, outcome } = report;
  // Not literals: see docs/decisions/0020.
  const wire: readonly string[] = Array.of(groupId, to, resultRaw, telecom, sentAtRaw);
  const kept: readonly unknown[] = Array.of<unknown>(seq, receivedAtMs, result, OUTCOMES.indexOf(outcome), wire);
  return kept as KeptReport;
}

export function reportOf(messageId: string, [seq, receivedAtMs, result, outcome, wire]: KeptReport) {
  const [groupId, to, resultRaw, telecom, sentAtRaw] = wire;
  const report: NewReport = {
    ...{ messageId, groupId, to, resultRaw, telecom, sentAtRaw, result, outcome: at(OUTCOMES, outcome) },
  };
  return { report, seq, receivedAtMs };
}

/** A row of `unmatched_reports`: a report that came for no message. */
export type UnmatchedRow = readonly [
  ...[messageId: string, seq: number, receivedAtMs: number, result: number, outcome: number, wire: string],
];

export function unmatchedRow(messageId: string, report: KeptReport): UnmatchedRow {
  const [seq, receivedAtMs, result, outcome] = report;
  return [messageId, seq, receivedAtMs, result, outcome, wireJson(report)];
}

export const fromUnmatched = ([, seq, receivedAtMs, result, outcome, wire]: UnmatchedRow): KeptReport => [
  ...([seq, receivedAtMs, result, outcome] as const),
  JSON.parse(wire) as Wire,
];

export const wireJson = (report: KeptReport): string => JSON.stringify(report[4]);

/** The entry of a table of codes. */
function at<T>(table: readonly T[], code: number): T {
  const value = table[code];
  if (value === undefined) throw new Error(`bug: code ${code} is not in the table`);
  return value;
}

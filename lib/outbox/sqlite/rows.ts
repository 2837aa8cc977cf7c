/**
 * Messages and reports as rows. The numbers in the columns are codes of the tables below, whose order is part of the
 * schema. A message goes between the threads, and into its row, as JSON made once by the caller's thread: the worker
 * passes it on without reading it.
 */

import type { InboxReport, NewMessage, NewReport, StoredMessage } from '../outbox.ts';
import { attachmentHashes, CREATED_BUCKET_MS, type Move, type Moving, reportKey } from '../rules.ts';
import type { State } from '../states.ts';

/** By code. HELD is IN_DOUBT that is held: the two are searched apart. Codes below 5 are open. */
export const STATE_CODES = [
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

export const READY = 0;
export const IN_FLIGHT = 1;
export const ACCEPTED = 2;
export const IN_DOUBT = 3;
export const HELD = 4;

export function stateCode(state: State, held: boolean): number {
  return STATE_CODES.indexOf(held ? 'HELD' : state);
}

/** The state and `held` of a code. */
export function stateOf(code: number): { state: State; held: boolean } {
  const name = at(STATE_CODES, code);
  return name === 'HELD' ? { state: 'IN_DOUBT', held: true } : { state: name, held: false };
}

/** The columns of `messages` that moves look at and write, and those by which it is searched. */
export interface HotRow {
  seq: number;
  message_id: string;
  state: number;
  service: number;
  type: number;
  batch_limit: number;
  due_at: number;
  expire_at: number;
  updated_at: number;
  claims: number;
  result: number | null;
  detail: string | null;
}

export interface MessageRow extends HotRow {
  created_at: number;
  frame_key: string;
  content_hash: string;
  body: string;
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
  contentHash: string,
  duplicateKey: string,
  /** Of its attachments, or null when it has none. */
  hashes: readonly string[] | null,
  body: string,
];

export function newRow(message: NewMessage): NewRow {
  const { messageId, state, service, type, createdAtMs, dueAtMs, expireAtMs, result, detail, ...rest } = message;
  const { frameKey, contentHash, duplicateKey } = rest;
  const { groupId, to, from, text, subject, url, userCode, files, carry, retryOf, attempt } = rest;
  const body = { groupId, to, from, text, subject, url, userCode, files, carry, duplicateKey, retryOf, attempt };
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
    frameKey,
    contentHash,
    duplicateKey,
    files.length === 0 ? null : attachmentHashes(message),
    JSON.stringify(body),
  ];
}

/** What the rules of rules.ts want to know of a row. */
export function movingOf(row: HotRow): Moving & { readonly expireAtMs: number } {
  return {
    messageId: row.message_id,
    ...stateOf(row.state),
    updatedAtMs: row.updated_at,
    dueAtMs: row.due_at,
    expireAtMs: row.expire_at,
    batchLimit: row.batch_limit,
    claims: row.claims,
    result: row.result,
    detail: row.detail,
  };
}

/** The row after a move. */
export function movedRow<Row extends HotRow>(row: Row, move: Move): Row {
  return {
    ...row,
    state: stateCode(move.state, move.held),
    updated_at: move.updatedAtMs,
    due_at: move.dueAtMs,
    batch_limit: move.batchLimit,
    claims: move.claims,
    result: move.result,
    detail: move.detail,
  };
}

/** The JSON of the StoredMessage that a row is. */
export function messageJson(row: MessageRow): string {
  const { state, held } = stateOf(row.state);
  return (
    `{"seq":${row.seq},"messageId":${JSON.stringify(row.message_id)},"state":"${state}","held":${held}` +
    `,"service":"${SERVICES[row.service]}","type":"${TYPES[row.type]}","batchLimit":${row.batch_limit}` +
    `,"createdAtMs":${row.created_at},"dueAtMs":${row.due_at},"expireAtMs":${row.expire_at}` +
    `,"updatedAtMs":${row.updated_at},"claims":${row.claims},"result":${row.result}` +
    `,"detail":${JSON.stringify(row.detail)},"frameKey":${JSON.stringify(row.frame_key)}` +
    `,"contentHash":${JSON.stringify(row.content_hash)},${row.body.slice(1)}`
  );
}

/** A JSON array of JSON texts. */
export const listJson = (items: readonly string[]): string => `[${items.join(',')}]`;

export const messagesFrom = (json: string): StoredMessage[] => JSON.parse(json) as StoredMessage[];

/** A report on its way into the inbox. */
export type NewReportRow = readonly [messageId: string, result: number, outcome: number, wire: string];

export function newReportRow(report: NewReport): NewReportRow {
  return [report.messageId, report.result, OUTCOMES.indexOf(report.outcome), reportKey(report)];
}

export interface ReportRow {
  seq: number;
  message_id: string;
  received_at: number;
  emitted: number;
  result: number;
  outcome: number;
  wire: string;
}

/** The report in a row, apart from what came of its message. */
export function reportOf({ result, outcome, wire }: Pick<ReportRow, 'result' | 'outcome' | 'wire'>): NewReport {
  const [messageId, groupId, to, resultRaw, telecom, sentAtRaw] = JSON.parse(wire) as [
    ...[string, string, string, string, string, string],
  ];
  return { messageId, groupId, to, resultRaw, telecom, sentAtRaw, result, outcome: at(OUTCOMES, outcome) };
}

/** The JSON of the InboxReport that a row is, with the JSON of its message or `null`. */
export function inboxJson(row: ReportRow, message: string | null): string {
  const report: Omit<InboxReport, 'message'> = { ...reportOf(row), seq: row.seq, receivedAtMs: row.received_at };
  return `${JSON.stringify(report).slice(0, -1)},"message":${message}}`;
}

export const reportsFrom = (json: string): InboxReport[] => JSON.parse(json) as InboxReport[];

export const bucketOf = (atMs: number): number => Math.floor(atMs / CREATED_BUCKET_MS);

function at<T>(table: readonly T[], code: number): T {
  const value = table[code];
  if (value === undefined) throw new Error(`bug: code ${code} is not in the table`);
  return value;
}

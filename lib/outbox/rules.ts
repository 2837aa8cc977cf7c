/**
 * What every engine must decide alike, so that it is written once: what a fresh message looks like in the store, and what
 * each move makes of a message. Pure functions of values; no engine's ways. Moves that the store makes by itself leave
 * `detail` null: the state says it all.
 */
import { createHash } from 'node:crypto';
import { UshotError } from '../errors.ts';
import type { InboxReport, NewMessage, NewReport, SetBack, Settlement, StoredMessage, SweepRequest } from './outbox.ts';
import { assertTransition, isEnd, type State } from './states.ts';

/** Batch limit of a message that was never bisected. */
export const NO_BATCH_LIMIT = 0x7fffffff;

/**
 * How far a claim looks, in due messages, for company with the same frameKey and batchLimit. With more lanes interleaved
 * than that, a frame goes out less than full instead of the claim taking long.
 */
export const CLAIM_REACH = 1000;

/** Creation times are counted by the second: `createdSince` is exact to that. */
export const CREATED_BUCKET_MS = 1000;
/** For how many buckets before the latest the count is kept: two days, as no guard asks for more than one. */
export const CREATED_MEMORY_BUCKETS = 172_800;

/** RESULT of the store's own ends, by table C of the manual. */
const TIMED_OUT = 75;
const TAKEN_BACK = 79;

/** What a move writes beside the state. */
export interface Move {
  readonly state: State;
  readonly updatedAtMs: number;
  readonly dueAtMs: number;
  readonly batchLimit: number;
  readonly claims: number;
  readonly result: number | null;
  readonly detail: string | null;
  readonly held: boolean;
}

/** The part of a stored message that moves look at. */
export type Moving = Move & Pick<StoredMessage, 'messageId'>;

/** A time that a database cannot give back would make every later call fail. */
export function assertTimes({ messageId, createdAtMs, dueAtMs, expireAtMs }: NewMessage): void {
  for (const atMs of [createdAtMs, dueAtMs, expireAtMs]) {
    if (!Number.isSafeInteger(atMs)) throw new Error(`bug: message ${messageId} has the time ${atMs}`);
  }
}

/** A message as it is first stored. */
export function freshMessage(message: NewMessage, seq: number): StoredMessage {
  const { createdAtMs } = message;
  return { ...message, seq, batchLimit: NO_BATCH_LIMIT, updatedAtMs: createdAtMs, claims: 0, held: false };
}

/** What stays known of a message that was pruned: enough to tell a repeat from a conflict, and how it ended. */
export interface Remembered extends Move {
  readonly seq: number;
  readonly contentHash: string;
}

/** A message that was pruned, pieced together from what is remembered and the repeat of it, which has the same content. */
export function recalled(repeat: NewMessage, remembered: Remembered): StoredMessage {
  return { ...repeat, ...remembered };
}

export function claimed(message: Moving, nowMs: number): Move {
  return move(message, 'IN_FLIGHT', nowMs, { claims: message.claims + 1, result: null, detail: null });
}

/** What a settlement makes of a message, or null where a report has ended it already and it is left alone. */
export function settled(message: Moving, settlement: Settlement, nowMs: number): Move | null {
  if (message.state !== 'IN_FLIGHT') {
    if (message.claims > 0 && (message.state === 'DELIVERED' || message.state === 'FAILED')) return null;
    throw new Error(`bug: message ${message.messageId} is settled while it is ${message.state}`);
  }
  const detail = settlement.detail ?? null;
  if (settlement.to === 'REJECTED')
    return move(message, 'REJECTED', nowMs, { detail, result: settlement.result ?? null });
  if (settlement.to !== 'READY') return move(message, settlement.to, nowMs, { detail });
  return move(message, 'READY', nowMs, {
    detail,
    dueAtMs: settlement.dueAtMs ?? dueAgainMs(message, nowMs),
    batchLimit: settlement.batchLimit ?? message.batchLimit,
  });
}

/**
 * What a report makes of its message, or null where it changes nothing: it is not the last word, the message has its end
 * already, or the message never was in a frame, so that the report must be about something else.
 */
export function reported(message: Moving, report: Pick<NewReport, 'outcome' | 'result'>, nowMs: number): Move | null {
  if (report.outcome === 'pending' || message.claims === 0) return null;
  if (isEnd(message.state) && message.state !== 'NO_REPORT') return null;
  const state = report.outcome === 'delivered' ? 'DELIVERED' : 'FAILED';
  return move(message, state, nowMs, { result: report.result, detail: null, held: false });
}

export function expired(message: Moving, nowMs: number): Move {
  return move(message, 'EXPIRED', nowMs, { result: TIMED_OUT, detail: null });
}

/**
 * What becomes of a message that was in doubt for long enough. One whose time to be sent has passed cannot be sent again,
 * and may have been delivered: it is held under either policy, and waits for its report.
 */
export function afterDoubt(message: Moving & { readonly expireAtMs: number }, request: SweepRequest): Move {
  if (request.inDoubtPolicy === 'hold' || message.expireAtMs <= request.nowMs)
    return { ...moving(message), held: true };
  return move(message, 'READY', request.nowMs, { dueAtMs: dueAgainMs(message, request.nowMs) });
}

export function unreported(message: Moving, nowMs: number): Move {
  return move(message, 'NO_REPORT', nowMs, { detail: null, held: false });
}

/** Null where the message is past taking back. */
export function cancelled(message: Moving, nowMs: number): Move | null {
  if (message.state !== 'READY' && message.state !== 'IN_DOUBT') return null;
  return move(message, 'CANCELLED', nowMs, { result: TAKEN_BACK, detail: null, held: false });
}

/** Null where the message is not held. */
export function released(message: Moving, nowMs: number): Move | null {
  return message.held ? move(message, 'READY', nowMs, { held: false, dueAtMs: dueAgainMs(message, nowMs) }) : null;
}

/**
 * What becomes of a message when the clock shows less than when it came into its state: it must not wait until that is made up
 * for. One that waits to be sent falls due, after as long a pause as it had, unless a flow has set its time; the hold of one in doubt
 * begins anew. Null where nothing is to be done.
 */
export function afterSetBack(
  message: Moving & Pick<StoredMessage, 'createdAtMs' | 'retryOf'>,
  { nowMs, doubts }: SetBack,
): Move | null {
  const { state, held, updatedAtMs, dueAtMs, createdAtMs, claims, retryOf } = message;
  if (updatedAtMs <= nowMs) return null;
  // One that is held has had its hold: it waits for the operator.
  if (state === 'IN_DOUBT') return doubts && !held ? { ...moving(message), updatedAtMs: nowMs } : null;
  const isScheduled = dueAtMs > createdAtMs && claims === 0 && retryOf === null;
  if (state !== 'READY' || dueAtMs <= nowMs || isScheduled) return null;
  return { ...moving(message), updatedAtMs: nowMs, dueAtMs: nowMs + Math.max(0, dueAtMs - updatedAtMs) };
}

/** For sorting: READY in the order of claiming, then those in doubt, by since when they are. */
export function compareWaiting(a: StoredMessage, b: StoredMessage): number {
  const rank = ({ state }: StoredMessage): number => (state === 'READY' ? 0 : 1);
  const atMs = ({ state, dueAtMs, updatedAtMs }: StoredMessage): number => (state === 'READY' ? dueAtMs : updatedAtMs);
  return rank(a) - rank(b) || atMs(a) - atMs(b) || a.seq - b.seq;
}

/** A message that was IN_FLIGHT when the process ended. */
export function interrupted(message: Moving, nowMs: number): Move {
  return move(message, 'IN_DOUBT', nowMs, { detail: null });
}

/** What makes two reports the same report. */
export function reportKey(report: NewReport): string {
  const { messageId, groupId, to, resultRaw, telecom, sentAtRaw } = report;
  return JSON.stringify([messageId, groupId, to, resultRaw, telecom, sentAtRaw]);
}

/** Messages whose attachments must stay: those that are open, and those with a report that flows have not seen. */
export function needsAttachments(state: State, reportsWaiting: boolean): boolean {
  return !isEnd(state) || reportsWaiting;
}

export function attachmentHashes(message: Pick<NewMessage, 'files'>): string[] {
  const hashes = new Set<string>();
  for (const file of message.files) if (file.kind === 'attachment') hashes.add(file.hash);
  return [...hashes];
}

export function attachmentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function attachmentMissing(hash: string): UshotError {
  return new UshotError('USHOT_FILE_MISSING', { path: hash, problem: 'is not among the attachments of the store' });
}

export const inboxReport = (
  report: NewReport,
  seq: number,
  receivedAtMs: number,
  message: StoredMessage | null,
): InboxReport => ({ ...report, seq, receivedAtMs, message });

/** Of a message that was claimed: it was due, whatever a clock says that was set back since. */
function dueAgainMs({ dueAtMs }: Moving, nowMs: number): number {
  return Math.min(dueAtMs, nowMs);
}

function move(message: Moving, state: State, nowMs: number, changes: Partial<Move>): Move {
  assertTransition(message.messageId, message.state, state);
  const { dueAtMs = message.dueAtMs, batchLimit = message.batchLimit, claims = message.claims } = changes;
  const { result = message.result, detail = message.detail, held = message.held } = changes;
  return { state, updatedAtMs: nowMs, dueAtMs, batchLimit, claims, result, detail, held };
}

function moving({ state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held }: Move): Move {
  return { state, updatedAtMs, dueAtMs, batchLimit, claims, result, detail, held };
}

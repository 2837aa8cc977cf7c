/** Makes messages and reports for the outbox tests: every field has a value, a test names those it is about. */
import type { NewMessage, NewReport, SweepRequest } from '../../lib/outbox/outbox.ts';

export const DAY_MS = 86_400_000;
/** When the tests begin. */
export const START_MS = Date.UTC(2026, 0, 5);

export function newMessage(messageId: string, changes: Partial<NewMessage> = {}): NewMessage {
  const createdAtMs = changes.createdAtMs ?? START_MS;
  return {
    messageId,
    groupId: 'G1',
    type: 'SMS',
    service: 'sms',
    to: '01012345678',
    from: '0212345678',
    text: `경보 ${messageId}`,
    subject: '',
    url: '',
    userCode: '',
    files: [],
    frameKey: '',
    carry: null,
    contentHash: `content of ${messageId}`,
    duplicateKey: '',
    createdAtMs,
    dueAtMs: createdAtMs,
    expireAtMs: createdAtMs + DAY_MS,
    retryOf: null,
    attempt: 0,
    state: 'READY',
    detail: null,
    result: null,
    ...changes,
  };
}

export const newMessages = (ids: readonly string[], changes: Partial<NewMessage> = {}): NewMessage[] =>
  ids.map((id) => newMessage(id, changes));

export function newReport(messageId: string, changes: Partial<NewReport> = {}): NewReport {
  return {
    messageId,
    groupId: 'G1',
    to: '01012345678',
    resultRaw: '6',
    telecom: 'SKT',
    sentAtRaw: '2026-01-05 09:00:00',
    result: 6,
    outcome: 'delivered',
    ...changes,
  };
}

/** A sweep that finds nothing but what has expired, unless told. */
export function sweepRequest(changes: Partial<SweepRequest> = {}): SweepRequest {
  return {
    nowMs: START_MS,
    inDoubtBeforeMs: { sms: null, mms: null },
    inDoubtPolicy: 'resend',
    unreportedBeforeMs: { SMS: 0, LMS: 0, MMS: 0 },
    limit: 1000,
    ...changes,
  };
}

/** Random messages, reports and times for tests that compare engines: of few values, so that they meet. */
import fc from 'fast-check';
import type { NewMessage, NewReport, Settlement, SweepRequest } from '../../../lib/outbox/outbox.ts';
import { START_MS } from '../messages.ts';

const tickMs = fc.integer({ min: 0, max: 12 }).map((n) => n * 500);
export const atMs = tickMs.map((ms) => START_MS + ms);
export const service = fc.constantFrom('sms', 'mms');
export const messageIdOf = (ids: number): fc.Arbitrary<string> =>
  fc.integer({ min: 0, max: ids - 1 }).map((n) => `M${n}`);

export const newMessageOf = (messageId: fc.Arbitrary<string>): fc.Arbitrary<NewMessage> =>
  fc.record({
    messageId,
    groupId: fc.constant('G1'),
    type: fc.constantFrom('SMS', 'LMS', 'MMS'),
    service,
    to: fc.constantFrom('01011112222', '01033334444'),
    from: fc.constant('021112222'),
    text: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    subject: fc.string({ maxLength: 4 }),
    url: fc.constant(''),
    userCode: fc.constant(''),
    files: fc.constant([]),
    frameKey: fc.constantFrom('', 'x'),
    carry: fc.option(fc.json({ maxDepth: 1 })),
    contentHash: fc.constantFrom('one', 'one', 'one', 'two'),
    duplicateKey: fc.constantFrom('', 'k1', 'k2'),
    createdAtMs: atMs,
    dueAtMs: atMs,
    expireAtMs: tickMs.map((ms) => START_MS + 3000 + ms),
    retryOf: fc.option(messageId),
    attempt: fc.nat(2),
    state: fc.constantFrom('READY', 'READY', 'READY', 'SUPPRESSED'),
    detail: fc.constant(null),
    result: fc.constant(null),
  });

export const newReportOf = (messageId: fc.Arbitrary<string>): fc.Arbitrary<NewReport> =>
  fc.record({
    messageId,
    groupId: fc.constant('G1'),
    to: fc.constant('01011112222'),
    resultRaw: fc.constantFrom('6', '8'),
    telecom: fc.constant('SKT'),
    sentAtRaw: fc.constant(''),
    result: fc.constantFrom(6, 8),
    outcome: fc.constantFrom('delivered', 'failed', 'pending'),
  });

/** A settlement but for its ids. */
export const settlementParts = fc.record({
  to: fc.constantFrom('ACCEPTED', 'REJECTED', 'IN_DOUBT', 'READY') as fc.Arbitrary<Settlement['to']>,
  result: fc.constantFrom(74, 79),
  detail: fc.constantFrom('{"code":"A"}', '{"code":"B"}'),
  dueAtMs: atMs,
  batchLimit: fc.constantFrom(1, 2, 100),
});

export const claimOf = (max: fc.Arbitrary<number>) => fc.option(fc.record({ service, max }));

export const sweepRequestOf = (limit: fc.Arbitrary<number>): fc.Arbitrary<SweepRequest> =>
  fc.record({
    nowMs: atMs,
    inDoubtBeforeMs: fc.record({ sms: fc.option(atMs), mms: fc.option(atMs) }),
    inDoubtPolicy: fc.constantFrom('resend', 'hold') as fc.Arbitrary<'resend' | 'hold'>,
    unreportedBeforeMs: fc.record({ SMS: atMs, LMS: atMs, MMS: fc.constant(0) }),
    limit,
  });

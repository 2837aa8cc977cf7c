/**
 * The durable engine beside the one in memory: the same random calls must come to the same answers, errors and restarts
 * included. fast-check prints the seed and the shortest sequence when they differ.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { MemoryOutbox } from '../../../lib/outbox/memory.ts';
import type { NewMessage, NewReport, Outbox, Settlement } from '../../../lib/outbox/outbox.ts';
import { START_MS } from '../messages.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

/** Few ids, times and lanes, so that they meet. */
const messageId = fc.integer({ min: 0, max: 30 }).map((n) => `M${n}`);
const messageIds = fc.uniqueArray(messageId, { maxLength: 6 });
const tickMs = fc.integer({ min: 0, max: 12 }).map((n) => n * 500);
const atMs = tickMs.map((ms) => START_MS + ms);
const service = fc.constantFrom('sms', 'mms');
const limit = fc.integer({ min: 1, max: 8 });

const message: fc.Arbitrary<NewMessage> = fc.record({
  messageId,
  groupId: fc.constant('G1'),
  type: fc.constantFrom('SMS', 'LMS', 'MMS'),
  service,
  to: fc.constantFrom('01011112222', '01033334444'),
  from: fc.constant('021112222'),
  text: fc.string({ unit: 'binary', maxLength: 20 }),
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

const report: fc.Arbitrary<NewReport> = fc.record({
  messageId,
  groupId: fc.constant('G1'),
  to: fc.constant('01011112222'),
  resultRaw: fc.constantFrom('6', '8'),
  telecom: fc.constant('SKT'),
  sentAtRaw: fc.constant(''),
  result: fc.constantFrom(6, 8),
  outcome: fc.constantFrom('delivered', 'failed', 'pending'),
});

const settlementParts = fc.record({
  to: fc.constantFrom('ACCEPTED', 'REJECTED', 'IN_DOUBT', 'READY') as fc.Arbitrary<Settlement['to']>,
  result: fc.constantFrom(74, 79),
  detail: fc.constantFrom('{"code":"A"}', '{"code":"B"}'),
  dueAtMs: atMs,
  batchLimit: fc.constantFrom(1, 2, 100),
});

/** A step: what to do with an outbox, given the frames that it has claimed and not settled. */
type Step = (outbox: Outbox, frames: string[][]) => Promise<unknown>;

const claim = fc.option(fc.record({ service, max: limit }));

const steps: fc.Arbitrary<{ name: string; step: Step }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(message, { maxLength: 5 })
      .map((messages) => ({ name: 'accept', step: (outbox: Outbox) => outbox.accept(messages) })),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.boolean(), settlementParts, claim, atMs).map(([answers, parts, request, nowMs]) => ({
      name: 'exchange',
      step: async (outbox: Outbox, frames: string[][]) => {
        const answered = answers ? frames.shift() : undefined;
        const settlements = answered === undefined ? [] : [{ messageIds: answered, ...parts }];
        const claimed = await outbox.exchange(settlements, request, nowMs);
        if (claimed.length > 0) frames.push(claimed.map(({ messageId }) => messageId));
        return claimed;
      },
    })),
  },
  fc.tuple(messageIds, settlementParts, claim, atMs).map(([ids, parts, request, nowMs]) => ({
    name: 'exchange of any',
    step: (outbox: Outbox) => outbox.exchange([{ messageIds: ids, ...parts }], request, nowMs),
  })),
  {
    weight: 2,
    arbitrary: fc.tuple(fc.array(report, { maxLength: 5 }), atMs).map(([reports, nowMs]) => ({
      name: 'takeReports',
      step: (outbox: Outbox) => outbox.takeReports(reports, nowMs),
    })),
  },
  limit.map((most) => ({ name: 'pendingReports', step: (outbox: Outbox) => outbox.pendingReports(most) })),
  fc.array(fc.nat(20), { maxLength: 5 }).map((seqs) => ({
    name: 'reportsEmitted',
    step: (outbox: Outbox) => outbox.reportsEmitted(seqs),
  })),
  {
    weight: 3,
    arbitrary: fc
      .record({
        nowMs: atMs,
        inDoubtBeforeMs: fc.record({ sms: fc.option(atMs), mms: fc.option(atMs) }),
        inDoubtPolicy: fc.constantFrom('resend', 'hold') as fc.Arbitrary<'resend' | 'hold'>,
        unreportedBeforeMs: fc.record({ SMS: atMs, LMS: atMs, MMS: fc.constant(0) }),
        limit,
      })
      .map((request) => ({ name: 'sweep', step: (outbox: Outbox) => outbox.sweep(request) })),
  },
  fc.tuple(service, atMs).map(([of, nowMs]) => ({
    name: 'nextDueMs',
    step: (outbox: Outbox) => outbox.nextDueMs(of, nowMs),
  })),
  fc.tuple(messageIds, atMs).map(([ids, nowMs]) => ({
    name: 'cancel',
    step: (outbox: Outbox) => outbox.cancel(ids, nowMs),
  })),
  fc.tuple(messageIds, atMs).map(([ids, nowMs]) => ({
    name: 'release',
    step: (outbox: Outbox) => outbox.release(ids, nowMs),
  })),
  messageIds.map((ids) => ({ name: 'get', step: (outbox: Outbox) => outbox.get(ids) })),
  fc.constant({ name: 'counts', step: (outbox: Outbox) => outbox.counts() }),
  atMs.map((sinceMs) => ({
    name: 'recentDuplicates',
    step: async (outbox: Outbox) => [
      ...(await outbox.recentDuplicates({ duplicateKeys: ['k1', 'k2', 'k3'], sinceMs })),
    ],
  })),
  atMs.map((sinceMs) => ({ name: 'createdSince', step: (outbox: Outbox) => outbox.createdSince(sinceMs) })),
  fc.tuple(atMs, limit, fc.option(atMs)).map(([olderThanMs, most, forgetBeforeMs]) => ({
    name: 'prune',
    step: (outbox: Outbox) => outbox.prune(olderThanMs, most, forgetBeforeMs),
  })),
  atMs.map((nowMs) => ({
    name: 'restart',
    step: async (outbox: Outbox, frames: string[][]) => {
      frames.length = 0;
      await outbox.close();
      await outbox.open(nowMs);
    },
  })),
);

/** The answer, or what tells one error from another. */
async function outcome(answer: Promise<unknown>): Promise<unknown> {
  try {
    return { answer: await answer };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

describe('SQLite and memory', () => {
  it('answer random calls alike', async function () {
    this.timeout(120_000);
    const folder = makeFolder();
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { maxLength: 60, size: 'max' }), async (sequence) => {
          const memory = new MemoryOutbox();
          const sqlite = inProcessOutbox({ file: path.join(folder, `${run++}.db`) });
          await Promise.all([memory.open(START_MS), sqlite.open(START_MS)]);
          try {
            const memoryFrames: string[][] = [];
            const sqliteFrames: string[][] = [];
            for (const { name, step } of sequence) {
              const expected = await outcome(step(memory, memoryFrames));
              assert.deepEqual(await outcome(step(sqlite, sqliteFrames)), expected, name);
              assert.deepEqual(await sqlite.counts(), await memory.counts(), `counts after ${name}`);
            }
            const ids = Array.from({ length: 31 }, (_, n) => `M${n}`);
            assert.deepEqual(await sqlite.get(ids), await memory.get(ids));
            assert.deepEqual(await sqlite.pendingReports(100), await memory.pendingReports(100));
          } finally {
            await sqlite.close();
          }
        }),
        { numRuns: Number(process.env['USHOT_MODEL_RUNS'] ?? 40) },
      );
    } finally {
      removeFolder(folder);
    }
  });
});

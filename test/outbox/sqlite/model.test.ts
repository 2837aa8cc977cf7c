/**
 * The durable engine beside the one in memory: the same random calls must come to the same answers, errors, restarts and
 * `kill -9` included, however much of it is only in the log. fast-check prints the seed and the shortest sequence when they
 * differ.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { MemoryOutbox } from '../../../lib/outbox/memory.ts';
import type { Outbox } from '../../../lib/outbox/outbox.ts';
import { START_MS } from '../messages.ts';
import {
  atMs,
  claimOf,
  messageIdOf,
  newMessageOf,
  newReportOf,
  service,
  settlementParts,
  sweepRequestOf,
} from './arbitraries.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

const messageId = messageIdOf(31);
const messageIds = fc.uniqueArray(messageId, { maxLength: 6 });
const limit = fc.integer({ min: 1, max: 8 });
const message = newMessageOf(messageId);
const report = newReportOf(messageId);
const claim = claimOf(limit);

/** What a step may do with an outbox. */
interface Under {
  outbox: Outbox;
  /** Claimed and not settled. */
  readonly frames: string[][];
  /** Ends the process as `kill -9` does, and opens what it leaves. */
  kill(nowMs: number): Promise<void>;
}

type Step = (under: Under) => Promise<unknown>;

const steps: fc.Arbitrary<{ name: string; step: Step }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(message, { maxLength: 5 })
      .map((messages) => ({ name: 'accept', step: ({ outbox }: Under) => outbox.accept(messages) })),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.boolean(), settlementParts, claim, atMs).map(([answers, parts, request, nowMs]) => ({
      name: 'exchange',
      step: async ({ outbox, frames }: Under) => {
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
    step: ({ outbox }: Under) => outbox.exchange([{ messageIds: ids, ...parts }], request, nowMs),
  })),
  {
    weight: 2,
    arbitrary: fc.tuple(fc.array(report, { maxLength: 5 }), atMs).map(([reports, nowMs]) => ({
      name: 'takeReports',
      step: ({ outbox }: Under) => outbox.takeReports(reports, nowMs),
    })),
  },
  limit.map((most) => ({ name: 'pendingReports', step: ({ outbox }: Under) => outbox.pendingReports(most) })),
  fc.array(fc.nat(20), { maxLength: 5 }).map((seqs) => ({
    name: 'reportsEmitted',
    step: ({ outbox }: Under) => outbox.reportsEmitted(seqs),
  })),
  {
    weight: 3,
    arbitrary: sweepRequestOf(limit).map((request) => ({
      name: 'sweep',
      step: ({ outbox }: Under) => outbox.sweep(request),
    })),
  },
  fc.record({ nowMs: atMs, doubts: fc.boolean(), limit }).map((request) => ({
    name: 'clockWasSetBack',
    step: ({ outbox }: Under) => outbox.clockWasSetBack(request),
  })),
  fc.tuple(service, atMs).map(([of, nowMs]) => ({
    name: 'nextDueMs',
    step: ({ outbox }: Under) => outbox.nextDueMs(of, nowMs),
  })),
  fc.tuple(messageIds, atMs).map(([ids, nowMs]) => ({
    name: 'cancel',
    step: ({ outbox }: Under) => outbox.cancel(ids, nowMs),
  })),
  fc.tuple(messageIds, atMs).map(([ids, nowMs]) => ({
    name: 'release',
    step: ({ outbox }: Under) => outbox.release(ids, nowMs),
  })),
  messageIds.map((ids) => ({ name: 'get', step: ({ outbox }: Under) => outbox.get(ids) })),
  fc.constant({ name: 'counts', step: ({ outbox }: Under) => outbox.counts() }),
  atMs.map((sinceMs) => ({
    name: 'recentDuplicates',
    step: async ({ outbox }: Under) => [
      ...(await outbox.recentDuplicates({ duplicateKeys: ['k1', 'k2', 'k3'], sinceMs })),
    ],
  })),
  atMs.map((sinceMs) => ({ name: 'createdSince', step: ({ outbox }: Under) => outbox.createdSince(sinceMs) })),
  fc.tuple(atMs, limit, fc.option(atMs)).map(([olderThanMs, most, forgetBeforeMs]) => ({
    name: 'prune',
    step: ({ outbox }: Under) => outbox.prune(olderThanMs, most, forgetBeforeMs),
  })),
  fc.tuple(atMs, limit).map(([endedBeforeMs, most]) => ({
    name: 'dropTexts',
    step: ({ outbox }: Under) => outbox.dropTexts(endedBeforeMs, most),
  })),
  atMs.map((nowMs) => ({
    name: 'restart',
    step: async ({ outbox, frames }: Under) => {
      frames.length = 0;
      await outbox.close();
      await outbox.open(nowMs);
    },
  })),
  atMs.map((nowMs) => ({
    name: 'kill',
    step: async (under: Under) => {
      under.frames.length = 0;
      await under.kill(nowMs);
    },
  })),
);

function inMemory(): Under {
  const outbox = new MemoryOutbox();
  const kill = async (nowMs: number): Promise<void> => {
    await outbox.close();
    await outbox.open(nowMs);
  };
  return { outbox, frames: [], kill };
}

let files = 0;

/** What was committed is in the files, where a copy of them finds it as the next process would. */
function onDisk(folder: string, mostUnwritten: number): Under {
  const nextFile = (): string => path.join(folder, `${files++}.db`);
  let file = nextFile();
  const under: Under = {
    outbox: inProcessOutbox({ file, mostUnwritten }),
    frames: [],
    async kill(nowMs) {
      const left = nextFile();
      for (const suffix of ['', '-wal', '-log']) fs.copyFileSync(file + suffix, left + suffix);
      await under.outbox.close();
      file = left;
      under.outbox = inProcessOutbox({ file, mostUnwritten });
      await under.outbox.open(nowMs);
    },
  };
  return under;
}

/** From every change in the database at once to nearly none. */
const mostUnwritten = fc.constantFrom(0, 1, 5, 10_000);

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
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { maxLength: 60, size: 'max' }), mostUnwritten, async (sequence, most) => {
          const [memory, sqlite] = [inMemory(), onDisk(folder, most)];
          await Promise.all([memory.outbox.open(START_MS), sqlite.outbox.open(START_MS)]);
          try {
            for (const { name, step } of sequence) {
              const expected = await outcome(step(memory));
              assert.deepEqual(await outcome(step(sqlite)), expected, name);
              assert.deepEqual(await sqlite.outbox.counts(), await memory.outbox.counts(), `counts after ${name}`);
            }
            const ids = Array.from({ length: 31 }, (_, n) => `M${n}`);
            assert.deepEqual(await sqlite.outbox.get(ids), await memory.outbox.get(ids));
            assert.deepEqual(await sqlite.outbox.pendingReports(100), await memory.outbox.pendingReports(100));
          } finally {
            await sqlite.outbox.close();
          }
        }),
        { numRuns: Number(process.env['USHOT_MODEL_RUNS'] ?? 40) },
      );
    } finally {
      removeFolder(folder);
    }
  });
});

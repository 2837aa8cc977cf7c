/**
 * Calls that are made at once, and writes that fail: what was answered must be what the engine in memory answers to the
 * same calls one after the other, but for those that were refused since the store was in trouble. fast-check prints the
 * seed and the shortest sequence when they differ. (model.test.ts has more kinds of calls, and waits for each.)
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import sinon from 'sinon';
import { UshotError } from '../../../lib/errors.ts';
import { MemoryOutbox } from '../../../lib/outbox/memory.ts';
import type { Outbox, StoredMessage } from '../../../lib/outbox/outbox.ts';
import { Database } from '../../../lib/outbox/sqlite/database.ts';
import { Log } from '../../../lib/outbox/sqlite/log.ts';
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

const IDS = 14;
const messageId = messageIdOf(IDS);
const messageIds = fc.uniqueArray(messageId, { minLength: 1, maxLength: 4 });
const limit = fc.integer({ min: 1, max: 5 });
const message = newMessageOf(messageId);
const report = newReportOf(messageId);
const claim = claimOf(limit);

/** The same call of any outbox. `frame`: what was claimed before, if anything was. */
type Call = (outbox: Outbox, frame: readonly string[] | undefined) => Promise<unknown>;

interface Op {
  readonly name: string;
  readonly call: Call;
}

const op = <T>(name: string, weight: number, of: fc.Arbitrary<T>, make: (given: T) => Call) => ({
  weight,
  arbitrary: of.map((given): Op => ({ name, call: make(given) })),
});

const call = fc.oneof(
  op('accept', 5, fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => (outbox) => outbox.accept(messages)),
  op('exchange', 4, fc.tuple(settlementParts, claim, atMs), ([to, request, nowMs]) => (outbox, frame) => {
    return outbox.exchange(frame === undefined ? [] : [{ messageIds: frame, ...to }], request, nowMs);
  }),
  op(
    'exchange of any',
    2,
    fc.tuple(messageIds, settlementParts, claim, atMs),
    ([ids, to, request, nowMs]) =>
      (outbox) => {
        return outbox.exchange([{ messageIds: ids, ...to }], request, nowMs);
      },
  ),
  op('takeReports', 3, fc.tuple(fc.array(report, { minLength: 1, maxLength: 4 }), atMs), (given) => (outbox) => {
    return outbox.takeReports(...given);
  }),
  op('pendingReports', 1, limit, (most) => (outbox) => outbox.pendingReports(most)),
  op('reportsEmitted', 2, fc.array(fc.nat(20), { maxLength: 5 }), (seqs) => (outbox) => outbox.reportsEmitted(seqs)),
  op('sweep', 2, sweepRequestOf(limit), (request) => (outbox) => outbox.sweep(request)),
  op('clockWasSetBack', 1, fc.record({ nowMs: atMs, doubts: fc.boolean(), limit }), (request) => (outbox) => {
    return outbox.clockWasSetBack(request);
  }),
  op('nextDueMs', 1, fc.tuple(service, atMs), (given) => (outbox) => outbox.nextDueMs(...given)),
  op('cancel', 1, fc.tuple(messageIds, atMs), (given) => (outbox) => outbox.cancel(...given)),
  op('release', 1, fc.tuple(messageIds, atMs), (given) => (outbox) => outbox.release(...given)),
  op('listHeld', 1, limit, (most) => (outbox) => outbox.listHeld(most)),
  op('get', 3, messageIds, (ids) => (outbox) => outbox.get(ids)),
  op('counts', 1, fc.constant(null), () => (outbox) => outbox.counts()),
  op('recentDuplicates', 1, atMs, (sinceMs) => async (outbox) => {
    return [...(await outbox.recentDuplicates({ duplicateKeys: ['k1', 'k2'], sinceMs }))].toSorted();
  }),
  op('createdSince', 1, atMs, (sinceMs) => (outbox) => outbox.createdSince(sinceMs)),
  op('prune', 1, fc.tuple(atMs, limit, fc.option(atMs)), (given) => (outbox) => outbox.prune(...given)),
  op('dropTexts', 1, fc.tuple(atMs, limit), (given) => (outbox) => outbox.dropTexts(...given)),
);

/** What comes after a call: the next one at once, or after some turns of the event loop, or after answers. */
const pause = fc.constantFrom('none', 'none', 'turn', 'turn', '3 turns', 'it', 'first', 'all', 'restart', 'kill');
/** What fails next: mostly nothing, the log, or the next commit of the database. */
const fault = fc.constantFrom('none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'log', 'commit');
const mostUnwritten = fc.constantFrom(0, 1, 3, 8, 10_000);

type Outcome = { readonly answer: unknown } | { readonly error: string; readonly isTrouble: boolean };

async function outcomeOf(answer: Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await answer };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { error: error.message, isTrouble: error instanceof UshotError };
  }
}

interface Done extends Op {
  readonly frame: readonly string[] | undefined;
  readonly outcome: Promise<Outcome>;
}

describe('calls at once', () => {
  let folder: string;
  let files = 0;
  const failing = { log: false, commit: false };

  beforeEach(() => {
    folder = makeFolder();
    const { append } = Log.prototype;
    sinon.replace(Log.prototype, 'append', function (this: Log, entry: Uint8Array) {
      if (!failing.log) return append.call(this, entry);
      failing.log = false;
      throw Object.assign(new Error('no room'), { code: 'ENOSPC', syscall: 'write' });
    });
    const { commit } = Database.prototype;
    sinon.replace(Database.prototype, 'commit', function (this: Database) {
      if (!failing.commit) return commit.call(this);
      failing.commit = false;
      throw Object.assign(new Error('no room'), { errcode: 13, errstr: 'full' });
    });
  });
  afterEach(() => {
    sinon.restore();
    removeFolder(folder);
  });
  const nothingFails = () => Object.assign(failing, { log: false, commit: false });
  const nextFile = (): string => path.join(folder, `${files++}.db`);

  /** Carries the calls out, and says what came of them. A restart is a call without a name. */
  async function carryOut(
    sequence: readonly (readonly [Op, string, string])[],
    most: number,
  ): Promise<readonly Done[]> {
    let file = nextFile();
    let outbox = inProcessOutbox({ file, mostUnwritten: most });
    await outbox.open(START_MS);
    const done: Done[] = [];
    const frames: string[][] = [];
    const make = (one: Op, frame?: readonly string[]): Promise<Outcome> => {
      const outcome = outcomeOf(one.call(outbox, frame));
      done.push({ ...one, frame, outcome });
      return outcome;
    };
    const all = () => Promise.all(done.map(({ outcome }) => outcome));
    try {
      for (const [one, wait, fails] of sequence) {
        if (fails !== 'none') Object.assign(failing, { [fails]: true });
        const outcome = make(one, one.name === 'exchange' ? frames.shift() : undefined);
        if (one.name.startsWith('exchange')) {
          void outcome.then((given) => {
            const claimed = 'answer' in given ? (given.answer as StoredMessage[]) : [];
            if (claimed.length > 0) frames.push(claimed.map((found) => found.messageId));
          });
        }
        if (wait === 'turn') await turn();
        if (wait === '3 turns') for (let i = 0; i < 3; i++) await turn();
        if (wait === 'it') await outcome;
        if (wait === 'first') await Promise.race(done.slice(-4).map((last) => last.outcome));
        if (wait === 'all') await all();
        if (wait !== 'restart' && wait !== 'kill') continue;
        const left = nextFile();
        if (wait === 'kill') {
          await all();
          for (const suffix of ['', '-wal', '-log']) fs.copyFileSync(file + suffix, left + suffix);
        }
        const closing = outbox.close();
        await all();
        nothingFails();
        await closing;
        if (wait === 'kill') {
          file = left;
          outbox = inProcessOutbox({ file, mostUnwritten: most });
        }
        await outbox.open(START_MS + 1);
        frames.length = 0;
        done.push({ name: '', call: async () => null, frame: undefined, outcome: Promise.resolve({ answer: null }) });
      }
      await all();
      nothingFails();
      const ids = Array.from({ length: IDS }, (_, i) => `M${i}`);
      void make({ name: 'get', call: (any) => any.get(ids) });
      void make({ name: 'pendingReports', call: (any) => any.pendingReports(100) });
      void make({ name: 'counts', call: (any) => any.counts() });
      void make({ name: 'createdSince', call: (any) => any.createdSince(0) });
      for (const name of ['sms', 'mms'] as const) {
        const request = { service: name, max: 3 };
        for (let i = 0; i < 4; i++) {
          void make({ name: 'exchange', call: (any) => any.exchange([], request, START_MS + 5000) });
        }
      }
      await all();
    } finally {
      nothingFails();
      await outbox.close();
    }
    return done;
  }

  it('come to what they come to one after the other', async function () {
    this.timeout(120_000);
    const sequences = fc.array(fc.tuple(call, pause, fault), { maxLength: 50, size: 'max' });
    await fc.assert(
      fc.asyncProperty(sequences, mostUnwritten, async (sequence, most) => {
        const memory = new MemoryOutbox();
        await memory.open(START_MS);
        for (const [i, { name, call: repeat, frame, outcome }] of (await carryOut(sequence, most)).entries()) {
          const given = await outcome;
          if (name === '') {
            await memory.close();
            await memory.open(START_MS + 1);
          } else if (!('isTrouble' in given && given.isTrouble)) {
            assert.deepEqual(given, await outcomeOf(repeat(memory, frame)), `${name}, call ${i}`);
          }
        }
      }),
      { numRuns: Number(process.env['USHOT_MODEL_RUNS'] ?? 60) },
    );
  });
});

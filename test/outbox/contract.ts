/**
 * What every engine of the outbox must do: the rules of the port (lib/outbox/outbox.ts), one test each. An engine's test
 * file calls `outboxContract` with a way to make an empty outbox and to restart it.
 */
import assert from 'node:assert/strict';
import type { MessageType, Outbox, Service, StoredMessage } from '../../lib/outbox/outbox.ts';
import { DAY_MS, newMessage, newMessages, newReport, START_MS, sweepRequest } from './messages.ts';

export interface OutboxUnderTest {
  /** Not opened yet. */
  readonly outbox: Outbox;
  /** What the same store looks like to the next process: closed, and a fresh Outbox on it, not opened yet. */
  restart(): Promise<Outbox>;
  /** Closes what is open and removes all traces. */
  dispose(): Promise<void>;
}

const ids = (messages: readonly StoredMessage[]): string[] => messages.map(({ messageId }) => messageId);
const sms = (max: number): { service: Service; max: number } => ({ service: 'sms', max });
const HOUR_MS = 3_600_000;
const later = (ms: number): number => START_MS + ms;
const BUG = { message: /^bug: / };

export function outboxContract(name: string, makeOutbox: () => Promise<OutboxUnderTest>): void {
  describe(`outbox contract: ${name}`, () => {
    let under: OutboxUnderTest;
    let outbox: Outbox;

    beforeEach(async () => {
      under = await makeOutbox();
      outbox = under.outbox;
      await outbox.open(START_MS);
    });
    afterEach(() => under.dispose());

    const restart = async (nowMs = START_MS): Promise<void> => {
      outbox = await under.restart();
      await outbox.open(nowMs);
    };
    const one = async (messageId: string): Promise<StoredMessage> => {
      const [message] = await outbox.get([messageId]);
      assert.ok(message, `${messageId} is stored`);
      return message;
    };
    const stateOf = async (messageId: string): Promise<string> => (await one(messageId)).state;
    const accept = (messageIds: readonly string[], changes = {}) => outbox.accept(newMessages(messageIds, changes));
    const claim = async (max = 100, nowMs = START_MS): Promise<string[]> =>
      ids(await outbox.exchange([], sms(max), nowMs));
    const inFlight = async (...messageIds: string[]): Promise<void> => {
      await accept(messageIds);
      assert.deepEqual(await claim(), messageIds);
    };
    const accepted = async (...messageIds: string[]): Promise<void> => {
      await inFlight(...messageIds);
      await outbox.exchange([{ messageIds, to: 'ACCEPTED' }], null, START_MS);
    };
    const inDoubt = async (...messageIds: string[]): Promise<void> => {
      await inFlight(...messageIds);
      await outbox.exchange([{ messageIds, to: 'IN_DOUBT' }], null, START_MS);
    };

    describe('accept', () => {
      it('keeps everything that it is told of a message', async () => {
        const message = newMessage('A', {
          type: 'MMS',
          service: 'mms',
          text: '한글 "quotes" \u0000 \ud83d\ude00 \r\n end',
          subject: '제목',
          url: 'http://a.example/?b=1',
          userCode: 'dept 1',
          files: [{ kind: 'server', fileName: 'P가1.jpg' }],
          frameKey: 'P1.jpg',
          carry: '{"topic":"t"}',
          duplicateKey: 'D1',
          retryOf: 'Z',
          attempt: 2,
        });
        assert.deepEqual(await outbox.accept([message]), [{ kind: 'stored', messageId: 'A' }]);
        const { seq, batchLimit, ...stored } = await one('A');
        assert.ok(seq > 0);
        assert.ok(batchLimit >= 10_000);
        assert.deepEqual(stored, { ...message, updatedAtMs: START_MS, claims: 0, held: false });
        await restart();
        assert.deepEqual(await one('A'), { seq, batchLimit, ...stored });
      });

      it('counts seq up in the order of acceptance, over restarts too', async () => {
        await Promise.all([accept(['A', 'B']), accept(['C'])]);
        await restart();
        await accept(['D']);
        const found = await outbox.get(['A', 'B', 'C', 'D']);
        const seqs = found.map(({ seq }) => seq);
        assert.deepEqual(
          seqs,
          seqs.toSorted((a, b) => a - b),
        );
        assert.equal(new Set(seqs).size, 4);
      });

      it('takes no message for none', async () => {
        assert.deepEqual(await outbox.accept([]), []);
      });

      it('answers a repeat with the present self, also within one call', async () => {
        const again = newMessage('A', { createdAtMs: later(5), text: 'not looked at' });
        const [first, second] = await outbox.accept([newMessage('A'), again]);
        assert.deepEqual(first, { kind: 'stored', messageId: 'A' });
        assert.deepEqual(second, { kind: 'repeat', message: await one('A') });
        await claim();
        await outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], null, START_MS);
        await restart();
        assert.deepEqual(await outbox.accept([again]), [{ kind: 'repeat', message: await one('A') }]);
        assert.equal((await outbox.counts()).ACCEPTED, 1);
      });

      it('tells a conflict, also within one call, and takes the others', async () => {
        const other = newMessage('A', { contentHash: 'other' });
        assert.deepEqual(await outbox.accept([newMessage('A'), other, newMessage('B')]), [
          { kind: 'stored', messageId: 'A' },
          { kind: 'conflict', messageId: 'A' },
          { kind: 'stored', messageId: 'B' },
        ]);
        assert.deepEqual(await outbox.accept([other]), [{ kind: 'conflict', messageId: 'A' }]);
        assert.deepEqual(await claim(), ['A', 'B']);
      });

      it('compares ids byte for byte', async () => {
        assert.equal((await accept(['01', '1', 'a', 'A'])).filter(({ kind }) => kind === 'stored').length, 4);
        await outbox.exchange([], sms(10), START_MS);
        await outbox.takeReports([newReport('1')], START_MS);
        assert.deepEqual(
          (await outbox.get(['01', '1', 'a', 'A'])).map(({ state }) => state),
          ['IN_FLIGHT', 'DELIVERED', 'IN_FLIGHT', 'IN_FLIGHT'],
        );
      });

      it('stores what a guard stopped, as an end', async () => {
        const detail = '{"code":"USHOT_DUPLICATE","params":{}}';
        await accept(['A'], { state: 'SUPPRESSED', detail, result: 74 });
        const { state, result, detail: stored } = await one('A');
        assert.deepEqual({ state, result, stored }, { state: 'SUPPRESSED', result: 74, stored: detail });
        assert.deepEqual(await claim(), []);
        assert.equal((await outbox.counts()).openByService.sms, 0);
      });

      it('is atomic: nothing of a call that fails is kept', async () => {
        const files = [{ kind: 'attachment', hash: 'f'.repeat(64), ext: 'jpg', bytes: 3 }] as const;
        await assert.rejects(outbox.accept([newMessage('A'), newMessage('B', { files })]), {
          code: 'USHOT_FILE_MISSING',
        });
        assert.deepEqual(await outbox.get(['A', 'B']), []);
        assert.equal((await outbox.counts()).READY, 0);
        assert.equal(await outbox.createdSince(0), 0);
      });
    });

    describe('claim', () => {
      it('takes the oldest first, at most max, and each only once', async () => {
        await accept(['A', 'B', 'C', 'D', 'E']);
        assert.deepEqual(await claim(2), ['A', 'B']);
        assert.deepEqual(await claim(2), ['C', 'D']);
        assert.deepEqual(await claim(2), ['E']);
        assert.deepEqual(await claim(2), []);
        const { state, claims, updatedAtMs } = await one('A');
        assert.deepEqual({ state, claims, updatedAtMs }, { state: 'IN_FLIGHT', claims: 1, updatedAtMs: START_MS });
      });

      it('returns the messages as they are then', async () => {
        await accept(['A', 'B']);
        const decided: (readonly StoredMessage[])[] = [];
        const claimed = await outbox.exchange([], sms(10), later(7), (messages) => decided.push(messages));
        assert.deepEqual(claimed, await outbox.get(['A', 'B']));
        assert.ok(decided.length <= 1);
        for (const early of decided) assert.equal(early, claimed);
      });

      it('keeps the services apart', async () => {
        await accept(['A']);
        await accept(['B'], { service: 'mms', type: 'LMS' });
        assert.deepEqual(ids(await outbox.exchange([], { service: 'mms', max: 10 }, START_MS)), ['B']);
        assert.deepEqual(await claim(), ['A']);
      });

      it('leaves what is not due, and does not let it hold up the others', async () => {
        await accept(['A'], { dueAtMs: later(10) });
        await accept(['B']);
        assert.deepEqual(await claim(10, START_MS), ['B']);
        assert.deepEqual(await claim(10, later(9)), []);
        assert.deepEqual(await claim(10, later(10)), ['A']);
      });

      it('takes first what has been due for longest, whenever it was accepted', async () => {
        await accept(['A'], { dueAtMs: later(20) });
        await accept(['B'], { dueAtMs: later(10) });
        await accept(['C'], { dueAtMs: later(10) });
        assert.deepEqual(await claim(10, later(30)), ['B', 'C', 'A']);
      });

      it('never takes what has expired: at expireAtMs it is too late', async () => {
        await accept(['A'], { expireAtMs: later(10) });
        await accept(['B'], { expireAtMs: later(11) });
        assert.deepEqual(await claim(10, later(10)), ['B']);
        assert.equal(await stateOf('A'), 'READY');
      });

      it('puts only the frameKey of the oldest into a frame', async () => {
        await accept(['A', 'C'], { frameKey: 'x' });
        await accept(['B', 'D'], { frameKey: 'y' });
        await accept(['E'], { frameKey: 'x' });
        assert.deepEqual(await claim(), ['A', 'C', 'E']);
        assert.deepEqual(await claim(), ['B', 'D']);
      });

      it('lets the oldest decide the frameKey only when it can be sent', async () => {
        await accept(['A'], { frameKey: 'x', expireAtMs: later(1) });
        await accept(['B'], { frameKey: 'y', dueAtMs: later(50) });
        await accept(['C'], { frameKey: 'z' });
        assert.deepEqual(await claim(10, later(10)), ['C']);
      });

      it('honours the batchLimit of the oldest, and shares no frame between limits', async () => {
        await inFlight('A', 'B', 'C', 'D', 'E');
        await accept(['F']);
        await outbox.exchange(
          [
            { messageIds: ['A', 'B', 'C'], to: 'READY', batchLimit: 2 },
            { messageIds: ['D', 'E'], to: 'READY', batchLimit: 1 },
          ],
          null,
          START_MS,
        );
        assert.deepEqual(await claim(), ['A', 'B']);
        assert.deepEqual(await claim(), ['C']);
        assert.deepEqual(await claim(), ['D']);
        assert.deepEqual(await claim(), ['E']);
        assert.deepEqual(await claim(), ['F']);
      });

      it('finds its frame among a thousand messages of other lanes', async () => {
        const lanes = Array.from({ length: 10 }, (_, lane) => `lane ${lane}`);
        const messages = Array.from({ length: 500 }, (_, i) => newMessage(`M${i}`, { frameKey: lanes[i % 10] ?? '' }));
        await outbox.accept(messages);
        for (const frameKey of lanes) {
          const frame = await outbox.exchange([], sms(100), START_MS);
          assert.equal(frame.length, 50);
          assert.ok(frame.every((message) => message.frameKey === frameKey));
        }
      });
    });

    describe('claim of a large backlog', () => {
      it('takes everything exactly once, in full frames where messages of a lane stand together', async () => {
        const messages = Array.from({ length: 2600 }, (_, i) =>
          // Two hundred lanes of one message, then lanes that take turns, then one lane.
          newMessage(`M${i}`, { frameKey: i < 200 ? `own ${i}` : i < 1400 ? `turn ${i % 3}` : 'one' }),
        );
        await outbox.accept(messages);
        const claimed: string[] = [];
        let frames = 0;
        for (;;) {
          const frame = await outbox.exchange([], sms(100), START_MS);
          if (frame.length === 0) break;
          frames++;
          assert.equal(new Set(frame.map(({ frameKey }) => frameKey)).size, 1);
          claimed.push(...ids(frame));
        }
        assert.deepEqual(claimed.toSorted(), messages.map(({ messageId }) => messageId).toSorted());
        assert.equal(frames, 200 + 12 + 12);
      });
    });

    describe('settlement', () => {
      it('moves each message to where it belongs, and claims the next in the same call', async () => {
        await inFlight('A', 'B', 'C', 'D', 'E');
        await accept(['F']);
        const detail = '{"code":"USHOT_REJECTED","params":{}}';
        const next = await outbox.exchange(
          [
            { messageIds: ['A'], to: 'ACCEPTED' },
            { messageIds: ['B', 'C'], to: 'REJECTED', detail, result: 79 },
            { messageIds: ['D'], to: 'IN_DOUBT', detail },
            { messageIds: ['E'], to: 'READY', detail, dueAtMs: later(60), batchLimit: 15 },
          ],
          sms(10),
          later(3),
        );
        assert.deepEqual(ids(next), ['F']);
        const found = await outbox.get(['A', 'B', 'C', 'D', 'E']);
        assert.deepEqual(
          found.map(({ state, result, detail, updatedAtMs, claims }) => [state, result, detail, updatedAtMs, claims]),
          [
            ['ACCEPTED', null, null, later(3), 1],
            ['REJECTED', 79, detail, later(3), 1],
            ['REJECTED', 79, detail, later(3), 1],
            ['IN_DOUBT', null, detail, later(3), 1],
            ['READY', null, detail, later(3), 1],
          ],
        );
        assert.equal(found[4]?.dueAtMs, later(60));
        assert.equal(found[4]?.batchLimit, 15);
        assert.deepEqual(await claim(10, later(59)), []);
        assert.deepEqual(await claim(10, later(60)), ['E']);
        const [again] = await outbox.get(['E']);
        assert.deepEqual([again?.claims, again?.detail, again?.batchLimit], [2, null, 15]);
      });

      it('READY without a time or limit keeps them, and the place in the order', async () => {
        await accept(['A', 'B']);
        assert.deepEqual(await claim(1), ['A']);
        const next = await outbox.exchange([{ messageIds: ['A'], to: 'READY' }], sms(2), later(3));
        assert.deepEqual(ids(next), ['A', 'B']);
      });

      it('leaves what a report has ended meanwhile', async () => {
        await inFlight('A', 'B', 'C', 'D');
        await outbox.takeReports(
          [newReport('A'), newReport('B', { resultRaw: '8', result: 8, outcome: 'failed' }), newReport('C')],
          later(1),
        );
        await outbox.exchange(
          [
            { messageIds: ['A'], to: 'ACCEPTED' },
            { messageIds: ['B', 'D'], to: 'IN_DOUBT' },
            { messageIds: ['C'], to: 'READY' },
          ],
          null,
          later(2),
        );
        const found = await outbox.get(['A', 'B', 'C', 'D']);
        assert.deepEqual(
          found.map(({ state, result, updatedAtMs }) => [state, result, updatedAtMs]),
          [
            ['DELIVERED', 6, later(1)],
            ['FAILED', 8, later(1)],
            ['DELIVERED', 6, later(1)],
            ['IN_DOUBT', null, later(2)],
          ],
        );
      });

      it('of a message that is not in flight is a bug, and nothing of the call is kept', async () => {
        await inFlight('A', 'B');
        await accept(['C']);
        for (const messageIds of [
          ['A', 'C'],
          ['A', 'unknown'],
          ['A', 'A'],
        ]) {
          await assert.rejects(outbox.exchange([{ messageIds, to: 'ACCEPTED' }], sms(10), START_MS), BUG);
        }
        assert.deepEqual(
          (await outbox.get(['A', 'B', 'C'])).map(({ state }) => state),
          ['IN_FLIGHT', 'IN_FLIGHT', 'READY'],
        );
        await outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], null, START_MS);
        await assert.rejects(outbox.exchange([{ messageIds: ['A'], to: 'REJECTED' }], null, START_MS), BUG);
        assert.equal(await stateOf('A'), 'ACCEPTED');
      });

      it('that fails does not take the calls beside it with it', async () => {
        const calls = await Promise.allSettled([
          accept(['A', 'B']),
          outbox.exchange([], sms(1), START_MS),
          outbox.exchange([{ messageIds: ['B'], to: 'ACCEPTED' }], sms(1), START_MS),
          outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], sms(1), START_MS),
          accept(['C']),
          outbox.counts(),
        ]);
        assert.deepEqual(
          calls.map(({ status }) => status),
          ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
        );
        assert.deepEqual(
          (await outbox.get(['A', 'B', 'C'])).map(({ state }) => state),
          ['ACCEPTED', 'IN_FLIGHT', 'READY'],
        );
        assert.deepEqual(await outbox.counts(), {
          READY: 1,
          IN_FLIGHT: 1,
          ACCEPTED: 1,
          IN_DOUBT: 0,
          held: 0,
          openByService: { sms: 3, mms: 0 },
        });
      });
    });

    describe('order', () => {
      it('carries out calls in the order in which they were made', async () => {
        const [, first, , second, third] = await Promise.all([
          accept(['A']),
          outbox.exchange([], sms(10), START_MS),
          accept(['B', 'C']),
          outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], sms(1), START_MS),
          outbox.exchange([{ messageIds: ['B'], to: 'READY' }], sms(10), START_MS),
        ]);
        assert.deepEqual([ids(first), ids(second), ids(third)], [['A'], ['B'], ['B', 'C']]);
      });
    });

    describe('reports', () => {
      const failed = { resultRaw: '8', result: 8, outcome: 'failed' } as const;

      it('end their messages, whatever open state these were sent from', async () => {
        await accepted('A', 'B');
        await inFlight('C');
        await outbox.exchange([{ messageIds: ['C'], to: 'IN_DOUBT' }], null, START_MS);
        await inFlight('D');
        const intake = await outbox.takeReports(
          [newReport('A'), newReport('B', failed), newReport('C'), newReport('D')],
          later(9),
        );
        const found = await outbox.get(['A', 'B', 'C', 'D']);
        assert.deepEqual(
          found.map(({ state, result, updatedAtMs, detail }) => [state, result, updatedAtMs, detail]),
          [
            ['DELIVERED', 6, later(9), null],
            ['FAILED', 8, later(9), null],
            ['DELIVERED', 6, later(9), null],
            ['DELIVERED', 6, later(9), null],
          ],
        );
        assert.equal(intake.repeats, 0);
        assert.deepEqual(
          intake.fresh.map(({ seq, ...report }) => report),
          [newReport('A'), newReport('B', failed), newReport('C'), newReport('D')].map((report, i) => ({
            ...report,
            receivedAtMs: later(9),
            message: found[i],
          })),
        );
        assert.equal((await outbox.counts()).openByService.sms, 0);
      });

      it('end a message that is to be sent again, which then is not', async () => {
        await inDoubt('A', 'B');
        await outbox.sweep(sweepRequest({ nowMs: later(9), inDoubtBeforeMs: { sms: later(9), mms: null } }));
        assert.equal(await stateOf('A'), 'READY');
        await outbox.takeReports([newReport('A'), newReport('B', failed)], later(10));
        assert.deepEqual(
          (await outbox.get(['A', 'B'])).map(({ state }) => state),
          ['DELIVERED', 'FAILED'],
        );
        assert.deepEqual(await claim(10, later(20)), []);
      });

      it('of a message that never was in a frame move nothing, and are kept', async () => {
        await accept(['A']);
        const { fresh } = await outbox.takeReports([newReport('A')], START_MS);
        assert.deepEqual(
          fresh.map(({ message }) => message?.state),
          ['READY'],
        );
        assert.deepEqual(await claim(), ['A']);
      });

      it('of unknown messages are kept and emitted', async () => {
        const { fresh } = await outbox.takeReports([newReport('nobody')], START_MS);
        assert.deepEqual(
          fresh.map(({ messageId, message }) => [messageId, message]),
          [['nobody', null]],
        );
        await restart();
        assert.deepEqual(await outbox.pendingReports(10), fresh);
      });

      it('that repeat are counted and dropped, also within one call, after a restart and after emission', async () => {
        await accepted('A');
        const { fresh, repeats } = await outbox.takeReports([newReport('A'), newReport('A')], START_MS);
        assert.deepEqual([fresh.length, repeats], [1, 1]);
        await restart();
        assert.deepEqual(await outbox.takeReports([newReport('A')], later(5)), { fresh: [], repeats: 1 });
        await outbox.reportsEmitted(fresh.map(({ seq }) => seq));
        assert.deepEqual(await outbox.takeReports([newReport('A')], later(5)), { fresh: [], repeats: 1 });
        assert.equal((await one('A')).updatedAtMs, START_MS);
      });

      it('that differ in anything are no repeats, and the first end stands', async () => {
        await accepted('A');
        await outbox.takeReports([newReport('A')], START_MS);
        const others = [
          newReport('A', failed),
          newReport('A', { telecom: 'KTF' }),
          newReport('A', { sentAtRaw: '' }),
          newReport('A', { groupId: 'G2' }),
          newReport('A', { to: '01000000000' }),
          newReport('A', { resultRaw: '06' }),
        ];
        assert.equal((await outbox.takeReports(others, later(5))).fresh.length, others.length);
        const { state, result, updatedAtMs } = await one('A');
        assert.deepEqual([state, result, updatedAtMs], ['DELIVERED', 6, START_MS]);
      });

      it('that are not the last word are kept and move nothing', async () => {
        await accepted('A');
        const pending = newReport('A', { resultRaw: '1', result: 1, outcome: 'pending' });
        const { fresh } = await outbox.takeReports([pending, newReport('A')], later(1));
        assert.deepEqual(
          fresh.map(({ outcome, message }) => [outcome, message?.state]),
          [
            ['pending', 'DELIVERED'],
            ['delivered', 'DELIVERED'],
          ],
        );
      });

      it('apply to NO_REPORT, and leave other ends as they are', async () => {
        await accepted('A');
        await outbox.sweep(
          sweepRequest({ nowMs: later(HOUR_MS), unreportedBeforeMs: { SMS: later(1), LMS: 0, MMS: 0 } }),
        );
        assert.equal(await stateOf('A'), 'NO_REPORT');
        await inFlight('B');
        await outbox.exchange([{ messageIds: ['B'], to: 'REJECTED' }], null, START_MS);
        await inFlight('C');
        await outbox.exchange([{ messageIds: ['C'], to: 'IN_DOUBT' }], null, START_MS);
        await outbox.cancel(['C'], START_MS);
        const { fresh } = await outbox.takeReports([newReport('A'), newReport('B'), newReport('C')], later(5));
        assert.deepEqual(
          fresh.map(({ message }) => message?.state),
          ['DELIVERED', 'REJECTED', 'CANCELLED'],
        );
      });

      it('are pending until they are emitted, in order, over restarts', async () => {
        await accepted('A', 'B', 'C');
        await outbox.takeReports([newReport('C'), newReport('A')], START_MS);
        await outbox.takeReports([newReport('B')], later(1));
        await restart();
        const pending = await outbox.pendingReports(10);
        assert.deepEqual(
          pending.map(({ messageId, receivedAtMs }) => [messageId, receivedAtMs]),
          [
            ['C', START_MS],
            ['A', START_MS],
            ['B', later(1)],
          ],
        );
        assert.deepEqual(pending[1]?.message, await one('A'));
        assert.deepEqual(await outbox.pendingReports(2), pending.slice(0, 2));
        await outbox.reportsEmitted([pending[0]?.seq ?? 0, pending[2]?.seq ?? 0]);
        await restart();
        assert.deepEqual(await outbox.pendingReports(10), pending.slice(1, 2));
        await outbox.reportsEmitted([pending[1]?.seq ?? 0, 0, 9999]);
        assert.deepEqual(await outbox.pendingReports(10), []);
      });
    });

    describe('a clock that is set back', () => {
      const setBack = (limit = 10, doubts = true) => outbox.clockWasSetBack({ nowMs: later(10), doubts, limit });

      it('lets what was not scheduled fall due, after its pause, and a doubt begin anew', async () => {
        await accept(['alarm'], { createdAtMs: later(50), dueAtMs: later(50) });
        await accept(['scheduled'], { createdAtMs: later(50), dueAtMs: later(60) });
        await accept(['resend'], { createdAtMs: later(50), dueAtMs: later(53), retryOf: 'first', attempt: 1 });
        await inFlight('refused');
        await outbox.exchange([{ messageIds: ['refused'], to: 'READY', dueAtMs: later(45) }], null, later(40));
        await inFlight('doubt');
        await outbox.exchange([{ messageIds: ['doubt'], to: 'IN_DOUBT' }], null, later(50));
        await accept(['ended'], { createdAtMs: later(50), dueAtMs: later(50), state: 'SUPPRESSED' });
        await accept(['early'], { createdAtMs: START_MS - 9, dueAtMs: START_MS - 9 });
        const before = await one('scheduled');

        assert.deepEqual(ids(await setBack(10, false)), ['refused', 'alarm', 'resend']);
        assert.deepEqual(ids(await setBack()), ['doubt']);
        assert.deepEqual(await setBack(), []);
        const moved = await outbox.get(['alarm', 'resend', 'refused', 'doubt']);
        assert.deepEqual(moved.map(({ dueAtMs }) => dueAtMs).slice(0, 3), [10, 13, 15].map(later));
        for (const { updatedAtMs } of moved) assert.equal(updatedAtMs, later(10));
        assert.deepEqual(await one('scheduled'), before);
        assert.deepEqual(await claim(10, later(10)), ['early', 'alarm']);
        assert.deepEqual(await claim(10, later(15)), ['resend', 'refused']);
        const sweep = await outbox.sweep(
          sweepRequest({ nowMs: later(20), inDoubtBeforeMs: { sms: later(11), mms: null } }),
        );
        assert.deepEqual(ids(sweep.resent), ['doubt']);
        assert.deepEqual(await claim(10, later(20)), ['doubt']);
      });

      it('leaves what is held', async () => {
        await inFlight('held');
        await outbox.exchange([{ messageIds: ['held'], to: 'IN_DOUBT' }], null, later(50));
        const times = { nowMs: later(60), inDoubtBeforeMs: { sms: later(60), mms: null } };
        await outbox.sweep(sweepRequest({ ...times, inDoubtPolicy: 'hold' }));
        assert.deepEqual(await setBack(), []);
        assert.equal((await one('held')).updatedAtMs, later(50));
      });

      it('moves so many at a time, also of what waits since before a restart', async () => {
        await accept(['A', 'B', 'C'], { createdAtMs: later(50), dueAtMs: later(50) });
        await restart();
        assert.deepEqual(ids(await setBack(2)), ['A', 'B']);
        assert.deepEqual(ids(await setBack(2)), ['C']);
        assert.deepEqual(await claim(10, later(10)), ['A', 'B', 'C']);
      });
    });

    describe('sweep', () => {
      it('expires what is READY at its time, and nothing else', async () => {
        await accept(['A', 'B'], { expireAtMs: later(10) });
        await accept(['C'], { expireAtMs: later(11) });
        await accept(['D'], { expireAtMs: later(10), service: 'mms', type: 'MMS', dueAtMs: later(99) });
        assert.deepEqual(await claim(1), ['A']);
        const { expired, noReport, resent, held, more } = await outbox.sweep(sweepRequest({ nowMs: later(10) }));
        assert.deepEqual(ids(expired).toSorted(), ['B', 'D']);
        assert.deepEqual([noReport, resent, held, more], [[], [], [], false]);
        assert.deepEqual(expired, await outbox.get(ids(expired)));
        const { state, result, detail, updatedAtMs } = await one('B');
        assert.deepEqual([state, result, detail, updatedAtMs], ['EXPIRED', 75, null, later(10)]);
        assert.equal(await stateOf('A'), 'IN_FLIGHT');
      });

      it('leaves what is in doubt while the service is not asked for', async () => {
        await inDoubt('A');
        const { resent, held } = await outbox.sweep(
          sweepRequest({ nowMs: later(99), inDoubtBeforeMs: { sms: null, mms: later(99) } }),
        );
        assert.deepEqual([resent, held], [[], []]);
      });

      it('policy resend: what was in doubt before the time is READY again under its id', async () => {
        await inDoubt('A');
        await inFlight('B');
        await outbox.exchange([{ messageIds: ['B'], to: 'IN_DOUBT' }], null, later(10));
        const sweep = await outbox.sweep(
          sweepRequest({ nowMs: later(70), inDoubtBeforeMs: { sms: later(10), mms: null } }),
        );
        assert.deepEqual(ids(sweep.resent), ['A']);
        assert.deepEqual(sweep.resent, [await one('A')]);
        assert.deepEqual([await stateOf('A'), await stateOf('B')], ['READY', 'IN_DOUBT']);
        assert.deepEqual(await claim(10, later(70)), ['A']);
        assert.equal((await one('A')).claims, 2);
      });

      it('policy hold: it stays in doubt, held, and is named once', async () => {
        await inDoubt('A');
        const request = sweepRequest({
          nowMs: later(70),
          inDoubtBeforeMs: { sms: later(10), mms: later(10) },
          inDoubtPolicy: 'hold',
        });
        const { held, resent } = await outbox.sweep(request);
        assert.deepEqual([ids(held), resent], [['A'], []]);
        const { state, held: isHeld, updatedAtMs } = await one('A');
        assert.deepEqual([state, isHeld, updatedAtMs], ['IN_DOUBT', true, START_MS]);
        assert.deepEqual((await outbox.sweep(request)).held, []);
        assert.equal((await outbox.counts()).held, 1);
        await restart();
        assert.equal((await outbox.counts()).held, 1);
        await outbox.takeReports([newReport('A')], later(80));
        assert.deepEqual([await stateOf('A'), (await one('A')).held], ['DELIVERED', false]);
        assert.equal((await outbox.counts()).held, 0);
      });

      it('never sends again what has expired while in doubt: it is held under either policy', async () => {
        await accept(['A'], { expireAtMs: later(50) });
        await claim();
        await outbox.exchange([{ messageIds: ['A'], to: 'IN_DOUBT' }], null, START_MS);
        const { resent, held } = await outbox.sweep(
          sweepRequest({ nowMs: later(50), inDoubtBeforeMs: { sms: later(10), mms: null } }),
        );
        assert.deepEqual([resent, ids(held)], [[], ['A']]);
        await outbox.takeReports([newReport('A')], later(60));
        assert.equal(await stateOf('A'), 'DELIVERED');
      });

      it('gives up on reports by type, after the horizon, for ACCEPTED and for held', async () => {
        const types: MessageType[] = ['SMS', 'LMS', 'MMS'];
        for (const type of types) await accept([type], { type });
        await claim();
        await outbox.exchange([{ messageIds: types, to: 'ACCEPTED' }], null, START_MS);
        await inDoubt('H', 'I');
        await outbox.sweep(
          sweepRequest({ inDoubtBeforeMs: { sms: later(1), mms: null }, inDoubtPolicy: 'hold', limit: 1 }),
        );
        const { noReport } = await outbox.sweep(
          sweepRequest({ nowMs: later(DAY_MS), unreportedBeforeMs: { SMS: later(1), LMS: START_MS, MMS: later(1) } }),
        );
        assert.deepEqual(ids(noReport).toSorted(), ['H', 'MMS', 'SMS']);
        const { state, result, held, updatedAtMs } = await one('H');
        assert.deepEqual([state, result, held, updatedAtMs], ['NO_REPORT', null, false, later(DAY_MS)]);
        assert.deepEqual([await stateOf('LMS'), await stateOf('I')], ['ACCEPTED', 'IN_DOUBT']);
      });

      it('moves at most its limit, oldest first, and says that there may be more', async () => {
        await accept(['A', 'B', 'C'], { expireAtMs: later(10) });
        await accept(['D'], { expireAtMs: later(5) });
        await accept(['E']);
        assert.deepEqual(await claim(1), ['A']);
        await outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], null, START_MS);
        const request = sweepRequest({
          nowMs: later(20),
          limit: 2,
          unreportedBeforeMs: { SMS: later(20), LMS: 0, MMS: 0 },
        });
        const first = await outbox.sweep(request);
        assert.deepEqual([ids(first.expired), ids(first.noReport), first.more], [['D', 'B'], [], true]);
        const second = await outbox.sweep(request);
        assert.deepEqual([ids(second.expired), ids(second.noReport), second.more], [['C'], ['A'], true]);
        const third = await outbox.sweep(request);
        assert.deepEqual([ids(third.expired), ids(third.noReport), third.more], [[], [], false]);
      });
    });

    describe('nextDueMs', () => {
      it('is null when nothing waits', async () => {
        await accepted('A');
        assert.equal(await outbox.nextDueMs('sms', START_MS), null);
      });

      it('is the next due time of the service, else the next expiry', async () => {
        await accept(['A']);
        await accept(['B'], { dueAtMs: later(HOUR_MS) });
        await accept(['C'], { service: 'mms', dueAtMs: later(5), expireAtMs: later(20) });
        assert.equal(await outbox.nextDueMs('sms', START_MS), later(HOUR_MS));
        assert.equal(await outbox.nextDueMs('sms', later(HOUR_MS)), later(DAY_MS));
        assert.equal(await outbox.nextDueMs('mms', START_MS), later(5));
        assert.equal(await outbox.nextDueMs('mms', later(5)), later(20));
        assert.equal(await outbox.nextDueMs('mms', later(30)), later(20));
      });

      it('looks at nothing that is in a frame', async () => {
        await inFlight('A');
        assert.equal(await outbox.nextDueMs('sms', START_MS - 5), null);
      });
    });

    describe('cancel and release', () => {
      it('cancel takes back what is READY or IN_DOUBT, held or not', async () => {
        await accepted('A');
        await inDoubt('B', 'C');
        await outbox.sweep(
          sweepRequest({ inDoubtBeforeMs: { sms: later(1), mms: null }, inDoubtPolicy: 'hold', limit: 1 }),
        );
        await accept(['D']);
        await claim();
        await accept(['E']);
        const cancelled = await outbox.cancel(['A', 'B', 'C', 'D', 'E', 'unknown'], later(4));
        assert.deepEqual(ids(cancelled), ['B', 'C', 'E']);
        assert.deepEqual(cancelled, await outbox.get(['B', 'C', 'E']));
        for (const { state, result, held, updatedAtMs } of cancelled) {
          assert.deepEqual([state, result, held, updatedAtMs], ['CANCELLED', 79, false, later(4)]);
        }
        assert.deepEqual(await claim(), []);
        assert.deepEqual(await outbox.counts(), {
          READY: 0,
          IN_FLIGHT: 1,
          ACCEPTED: 1,
          IN_DOUBT: 0,
          held: 0,
          openByService: { sms: 2, mms: 0 },
        });
      });

      it('lists what is held, oldest first', async () => {
        await inDoubt('A', 'B', 'C');
        assert.deepEqual(await outbox.listHeld(10), []);
        await outbox.sweep(
          sweepRequest({ inDoubtBeforeMs: { sms: later(1), mms: null }, inDoubtPolicy: 'hold', limit: 2 }),
        );
        assert.deepEqual(ids(await outbox.listHeld(10)), ['A', 'B']);
        assert.deepEqual(ids(await outbox.listHeld(1)), ['A']);
        await outbox.release(['A'], later(4));
        assert.deepEqual(await outbox.listHeld(10), await outbox.get(['B']));
      });

      it('release sends held messages again, and only those', async () => {
        await inDoubt('A', 'B');
        await outbox.sweep(
          sweepRequest({ inDoubtBeforeMs: { sms: later(1), mms: null }, inDoubtPolicy: 'hold', limit: 1 }),
        );
        await accept(['C']);
        const released = await outbox.release(['A', 'B', 'C', 'unknown'], later(4));
        assert.deepEqual(ids(released), ['A']);
        const { state, held, updatedAtMs } = await one('A');
        assert.deepEqual([state, held, updatedAtMs], ['READY', false, later(4)]);
        assert.deepEqual(await claim(), ['A', 'C']);
      });
    });

    it('refuses a time that it could not give back, and goes on', async () => {
      for (const expireAtMs of [1e20, 1.5, Number.NaN]) {
        await assert.rejects(outbox.accept([newMessage('poison', { expireAtMs })]), /bug: message poison/);
      }
      await accept(['A']);
      assert.deepEqual(await claim(), ['A']);
    });

    describe('questions', () => {
      it('get answers in the order asked and leaves out what it does not know', async () => {
        await accept(['A', 'B']);
        assert.deepEqual(ids(await outbox.get(['B', 'x', 'A'])), ['B', 'A']);
        assert.deepEqual(await outbox.get([]), []);
      });

      it('counts by state and service, over restarts', async () => {
        await accept(['A', 'B'], { service: 'mms' });
        await accepted('C');
        await inDoubt('D');
        await accept(['E', 'F', 'G']);
        await claim(1);
        const counts = {
          READY: 4,
          IN_FLIGHT: 1,
          ACCEPTED: 1,
          IN_DOUBT: 1,
          held: 0,
          openByService: { sms: 5, mms: 2 },
        };
        assert.deepEqual(await outbox.counts(), counts);
        await restart();
        assert.deepEqual(await outbox.counts(), { ...counts, IN_FLIGHT: 0, IN_DOUBT: 2 });
      });

      it('recentDuplicates tells the last sent from the last stopped', async () => {
        const stopped = { state: 'SUPPRESSED' } as const;
        await outbox.accept([
          newMessage('A', { duplicateKey: 'k1', createdAtMs: later(10) }),
          newMessage('B', { duplicateKey: 'k1', createdAtMs: later(20) }),
          newMessage('C', { duplicateKey: 'k1', createdAtMs: later(30), ...stopped }),
          newMessage('D', { duplicateKey: 'k2', createdAtMs: later(40), ...stopped }),
          newMessage('E', { duplicateKey: 'k3', createdAtMs: later(5) }),
          newMessage('F', { duplicateKey: '', createdAtMs: later(50) }),
        ]);
        await restart();
        const query = (sinceMs: number) =>
          outbox.recentDuplicates({ duplicateKeys: ['k1', 'k2', 'k3', 'k4', ''], sinceMs });
        assert.deepEqual(
          [...(await query(later(10)))],
          [
            ['k1', { sentAtMs: later(20), seenAtMs: later(30) }],
            ['k2', { sentAtMs: null, seenAtMs: later(40) }],
          ],
        );
        assert.deepEqual(
          [...(await query(later(21)))],
          [
            ['k1', { sentAtMs: null, seenAtMs: later(30) }],
            ['k2', { sentAtMs: null, seenAtMs: later(40) }],
          ],
        );
      });

      it('a repeat or conflict is not a duplicate that was seen', async () => {
        await accept(['A'], { duplicateKey: 'k' });
        await accept(['A'], { duplicateKey: 'k', createdAtMs: later(10) });
        const found = await outbox.recentDuplicates({ duplicateKeys: ['k'], sinceMs: 0 });
        assert.deepEqual([...found], [['k', { sentAtMs: START_MS, seenAtMs: START_MS }]]);
        assert.equal(await outbox.createdSince(0), 1);
      });

      it('createdSince counts what was not stopped, to the second, whatever became of it', async () => {
        await accept(['A', 'B'], { createdAtMs: later(0) });
        await accept(['C'], { createdAtMs: later(1000) });
        await accept(['D'], { createdAtMs: later(1999), state: 'SUPPRESSED' });
        await accept(['E'], { createdAtMs: later(2500) });
        await outbox.cancel(['C', 'E'], later(3000));
        await restart();
        assert.equal(await outbox.createdSince(later(0)), 4);
        assert.equal(await outbox.createdSince(later(1)), 4);
        assert.equal(await outbox.createdSince(later(1000)), 2);
        assert.equal(await outbox.createdSince(later(2000)), 1);
        assert.equal(await outbox.createdSince(later(3000)), 0);
      });
    });

    describe('attachments', () => {
      const picture = Buffer.from('picture');
      const gone = { code: 'USHOT_FILE_MISSING' };
      const withFile = (messageId: string, hash: string) =>
        newMessage(messageId, { files: [{ kind: 'attachment', hash, ext: 'jpg', bytes: picture.length }] });
      const acceptWithFile = async (messageId: string): Promise<string> => {
        const hash = await outbox.putAttachment(picture);
        await outbox.accept([withFile(messageId, hash)]);
        return hash;
      };

      it('are named by their content and read back', async () => {
        const hash = await outbox.putAttachment(picture);
        assert.match(hash, /^[0-9a-f]{64}$/);
        assert.equal(await outbox.putAttachment(Buffer.from('picture')), hash);
        assert.notEqual(await outbox.putAttachment(Buffer.from('other')), hash);
        assert.deepEqual(await outbox.readAttachment(hash), picture);
        await assert.rejects(outbox.readAttachment('0'.repeat(64)), gone);
      });

      it('are not disturbed by what the caller does with the bytes', async () => {
        const bytes = Buffer.from('picture');
        const put = outbox.putAttachment(bytes);
        bytes.fill(0);
        assert.deepEqual(await outbox.readAttachment(await put), picture);
      });

      it('stay while a message that refers to them is open, over restarts', async () => {
        const hash = await acceptWithFile('A');
        await acceptWithFile('B');
        await restart();
        await claim(1);
        await outbox.exchange([{ messageIds: ['A'], to: 'REJECTED' }], null, START_MS);
        assert.deepEqual(await outbox.readAttachment(hash), picture);
        await outbox.cancel(['B'], START_MS);
        await assert.rejects(outbox.readAttachment(hash), gone);
      });

      it('stay until the report that ended their message is emitted, for a retry', async () => {
        const hash = await acceptWithFile('A');
        await claim();
        const { fresh } = await outbox.takeReports([newReport('A', { outcome: 'failed' })], START_MS);
        await restart();
        assert.deepEqual(await outbox.readAttachment(hash), picture);
        await outbox.accept([withFile('A2', hash)]);
        await outbox.reportsEmitted(fresh.map(({ seq }) => seq));
        assert.deepEqual(await outbox.readAttachment(hash), picture);
        await outbox.cancel(['A2'], START_MS);
        await assert.rejects(outbox.readAttachment(hash), gone);
      });

      it('go when a sweep ends the last message', async () => {
        const hash = await acceptWithFile('A');
        await outbox.sweep(sweepRequest({ nowMs: later(DAY_MS) }));
        await assert.rejects(outbox.readAttachment(hash), gone);
      });

      it('stay for a call that has put them and not accepted yet', async () => {
        const hash = await acceptWithFile('A');
        await outbox.putAttachment(picture);
        await outbox.cancel(['A'], START_MS);
        await outbox.accept([withFile('B', hash)]);
        assert.deepEqual(await outbox.readAttachment(hash), picture);
      });

      it('go when what was accepted was a repeat of an ended message, or stopped by a guard', async () => {
        const hash = await acceptWithFile('A');
        await outbox.cancel(['A'], START_MS);
        await acceptWithFile('A');
        await assert.rejects(outbox.readAttachment(hash), gone);
        await outbox.putAttachment(picture);
        await outbox.accept([{ ...withFile('B', hash), state: 'SUPPRESSED' }]);
        await assert.rejects(outbox.readAttachment(hash), gone);
      });

      it('that no message refers to go at the next opening', async () => {
        const kept = await acceptWithFile('A');
        const orphan = await outbox.putAttachment(Buffer.from('orphan'));
        await restart();
        assert.deepEqual(await outbox.readAttachment(kept), picture);
        await assert.rejects(outbox.readAttachment(orphan), gone);
      });
    });

    describe('dropTexts', () => {
      const failed = { resultRaw: '97', result: 97, outcome: 'failed' } as const;

      const texts = async (messageId: string): Promise<string[]> => {
        const { text, subject, url } = await one(messageId);
        return [text, subject, url];
      };

      it('empties text, subject and url of what ended before the time, first what ended first, and nothing else', async () => {
        const content = { text: '비밀번호 1234', subject: '알림', url: 'http://a.example/', carry: '{"topic":"t"}' };
        await accept(['A', 'B', 'C', 'D'], content);
        await outbox.cancel(['B'], later(1));
        await outbox.cancel(['A'], later(2));
        await outbox.cancel(['C'], later(10));
        const before = await one('B');
        assert.equal(await outbox.dropTexts(later(10), 1), 1);
        assert.deepEqual(await one('B'), { ...before, text: '', subject: '', url: '' });
        assert.deepEqual(await texts('A'), ['비밀번호 1234', '알림', 'http://a.example/']);
        assert.equal(await outbox.dropTexts(later(10), 10), 1);
        assert.deepEqual(await texts('A'), ['', '', '']);
        assert.equal(await outbox.dropTexts(later(10), 10), 0);
        await restart();
        assert.deepEqual(await one('B'), { ...before, text: '', subject: '', url: '' });
        for (const id of ['C', 'D']) assert.equal((await texts(id))[0], '비밀번호 1234');
      });

      it('leaves what may still be sent again: open messages, and failed ones whose report flows have not seen', async () => {
        await accept(['A', 'B', 'C']);
        await claim(2);
        const { fresh } = await outbox.takeReports([newReport('A', failed), newReport('B')], START_MS);
        assert.equal(await outbox.dropTexts(later(1), 10), 1);
        assert.deepEqual((await texts('B'))[0], '');
        assert.deepEqual((await texts('A'))[0], '경보 A');
        await outbox.reportsEmitted(fresh.map(({ seq }) => seq));
        assert.equal(await outbox.dropTexts(later(1), 10), 1);
        assert.deepEqual((await texts('A'))[0], '');
      });

      it('looks behind those that it must leave', async () => {
        await accept(['A', 'B', 'C']);
        await claim(2);
        await outbox.takeReports([newReport('A', failed), newReport('B', failed)], START_MS);
        await outbox.cancel(['C'], START_MS);
        assert.equal(await outbox.dropTexts(later(1), 1), 1);
        assert.deepEqual((await texts('C'))[0], '');
      });

      it('still tells a repeat from a conflict', async () => {
        await accept(['A']);
        await outbox.cancel(['A'], START_MS);
        await outbox.dropTexts(later(1), 10);
        assert.equal((await accept(['A']))[0]?.kind, 'repeat');
        assert.equal((await accept(['A'], { contentHash: 'other' }))[0]?.kind, 'conflict');
      });
    });

    describe('prune', () => {
      const old = later(-40 * DAY_MS);
      const horizon = later(-30 * DAY_MS);

      const ended = async (...messageIds: string[]): Promise<void> => {
        await accept(messageIds, { createdAtMs: old, expireAtMs: later(DAY_MS) });
        await outbox.cancel(messageIds, old);
      };

      it('moves out ended messages older than the time, in small batches, oldest first', async () => {
        await ended('A', 'B', 'C');
        await accept(['D'], { createdAtMs: old });
        await outbox.cancel(['D'], horizon);
        await accept(['E']);
        await outbox.cancel(['E'], START_MS);
        assert.equal(await outbox.prune(horizon, 2), 2);
        assert.deepEqual(ids(await outbox.get(['A', 'B', 'C', 'D', 'E'])), ['C', 'D', 'E']);
        assert.equal(await outbox.prune(horizon, 2), 1);
        assert.equal(await outbox.prune(horizon, 2), 0);
        assert.deepEqual(ids(await outbox.get(['A', 'B', 'C', 'D', 'E'])), ['D', 'E']);
      });

      it('goes on behind a message that came while the clock was ahead', async () => {
        await ended('A');
        await accept(['ahead'], { createdAtMs: later(70 * 365 * DAY_MS) });
        await ended('B');
        await accept(['now']);
        assert.equal(await outbox.prune(horizon, 10), 2);
        assert.deepEqual(ids(await outbox.get(['A', 'ahead', 'B', 'now'])), ['ahead', 'now']);
      });

      it('keeps the ids known: a repeat learns how the first one ended, a conflict stays one', async () => {
        await ended('A');
        const before = await one('A');
        await outbox.prune(horizon, 10);
        await restart();
        assert.deepEqual(await outbox.get(['A']), []);
        const again = newMessage('A', { createdAtMs: old, expireAtMs: later(DAY_MS) });
        assert.deepEqual(await outbox.accept([again]), [{ kind: 'repeat', message: before }]);
        assert.deepEqual(await outbox.accept([{ ...again, contentHash: 'other' }]), [
          { kind: 'conflict', messageId: 'A' },
        ]);
        assert.deepEqual(await claim(), []);
      });

      it('forgets ids only when told', async () => {
        await ended('A');
        await outbox.prune(horizon, 10, old);
        assert.equal((await accept(['A']))[0]?.kind, 'repeat');
        await outbox.prune(horizon, 10, later(-39 * DAY_MS));
        assert.equal((await accept(['A']))[0]?.kind, 'stored');
      });

      it('never touches open messages', async () => {
        await accept(['A', 'B', 'C', 'D'], { createdAtMs: old, expireAtMs: later(DAY_MS) });
        assert.deepEqual(await claim(3, old), ['A', 'B', 'C']);
        await outbox.exchange(
          [
            { messageIds: ['A'], to: 'ACCEPTED' },
            { messageIds: ['B'], to: 'IN_DOUBT' },
          ],
          null,
          old,
        );
        assert.equal(await outbox.prune(START_MS, 10), 0);
        assert.equal((await outbox.get(['A', 'B', 'C', 'D'])).length, 4);
      });

      it('never touches a message whose report flows have not seen, nor the report', async () => {
        await accept(['A'], { createdAtMs: old });
        await claim(10, old);
        const { fresh } = await outbox.takeReports([newReport('A'), newReport('nobody')], old);
        assert.equal(await outbox.prune(horizon, 10), 0);
        assert.deepEqual(await outbox.pendingReports(10), fresh);
        await outbox.reportsEmitted(fresh.map(({ seq }) => seq));
        assert.equal(await outbox.prune(horizon, 10), 1);
        assert.deepEqual(await outbox.pendingReports(10), []);
      });

      it('leaves a late report of a pruned message unmatched', async () => {
        await ended('A');
        await outbox.prune(horizon, 10);
        const { fresh } = await outbox.takeReports([newReport('A')], START_MS);
        assert.deepEqual(
          fresh.map(({ message }) => message),
          [null],
        );
      });

      it('lets the guards forget what is as old', async () => {
        await accept(['A'], { createdAtMs: old, duplicateKey: 'k' });
        await accept(['B'], { duplicateKey: 'l' });
        await outbox.prune(horizon, 10);
        const found = await outbox.recentDuplicates({ duplicateKeys: ['k', 'l'], sinceMs: 0 });
        assert.deepEqual([...found.keys()], ['l']);
        assert.equal(await outbox.createdSince(0), 1);
      });
    });

    describe('restart', () => {
      it('turns what was in flight into in doubt, since then', async () => {
        await accepted('A');
        await inFlight('B', 'C');
        await accept(['D']);
        await restart(later(50));
        const found = await outbox.get(['A', 'B', 'C', 'D']);
        assert.deepEqual(
          found.map(({ state, claims, updatedAtMs }) => [state, claims, updatedAtMs]),
          [
            ['ACCEPTED', 1, START_MS],
            ['IN_DOUBT', 1, later(50)],
            ['IN_DOUBT', 1, later(50)],
            ['READY', 0, START_MS],
          ],
        );
        assert.deepEqual(await claim(), ['D']);
        const { resent } = await outbox.sweep(
          sweepRequest({ nowMs: later(70), inDoubtBeforeMs: { sms: later(60), mms: null } }),
        );
        assert.deepEqual(ids(resent), ['B', 'C']);
      });

      it('keeps what was asked before close, and refuses what comes after', async () => {
        const stored = accept(['A']);
        const closed = outbox.close();
        const late = accept(['B']);
        await assert.rejects(late, { code: 'USHOT_STORE' });
        await Promise.all([stored, closed]);
        await restart();
        assert.deepEqual(ids(await outbox.get(['A', 'B'])), ['A']);
      });

      it('close twice is close once', async () => {
        await Promise.all([outbox.close(), outbox.close()]);
        await outbox.close();
        await assert.rejects(outbox.counts(), { code: 'USHOT_STORE' });
      });
    });
  });
}

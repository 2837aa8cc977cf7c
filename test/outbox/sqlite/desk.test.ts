/** In which order calls are carried out, what goes to the worker together, and who is told what when. */
import assert from 'node:assert/strict';
import { setImmediate as immediate } from 'node:timers/promises';
import { UshotError } from '../../../lib/errors.ts';
import type { StoredMessage } from '../../../lib/outbox/outbox.ts';
import { freshMessage } from '../../../lib/outbox/rules.ts';
import type { Batch, Question, ToWorker } from '../../../lib/outbox/sqlite/calls.ts';
import { Desk } from '../../../lib/outbox/sqlite/desk.ts';
import { readEntry } from '../../../lib/outbox/sqlite/entry.ts';
import { bodyOf, type MessageValues, SUPPRESSED } from '../../../lib/outbox/sqlite/rows.ts';
import type { Call, Store } from '../../../lib/outbox/sqlite/store.ts';
import { newMessage, newReport, START_MS } from '../messages.ts';

/** What was decided is handed over at the end of a turn, and what follows from promises in one goes along with the next. */
async function turn(): Promise<void> {
  await immediate();
  await immediate();
}

/** As the worker would find it. */
function rowOf(message: StoredMessage): MessageValues {
  const { seq, messageId, createdAtMs, expireAtMs, frameKey, batchLimit, dueAtMs, updatedAtMs, claims } = message;
  const fixed = [seq, messageId, 0, 0, createdAtMs, expireAtMs, frameKey, JSON.stringify(bodyOf(message))] as const;
  return [...fixed, SUPPRESSED, batchLimit, dueAtMs, updatedAtMs, claims, null, null, null];
}

describe('the desk of the store', () => {
  let sent: ToWorker[];
  let refs: number;
  let desk: Desk;
  /** What has been answered, in order. */
  let told: string[];

  beforeEach(() => {
    sent = [];
    refs = 0;
    told = [];
    const thread = { postMessage: (message: ToWorker) => sent.push(message), ref: () => refs++, unref: () => refs-- };
    const tally = [
      [
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
      ],
      0,
      0,
    ] as const;
    const greatestId = 'M';
    desk = new Desk(thread, { tally, greatestId, anyUnmatched: false }, undefined);
  });

  const call = <T>(name: string, begin: (store: Store) => Call<T>): Promise<T> => {
    const answer = desk.call(begin);
    answer.then(
      () => told.push(name),
      () => told.push(`${name} failed`),
    );
    return answer;
  };
  /** Sorts behind all that is known: nothing needs to be asked. */
  const accept = (id: string) => call(id, (store) => store.accept([newMessage(`N${id}`)]));
  const claim = (name: string, max = 10) =>
    call(name, (store) => store.exchange([], { service: 'sms', max }, START_MS));
  const batches = (): Batch[] => sent.filter((message) => 'entry' in message);
  const asked = (): string[] => sent.filter((message): message is Question => 'ask' in message).map(({ ask }) => ask);
  const putIn = ({ entry }: Batch) => readEntry(Buffer.from(entry ?? [])).put;
  const idsIn = (batch: Batch): string[] => putIn(batch).flatMap(([, messageIds]) => messageIds);

  it('hands over together what was decided in a turn, and tells of it when it is kept', async () => {
    void accept('a');
    void accept('b');
    assert.equal(sent.length, 0);
    await turn();
    void accept('c');
    await turn();
    assert.deepEqual(batches().map(idsIn), [['Na', 'Nb'], ['Nc']]);
    assert.deepEqual([told, refs], [[], 1]);
    desk.take({ kept: 1 });
    await turn();
    assert.deepEqual(told, ['a', 'b']);
    desk.take({ kept: 1 });
    await desk.idle();
    assert.deepEqual([told, refs], [['a', 'b', 'c'], 0]);
  });

  it('answers what changes nothing when what it saw is kept', async () => {
    void accept('a');
    const counts = call('counts', (store) => store.counts());
    await turn();
    assert.deepEqual(told, []);
    desk.take({ kept: 1 });
    assert.equal((await counts).READY, 1);
    assert.equal((await call('again', (store) => store.counts())).READY, 1, 'with nothing to wait for');
    assert.equal(batches().length, 1);
  });

  it('asks at once for what calls lack, and carries them out in order', async () => {
    const first = call('first', (store) => store.get(['A']));
    const second = call('second', (store) => store.get(['B']));
    const third = accept('c');
    const fourth = claim('fourth');
    await turn();
    assert.deepEqual([asked(), batches()], [['messages', 'messages'], []]);
    desk.take({ answer: [] });
    assert.deepEqual(await first, []);
    assert.deepEqual(batches(), []);
    desk.take({ answer: [] });
    await turn();
    assert.equal(batches().length, 1);
    desk.take({ kept: 1 });
    assert.deepEqual(await second, []);
    await third;
    assert.deepEqual(
      (await fourth).map(({ messageId }) => messageId),
      ['Nc'],
    );
    assert.deepEqual(told, ['first', 'second', 'c', 'fourth']);
  });

  it('tells who asked for it what it will be answered, once that is handed over', async () => {
    const decided: string[][] = [];
    const claiming = desk.call(
      (store) => store.exchange([], { service: 'sms', max: 10 }, START_MS),
      (claimed) => decided.push(claimed.map(({ messageId }) => messageId)),
    );
    void accept('a');
    const next = desk.call(
      (store) => store.exchange([], { service: 'sms', max: 10 }, START_MS),
      (claimed) => decided.push([...claimed.map(({ messageId }) => messageId), `${batches().length} handed over`]),
    );
    assert.deepEqual(await claiming, []);
    assert.deepEqual(decided, [], 'not what is answered at once');
    await turn();
    assert.deepEqual(decided, [['Na', '1 handed over']]);
    desk.take({ kept: 1 });
    assert.equal((await next)[0]?.messageId, 'Na');
  });

  it('lets a question about the file wait until all before it is kept, and all behind it wait', async () => {
    void accept('a');
    const count = call('count', (store) => store.createdSince(0));
    const behind = call('behind', (store) => store.get(['B']));
    await turn();
    assert.deepEqual([asked(), batches().length], [[], 1]);
    desk.take({ kept: 1 });
    await turn();
    assert.deepEqual(asked(), ['createdSince']);
    desk.take({ answer: 7 });
    assert.equal(await count, 7);
    await turn();
    assert.deepEqual(asked(), ['createdSince', 'messages']);
    desk.take({ answer: [] });
    assert.deepEqual(await behind, []);
  });

  it('undoes all that was decided since, when a batch sinks, and lets those begin anew that wait', async () => {
    void accept('a').catch(() => {});
    await turn();
    void claim('claim').catch(() => {});
    void call('asking', (store) => store.get(['B'])).catch(() => {});
    const counts = call('counts', (store) => store.counts());
    void accept('c');
    await turn();
    assert.equal(batches().length, 2);
    const { code, params } = new UshotError('USHOT_STORE', { problem: 'full' });
    desk.take({ sunk: { code, params } });
    await turn();
    assert.deepEqual(told, ['a failed', 'claim failed', 'asking failed', 'counts']);
    assert.equal((await counts).READY, 0);
    // Too late for anybody.
    desk.take({ answer: [] });
    const [first, , last] = batches();
    assert.deepEqual([last && idsIn(last), last?.sunkBefore, first?.sunkBefore], [['Nc'], 1, 0]);
    assert.deepEqual(last && putIn(last)[0]?.[0], [1], 'the number of what never was');
    desk.take({ kept: 1 });
    await desk.idle();
    assert.deepEqual([told.at(-1), refs], ['c', 0]);
  });

  it('tells of an error when what the call saw is kept', async () => {
    void accept('a').catch(() => {});
    const settle = [{ messageIds: ['Na'], to: 'ACCEPTED' as const }];
    void call('bug', (store) => store.exchange(settle, null, START_MS)).catch(() => {});
    await turn();
    assert.deepEqual(told, []);
    desk.take({ kept: 1 });
    await turn();
    assert.deepEqual(told, ['a', 'bug failed']);
  });

  it('does not forget what a call did not ask for, before the call is over', async () => {
    const suppressed = newMessage('Nx', { state: 'SUPPRESSED' });
    const stopped = call('stopped', (store) => store.accept([suppressed]));
    await turn();
    const other = call('other', (store) => store.get(['A']));
    desk.take({ kept: 1 });
    await stopped;
    // It is kept and has ended, but is in memory still: neither of these must count on that.
    const repeat = call('repeat', (store) => store.accept([suppressed]));
    const found = call('found', (store) => store.get(['Nx']));
    await turn();
    assert.deepEqual(asked(), ['messages']);
    desk.take({ answer: [] });
    assert.deepEqual(await other, []);
    await turn();
    assert.deepEqual(asked(), ['messages', 'known', 'messages'], 'now it is forgotten');
    const { seq, ...rest } = { ...freshMessage(suppressed, 1) };
    const row = rowOf({ ...rest, seq });
    desk.take({ answer: { messages: [row], remembered: [] } });
    desk.take({ answer: [row] });
    assert.equal((await repeat)[0]?.kind, 'repeat');
    assert.equal((await found).length, 1);
  });

  it('carries out ten thousand calls at once in no more time than one by one', async () => {
    const known = Array.from({ length: 10_000 }, (_, i) =>
      call(`${i}`, (store) => store.accept([newMessage(`A${i}`)])),
    );
    await turn();
    assert.equal(asked().length, 10_000);
    for (const _ of known) desk.take({ answer: { messages: [], remembered: [] } });
    const done = Promise.all(known);
    for (let kept = 0; kept < 10_000; kept = told.length) {
      await turn();
      desk.take({ kept: batches().length });
      sent = [];
    }
    assert.equal((await done).length, 10_000);
  });

  it('tells everybody when the thread ends', async () => {
    void accept('a').catch(() => {});
    await turn();
    void call('lacking', (store) => store.get(['B'])).catch(() => {});
    void call('behind', (store) => store.takeReports([newReport('C')], START_MS)).catch(() => {});
    desk.fail(new Error('ended'));
    await turn();
    assert.deepEqual(told, ['a failed', 'lacking failed', 'behind failed']);
    assert.equal(refs, 0);
  });
});

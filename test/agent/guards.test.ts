/** The guards under inputs that come at once, with a store that takes its time, refuses, or is asked after the clock was put right. */
import assert from 'node:assert/strict';
import type { SendOutcome } from '../../lib/agent/index.ts';
import { seededRandom } from '../../lib/simulator/index.ts';
import { sms, World } from './world.ts';

const SEEDS = 120;
const LIMIT = 8;

const codes = (outcomes: readonly SendOutcome[]) => outcomes.map((one) => one.error?.code ?? one.status);

describe('guards', () => {
  it('let no equal text pass twice, and count exactly what passed, whatever comes at once', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const below = (limit: number): number => Math.floor(random() * limit);
      const world = new World({ settings: { duplicateSeconds: 600, maxPerMinute: LIMIT }, commitMs: 10, seed });
      await world.clock.advance(100);
      const accept = world.store.accept.bind(world.store);
      const isRefusing = below(3) === 0;
      if (isRefusing) world.store.accept = (m) => (below(3) === 0 ? Promise.reject(new Error('full')) : accept(m));
      const inputs: Promise<SendOutcome[]>[] = [];
      for (let i = 0; i < 8; i++) {
        const requests = Array.from({ length: 1 + below(2) }, () => ({
          ...{ ...sms, text: `alarm ${below(3)}` },
          ...(below(3) === 0 ? { messageId: `id${below(3)}` } : {}),
        }));
        inputs.push(world.agent.send(requests, { settle: 'stored' }));
        if (below(2) === 0) await world.clock.advance(below(12));
      }
      const outcomes = (await Promise.all(inputs.map((input) => world.wait(input)))).flat();
      const ids = new Set(outcomes.flatMap(({ messageId }) => messageId ?? []));
      const passed = (await world.store.get([...ids])).filter(({ state }) => state !== 'SUPPRESSED');
      const texts = passed.map(({ text }) => text);
      assert.equal(new Set(texts).size, texts.length, `seed ${seed}: ${texts}`);
      world.store.accept = accept;
      // The store is found to work again.
      await world.clock.advance(3_000);
      let more = 0;
      for (let i = 0; i < LIMIT; i++)
        more += codes(await world.send({ text: `${i}` }, 'stored'))[0] === 'stored' ? 1 : 0;
      assert.equal(passed.length + more, LIMIT, `seed ${seed}`);
      await world.wait(world.agent.stop(), 60_000);
    }
  });

  it('know the day that a corrected clock comes back to', async () => {
    const day = 24 * 3_600_000;
    const world = new World({ settings: { maxPerDay: 2 } });
    const two = [{ text: '1' }, { text: '2' }];
    assert.deepEqual(codes(await world.send(two, 'stored')), ['stored', 'stored']);
    world.clock.correct(day);
    assert.deepEqual(codes(await world.send(two, 'stored')), ['stored', 'stored']);
    world.clock.correct(-day);
    assert.deepEqual(codes(await world.send(two, 'stored')), ['USHOT_DAILY_CAP', 'USHOT_DAILY_CAP']);
    await world.agent.stop();
  });

  it('take a message that was refused after it had been in doubt for one that may have gone', async () => {
    const gateway = { reportDelayMs: { min: 1_800_000, max: 1_800_000 } };
    const world = new World({ settings: { duplicateSeconds: 3_600, inDoubtSeconds: 60 }, gateway });
    world.agent.use('sms');
    await world.clock.advance(1_000);
    world.gateway.faults.add({ kind: 'cut-before-answer', commands: ['1020'], times: 1 });
    world.gateway.faults.add({
      kind: 'reject',
      receivers: ['01012345678'],
      commands: ['1020'],
      times: 1,
      code: '11001',
    });
    assert.deepEqual(codes(await world.send({}, 'accepted', 600_000)), ['USHOT_REJECTED']);
    assert.deepEqual(codes(await world.send({})), ['USHOT_DUPLICATE']);
    await world.agent.stop();
  });
});

/**
 * Hours of bad luck in a second, from one seed: cuts, refusals, silence, garbage and kills at random, and at the end the
 * promises of the design, counted. A failing seed is printed; `USHOT_SEED=n` replays it, `USHOT_RUNS=n` runs more.
 */
import assert from 'node:assert/strict';
import type { Fault } from '../../lib/simulator/index.ts';
import { seededRandom } from '../../lib/simulator/index.ts';
import { sms, World } from './world.ts';

const fixed = process.env['USHOT_SEED'];
const runs = Number(process.env['USHOT_RUNS'] ?? 25);
const seeds = fixed === undefined ? Array.from({ length: runs }, (_, i) => i + 1) : [Number(fixed)];

const misfortunes: readonly Fault[] = [
  { kind: 'cut-before-take', probability: 0.05 },
  { kind: 'cut-before-answer', probability: 0.05 },
  { kind: 'cut-in-answer', probability: 0.05 },
  { kind: 'cut-after-answer', probability: 0.05 },
  { kind: 'silence', probability: 0.03 },
  { kind: 'late', probability: 0.05, delayMs: 2_000 },
  { kind: 'garbage', probability: 0.03 },
  { kind: 'reject', probability: 0.02, code: '11001', commands: ['1020', '1044'] },
  { kind: 'partial', probability: 0.05, code: '11001' },
  { kind: 'refuse-login', probability: 0.1 },
  { kind: 'refuse-connection', probability: 0.1 },
  { kind: 'report-twice', probability: 0.1 },
  { kind: 'result', probability: 0.05, result: 97 },
  { kind: 'slice', probability: 0.2 },
];

interface Tally {
  accepted: Set<string>;
  neverSubmitted: string[];
  submittedTwiceWithoutDoubt: string[];
  acknowledgedNotGiven: string[];
  open: string[];
}

async function live(seed: number): Promise<Tally> {
  const random = seededRandom(seed);
  const protocol = random() < 0.5 ? 'SAM10' : 'SAM11';
  // `hold` never sends again what is in doubt: then nothing at all may be submitted twice.
  const inDoubt = random() < 0.5 ? 'resend' : 'hold';
  const world = new World({
    seed,
    commitMs: 50,
    settings: { protocol, inDoubt, connections: 1 + Math.floor(random() * 3), timeoutSeconds: 5, inDoubtSeconds: 30 },
    gateway: { repushMs: 5_000, heartbeatMs: 20_000, duplicates: 'accept' },
  });
  for (const misfortune of misfortunes) {
    // A 1026 lists no ids: nobody could know of a half that was taken from a refused frame.
    if (misfortune.kind === 'partial' && protocol === 'SAM10') continue;
    if (random() < 0.6) world.gateway.faults.add(misfortune);
  }
  const accepted = new Set<string>();
  world.listen();
  for (let minute = 0; minute < 20; minute++) {
    const count = Math.floor(random() * 60);
    const requests = Array.from({ length: count }, (_, i) => ({
      ...sms,
      to: `010${String(20_000_000 + minute * 1000 + i)}`,
      text: random() < 0.2 ? '긴 글 '.repeat(40) : '경보',
    }));
    const sent = world.agent.send(requests, { settle: 'stored' });
    void sent.then((outcomes) => {
      for (const { messageId, status } of outcomes) if (messageId && status === 'stored') accepted.add(messageId);
    });
    // A kill soon after the input meets commits, frames and answers on their way; a late one meets reports.
    const isKilled = random() < 0.4;
    await world.clock.advance(Math.floor(random() * (isKilled && random() < 0.7 ? 3_000 : 60_000)));
    if (isKilled) {
      await world.crash();
      world.listen();
    }
  }
  // Good luck returns; everything must come to an end.
  world.gateway.faults.clear();
  await world.clock.advance(3 * 3_600_000);

  const stored = await world.store.get([...accepted]);
  const given = new Set(world.given.map(({ report }) => report.messageId));
  const tally: Tally = {
    accepted,
    neverSubmitted: [],
    submittedTwiceWithoutDoubt: [],
    acknowledgedNotGiven: [],
    open: [],
  };
  for (const message of stored) {
    const seen = world.gateway.seen(message.messageId);
    if (!seen && !['REJECTED', 'EXPIRED'].includes(message.state) && !message.held)
      tally.neverSubmitted.push(message.messageId);
    if (['READY', 'IN_FLIGHT', 'ACCEPTED'].includes(message.state)) tally.open.push(message.messageId);
  }
  for (const [id, seen] of world.gateway.ids()) {
    if (inDoubt === 'hold' && seen.taken > 1) tally.submittedTwiceWithoutDoubt.push(id);
    if (seen.acknowledged > 0 && !given.has(id)) tally.acknowledgedNotGiven.push(id);
  }
  assert.equal(stored.length, accepted.size, 'every accepted message is in the store');
  await world.wait(world.agent.stop(), 60_000);
  world.gateway.stop();
  assert.equal(world.clock.armedCount, 0, 'no timer is left');
  return tally;
}

describe('agent, through bad luck', function () {
  this.timeout(120_000);
  for (const seed of seeds) {
    it(`keeps its promises (USHOT_SEED=${seed})`, async () => {
      const { accepted, ...broken } = await live(seed);
      assert.ok(accepted.size > 50);
      assert.deepEqual(broken, {
        neverSubmitted: [],
        submittedTwiceWithoutDoubt: [],
        acknowledgedNotGiven: [],
        open: [],
      });
    });
  }
});

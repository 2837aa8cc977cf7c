/**
 * A process that takes messages, to be killed: the real agent on the durable store, over real sockets. What it was told
 * and what it did goes to standard output, a line each, written through before anything else happens:
 *
 *     up                  the store is open
 *     accepted <ids>      a flow would have been told that these are stored
 *     claimed <ids>       a frame is about to go out
 *     doubted <ids>       a frame went out and its answer did not come
 *     sure <ids>          it is committed what became of these
 *     report <id>         a flow was given this report
 *     open <n> held <n>   messages that have no end yet and reports that no flow was given; messages held
 *
 * It stops in good order when its standard input ends, so that it never outlives the test.
 */
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, readSettings, type SendRequest } from '../../lib/agent/index.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Outbox } from '../../lib/outbox/outbox.ts';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { dialTcp } from '../../lib/session/index.ts';
import { seededRandom } from '../../lib/simulator/index.ts';

export interface SendingOptions {
  readonly file: string;
  /** Of the session. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Decides what is sent, and when. */
  readonly seed: number;
  /** Without: it takes nothing new, and tells how much is open. */
  readonly takes: boolean;
}

const LOOK_MS = 50;
const PICTURE = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');

/** Written through: what the process has said is known, whatever happens to it next. */
function say(...words: readonly (string | number)[]): void {
  let rest = Buffer.from(`${words.join(' ')}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // The parent has not read what is in the pipe.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function sayIds(word: string, ids: readonly string[]): void {
  if (ids.length > 0) say(word, ids.join());
}

/** Tells of frames: before their bytes leave, and when what became of them is committed. */
function watched(outbox: Outbox): Outbox {
  const exchange: Outbox['exchange'] = async (settlements, claim, nowMs) => {
    const doubted = settlements.filter(({ to }) => to === 'IN_DOUBT');
    const sure = settlements.filter(({ to }) => to !== 'IN_DOUBT');
    sayIds(
      'doubted',
      doubted.flatMap(({ messageIds }) => messageIds),
    );
    const batch = await outbox.exchange(settlements, claim, nowMs);
    sayIds(
      'sure',
      sure.flatMap(({ messageIds }) => messageIds),
    );
    sayIds(
      'claimed',
      batch.map(({ messageId }) => messageId),
    );
    return batch;
  };
  return new Proxy(outbox, {
    get(target, name) {
      if (name === 'exchange') return exchange;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** Until the agent stops. */
async function takeMessages(agent: Agent, random: () => number): Promise<void> {
  const upTo = (most: number) => Math.floor(random() * most);
  const request = (): SendRequest => {
    const chance = random();
    const common = { to: `010${20_000_000 + upTo(9_999_999)}`, from: '0212345678', overflow: 'lms' } as const;
    if (chance < 0.05) return { ...common, node: 'mms', text: '사진', files: { data: PICTURE, ext: 'jpg' } };
    return { ...common, node: 'sms', text: chance < 0.2 ? '긴 글 '.repeat(40) : `경보 ${upTo(1000)}` };
  };
  for (;;) {
    // Single alarms, and now and then a whole list.
    const count = random() < 0.7 ? 1 + upTo(5) : 1 + upTo(150);
    const outcomes = await agent.send(Array.from({ length: count }, request), { settle: 'stored' });
    sayIds(
      'accepted',
      outcomes.flatMap(({ messageId, status }) => (messageId !== null && status === 'stored' ? [messageId] : [])),
    );
    for (const { error } of outcomes) {
      if (error?.code === 'USHOT_STOPPED') return;
      if (error) throw error;
    }
    await pause(upTo(20));
  }
}

async function main({ file, settings, seed, takes }: SendingOptions): Promise<void> {
  const random = seededRandom(seed);
  const outbox = watched(new SqliteOutbox({ file }));
  const agent = new Agent(readSettings(settings), {
    clock: systemClock,
    random,
    dial: dialTcp,
    outbox,
    language: 'en',
    log: (level, line) => void (level === 'error' && say('trouble', line)),
  });
  agent.onReport(({ messageId }) => say('report', messageId));
  agent.start();
  // Nothing to send: answered when the store is open.
  await agent.send([], { settle: 'stored' });
  say('up');
  let stopping = false;
  process.stdin.resume().on('end', () => {
    stopping = true;
    void agent.stop().then(() => process.exit(0));
  });
  if (takes) {
    // Two inputs at a time, since commits are shared.
    await Promise.all([takeMessages(agent, random), takeMessages(agent, random)]);
    return;
  }
  while (!stopping) {
    const { READY, IN_FLIGHT, ACCEPTED, IN_DOUBT, held } = await outbox.counts();
    if (stopping) return;
    const reports = await outbox.pendingReports(1);
    say('open', READY + IN_FLIGHT + ACCEPTED + IN_DOUBT - held + reports.length, 'held', held);
    await pause(LOOK_MS);
  }
}

await main(JSON.parse(process.argv[2] ?? '{}') as SendingOptions);

/**
 * A process whose agent takes many MMS while the gateway is away: what they cost in memory is told to the parent.
 *
 *     argv: folder of the store, MMS send port, MMS report port, how many MMS
 *     stdout, one JSON line each: {before, waiting, attachments} once all wait, {ended, mostBufferBytes, attachments} once the gateway is back and all have ended
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, readSettings } from '../../lib/agent/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { dialTcp } from '../../lib/session/index.ts';
import { mms, plainJpeg } from './bench.ts';

const [folder = '', sendPort, reportPort, count] = process.argv.slice(2);
const file = join(folder, 'store.db');
const PICTURE_BYTES = 199_000;

const agent = new Agent(
  readSettings({
    ...{ host: '127.0.0.1', id: 'me', password: 'secret', reconnectSeconds: 0.1 },
    ...{ mmsSendPort: sendPort, mmsReportPort: reportPort },
  }),
  {
    clock: systemClock,
    random: Math.random,
    dial: dialTcp,
    outbox: new SqliteOutbox({ file }),
    log: () => {},
    language: 'en',
  },
);

/** What is alive, in bytes: the heap and the Buffers outside of it. */
async function alive(): Promise<{ heapBytes: number; bufferBytes: number; rssBytes: number }> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heapBytes: heapUsed, bufferBytes: arrayBuffers, rssBytes: rss };
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function attachments(): number {
  return existsSync(`${file}-attachments`) ? readdirSync(`${file}-attachments`).length : 0;
}

let reported = 0;
const allReported = new Promise<void>((resolve) => {
  agent.onReport(() => {
    if (++reported === Number(count)) resolve();
  });
});
agent.start();
await agent.send([{ ...mms, text: 'first', files: plainJpeg(PICTURE_BYTES, -1), to: 'nobody' }], { settle: 'stored' });
const before = await alive();
const answers: Promise<unknown>[] = [];
for (let n = 0; n < Number(count); n++) {
  const answer = agent.send([{ ...mms, text: `${n}`, files: plainJpeg(PICTURE_BYTES, n) }], { settle: 'accepted' });
  answers.push(answer.then((outcomes) => outcomes.map(({ status }) => status)));
  // Not faster than the disk.
  if (n % 10 === 9) await until(() => attachments() > n - 30);
}
await until(() => agent.status.waiting === Number(count));
tell({ before, waiting: await alive(), attachments: attachments() });

let mostBufferBytes = 0;
const watch = setInterval(() => {
  mostBufferBytes = Math.max(mostBufferBytes, process.memoryUsage().arrayBuffers);
}, 20);
await allReported;
await Promise.all(answers);
clearInterval(watch);
await until(() => attachments() === 0);
tell({ ended: await alive(), mostBufferBytes, attachments: attachments() });
await agent.stop();

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5));
}

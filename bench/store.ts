/**
 * The durable store alone: what one commit costs, how many messages it takes through their lives a second, what the event
 * loop feels of it, and what a million waiting messages change. Every figure is with a sync before the promise resolves.
 * Files go to the system's folder for temporary files, or to TMPDIR: a tmpfs there makes the figures meaningless.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { NewMessage, NewReport, StoredMessage } from '../lib/outbox/outbox.ts';
import { SqliteOutbox } from '../lib/outbox/sqlite/outbox.ts';

export const about = 'the durable store: accept, claim, settle, report; latency; event loop; backlog';

const RUN_MS = 3000;
const DAY_MS = 86_400_000;
const BACKLOG = 1_000_000;
const ALARMS = 1000;

let count = 0;

function message(): NewMessage {
  const nowMs = Date.now();
  const messageId = `${nowMs.toString(36)}${(count++).toString(36).padStart(8, '0')}`;
  return {
    messageId,
    groupId: '20260105',
    type: 'SMS',
    service: 'sms',
    to: `010${String(count % 1e8).padStart(8, '0')}`,
    from: '0212345678',
    text: `[경보] 3번 펌프의 온도가 ${count % 100}도입니다. 현장을 확인하고 회신해 주시기 바랍니다.`,
    subject: '',
    url: '',
    userCode: '',
    files: [],
    frameKey: '',
    carry: '{"topic":"plant/3/pump"}',
    contentHash: `${messageId}${'0'.repeat(64 - messageId.length)}`,
    duplicateKey: '',
    createdAtMs: nowMs,
    dueAtMs: nowMs,
    expireAtMs: nowMs + DAY_MS,
    retryOf: null,
    attempt: 0,
    state: 'READY',
    detail: null,
    result: null,
  };
}

const messages = (size: number): NewMessage[] => Array.from({ length: size }, message);

const reportOf = ({ messageId, groupId, to }: StoredMessage): NewReport => ({
  ...{ messageId, groupId, to, resultRaw: '6', telecom: 'SKT', sentAtRaw: '2026-01-05 09:00:00' },
  ...{ result: 6, outcome: 'delivered' },
});

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;

async function withStore<T>(use: (outbox: SqliteOutbox, file: string) => Promise<T>, commitDelayMs = 0): Promise<T> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ushot-bench-'));
  const file = path.join(folder, 'store.db');
  const outbox = new SqliteOutbox({ file, commitDelayMs });
  try {
    await outbox.open(Date.now());
    return await use(outbox, file);
  } finally {
    await outbox.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Messages a second through accept, claim and settle, and with `reports` through the inbox too. */
async function lives(
  outbox: SqliteOutbox,
  size: number,
  reports: boolean,
): Promise<{ perSecond: number; cpuUs: number }> {
  let settled = 0;
  let claimed: StoredMessage[] = [];
  let reported: StoredMessage[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  while (performance.now() - start < RUN_MS) {
    const messageIds = claimed.map(({ messageId }) => messageId);
    const settlements = messageIds.length === 0 ? [] : [{ messageIds, to: 'ACCEPTED' as const }];
    const [, next, intake] = await Promise.all([
      outbox.accept(messages(size)),
      outbox.exchange(settlements, { service: 'sms', max: size }, Date.now()),
      reports && reported.length > 0 ? outbox.takeReports(reported.map(reportOf), Date.now()) : null,
    ]);
    if (intake !== null) void outbox.reportsEmitted(intake.fresh.map(({ seq }) => seq));
    settled += claimed.length;
    reported = claimed;
    claimed = next;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (settled * 1000) / (performance.now() - start), cpuUs: (user + system) / settled };
}

/** One accept after the other, by turns with a bare append and fdatasync of as many bytes. */
async function latency(outbox: SqliteOutbox, file: string): Promise<void> {
  const accepts: number[] = [];
  const syncs: number[] = [];
  const log = fs.openSync(`${file}.bare`, 'a');
  const bytes = Buffer.alloc(600, 120);
  for (let i = 0; i < 1500; i++) {
    const start = performance.now();
    await outbox.accept(messages(1));
    const between = performance.now();
    fs.writeSync(log, bytes);
    fs.fdatasyncSync(log);
    accepts.push(between - start);
    syncs.push(performance.now() - between);
  }
  fs.closeSync(log);
  const line = (values: number[]): string =>
    `p50 ${percentile(values, 0.5).toFixed(2)} ms, p99 ${percentile(values, 0.99).toFixed(2)} ms`;
  console.log(`one accept                  ${line(accepts)}`);
  console.log(`bare append and fdatasync   ${line(syncs)}`);
}

/** What the process has written so far, whatever the system makes of it; null where that is not to be had. */
function writtenBytes(): number | null {
  try {
    const [, bytes] = /^wchar: (\d+)/m.exec(fs.readFileSync('/proc/self/io', 'utf8')) ?? [];
    return bytes === undefined ? null : Number(bytes);
  } catch {
    return null;
  }
}

/** Alarms one by one through their lives, until they are in the database: what is written of each, on SD cards what counts. */
async function written(outbox: SqliteOutbox): Promise<void> {
  const before = writtenBytes();
  for (let i = 0; i < ALARMS; i++) {
    const [one] = messages(1) as [NewMessage];
    const [, claimed] = await Promise.all([
      outbox.accept([one]),
      outbox.exchange([], { service: 'sms', max: 30 }, Date.now()),
    ]);
    await outbox.exchange([{ messageIds: [one.messageId], to: 'ACCEPTED' }], null, Date.now());
    const { fresh } = await outbox.takeReports(claimed.map(reportOf), Date.now());
    await outbox.reportsEmitted(fresh.map(({ seq }) => seq));
  }
  await outbox.prune(Date.now() - DAY_MS, 1);
  const after = writtenBytes();
  if (before === null || after === null) return;
  console.log(`one alarm, accepted to report emitted   ${((after - before) / ALARMS / 1024).toFixed(1)} kB written`);
}

/** The event loop's delay while 5,000 accepts a second, of one message each, are made. */
async function eventLoop(outbox: SqliteOutbox): Promise<{ delayMs: number; perSecond: number; slowestMs: number }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const waits: number[] = [];
  let made = 0;
  const start = performance.now();
  histogram.enable();
  await new Promise<void>((resolve) => {
    const ticker = setInterval(() => {
      const elapsed = performance.now() - start;
      for (; made < elapsed * 5; made++) {
        const asked = performance.now();
        void outbox.accept(messages(1)).then(() => waits.push(performance.now() - asked));
      }
      if (elapsed < RUN_MS) return;
      clearInterval(ticker);
      resolve();
    }, 2);
  });
  await outbox.counts();
  histogram.disable();
  const perSecond = (waits.length * 1000) / (performance.now() - start);
  return { delayMs: histogram.percentile(99) / 1e6, perSecond, slowestMs: percentile(waits, 0.99) };
}

/** Opens a store as a fresh process does, and says what that takes. */
async function openOnce(file: string): Promise<void> {
  const outbox = new SqliteOutbox({ file });
  const times = [performance.now()];
  const step = async (done: Promise<unknown>): Promise<void> => {
    await done;
    times.push(performance.now());
  };
  await step(outbox.open(Date.now()));
  await step(outbox.exchange([], { service: 'sms', max: 100 }, Date.now()));
  await step(outbox.counts());
  await step(outbox.nextDueMs('sms', Date.now()));
  const { rss } = process.memoryUsage();
  const { perSecond } = await lives(outbox, 100, false);
  const [open, claim, counts, next] = times.slice(1).map((at, i) => (at - (times[i] ?? 0)).toFixed(1));
  console.log(
    `          open ${open} ms, first claim ${claim} ms, counts ${counts} ms, nextDueMs ${next} ms, ` +
      `process ${(rss / 1e6).toFixed(0)} MB; then ${perSecond.toFixed(0)} messages/s at 100`,
  );
  await outbox.close();
}

async function backlog(): Promise<void> {
  await withStore(async (outbox, file) => {
    for (const size of [0, 100_000, BACKLOG]) {
      let { READY } = await outbox.counts();
      for (; READY < size; READY += 2000)
        await Promise.all([outbox.accept(messages(1000)), outbox.accept(messages(1000))]);
      await outbox.close();
      console.log(`${size} waiting, file ${(fs.statSync(file).size / 1e6).toFixed(0)} MB`);
      execFileSync(process.execPath, [path.join(import.meta.dirname, 'run.ts'), 'store', 'open', file], {
        stdio: 'inherit',
      });
      await outbox.open(Date.now());
    }
  });
}

export async function run(args: readonly string[] = []): Promise<void> {
  if (args[0] === 'open') return openOnce(args[1] ?? '');
  for (const size of [1, 30, 100]) {
    for (const reports of [false, true]) {
      const { perSecond, cpuUs } = await withStore((outbox) => lives(outbox, size, reports));
      console.log(
        `accept, claim, settle${reports ? ', report, emit' : '              '} at ${String(size).padStart(3)}   ` +
          `${perSecond.toFixed(0).padStart(6)} messages/s, ${cpuUs.toFixed(0)} us of CPU each`,
      );
    }
  }
  await withStore(latency);
  await withStore(written);
  for (const commitDelayMs of [0, 50]) {
    const { delayMs, perSecond, slowestMs } = await withStore(eventLoop, commitDelayMs);
    console.log(
      `5,000 accepts/s asked, commits ${commitDelayMs} ms slower   event loop p99 ${delayMs.toFixed(1)} ms, ` +
        `${perSecond.toFixed(0)}/s kept, p99 ${slowestMs.toFixed(1)} ms each`,
    );
  }
  if (args.includes('backlog')) await backlog();
  else console.log('(a backlog of a million: npm run bench -- store backlog)');
}

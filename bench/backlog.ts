/**
 * The whole agent with up to a million messages waiting: how fast it accepts more while the gateway is away, how long it
 * takes to send again after a restart, and how fast it then accepts and sends at once. Each step is a process of its own, as
 * after a restart, so that its memory is what such a process needs. The backlog stays as long as it is meanwhile: for
 * each message that has its report, another one is handed over, and waits behind all that waited before.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dial } from '../lib/network.ts';
import { startChild } from './outbox/child.ts';
import { INPUT, inputAfter, ON_THE_WAY, type Ports, type Rig, range, startAgent } from './outbox/rig.ts';

export const about = 'the whole agent with a backlog of up to a million: accepting, starting, sending; memory';

const BACKLOGS = [0, 100_000, 1_000_000];
/** So many are accepted by the watch, when the rest of a backlog is there. */
const BY_THE_WATCH = 20_000;
const WARM_UP_MS = 1000;
const RUN_MS = 4000;
const CONNECTIONS = 4;
const ID = 'bench30.0';

/** Nobody listens. */
const noGateway: Dial = (_target, { closed }) => {
  queueMicrotask(() => closed(Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' })));
  return { write() {}, destroy() {} };
};

const perSecond = (messages: number, sinceMs: number): number => (messages * 1000) / (performance.now() - sinceMs);

const memory = (): string => `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`;

/** Inputs one after the other, on several lanes, until `most` messages are kept. */
async function accept({ agent }: Rig, most: number): Promise<void> {
  let handed = 0;
  const lane = async (): Promise<void> => {
    while (handed < most) {
      const input = inputAfter(handed);
      handed += INPUT;
      const bad = (await agent.send(input, { settle: 'stored' })).find(({ status }) => status !== 'stored');
      if (bad) throw bad.error ?? new Error(`a message ended as ${bad.status}`);
    }
  };
  await Promise.all(range(ON_THE_WAY / INPUT, lane));
}

/** In a process of its own: adds to the backlog while there is no gateway. */
async function fill(file: string, messages: number): Promise<void> {
  const rig = startAgent({
    ...{ file, id: ID, ports: { smsSend: 1, smsReport: 2 }, connections: CONNECTIONS },
    ...{ dial: noGateway, log() {} },
  });
  await accept(rig, messages - BY_THE_WATCH);
  const start = performance.now();
  await accept(rig, BY_THE_WATCH);
  const pace = perSecond(BY_THE_WATCH, start);
  console.log(`  the last ${BY_THE_WATCH} of them accepted at ${pace.toFixed(0)} messages/s, process ${memory()}`);
  await rig.stop();
}

/** In a process of its own: starts with the backlog, and sends and accepts at once. */
async function send(file: string, ports: Ports): Promise<void> {
  const start = performance.now();
  let first = 0;
  let handed = 0;
  let over = false;
  const handOver = (): void => {
    const input = inputAfter(handed);
    handed += INPUT;
    void rig.agent.send(input, { settle: 'stored' });
  };
  const rig = startAgent({
    ...{ file, id: ID, ports, connections: CONNECTIONS },
    reported() {
      first ||= performance.now() - start;
      if (!over && handed - rig.done.reported <= ON_THE_WAY - INPUT) handOver();
    },
  });
  const started = memory();
  while (handed < ON_THE_WAY) handOver();
  while (first === 0) await sleep(1);
  await sleep(WARM_UP_MS);
  const { reported } = rig.done;
  const [cpu, watch] = [process.cpuUsage(), performance.now()];
  await sleep(RUN_MS);
  const done = rig.done.reported - reported;
  const pace = perSecond(done, watch);
  const { user, system } = process.cpuUsage(cpu);
  over = true;
  console.log(
    `  first report ${first.toFixed(0)} ms after the start; accepted, sent and reported at ${pace.toFixed(0)} messages/s, ` +
      `${((user + system) / done).toFixed(0)} us of CPU each; process ${started}, then ${memory()}`,
  );
  await rig.stop();
}

async function inProcess(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'run.ts'), 'backlog', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
}

export async function run([step, file = '', ...numbers]: readonly string[] = []): Promise<void> {
  const [one = 0, other = 0] = numbers.map(Number);
  if (step === 'fill') return fill(file, one);
  if (step === 'send') return send(file, { smsSend: one, smsReport: other });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ushot-bench-'));
  const [{ smsSend, smsReport }, stopGateway] = await startChild<Ports>('gateway');
  try {
    const store = path.join(folder, 'store.db');
    let before = 0;
    for (const backlog of BACKLOGS) {
      console.log(`${backlog.toLocaleString('en')} waiting`);
      if (backlog > before) await inProcess('fill', store, String(backlog - before));
      await inProcess('send', store, String(smsSend), String(smsReport));
      before = backlog;
    }
  } finally {
    stopGateway();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

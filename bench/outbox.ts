/**
 * The whole agent, end to end over loopback, as durable as it promises: synced before a message is accepted, the claim
 * committed before a frame's first byte, each report committed before it is acknowledged, and given to a flow. Agent and
 * store run in this process, the simulated gateway in a child.
 *
 * Beside it, in the same run and by turns, the `smpp` package: its client here, its server in a child, nothing on disk;
 * with a receipt for each message, which is the same work, and without. Then long lines, and the latency of one alarm.
 * Machines differ, and so does one machine from minute to minute: the ratios are what counts.
 *
 * Files go to the system's folder for temporary files, or to TMPDIR: a tmpfs there makes the figures meaningless.
 */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SendRequest } from '../lib/agent/index.ts';
import type { Dial } from '../lib/network.ts';
import { Codec, defaultWire, Framer, formatKst } from '../lib/protocol/index.ts';
import { dialTcp } from '../lib/session/index.ts';
import { startChild } from './outbox/child.ts';
import {
  hangul,
  INPUT,
  inputAfter,
  ON_THE_WAY,
  POOL,
  type Ports,
  type Rig,
  range,
  receiver,
  requests,
  type Shape,
  startAgent,
} from './outbox/rig.ts';
import { connectSmpp, type SmppClient } from './outbox/smpp.ts';

export const about =
  'the whole agent, durable, beside the smpp package; long lines; the latency of one alarm; long inputs';

const RUNS = 5;
/** How long a run hands over messages; what it handed over is then waited for. */
const RUN_MS = 2000;
const SMPP_RUN_MS = 500;
const SMPP_WINDOWS = [1, 10, 30, 100];
const SMPP_YARDSTICK = 30;
const SMPP_SHAPES = [true, false].flatMap((receipts) => SMPP_WINDOWS.map((window) => ({ window, receipts })));
const ROUND_TRIPS_MS = [5, 20, 50];
const LONG_LINE_MS = 2000;
const WARM_UP = 500;
const LONG_LINE_SHARE = 0.95;
const BARE_MS = 400;
const ALARMS = 500;
const LONG_INPUTS = [1_000, 10_000, 100_000];
/** Size of the bare record: about what a message is in the store. */
const ALARM_BYTES = 600;

/** A run that takes longer is given up: the benchmark must end. */
const PATIENCE_MS = 20_000;

interface Figures {
  readonly perSecond: number;
  /** CPU time a message, of all threads and of the event loop's alone. */
  readonly cpuUs: number;
  readonly loopUs: number;
}

const submits = range(POOL, (index) => ({
  ...{ source_addr: '0212345678', destination_addr: receiver(index) },
  ...{ data_coding: 8, short_message: hangul(index) },
}));

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
const median = (values: readonly number[]): number => percentile(values, 0.5);
const mediansOf = (figures: readonly Figures[]): Figures => ({
  perSecond: median(figures.map(({ perSecond }) => perSecond)),
  cpuUs: median(figures.map(({ cpuUs }) => cpuUs)),
  loopUs: median(figures.map(({ loopUs }) => loopUs)),
});

/** Starts the watches. What is returned stops them, after so many messages. */
function watch(): (messages: number) => Figures {
  const [cpu, loop, start] = [process.cpuUsage(), process.threadCpuUsage(), performance.now()];
  const each = (used: NodeJS.CpuUsage, messages: number): number => (used.user + used.system) / messages;
  return (messages) => ({
    perSecond: (messages * 1000) / (performance.now() - start),
    cpuUs: each(process.cpuUsage(cpu), messages),
    loopUs: each(process.threadCpuUsage(loop), messages),
  });
}

async function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  const limit = new AbortController();
  const late = sleep(PATIENCE_MS, null, { signal: limit.signal, ref: false }).then(() => {
    throw new Error(`${what}: not done within ${PATIENCE_MS / 1000} s`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    limit.abort();
  }
}

// The agent ----------------------------------------------------------------------------------------------------------

let agents = 0;

/** With a store and an account of its own. */
function newAgent(folder: string, ports: Ports, { count, connections }: Shape, dial: Dial): Rig {
  const file = path.join(fs.mkdtempSync(path.join(folder, 'agent-')), 'store.db');
  return startAgent({ file, id: `bench${count}.${agents++}`, ports, connections, dial });
}

/** Inputs one after the other, as many on their way as there may be, until `goOn` says no; then waits for the rest. */
async function feed({ agent, done }: Rig, goOn: () => boolean): Promise<number> {
  let handed = 0;
  const lane = async (): Promise<void> => {
    while (goOn()) {
      const input = inputAfter(handed);
      handed += INPUT;
      const outcomes = await agent.send(input, { settle: 'accepted' });
      // A report may overtake the answer.
      const bad = outcomes.find(({ status }) => status !== 'accepted' && status !== 'delivered');
      if (bad) throw bad.error ?? new Error(`a message ended as ${bad.status}`);
      done.accepted += INPUT;
    }
  };
  await Promise.all(range(ON_THE_WAY / INPUT, lane));
  return handed;
}

/** From the first input until the last report has been given to the flow. */
async function throughput(rig: Rig, runMs: number): Promise<Figures> {
  const { done } = rig;
  const before = done.reported;
  const stopped = watch();
  const start = performance.now();
  const handed = await feed(rig, () => performance.now() - start < runMs);
  while (done.reported - before < handed) await sleep(1);
  return stopped(handed);
}

async function smppThroughput(smpp: SmppClient, window: number, receipts: boolean): Promise<Figures> {
  const before = smpp.receipts;
  const stopped = watch();
  const start = performance.now();
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < SMPP_RUN_MS) {
      const fields = { ...submits[sent++ % POOL], registered_delivery: receipts ? 1 : 0 };
      const status = await new Promise<number>((resolve) => {
        smpp.session.submit_sm(fields, ({ command_status }) => resolve(command_status));
      });
      if (status !== 0) throw new Error(`submit_sm was answered with ${status}`);
    }
  };
  await Promise.all(range(window, lane));
  while (receipts && smpp.receipts - before < sent) await sleep(1);
  return stopped(sent);
}

const shapes: readonly (Shape & { readonly goal: number | null })[] = [
  { count: 30, connections: 1, goal: 1 },
  { count: 30, connections: 4, goal: 2 },
  { count: 100, connections: 1, goal: 2 },
  { count: 100, connections: 4, goal: null },
];

async function compareThroughput(folder: string, ports: Ports): Promise<boolean> {
  const [{ port }, stopSmpp] = await startChild<{ port: number }>('smpp');
  const smpp = await connectSmpp(port);
  const rigs = shapes.map((shape) => newAgent(folder, ports, shape, dialTcp));
  const theirs = SMPP_SHAPES.map((): Figures[] => []);
  const ours = shapes.map((): Figures[] => []);
  // The first round warms up. Then by turns, so that a noisy neighbour hits all, and back and forth, so that none always
  // comes behind the same other one, whose garbage is still being collected.
  for (let run = 0; run <= RUNS; run++) {
    for (const [i, { window, receipts }] of SMPP_SHAPES.entries()) {
      const figures = await patiently(smppThroughput(smpp, window, receipts), `smpp, window ${window}`);
      if (run > 0) theirs[i]?.push(figures);
    }
    const entries = [...rigs.entries()];
    for (const [i, rig] of run % 2 === 0 ? entries : entries.reverse()) {
      const figures = await patiently(throughput(rig, RUN_MS), `agent ${i + 1}`);
      if (run > 0) ours[i]?.push(figures);
    }
  }
  smpp.session.destroy();
  stopSmpp();
  await Promise.all(rigs.map((rig) => rig.stop()));

  const yardstick = (receipts: boolean): number => {
    const index = SMPP_SHAPES.findIndex((shape) => shape.window === SMPP_YARDSTICK && shape.receipts === receipts);
    return mediansOf(theirs[index] ?? []).perSecond;
  };
  const [withReceipts, without] = [yardstick(true), yardstick(false)];
  const columns = [12, 14, 16, 18, 16];
  const line = (name: string, values: readonly string[], judged = ''): void =>
    console.log(name.padEnd(36) + values.map((value, i) => value.padStart(columns[i] ?? 0)).join('') + judged);
  line('', ['messages/s', 'CPU us each', 'in event loop', 'to smpp 30 with', 'and without']);
  const row = (name: string, { perSecond, cpuUs, loopUs }: Figures, goal: number | null): boolean => {
    const ratio = perSecond / withReceipts;
    const ratios = [ratio, perSecond / without].map((one) => `${one.toFixed(2)}x`);
    const judged = goal === null ? '' : `   goal ${goal}x: ${ratio >= goal ? 'met' : 'MISSED'}`;
    line(name, [perSecond.toFixed(0), cpuUs.toFixed(0), loopUs.toFixed(0), ...ratios], judged);
    return goal === null || ratio >= goal;
  };
  for (const [i, { window, receipts }] of SMPP_SHAPES.entries()) {
    row(`smpp, window ${window}, ${receipts ? 'with' : 'without'} receipts`, mediansOf(theirs[i] ?? []), null);
  }
  const met = shapes.map((shape, i) => row(`agent, ${nameOf(shape)}`, mediansOf(ours[i] ?? []), shape.goal));
  return met.every(Boolean);
}

const nameOf = ({ count, connections }: Shape): string =>
  `${count} a frame, ${connections} connection${connections > 1 ? 's' : ''}`;

// Long lines ---------------------------------------------------------------------------------------------------------

/** The round trip of a frame as bare clients have it that send the same one again and again, with or without a sync before. */
async function bareRoundTripMs(port: number, { count, connections }: Shape, record: () => void): Promise<number> {
  const trips = await Promise.all(range(connections, () => bareTrips(port, count, record)));
  return (connections * BARE_MS) / trips.reduce((sum, each) => sum + each, 0);
}

/** How many such a client makes in its time, the last one counted by its share in it. */
async function bareTrips(port: number, count: Shape['count'], record: () => void): Promise<number> {
  const codec = new Codec(defaultWire);
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  const framer = new Framer();
  let answered = (): void => {};
  socket.on('data', (chunk) => {
    if (framer.push(chunk).length > 0) answered();
  });
  const ask = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      answered = resolve;
      socket.write(bytes);
    });
  await ask(codec.encode('1010', { ID: `bench${count}.0`, PASSWORD: 'bench' }));
  const records = range(count, (index) => ({
    ...{ GRP_ID: 'bare', MSG_ID: `bare${index}`, SENDER: '0212345678', RECEIVER: receiver(index) },
    ...{ TIMEOUT_DT: formatKst(Date.now() + 3_600_000), URL: '', MSG: hangul(index), USERCODE: '' },
  }));
  const frame = codec.encode('1020', { records });
  const start = performance.now();
  let trips = 0;
  for (; performance.now() - start < BARE_MS; trips++) {
    record();
    await ask(frame);
  }
  socket.destroy();
  return (trips * BARE_MS) / (performance.now() - start);
}

const longLineShapes: readonly Shape[] = [
  { count: 30, connections: 1 },
  { count: 30, connections: 4 },
  { count: 100, connections: 1 },
];

/** Messages a second while the queue is never empty, from the end of one input to the end of another. */
async function steady(rig: Rig): Promise<number> {
  let over = false;
  const feeding = feed(rig, () => !over);
  const nextInput = async (): Promise<{ accepted: number; atMs: number }> => {
    const { accepted } = rig.done;
    while (rig.done.accepted === accepted) await Promise.race([sleep(1), feeding]);
    return { accepted: rig.done.accepted, atMs: performance.now() };
  };
  while (rig.done.accepted < WARM_UP) await nextInput();
  const first = await nextInput();
  await sleep(LONG_LINE_MS);
  const last = await nextInput();
  over = true;
  await feeding;
  return ((last.accepted - first.accepted) * 1000) / (last.atMs - first.atMs);
}

async function longLines(folder: string, ports: Ports): Promise<boolean> {
  const disk = new BareDisk(folder);
  const columns = [10, 10, 9, 13, 9, 13, 9];
  const line = (name: string, values: readonly string[], judged = ''): void =>
    console.log(name.padEnd(34) + values.map((value, i) => value.padStart(columns[i] ?? 0)).join('') + judged);
  console.log(
    '\nlong lines: the limit is connections x count / round trip, as set; as bare clients have it with such frames in',
  );
  console.log(
    'the same minute, by which the goal is judged; and as they have it when they sync 600 bytes before each frame\n',
  );
  line('', ['msgs/s', 'limit/s', 'share', 'bare', 'share', 'with sync', 'share']);
  let met = true;
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const args = [roundTripMs, ports.smsSend, ports.smsReport].map(String);
    const [far, stopProxy] = await startChild<Ports>('proxy', args);
    for (const shape of longLineShapes) {
      const bareMs = await patiently(
        bareRoundTripMs(far.smsSend, shape, () => {}),
        'bare frames',
      );
      const syncedMs = await patiently(
        bareRoundTripMs(far.smsSend, shape, () => disk.record()),
        'bare frames',
      );
      const rig = newAgent(folder, far, shape, dialTcp);
      const perSecond = await patiently(steady(rig), `a round trip of ${roundTripMs} ms`);
      await rig.stop();
      const limit = (tripMs: number): number => (shape.connections * shape.count * 1000) / tripMs;
      const percent = (tripMs: number): string => `${((perSecond / limit(tripMs)) * 100).toFixed(1)} %`;
      const isMet = perSecond >= LONG_LINE_SHARE * limit(bareMs);
      met &&= isMet;
      line(
        `${roundTripMs} ms, ${nameOf(shape)}`,
        [
          ...[perSecond.toFixed(0), limit(roundTripMs).toFixed(0), percent(roundTripMs)],
          ...[`${bareMs.toFixed(2)} ms`, percent(bareMs), `${syncedMs.toFixed(2)} ms`, percent(syncedMs)],
        ],
        `   goal ${LONG_LINE_SHARE * 100} %: ${isMet ? 'met' : 'MISSED'}`,
      );
    }
    stopProxy();
  }
  disk.close();
  return met;
}

/** What the disk alone takes for one record that is synced. */
class BareDisk {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(ALARM_BYTES, 120);

  constructor(folder: string) {
    this.#file = fs.openSync(path.join(folder, 'bare'), 'a');
  }

  record(): void {
    fs.writeSync(this.#file, this.#bytes);
    fs.fdatasyncSync(this.#file);
  }

  close(): void {
    fs.closeSync(this.#file);
  }
}

// One alarm ----------------------------------------------------------------------------------------------------------

async function alarms(folder: string, ports: Ports): Promise<void> {
  let written = (): void => {};
  const dial: Dial = (target, events) => {
    const wire = dialTcp(target, events);
    const { smsSend } = ports;
    if (target.port !== smsSend) return wire;
    return {
      ...wire,
      write(bytes) {
        wire.write(bytes);
        written();
      },
    };
  };
  const rig = newAgent(folder, ports, { count: 30, connections: 1 }, dial);
  await patiently(throughput(rig, 200), 'the warm-up');
  const disk = new BareDisk(folder);
  const toBytes: number[] = [];
  const toAccepted: number[] = [];
  const syncs: number[] = [];
  for (let i = 0; i < ALARMS; i++) {
    const reported = rig.done.reported;
    const start = performance.now();
    written = () => {
      toBytes.push(performance.now() - start);
      written = () => {};
    };
    await rig.agent.send([requests[i % POOL] as SendRequest], { settle: 'accepted' });
    toAccepted.push(performance.now() - start);
    while (rig.done.reported === reported) await sleep(1);
    const between = performance.now();
    disk.record();
    syncs.push(performance.now() - between);
  }
  disk.close();
  await rig.stop();
  console.log(`\none alarm on an idle link, ${ALARMS} times          p50 ms    p99 ms`);
  const row = (name: string, values: readonly number[]): void =>
    console.log(
      `${name.padEnd(44)}${percentile(values, 0.5).toFixed(2).padStart(8)}${percentile(values, 0.99).toFixed(2).padStart(10)}`,
    );
  row('from send() to its bytes on the socket', toBytes);
  row("from send() to the gateway's answer, settled", toAccepted);
  row(`bare append of ${ALARM_BYTES} bytes and fdatasync`, syncs);
}

// Long inputs --------------------------------------------------------------------------------------------------------

/** One input with many receivers, while others' timers want to fire. */
async function longInputs(folder: string, ports: Ports): Promise<void> {
  const rig = newAgent(folder, ports, { count: 30, connections: 4 }, dialTcp);
  await patiently(throughput(rig, 200), 'the warm-up');
  console.log('\none input for many receivers   stored after ms   event loop held up for ms at most');
  for (const count of LONG_INPUTS) {
    const { reported } = rig.done;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const start = performance.now();
    await rig.agent.send([{ ...(requests[0] as SendRequest), to: range(count, receiver) }], { settle: 'stored' });
    const took = performance.now() - start;
    delay.disable();
    console.log(
      count.toLocaleString('en').padEnd(30) + took.toFixed(0).padStart(18) + (delay.max / 1e6).toFixed(0).padStart(36),
    );
    while (rig.done.reported - reported < count) await sleep(1);
  }
  await rig.stop();
}

export async function run(args: readonly string[] = []): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ushot-bench-'));
  const load = os.loadavg()[0] ?? 0;
  console.log(
    `Node ${process.versions.node}, ${os.availableParallelism()} cores (load before the start: ${load.toFixed(1)}), medians of ${RUNS} runs\n`,
  );
  const [ports, stopGateway] = await startChild<Ports>('gateway');
  try {
    const all = args.length === 0;
    const met = [];
    if (all || args.includes('throughput')) met.push(await compareThroughput(folder, ports));
    if (all || args.includes('lines')) met.push(await longLines(folder, ports));
    if (all || args.includes('alarm')) await alarms(folder, ports);
    if (all || args.includes('inputs')) await longInputs(folder, ports);
    if (!met.every(Boolean)) process.exitCode = 1;
  } finally {
    stopGateway();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

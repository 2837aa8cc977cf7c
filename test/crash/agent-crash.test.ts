/**
 * The promises of the design, through `kill -9`: a process that takes messages all the time is killed at random moments
 * and started again on the same file, while the simulated gateway, in this process, remembers every id. Some links are
 * cut as well. In the end it may run undisturbed until nothing is open, and the promises are counted.
 *
 * `USHOT_KILLS=300` kills that often; `USHOT_SEED=n` makes the choices of another run again (when to kill, which links to
 * cut, what to send), though not the machine's own timing.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { type Fault, type Simulator, seededRandom, startSimulator } from '../../lib/simulator/index.ts';
import { SendingChild } from './sending-child.ts';

const kills = Number(process.env['USHOT_KILLS'] ?? 12);
const seed = Number(process.env['USHOT_SEED'] ?? Date.now() % 1_000_000);

const CONNECTIONS = 2;
const PER_REQUEST = 30;
/** A life whose moment does not come ends here. */
const LONGEST_LIFE_MS = 1_500;
/** From the last kill until nothing is open. */
const SETTLING_MS = 60_000;

const faults: readonly Fault[] = [
  { kind: 'cut-before-take', probability: 0.005 },
  { kind: 'cut-before-answer', probability: 0.01 },
  { kind: 'cut-in-answer', probability: 0.01 },
  { kind: 'cut-after-answer', probability: 0.01 },
  { kind: 'late', probability: 0.1, delayMs: 20 },
  { kind: 'report-twice', probability: 0.01 },
];

/** What a life is ended by: a time, or the n-th of something that happens. */
const moments = {
  /** Milliseconds after the start, while the store is perhaps not open yet. */
  start: 400,
  /** Milliseconds after the store was opened. */
  time: 800,
  /** Messages taken by the gateway: before it answers. */
  taken: 400,
  /** Reports that the gateway sends: before they can be acknowledged. */
  reported: 300,
  /** Things that the process says. */
  accepted: 60,
  claimed: 60,
  sure: 60,
  report: 300,
  /** No kill: milliseconds until it is stopped in good order. */
  stop: 600,
} as const;
type Moment = keyof typeof moments;
const momentNames = Object.keys(moments) as Moment[];

class Trial {
  readonly name: string;
  readonly accepted = new Set<string>();
  readonly emitted = new Set<string>();
  /** How often each id was in doubt. */
  readonly doubts = new Map<string, number>();
  readonly troubles: string[] = [];
  /** Ids in frames that may be on the wire, as far as the process has said. */
  readonly #out = new Set<string>();
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'ushot-crash-'));
  readonly file = path.join(this.#folder, 'account.db');
  readonly #settings: Readonly<Record<string, string | number>>;
  readonly #random: () => number;
  readonly simulator: Simulator;
  mostOut = 0;
  kills = 0;

  private constructor(protocol: string, inDoubt: string, simulator: Simulator, random: () => number) {
    this.name = `${protocol} ${inDoubt}`;
    this.simulator = simulator;
    this.#random = random;
    const { smsSend, smsReport, mmsSend, mmsReport } = simulator.ports;
    this.#settings = {
      ...{ protocol, inDoubt, id: 'crash', password: 'secret', host: '127.0.0.1', pictures: 'as-is' },
      ...{ smsSendPort: smsSend, smsReportPort: smsReport, mmsSendPort: mmsSend, mmsReportPort: mmsReport },
      ...{ connections: CONNECTIONS, inDoubtSeconds: 0.1, pollSeconds: 1, reconnectSeconds: 0.1, timeoutSeconds: 5 },
    };
  }

  static async begin(protocol: string, inDoubt: string, trialSeed: number): Promise<Trial> {
    const simulator = await startSimulator({
      ...{ seed: trialSeed, journal: 'ids', reportLimit: Number.POSITIVE_INFINITY },
      // Longer than the hold at times, so that a message in doubt is sent again before its report comes.
      reportDelayMs: { min: 5, max: 3_000 },
      terms: { maxPerRequest: PER_REQUEST, balance: 99_999_999, smsCost: 0, lmsCost: 0, mmsCost: 0 },
    });
    for (const fault of faults) simulator.gateway.faults.add(fault);
    return new Trial(protocol, inDoubt, simulator, seededRandom(trialSeed));
  }

  async end(): Promise<void> {
    await this.simulator.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One life of the process, to its end. */
  async live(): Promise<void> {
    const moment = momentNames[Math.floor(this.#random() * momentNames.length)] ?? 'time';
    const at = 1 + Math.floor(this.#random() * moments[moment]);
    const { gateway } = this.simulator;
    let happened = 0;
    let timer: NodeJS.Timeout | undefined;
    const die = () => {
      if (moment === 'stop') child.stop();
      else child.kill();
    };
    const count = (what: Moment) => {
      if (what === moment && ++happened === at) die();
    };
    const child = this.#start(true, (word) => {
      if (word === 'up') timer ??= setTimeout(die, moment === 'time' || moment === 'stop' ? at : LONGEST_LIFE_MS);
      if (word in moments) count(word as Moment);
    });
    if (moment === 'start') timer = setTimeout(die, at);
    const ends = [gateway.onMessage(() => count('taken')), gateway.onReport(() => count('reported'))];
    await child.ended().finally(() => clearTimeout(timer));
    for (const end of ends) end();
    if (moment !== 'stop') this.kills++;
    else assert.equal(this.#out.size, 0, `${this.name}: a stop in good order settles what is out`);
    this.#lost();
  }

  /** Lets the process run until nothing is open but what is held for the operator. */
  async settle(): Promise<void> {
    const { gateway } = this.simulator;
    let open = '';
    const child = this.#start(false, (word, rest) => {
      if (word !== 'open') return;
      open = rest;
      if (rest.startsWith('0 ') && gateway.reportsPlanned + gateway.reportsWaiting === 0) child.stop();
    });
    const deadline = setTimeout(() => child.kill(), SETTLING_MS);
    await child.ended().finally(() => clearTimeout(deadline));
    this.#lost();
    if (open.startsWith('0 ')) return;
    const waiting = gateway.reportsPlanned + gateway.reportsWaiting;
    const states = JSON.stringify(await this.states());
    throw new Error(`Not settled: open ${open}, ${states}, the gateway has ${waiting} reports; ${this.troubles}`);
  }

  /** The operator decides that all that is held goes out again. Resolves with what was. */
  async release(): Promise<string[]> {
    const ids = this.stored();
    const outbox = new SqliteOutbox({ file: this.file });
    await outbox.open(Date.now());
    const released = await outbox.release(ids, Date.now());
    await outbox.close();
    return released.map(({ messageId }) => messageId);
  }

  /** Every id in the file, whether or not anybody was told. */
  stored(): string[] {
    const db = new DatabaseSync(this.file);
    const rows = db.prepare('SELECT message_id AS id FROM messages').all() as { id: string }[];
    db.close();
    return rows.map(({ id }) => id);
  }

  async states(): Promise<Record<string, number>> {
    const ids = this.stored();
    const outbox = new SqliteOutbox({ file: this.file });
    await outbox.open(Date.now());
    const states: Record<string, number> = {};
    for (const { state } of await outbox.get(ids)) states[state] = (states[state] ?? 0) + 1;
    await outbox.close();
    return states;
  }

  #start(takes: boolean, hear: (word: string, rest: string) => void): SendingChild {
    const options = { file: this.file, settings: this.#settings, seed: Math.floor(this.#random() * 2 ** 31), takes };
    return new SendingChild(options, (word, rest) => {
      this.#hear(word, rest);
      hear(word, rest);
    });
  }

  #hear(word: string, rest: string): void {
    if (word === 'trouble') this.troubles.push(rest);
    else if (word === 'report') this.emitted.add(rest);
    else if (word === 'accepted') for (const id of rest.split(',')) this.accepted.add(id);
    else if (word === 'claimed') for (const id of rest.split(',')) this.#out.add(id);
    else if (word === 'sure') for (const id of rest.split(',')) this.#out.delete(id);
    else if (word === 'doubted') for (const id of rest.split(',')) this.#doubt(id);
    this.mostOut = Math.max(this.mostOut, this.#out.size);
  }

  #doubt(id: string): void {
    this.#out.delete(id);
    this.doubts.set(id, (this.doubts.get(id) ?? 0) + 1);
  }

  /** The process has ended: what was out is in doubt. */
  #lost(): void {
    for (const id of [...this.#out]) this.#doubt(id);
  }
}

interface Figures {
  /** For people. */
  readonly line: string;
  readonly broken: Readonly<Record<string, readonly string[]>>;
  readonly states: Readonly<Record<string, number>>;
  readonly stored: number;
  readonly mostOut: number;
}

async function run(protocol: string, inDoubt: string, trialSeed: number, share: number): Promise<Figures> {
  const trial = await Trial.begin(protocol, inDoubt, trialSeed);
  try {
    while (trial.kills < share) await trial.live();
    trial.simulator.gateway.faults.clear();
    await trial.settle();
    const { gateway } = trial.simulator;
    const released = inDoubt === 'hold' ? await trial.release() : [];
    const heldThoughTaken = released.filter((id) => gateway.seen(id));
    if (released.length > 0) await trial.settle();

    const stored = new Set(trial.stored());
    const taken = [...gateway.ids()];
    const twice = taken.filter(([, seen]) => seen.taken > 1);
    // Under `hold` nothing goes out again by itself, and what the operator released had not arrived.
    const allowed = (id: string) => 1 + (inDoubt === 'hold' ? 0 : (trial.doubts.get(id) ?? 0));
    const broken = {
      'accepted and never submitted': [...trial.accepted].filter((id) => !stored.has(id) || !gateway.seen(id)),
      'submitted twice outside the policy': twice.filter(([id, seen]) => seen.taken > allowed(id)).map(([id]) => id),
      'reports acknowledged and not emitted': taken
        .filter(([id, seen]) => seen.acknowledged > 0 && !trial.emitted.has(id))
        .map(([id]) => id),
      'stored and never submitted': [...stored].filter((id) => !gateway.seen(id)),
      'submitted and not in the store': taken.map(([id]) => id).filter((id) => !stored.has(id)),
      'held though its report came': heldThoughTaken,
      'troubles of the store': trial.troubles,
      'complaints of the gateway': gateway.journal.complaints.map(({ text }) => text),
    };
    const counts = Object.entries(broken).map(([what, ids]) => `${what} ${ids.length}`);
    const line = [
      `${protocol} ${inDoubt}: ${trial.kills} kills, ${trial.accepted.size} accepted`,
      `${stored.size - trial.accepted.size} stored but killed before saying so, ${trial.doubts.size} in doubt`,
      inDoubt === 'hold' ? `${released.length} released from hold` : `${twice.length} in doubt sent again`,
      ...counts.slice(0, 3),
    ].join('; ');
    return { line, broken, states: await trial.states(), stored: stored.size, mostOut: trial.mostOut };
  } finally {
    await trial.end();
  }
}

describe('agent, killed again and again', function () {
  this.timeout(120_000 + kills * 5_000);

  const kinds = [
    ['SAM11', 'hold'],
    ['SAM11', 'resend'],
    ['SAM10', 'hold'],
    ['SAM10', 'resend'],
  ] as const;
  /** All at the same time: most of it is waiting. */
  let runs: readonly Promise<Figures>[];
  before(() => {
    const share = Math.ceil(kills / kinds.length);
    runs = kinds.map(([protocol, inDoubt], index) => run(protocol, inDoubt, seed + index, share));
    for (const one of runs) one.catch(() => {});
  });
  after(async () => {
    const ends = await Promise.allSettled(runs);
    const lines = ends.map((end) => `    ${end.status === 'fulfilled' ? end.value.line : end.reason}`);
    console.log(`\n  Killed with SIGKILL (USHOT_SEED=${seed}):\n${lines.join('\n')}`);
  });

  for (const [index, [protocol, inDoubt]] of kinds.entries()) {
    it(`keeps its promises with ${protocol}, policy ${inDoubt}`, async () => {
      const { broken, states, stored, mostOut } = (await runs[index]) as Figures;
      for (const [what, ids] of Object.entries(broken)) assert.deepEqual(ids, [], what);
      assert.deepEqual(states, { DELIVERED: stored }, 'every message has its end');
      assert.ok(mostOut <= 2 * CONNECTIONS * PER_REQUEST, `more than a frame a connection: ${mostOut}`);
    });
  }
});

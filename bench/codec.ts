/**
 * The codec beside that of the `smpp` package, in the same run: what one message costs to encode (30 a frame against
 * submit_sm, each with 45 Hangul), and what one report costs to decode (100 a frame against a deliver_sm receipt).
 * Whole frames on both sides: ours from values to bytes and from bytes through the framer to values, straight from the
 * table; theirs PDU to bytes and bytes to PDU. All inputs are made beforehand.
 */

import { createRequire } from 'node:module';
import { type BodyInput, Codec, defaultWire, Framer, formatKst } from '../lib/protocol/index.ts';

export const about = 'encoding and decoding a message, beside the smpp package';

const RUNS = 5;
const RUN_MS = 400;
const MESSAGES = 30;
const REPORTS = 100;
/** So many different frames take turns, so that nothing profits from seeing the same one again. */
const FRAMES = 32;
/** What issue 2 asks for. */
const GOAL = 15;

/** The little of the `smpp` package that is used here; it has no types. */
interface Smpp {
  PDU: new (command: string | Buffer, options?: object) => { toBuffer(): Buffer };
}

const smpp = createRequire(import.meta.url)('smpp') as Smpp;

const range = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** 45 syllables, 90 bytes, different for each `seed`. */
const hangul = (seed: number): string =>
  String.fromCharCode(...range(45, (index) => 0xac00 + ((seed * 7919 + index * 263) % 11172)));

const idOf = (frame: number, index: number): string => `20261123${String(frame * 1000 + index).padStart(12, '0')}`;
const phoneOf = (index: number): string => `0100000${String(index % 10000).padStart(4, '0')}`;
const NOON = Date.UTC(2026, 10, 23, 3);

/** A copy with plain strings, as values are that come from a store or a socket. */
const fresh = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Calls `round` for a while; gives the messages a second, `each` at a call. */
function speed(round: (turn: number) => unknown, each: number): number {
  let turns = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < RUN_MS) {
    for (let index = 0; index < 64; index += 1) sink = round(turns + index);
    turns += 64;
    elapsed = performance.now() - start;
  }
  return (turns * each * 1000) / elapsed;
}

/** Keeps results alive, so that the work cannot be optimised away. */
export let sink: unknown;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

function compare(title: string, ours: () => number, theirs: () => number, theirName: string): boolean {
  // Once to warm up, then by turns, so that a noisy neighbour hits both.
  ours();
  theirs();
  const pairs = range(RUNS, () => [ours(), theirs()] as const);
  const own = median(pairs.map(([first]) => first));
  const other = median(pairs.map(([, second]) => second));
  const ratio = own / other;
  const thousands = (value: number): string => `${Math.round(value / 1000).toLocaleString('en-US')} k/s`.padStart(12);
  console.log(`${title.padEnd(44)}${thousands(own)}`);
  console.log(`${theirName.padEnd(44)}${thousands(other)}`);
  console.log(`${'ratio'.padEnd(44)}${`${ratio.toFixed(1)}x`.padStart(12)}  (goal ${GOAL}x)\n`);
  return ratio >= GOAL;
}

export async function run(): Promise<void> {
  const codec = new Codec(defaultWire);
  console.log(`messages a second, medians of ${RUNS} runs, Node ${process.versions.node}\n`);

  const bodies = range(
    FRAMES,
    (frame): BodyInput<'1020'> =>
      fresh({
        // A batch from one sender, accepted within one second; each message with a receiver and a text of its own.
        records: range(MESSAGES, (index) => ({
          GRP_ID: idOf(frame, 0),
          MSG_ID: idOf(frame, index),
          SENDER: '0212345678',
          RECEIVER: phoneOf(index),
          TIMEOUT_DT: formatKst(NOON + frame * 1000),
          MSG: hangul(frame * MESSAGES + index),
        })),
      }),
  );
  // The package finds out by itself that the text needs UCS-2, as we find out whether it can be written in CP949.
  const submits = range(FRAMES, (frame) =>
    fresh({
      source_addr: '0212345678',
      destination_addr: phoneOf(frame),
      registered_delivery: 1,
      validity_period: '000001000000000R',
      short_message: hangul(frame),
    }),
  );
  const encodes = compare(
    `encode 1020, ${MESSAGES} messages of 90 bytes`,
    () => speed((turn) => codec.encode('1020', bodies[turn % FRAMES] as BodyInput<'1020'>), MESSAGES),
    () => speed((turn) => new smpp.PDU('submit_sm', submits[turn % FRAMES]).toBuffer(), 1),
    'encode smpp submit_sm, UCS-2',
  );

  const reports = range(FRAMES, (frame) =>
    codec.encode('1031', {
      records: range(REPORTS, (index) => ({
        GRP_ID: idOf(frame, 0),
        MSG_ID: idOf(frame, index),
        RECEIVER: phoneOf(index),
        SEND_DT: formatKst(NOON + index * 1000),
        RESULT: '6',
        TELECOM: '01190',
      })),
    }),
  );
  const receipts = range(FRAMES, (frame) =>
    new smpp.PDU('deliver_sm', {
      source_addr: phoneOf(frame),
      destination_addr: '0212345678',
      esm_class: 4,
      short_message: `id:${idOf(frame, 0)} sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:DELIVRD err:000 text:`,
    }).toBuffer(),
  );
  const framer = new Framer();
  const decodes = compare(
    `decode 1031, ${REPORTS} reports`,
    () => speed((turn) => framer.push(reports[turn % FRAMES] as Buffer).map((frame) => codec.decode(frame)), REPORTS),
    () => speed((turn) => new smpp.PDU(receipts[turn % FRAMES] as Buffer), 1),
    'decode smpp deliver_sm receipt',
  );
  if (!encodes || !decodes) process.exitCode = 1;
}

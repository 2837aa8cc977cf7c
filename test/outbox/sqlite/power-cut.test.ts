/**
 * Power cuts: the writes and syncs of a working process are recorded, and the store is rebuilt as it may lie on a disk
 * after a cut at any moment: what was synced is there, of what was not any sectors and any names may be missing. Whatever
 * the process had said to be kept by then must be found, with every attachment that is still needed.
 *
 * USHOT_POWER_CUTS sets how many moments are tried (60); USHOT_CRASH_SEED repeats a choice of them. Needs strace.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { START_MS } from '../messages.ts';
import type { Line } from './child.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';
import { Disk, type Event, readTrace, TRACED, writeRemains } from './recording.ts';
import { check, checkFile, Told } from './told.ts';

const cuts = Number(process.env['USHOT_POWER_CUTS'] ?? 60);
const seed = Number(process.env['USHOT_CRASH_SEED'] ?? randomInt(1_000_000));
/** What the process says before it is stopped: enough that its log was brought into the file several times. */
const LINES = 400;
/** So small a log that this happens often; and so few messages that many are written into rows ahead. */
const CHECKPOINT_PAGES = 100;
const MOST_UNWRITTEN = 160;

function hasStrace(): boolean {
  try {
    // In some containers it is there and may not trace.
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore', timeout: 15_000 });
    return true;
  } catch {
    return false;
  }
}

function random(seedNumber: number): () => number {
  let state = seedNumber >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function record(folder: string, file: string): Promise<Event[]> {
  const trace = path.join(folder, 'trace');
  const child = path.join(import.meta.dirname, 'child.ts');
  const command = [process.execPath, ...process.execArgv, child, 'work', file, String(seed)];
  command.push(String(CHECKPOINT_PAGES), String(MOST_UNWRITTEN));
  const strace = spawn('strace', ['-f', '-xx', '-s', '100000000', '-e', `trace=${TRACED}`, '-o', trace, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // So that it can be stopped together with what it traces.
    detached: true,
  });
  const ended = once(strace, 'close');
  let lines = 0;
  for await (const _ of createInterface({ input: strace.stdout })) {
    if (++lines === LINES && strace.pid !== undefined) process.kill(-strace.pid, 'SIGKILL');
  }
  await ended;
  return readTrace(fs.readFileSync(trace, 'utf8'), path.dirname(file));
}

describe('power cuts', () => {
  it(`lose nothing that was said to be kept (seed ${seed}, ${cuts} cuts)`, async function () {
    if (!hasStrace()) {
      console.log('      strace is not here, or may not trace: no power was cut');
      return;
    }
    this.timeout(60_000 + cuts * 2_000);
    const folder = makeFolder();
    const file = path.join(folder, 'recorded', 'account.db');
    const rebuilt = path.join(folder, 'rebuilt');
    const figures = { kept: 0, neverAnswered: 0, attachments: 0, syncs: 0 };
    try {
      const events = await record(folder, file);
      figures.syncs = events.filter(({ kind }) => kind === 'sync').length;
      assert.ok(figures.syncs > 20, `only ${figures.syncs} syncs were recorded`);
      const chance = random(seed);
      const moments = Array.from({ length: cuts }, () => Math.floor(chance() * events.length)).toSorted(
        (a, b) => a - b,
      );
      const disk = new Disk();
      const told = new Told();
      let taken = 0;
      for (const moment of moments) {
        for (; taken <= moment; taken++) {
          const event = events[taken];
          if (event === undefined) break;
          disk.take(event);
          if (event.kind !== 'said') continue;
          for (const line of event.text.split('\n')) if (line !== '') told.take(JSON.parse(line) as Line);
        }
        writeRemains(disk.remains(chance), path.dirname(file), rebuilt);
        const outbox = inProcessOutbox({ file: path.join(rebuilt, path.basename(file)) });
        try {
          await outbox.open(START_MS);
          const { neverAnswered, attachments } = await check(outbox, told);
          figures.neverAnswered += neverAnswered;
          figures.attachments += attachments;
          figures.kept += told.done.size;
        } catch (error) {
          throw new Error(`after event ${moment} of ${events.length}`, { cause: error });
        } finally {
          await outbox.close();
        }
        checkFile(path.join(rebuilt, path.basename(file)));
      }
    } finally {
      removeFolder(folder);
    }
    console.log(
      `      ${cuts} cuts among ${figures.syncs} syncs: ${figures.kept} times a message that was said to be kept, 0 lost; ` +
        `${figures.neverAnswered} never answered and not kept; ${figures.attachments} times an attachment, all whole`,
    );
  });
});

/** Pictures wait on the disk, not in memory: measured in a process of its own, with the simulated gateway beside it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Simulator, startSimulator } from '../../lib/simulator/index.ts';

interface Alive {
  readonly heapBytes: number;
  readonly bufferBytes: number;
  readonly rssBytes: number;
}

const MMS = 1000;

describe('MMS: memory', () => {
  let folder: string;
  let simulator: Simulator;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ushot-mms-memory-'));
    simulator = await startSimulator({ reportDelayMs: { min: 0, max: 0 }, keptFiles: 10 });
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('stays bounded while 1,000 MMS with 200 kB pictures wait, and their inputs for an answer', async function () {
    this.timeout(90_000);
    await simulator.refuse();
    const { mmsSend, mmsReport } = simulator.ports;
    const script = fileURLToPath(new URL('waiting-process.ts', import.meta.url));
    const args = ['--expose-gc', script, folder, mmsSend, mmsReport, MMS].map(String);
    // What glibc keeps for later use is not what pictures need.
    const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536' };
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    const ended = once(child, 'close');
    assert.ok(child.stdout);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async <T>() => JSON.parse((await lines.next()).value ?? '{}') as T;

    const { before, waiting, attachments } = await next<{ before: Alive; waiting: Alive; attachments: number }>();
    if (process.env['SHOW']) console.log(before, waiting, attachments);
    assert.equal(attachments, MMS);
    const growth = (later: Alive) =>
      (later.heapBytes + later.bufferBytes - before.heapBytes - before.bufferBytes) / 1e6;
    assert.ok(growth(waiting) < 40, `${growth(waiting)} MB more are alive`);
    assert.ok((waiting.rssBytes - before.rssBytes) / 1e6 < 120, `rss ${before.rssBytes} -> ${waiting.rssBytes}`);

    await simulator.accept();
    const after = await next<{ ended: Alive; mostBufferBytes: number; attachments: number }>();
    if (process.env['SHOW']) console.log(after);
    assert.equal(after.attachments, 0);
    assert.ok(growth(after.ended) < 40, `${growth(after.ended)} MB are alive at the end`);
    assert.ok(after.mostBufferBytes / 1e6 < 60, `${after.mostBufferBytes / 1e6} MB of Buffers at a time`);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(simulator.gateway.journal.counters.messages, MMS);
    assert.equal(simulator.gateway.journal.counters.uploads, MMS);
    assert.equal(simulator.gateway.journal.counters.complaints, 0);
  });
});

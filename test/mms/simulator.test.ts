/** `ushot-simulator --files`: what it was sent lies in the folder, to be looked at. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Agent, readSettings } from '../../lib/agent/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import { dialTcp } from '../../lib/session/index.ts';
import { mixedText, mms, plainJpeg, until } from './bench.ts';

const CLI = fileURLToPath(new URL('../../lib/simulator/cli.ts', import.meta.url));

describe('MMS: the simulator as a program', () => {
  let folder: string;
  let child: ChildProcess;
  let agent: Agent | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ushot-mms-simulator-'));
  });
  afterEach(async () => {
    await agent?.stop();
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes LMS, uploads and MMS, reports them, and keeps the files for the user', async () => {
    const args = ['--ports', '0', '--report-delay', '0', '--lang', 'en', '--files', folder];
    child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(child.stdout);
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout }).on('line', (line) => void lines.push(line));
    await once(reader, 'line');
    const [, mmsSendPort, mmsReportPort] = /mmsSend (\d+), mmsReport (\d+)/.exec(lines[0] ?? '') ?? [];
    agent = new Agent(readSettings({ host: '127.0.0.1', id: 'me', password: 'secret', mmsSendPort, mmsReportPort }), {
      ...{ clock: systemClock, random: Math.random, dial: dialTcp, outbox: new MemoryOutbox() },
      ...{ log: () => {}, language: 'en' },
    });
    agent.start();
    const { fileName } = await agent.upload(plainJpeg(800));
    const outcomes = await agent.send(
      [
        { ...mms, text: '사진', files: [fileName, plainJpeg(801, 1)] },
        { ...mms, text: mixedText(3000) },
      ],
      { settle: 'delivered' },
    );
    assert.deepEqual(
      outcomes.map(({ type, status }) => [type, status]),
      [
        ['MMS', 'delivered'],
        ['LMS', 'delivered'],
      ],
    );
    const paths = lines
      .filter((line) => line.includes(' upload '))
      .map((line) => / upload (\S+) /.exec(line)?.[1] ?? '');
    // It answers before the file is written, as it should.
    await until(() => paths.every((path) => existsSync(path) && statSync(path).size >= 800));
    assert.deepEqual(
      paths.map((path) => readFileSync(path)),
      [plainJpeg(800), plainJpeg(801, 1)],
    );
    assert.equal(paths[0], join(folder, fileName));
    assert.ok(!lines.some((line) => line.includes(' wrong ')), lines.join('\n'));
  });
});

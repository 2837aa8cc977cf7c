import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { helpText, languageOf, readArguments, readFault, UsageError } from '../../lib/simulator/cli-options.ts';
import { faultKindNames } from '../../lib/simulator/index.ts';
import { SocketClient, sms } from './client.ts';

const CLI = fileURLToPath(new URL('../../lib/simulator/cli.ts', import.meta.url));

/** The command, run as a process of its own. */
class Run {
  static readonly #running = new Set<Run>();
  readonly #child: ChildProcess;
  out = '';
  err = '';
  #exit: Promise<number | null>;
  #wake: () => void = () => {};

  constructor(args: string[], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [CLI, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      this.#wake();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    Run.#running.add(this);
    this.#exit = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        Run.#running.delete(this);
        resolve(code);
        this.#wake();
      });
    });
  }

  /** Ends what a failed test left behind. */
  static killAll(): void {
    for (const run of Run.#running) run.#child.kill('SIGKILL');
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.out);
      if (match) return match;
      if (this.#child.exitCode !== null) throw new Error(`It ended without ${pattern}: ${this.out}${this.err}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return await this.#exit;
  }

  exit(): Promise<number | null> {
    return this.#exit;
  }
}

async function ports(run: Run): Promise<{ send: number; report: number; mms: number }> {
  const match = await run.until(/smsSend (\d+), smsReport (\d+), mmsSend (\d+)/);
  return { send: Number(match[1]), report: Number(match[2]), mms: Number(match[3]) };
}

describe('simulator: command line', () => {
  afterEach(() => Run.killAll());

  it('prints a line for each login, message, report and complaint, without text or whole numbers', async () => {
    const run = new Run(['--ports', '0', '--report-delay', '0', '--lang', 'en', '--account', 'me:hush']);
    const { send, report } = await ports(run);
    const client = await SocketClient.open(send);
    await client.ask('1010', { ID: 'me', PASSWORD: 'hush' });
    await client.ask('1020', { records: [sms('m1'), sms('m2', { RECEIVER: '01000000008' })] });
    await client.ask('1020', { records: [] }, { RESP_CODE: '1' });
    const stranger = await SocketClient.open(send);
    await stranger.ask('1010', { ID: 'me\u0020x', PASSWORD: 'wrong' });
    const reports = await SocketClient.open(report);
    await reports.ask('1010', { ID: 'me', PASSWORD: 'hush' });
    await run.until(/report m2/);
    client.socket.destroy();
    reports.socket.destroy();
    assert.equal(await run.end(), 0);
    const lines = run.out.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''));
    for (const line of [
      'smsSend login me SAM11 127.0.0.1',
      'smsSend message SMS m1 021****5678 -> 010****5678 10 bytes',
      'smsSend wrong 20004 RESP_CODE and RESP_MESG of a request must be blank (manual 3.A), but 1020 has "1".',
      'smsSend login refused 11001 me x SAM11 127.0.0.1',
      'smsReport report m1 010****5678 6 Delivered',
      'smsReport report m2 010****0008 8 Phone is switched off',
      'In all: messages 2, reports done 0, complaints 2',
    ]) {
      assert.ok(lines.includes(line), `${line}\nis missing in\n${run.out}`);
    }
    assert.doesNotMatch(run.out, /hush|wrong$|안녕|12345678/m);
    assert.equal(run.err, '');
  });

  it('shows texts on request, and speaks Korean', async () => {
    const run = new Run(['--ports', '0', '--show-text', '--fault', 'reject:1x'], { LANG: 'ko_KR.UTF-8' });
    const { send } = await ports(run);
    assert.match(run.out, /실제로는 아무것도 발송되지 않습니다/);
    const client = await SocketClient.open(send);
    await client.ask('1010', { ID: 'me', PASSWORD: 'p' });
    assert.equal((await client.ask('1020', { records: [sms('m1')] }))?.RESP_CODE, '99999');
    await client.ask('1020', { records: [sms('m1', { MSG: '줄\n바꿈' })] });
    await run.until(/메시지 SMS m1 .*"줄\\n바꿈"/);
    await run.until(/고의 오류 reject 1020/);
    client.socket.destroy();
    assert.equal(await run.end(), 0);
  });

  it('helps in both languages', async () => {
    const run = new Run(['--help']);
    assert.equal(await run.exit(), 0);
    assert.match(run.out, /^A simulated UShot gateway/);
    assert.match(helpText('ko'), /^UShot 게이트웨이 시뮬레이터/);
    for (const kind of faultKindNames)
      for (const language of ['en', 'ko'] as const) assert.ok(helpText(language).includes(`  ${kind} `));
  });

  it('says what is wrong with its arguments, and ends with 2', async () => {
    const run = new Run(['--fault', 'explode', '--lang', 'ko']);
    assert.equal(await run.exit(), 2);
    assert.match(run.err, /^--fault 값 "explode"을\(를\) 쓸 수 없습니다\. 가능한 값: refuse-connection,/);
    const text = new Run(['--fault', `reject:text=${'x'.repeat(51)}`, '--ports', '0']);
    assert.equal(await text.exit(), 2);
    assert.match(text.err, /RESP_MESG must be one line of at most 50 bytes/);
  });

  it('says so when a port is taken', async () => {
    const first = new Run(['--ports', '0']);
    const { send } = await ports(first);
    const second = new Run(['--ports', `0,${send},0,0`]);
    assert.equal(await second.exit(), 1);
    assert.match(second.err, /already in use/);
    assert.equal(await first.end(), 0);
  });

  it('reads faults', () => {
    assert.deepEqual(readFault('silence'), { kind: 'silence' });
    assert.deepEqual(readFault('cut-before-answer:0.01'), { kind: 'cut-before-answer', probability: 0.01 });
    assert.deepEqual(readFault('late:3x,delay=5000,port=smsSend,port=mmsSend,command=1020'), {
      kind: 'late',
      times: 3,
      delayMs: 5000,
      ports: ['smsSend', 'mmsSend'],
      commands: ['1020'],
    });
    assert.deepEqual(readFault('reject:code=12345,text=a=b,receiver=01012345678'), {
      kind: 'reject',
      code: '12345',
      text: 'a=b',
      receivers: ['01012345678'],
    });
    assert.deepEqual(readFault('result:result=8,0.5'), { kind: 'result', result: 8, probability: 0.5 });
    for (const bad of [
      '',
      'x',
      'late:1.5',
      'late:',
      'late:delay=soon',
      'late:port=sms',
      'late:colour=red',
      'slice:size=0',
    ]) {
      assert.throws(() => readFault(bad), UsageError, bad);
    }
  });

  it('reads options, and leaves to the defaults what is not given', () => {
    assert.deepEqual(readArguments([]).simulator, {
      ports: { smsSend: 33300, smsReport: 33301, mmsSend: 33302, mmsReport: 33303 },
      accounts: [],
      allowAddresses: [],
      terms: {},
      wire: {},
    });
    const { simulator } = readArguments(
      '--ports 1,2,3,4 --account a:b:c --allow 10.0.0.1 --prices 9.5,30,200 --balance 50 --variable N --callback-url-only --max-per-request 100 --report-delay 500 --heartbeat 30 --padding nul --files /tmp/x --short-login --no-reports'.split(
        ' ',
      ),
    );
    assert.deepEqual(simulator, {
      ports: { smsSend: 1, smsReport: 2, mmsSend: 3, mmsReport: 4 },
      accounts: [{ id: 'a', password: 'b:c' }],
      allowAddresses: ['10.0.0.1'],
      terms: {
        smsCost: 9.5,
        lmsCost: 30,
        mmsCost: 200,
        balance: 50,
        variable: false,
        maxPerRequest: 100,
        service: 'callback-url',
      },
      wire: { padding: 'nul' },
      loginAnswer: 'short',
      reportDelayMs: { min: 500, max: 500 },
      reports: false,
      heartbeatMs: 30_000,
      fileFolder: '/tmp/x',
    });
    for (const bad of [
      '--ports 1,2',
      '--ports 1,2,3,99999',
      '--account x',
      '--account :x',
      '--prices 1,2',
      '--report-delay 5-1',
      '--padding tab',
      '--variable X',
      '--what',
      'stray',
      '--lang fr',
      '--seed x',
    ]) {
      assert.throws(() => readArguments(bad.split(' ')), UsageError, bad);
    }
  });

  it('never repeats a password that it could not read', () => {
    assert.throws(
      () => readArguments(['--account', 'secret']),
      (error: Error) => !error.message.includes('secret'),
    );
  });

  it('finds the language', () => {
    assert.equal(languageOf([], {}), 'en');
    assert.equal(languageOf([], { LANG: 'ko_KR.UTF-8' }), 'ko');
    assert.equal(languageOf([], { LANG: 'ko_KR.UTF-8', LC_ALL: 'C' }), 'en');
    assert.equal(languageOf(['--lang', 'en'], { LANG: 'ko_KR.UTF-8' }), 'en');
    assert.equal(languageOf(['--lang=ko'], {}), 'ko');
  });
});

/** LMS of every length at the limits, in fixed and variable frames, against the strict gateway over real sockets. */
import assert from 'node:assert/strict';
import iconv from 'iconv-lite';
import { MmsBench, mixedText, type Settings, sms, until } from './bench.ts';

interface Case {
  readonly name: string;
  readonly gateway: { variable: 'Y' | 'N'; maxMsgSize: number; loginBody?: 24 };
  readonly settings?: Settings;
  readonly command: '1024' | '1044';
  readonly limit: number;
}

const lengths = [1, 1999, 2000, 2001, 3000, 3001];

const cases: readonly Case[] = [
  { name: 'fixed', gateway: { variable: 'N', maxMsgSize: 2000 }, command: '1024', limit: 2000 },
  { name: 'variable', gateway: { variable: 'Y', maxMsgSize: 3000 }, command: '1044', limit: 3000 },
  { name: 'variable, with 2,000', gateway: { variable: 'Y', maxMsgSize: 2000 }, command: '1044', limit: 2000 },
  { name: 'fixed that announces 3,000', gateway: { variable: 'N', maxMsgSize: 3000 }, command: '1024', limit: 2000 },
  {
    name: 'the short login, nothing set',
    gateway: { variable: 'N', maxMsgSize: 2000, loginBody: 24 },
    command: '1024',
    limit: 2000,
  },
  {
    name: 'the short login, variable = Y',
    gateway: { variable: 'Y', maxMsgSize: 3000, loginBody: 24 },
    settings: { variable: 'Y', maxMsgBytes: 3000 },
    command: '1044',
    limit: 3000,
  },
  {
    name: 'the short login, variable = N',
    gateway: { variable: 'N', maxMsgSize: 2000, loginBody: 24 },
    settings: { variable: 'N' },
    command: '1024',
    limit: 2000,
  },
  {
    name: 'a cap of the session below the login',
    gateway: { variable: 'Y', maxMsgSize: 3000 },
    settings: { maxMsgBytes: 2000 },
    command: '1044',
    limit: 2000,
  },
];

describe('MMS: long texts against the strict gateway', () => {
  let bench: MmsBench;
  afterEach(() => bench.stop());

  for (const { name, gateway, settings = {}, command, limit } of cases) {
    it(`LMS, ${name}: to ${limit} bytes by ${command}, and no byte more`, async () => {
      bench = new MmsBench(gateway);
      await bench.start(settings);
      await bench.loggedIn();
      const texts = lengths.map(mixedText);
      const outcomes = await bench.agent.send(
        texts.map((text) => ({ node: 'mms', to: '01012345678', from: '0212345678', text, overflow: 'lms' })),
        { settle: 'accepted' },
      );
      for (const [i, { status, type, error, result }] of outcomes.entries()) {
        const fits = (lengths[i] ?? 0) <= limit;
        assert.equal(status, fits ? 'accepted' : 'invalid', `${lengths[i]} bytes`);
        if (fits) assert.equal(type, 'LMS');
        else assert.deepEqual([error?.code, error?.params['limit'], result], ['USHOT_TEXT_TOO_LONG', limit, 78]);
      }
      const fitting = texts.filter((_, i) => (lengths[i] ?? 0) <= limit);
      assert.deepEqual(
        bench.gateway.messages.map((message) => [message.command, message.kind, message.text]),
        fitting.map((text) => [command, 'LMS', text]),
      );
      for (const { textBytes, text } of bench.gateway.messages)
        assert.deepEqual(textBytes, iconv.encode(text, 'cp949'));
      assert.deepEqual(bench.gateway.violations, []);
    });
  }

  it('refuses what only the login can tell is too long, when it was accepted before the login', async () => {
    bench = new MmsBench({ variable: 'N', maxMsgSize: 2000 });
    await bench.start();
    const [fits, over, farOver] = await bench.agent.send(
      [2000, 2001, 3001].map((bytes) => ({ ...sms, text: mixedText(bytes) })),
      { settle: 'accepted' },
    );
    assert.equal(fits?.status, 'accepted');
    assert.deepEqual([over?.status, over?.error?.code, over?.result], ['rejected', 'USHOT_TEXT_TOO_LONG', 78]);
    assert.deepEqual([farOver?.status, farOver?.error?.code], ['invalid', 'USHOT_TEXT_TOO_LONG']);
    assert.equal(bench.gateway.messages.length, 1);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('sends an SMS that is too long as LMS, with an empty subject, and says so', async () => {
    bench = new MmsBench({ variable: 'Y', maxMsgSize: 3000 });
    await bench.start();
    const outcomes = await bench.agent.send(
      [
        { ...sms, text: mixedText(90) },
        { ...sms, text: mixedText(91), subject: 'not of an SMS' },
        { ...sms, text: mixedText(91), overflow: 'reject' },
      ],
      { settle: 'delivered' },
    );
    assert.deepEqual(
      outcomes.map(({ type, status, error }) => [type, status, error?.code]),
      [
        ['SMS', 'delivered', undefined],
        ['LMS', 'delivered', undefined],
        [null, 'invalid', 'USHOT_TEXT_TOO_LONG'],
      ],
    );
    const lms = bench.gateway.messages.find(({ kind }) => kind === 'LMS');
    assert.deepEqual([lms?.command, lms?.subject, lms?.text], ['1044', '', mixedText(91)]);
    assert.deepEqual(bench.reports.map(({ type }) => type).sort(), ['LMS', 'SMS']);
    assert.deepEqual(bench.gateway.violations, []);
  });

  it('refuses an SMS that is too long when the account has no MMS login', async () => {
    bench = new MmsBench({
      decide: ({ port, command }) =>
        port.startsWith('mms') && command === '1010' ? { respCode: '11002', respMesg: 'NO SERVICE' } : 'answer',
    });
    await bench.start();
    const release = bench.agent.use('mms');
    await until(() =>
      bench.agent.status.links.some(
        ({ service, role, state }) => service === 'mms' && role === 'send' && state.name === 'waiting',
      ),
    );
    release();
    const [short, long] = await bench.agent.send(
      [
        { ...sms, text: 'short' },
        { ...sms, text: mixedText(91) },
      ],
      { settle: 'accepted' },
    );
    assert.deepEqual([short?.status, short?.type], ['accepted', 'SMS']);
    assert.deepEqual([long?.status, long?.error?.code], ['invalid', 'USHOT_NO_LMS']);
    assert.match(long?.error?.message ?? '', /11002/);
    assert.equal(bench.gateway.messages.length, 1);
    assert.deepEqual(bench.gateway.violations, []);
  });
});

/**
 * What the log says of messages in stores that no session uses. Real agents and stores; nobody listens at their gateway.
 *
 * That nothing is said of a store is known when something was said of another that comes behind it: stores are told of in
 * the order of their names, and one deploy after the other.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SqliteOutbox } from '../../lib/outbox/sqlite/outbox.ts';
import { startAgent, storeFile, storeFolder } from '../../nodes/start-agent.ts';
import { newMessages } from '../outbox/messages.ts';
import { inProcessOutbox } from '../outbox/sqlite/in-process.ts';
import { type FlowItem, Harness, out, tab } from './harness.ts';

const account = (id: string) => ({ s1: { id, password: 'hush' } });
const session: FlowItem = {
  ...{ id: 's1', type: 'ushot-session', host: '127.0.0.1' },
  ...{ smsSendPort: '1', smsReportPort: '2', mmsSendPort: '3', mmsReportPort: '4' },
};
const sender: FlowItem = {
  ...{ id: 'sms', z: 'f', type: 'ushot-send-sms', session: 's1', settle: 'stored', wires: [['out']] },
  ...{ from: '02-123-4567', fromType: 'str' },
};
const flow = [tab, out(), session, sender];
const ABOUT_STORES = /^\[ushot-session\] /;

describe('nodes/unused-stores', () => {
  let harness: Harness;
  let userDir: string;
  beforeEach(() => {
    harness = new Harness();
    userDir = mkdtempSync(join(tmpdir(), 'ushot-nodes-'));
    harness.settings = { userDir, lang: 'en-US' };
  });
  afterEach(async () => {
    await harness.unload();
    rmSync(userDir, { recursive: true, force: true });
  });

  const fileOf = (id: string) => storeFile(userDir, `gateway 127.0.0.1 1 ${id}`);
  const load = (id: string) => harness.load(flow, account(id), startAgent);
  const deploy = (id: string) => harness.deploy(flow, 'full', account(id));
  const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();
  const send = async (...messageIds: string[]) => {
    const sent = harness.inbox('out');
    const messages = messageIds.map((messageId) => ({ to: '010-1234-5678', text: 'alarm!', messageId }));
    harness.node('sms').receive({ payload: messages.map((message) => ({ ...message, sendAt: tomorrow() })) });
    await sent.next();
  };
  const told = (count: number) => harness.untilLogged('WARN', ABOUT_STORES, count);
  /** How many messages were told of, and where. */
  const summary = (lines: readonly string[]) =>
    lines.map((line) => {
      const [, messages, file = ''] =
        /\] (About \d+|\d+) messages? waits? in (\S+), which no session uses/.exec(line) ?? [];
      return `${messages} in ${basename(file).split('-')[3]}`;
    });
  const using = async <T>(id: string, use: (outbox: SqliteOutbox) => Promise<T>): Promise<T> => {
    const outbox = inProcessOutbox({ file: fileOf(id) });
    await outbox.open(Date.now());
    try {
      return await use(outbox);
    } finally {
      await outbox.close();
    }
  };
  const put = (id: string, ...messageIds: string[]) => using(id, (outbox) => outbox.accept(newMessages(messageIds)));
  const contents = () => {
    const names = readdirSync(storeFolder(userDir)).filter((name) => name.startsWith(basename(fileOf('alice'))));
    return names.map((name) => [name, readFileSync(join(storeFolder(userDir), name), 'base64')]);
  };

  it('says once what waits in the store of an account that a session no longer has', async () => {
    await load('alice');
    await send('M1', 'M2');
    await deploy('bob');
    const [line = ''] = await told(1);
    assert.ok(line.startsWith(`[ushot-session] 2 messages wait in ${fileOf('alice')}, which no session uses`), line);
    assert.match(line, /give a session the host, SMS send port and ID .*Otherwise delete all files and folders whose/);
    assert.ok(line.endsWith(`whose names begin with ${basename(fileOf('alice'))}.`), line);
    assert.doesNotMatch(line, /hush|alarm/);
    const before = contents();
    await send('M3');
    await deploy('bob');
    await deploy('carol');
    assert.deepEqual(summary(await told(2)), ['2 in alice', '1 in bob']);
    assert.deepEqual(contents(), before);
  });

  it('says nothing of a store that is in use again, whose messages are still there', async () => {
    await load('alice');
    await send('M1', 'M2');
    await deploy('bob');
    await told(1);
    await send('M3');
    await deploy('alice');
    assert.deepEqual(summary(await told(2)), ['2 in alice', '1 in bob']);
    await deploy('bob');
    assert.deepEqual(summary(await told(3)), ['2 in alice', '1 in bob', '2 in alice']);
    await harness.unload();
    const messages = await using('alice', (outbox) => outbox.get(['M1', 'M2']));
    assert.deepEqual(
      messages.map(({ messageId, state }) => [messageId, state]),
      [
        ['M1', 'READY'],
        ['M2', 'READY'],
      ],
    );
  });

  it('says what waits when the session is deleted, and when Node-RED starts without one', async () => {
    await load('alice');
    await send('M1');
    await harness.deploy([tab, out()]);
    assert.deepEqual(summary(await told(1)), ['1 in alice']);
    await harness.unload();
    harness = new Harness();
    harness.settings = { userDir };
    await harness.load([tab, out()], {}, startAgent);
    assert.deepEqual(summary(await told(1)), ['1 in alice']);
  });

  it('says it again when the number has changed', async () => {
    await put('alice', 'M1');
    await load('bob');
    await told(1);
    await put('alice', 'M2');
    await deploy('bob');
    assert.deepEqual(summary(await told(2)), ['1 in alice', '2 in alice']);
  });

  it('leaves alone what another process uses, not what one used that was killed', async () => {
    for (const id of ['alice', 'zoe']) await put(id, 'M1');
    writeFileSync(`${fileOf('alice')}.lock`, `${process.ppid}\n`);
    const { pid: ended } = spawnSync(process.execPath, ['--version'], { timeout: 15_000 });
    writeFileSync(`${fileOf('zoe')}.lock`, `${ended}\n`);
    await load('bob');
    assert.deepEqual(summary(await told(1)), ['1 in zoe']);
    // A process that was killed may have had the pid that this one has.
    writeFileSync(`${fileOf('alice')}.lock`, `${process.pid}\n`);
    await deploy('bob');
    assert.deepEqual(summary(await told(2)), ['1 in zoe', '1 in alice']);
  });

  it('says about how many when the store was not closed', async () => {
    await using('alice', async (outbox) => {
      await outbox.accept(newMessages(['M1', 'M2']));
      // As `kill -9` would leave them now.
      for (const suffix of ['', '-wal', '-log']) copyFileSync(fileOf('alice') + suffix, fileOf('zoe') + suffix);
    });
    await load('alice');
    assert.deepEqual(summary(await told(1)), ['About 2 in zoe']);
  });

  it('says nothing of what is no store, is damaged, or has nothing that waits', async () => {
    for (const id of ['damaged', 'zoe']) await put(id, 'M1');
    const damaged = readFileSync(fileOf('damaged'));
    writeFileSync(fileOf('damaged'), damaged.fill(0x5a, 4096));
    await using('ended', async (outbox) => {
      await outbox.accept(newMessages(['M1']));
      await outbox.cancel(['M1'], Date.now());
    });
    writeFileSync(fileOf('diary'), 'Dear diary, '.repeat(1000));
    writeFileSync(fileOf('empty'), '');
    mkdirSync(fileOf('folder'));
    await load('bob');
    assert.deepEqual(summary(await told(1)), ['1 in zoe']);
    assert.deepEqual(harness.logged('ERROR'), []);
  });

  it('says nothing of what was only practised', async () => {
    const practice = { ...session, mode: 'practice' };
    await harness.load([tab, out(), practice, sender], {}, startAgent);
    await send('M1');
    await put('zoe', 'M1');
    await harness.deploy([tab, out()]);
    assert.deepEqual(summary(await told(1)), ['1 in zoe']);
    assert.equal(readdirSync(storeFolder(userDir)).filter((name) => /^practice-s1-.*\.db$/.test(name)).length, 1);
  });

  it('says it in Korean', async () => {
    await put('alice', 'M1', 'M2');
    harness.settings = { userDir, lang: 'ko' };
    await load('bob');
    const [line = ''] = await told(1);
    assert.ok(line.startsWith(`[ushot-session] ${fileOf('alice')} 파일에서 메시지 2건이 대기 중이지만 `), line);
    assert.match(line, /호스트, SMS 발송 포트, 아이디를 다시 입력하세요.*파일과 폴더를 모두 지우세요\.$/);
  });
});

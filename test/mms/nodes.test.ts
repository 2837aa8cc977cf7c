/** Pictures through flows: the nodes in a Node-RED runtime, against the strict gateway and in practice mode. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FlowReport, SendOutcome } from '../../lib/agent/index.ts';
import { startSimulator } from '../../lib/simulator/index.ts';
import { startAgent } from '../../nodes/start-agent.ts';
import { catchAll, credentials, type FlowItem, Harness, type Message, out, tab } from '../nodes/harness.ts';
import { StrictGateway } from '../support/strict-gateway.ts';
import { plainJpeg, until } from './bench.ts';

/** Commands that are waited for synchronously, where no limit of the test's own can end them. */
const BOUNDED = { timeout: 15_000 } as const;

interface Uploaded {
  readonly fileName: string;
  readonly size: number;
  readonly ext: string;
}

const sendMms: FlowItem = {
  id: 'mms',
  z: 'f',
  type: 'ushot-send-mms',
  session: 's1',
  to: '010-1234-5678',
  toType: 'str',
  from: '02-123-4567',
  fromType: 'str',
  text: '사진',
  textType: 'str',
  wires: [['sent']],
};
const upload = (next: string): FlowItem => ({
  id: 'up',
  z: 'f',
  type: 'ushot-upload-file',
  session: 's1',
  wires: [[next]],
});
const reportIn: FlowItem = {
  id: 'r',
  z: 'f',
  type: 'ushot-report-in',
  session: 's1',
  filter: 'all',
  wires: [['told']],
};

const errorOf = (msg: Message) => msg['error'] as { code: string; message: string; cause: { result?: number } };

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

async function bufferBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().arrayBuffers;
}

describe('MMS: nodes', () => {
  let harness: Harness;
  let userDir: string;
  beforeEach(() => {
    harness = new Harness();
    userDir = mkdtempSync(join(tmpdir(), 'ushot-mms-nodes-'));
  });
  afterEach(async () => {
    await harness.unload();
    rmSync(userDir, { recursive: true, force: true });
  });

  const load = (flow: FlowItem[], creds: Record<string, object> = credentials) =>
    harness.load(
      [tab, out('sent'), out('uploaded'), out('told'), out('caught'), catchAll, ...flow],
      creds,
      (settings, key, surroundings) => startAgent(settings, key, { ...surroundings, userDir }),
    );

  describe('against the strict gateway', () => {
    let gateway: StrictGateway;
    const session = (more: object = {}): FlowItem => ({
      id: 's1',
      type: 'ushot-session',
      host: '127.0.0.1',
      smsSendPort: gateway.ports.smsSend,
      smsReportPort: gateway.ports.smsReport,
      mmsSendPort: gateway.ports.mmsSend,
      mmsReportPort: gateway.ports.mmsReport,
      reconnectSeconds: 0.2,
      ...more,
    });
    beforeEach(async () => {
      gateway = new StrictGateway({ variable: 'Y', account: credentials.s1 });
      await gateway.start();
    });
    afterEach(() => gateway.stop());

    it('uploads a Buffer, a path, and what only its file name tells, and appends to msg.files', async () => {
      await load([session(), upload('uploaded')]);
      const uploaded = harness.inbox('uploaded');
      const path = join(userDir, '사진 1.JPEG');
      writeFileSync(path, plainJpeg(701, 1));
      const film = Buffer.concat([Buffer.from('\0\0\0\x18ftyp3gp5', 'latin1'), Buffer.alloc(500)]);
      const inputs: Message[] = [
        { payload: plainJpeg(700), topic: 'kept' },
        { payload: path, files: 'before.jpg' },
        { payload: film, filename: 'clip.K3G', files: ['a.jpg', 'b.jpg'] },
      ];
      for (const [i, input] of inputs.entries()) {
        harness.node('up').receive(input);
        await uploaded.next(i + 1);
      }
      const names = gateway.uploads.map(({ name }) => Buffer.from(name, 'utf8').toString().replace('로', '\xb7\xce'));
      assert.deepEqual(
        uploaded.messages.map(({ payload, files }) => ({ payload, files })),
        [
          { payload: { fileName: names[0], size: 700, ext: 'jpg' }, files: [names[0]] },
          { payload: { fileName: names[1], size: 701, ext: 'jpg' }, files: ['before.jpg', names[1]] },
          { payload: { fileName: names[2], size: 512, ext: 'k3g' }, files: ['a.jpg', 'b.jpg', names[2]] },
        ],
      );
      assert.equal(uploaded.messages[0]?.['topic'], 'kept');
      assert.deepEqual(gateway.violations, []);
    });

    it('wires an upload to an MMS, and hands back its report', async () => {
      await load([session(), upload('mms'), sendMms, reportIn]);
      const [sent, told] = [harness.inbox('sent'), harness.inbox('told')];
      // Through JSON, as through a file or another system: the name's bytes must survive.
      harness.node('up').receive({ payload: plainJpeg(800), topic: 'gate' });
      const { payload, files } = await sent.next();
      assert.equal((payload as SendOutcome).type, 'MMS');
      harness.node('mms').receive({ files: JSON.parse(JSON.stringify(files)) });
      await told.next(2);
      const report = told.messages.find(({ topic }) => topic === 'gate')?.payload as FlowReport | undefined;
      assert.equal(report?.status, 'delivered');
      assert.equal(gateway.uploads.length, 1);
      const name = gateway.uploads[0]?.name;
      assert.deepEqual(
        gateway.messages.map((message) => [message.command, message.files]),
        [
          ['1045', [name]],
          ['1045', [name]],
        ],
      );
      assert.deepEqual(gateway.violations, []);
    });

    it('refuses paths that are missing, no regular files, or outside of the allowed folder', async () => {
      const allowed = join(userDir, 'allowed');
      mkdirSync(join(allowed, 'inner'), { recursive: true });
      writeFileSync(join(allowed, 'inner', 'good.jpg'), plainJpeg(700));
      writeFileSync(join(userDir, 'outside.jpg'), plainJpeg(701));
      symlinkSync(join(userDir, 'outside.jpg'), join(allowed, 'link.jpg'));
      execFileSync('mkfifo', [join(allowed, 'pipe.jpg')], BOUNDED);
      await load([session({ folder: allowed }), sendMms, upload('uploaded')]);
      const [sent, uploaded, caught] = [harness.inbox('sent'), harness.inbox('uploaded'), harness.inbox('caught')];
      const wrong: [string, string, number][] = [
        [join(allowed, 'none.jpg'), 'USHOT_FILE_MISSING', 73],
        ['./none.jpg', 'USHOT_FILE_MISSING', 73],
        [join(allowed, 'inner'), 'USHOT_FILE_NOT_REGULAR', 73],
        [join(allowed, 'pipe.jpg'), 'USHOT_FILE_NOT_REGULAR', 73],
        [join(userDir, 'outside.jpg'), 'USHOT_FILE_OUTSIDE', 73],
        ['inner/../../outside.jpg', 'USHOT_FILE_OUTSIDE', 73],
        [join(allowed, 'link.jpg'), 'USHOT_FILE_OUTSIDE', 73],
        ['/dev/zero', 'USHOT_FILE_OUTSIDE', 73],
      ];
      let count = 0;
      for (const [path, code, result] of wrong) {
        harness.node('mms').receive({ files: path });
        const one = errorOf(await caught.next(++count));
        harness.node('up').receive({ payload: path });
        const other = errorOf(await caught.next(++count));
        assert.deepEqual(
          [one.code, one.cause.result, other.code, other.cause.result],
          [code, result, code, result],
          path,
        );
        assert.match(one.message, /jpg|inner|zero/);
      }
      harness.node('mms').receive({ files: 'inner/good.jpg' });
      assert.equal(((await sent.next()).payload as SendOutcome).type, 'MMS');
      // Without a slash: a file of the folder is one, a name that no server can have given must be one.
      writeFileSync(join(allowed, '스냅.jpg'), plainJpeg(702));
      writeFileSync(join(allowed, 'snap.jpg'), plainJpeg(703));
      harness.node('mms').receive({ files: '스냅.jpg, snap.jpg' });
      await sent.next(2);
      assert.deepEqual(
        gateway.uploads.map(({ data }) => data.length),
        [700, 702, 703],
      );
      harness.node('mms').receive({ files: '없음.jpg' });
      assert.equal(errorOf(await caught.next(++count)).code, 'USHOT_FILE_MISSING');
      harness.node('up').receive({ payload: 'inner/good.jpg' });
      assert.equal(((await uploaded.next()).payload as Uploaded).size, 700);
      assert.equal(gateway.messages.length, 2);
      assert.deepEqual(gateway.violations, []);
    });

    it('refuses a device and a pipe where any folder is allowed, without waiting for them', async () => {
      await load([session(), sendMms]);
      execFileSync('mkfifo', [join(userDir, 'pipe')], BOUNDED);
      const caught = harness.inbox('caught');
      for (const [i, path] of ['/dev/zero', join(userDir, 'pipe'), userDir].entries()) {
        harness.node('mms').receive({ files: [path] });
        assert.equal(errorOf(await caught.next(i + 1)).code, 'USHOT_FILE_NOT_REGULAR');
      }
    });

    it('refuses a file by its size before it is read', async () => {
      await load([session(), sendMms]);
      const path = join(userDir, 'huge.jpg');
      writeFileSync(path, plainJpeg(100));
      execFileSync('truncate', ['-s', '40G', path], BOUNDED);
      const caught = harness.inbox('caught');
      harness.node('mms').receive({ files: path });
      assert.equal(errorOf(await caught.next()).code, 'USHOT_FILE_TOO_LARGE');
    });
  });

  it('holds a bounded part of the pictures of msgs that wait for their answer, and gives them back whole', async function () {
    this.timeout(60_000);
    const [count, bytes] = [400, 199_000];
    const simulator = await startSimulator({ reports: false, keptFiles: 1 });
    try {
      await simulator.refuse();
      const { smsSend, smsReport, mmsSend, mmsReport } = simulator.ports;
      const ports = { smsSendPort: smsSend, smsReportPort: smsReport, mmsSendPort: mmsSend, mmsReportPort: mmsReport };
      const session = { id: 's1', type: 'ushot-session', host: '127.0.0.1', ...ports, reconnectSeconds: 0.1 };
      await load([session, sendMms]);
      const store = join(userDir, 'ushot');
      const attachments = () =>
        existsSync(store)
          ? readdirSync(store, { recursive: true }).filter((name) => /[0-9a-f]{64}$/.test(String(name))).length
          : 0;
      const before = await bufferBytes();
      // Only what arrives is looked at, for the test would hold all of it.
      let arrived = 0;
      let whole = 0;
      const all = new Promise<void>((resolve) => {
        harness.node('sent').on('input', (msg) => {
          const { files, payload, topic } = msg as unknown as { files: Buffer; payload: SendOutcome; topic: number };
          if (files.equals(plainJpeg(bytes, topic)) && payload.type === 'MMS') whole++;
          if (++arrived === count) resolve();
        });
      });
      for (let n = 0; n < count; n++) {
        harness.node('mms').receive({ topic: n as unknown as string, files: plainJpeg(bytes, n) });
        if (n % 20 === 19) await until(() => attachments() > n - 20);
      }
      await until(() => attachments() === count);
      // Those that came last may be on their way to the disk still.
      let grown = Number.POSITIVE_INFINITY;
      for (let round = 0; grown >= 50 && round < 100; round++) grown = ((await bufferBytes()) - before) / 1e6;
      assert.ok(grown < 50, `${grown} MB of ${(count * bytes) / 1e6} are held`);
      await simulator.accept();
      await all;
      assert.equal(whole, count);
    } finally {
      await simulator.stop();
    }
  });

  it('keeps what was uploaded in practice mode where a user can look', async () => {
    const session = { id: 's1', type: 'ushot-session', mode: 'practice' };
    await load([session, sendMms, upload('uploaded')], {});
    const [sent, uploaded] = [harness.inbox('sent'), harness.inbox('uploaded')];
    harness.node('mms').receive({ files: plainJpeg(700, 1) });
    await sent.next();
    harness.node('up').receive({ payload: plainJpeg(701, 2) });
    const { fileName } = (await uploaded.next()).payload as Uploaded;
    await harness.unload();
    const [folder = ''] = readdirSync(join(userDir, 'ushot', 'practice-files'));
    const files = join(userDir, 'ushot', 'practice-files', folder);
    assert.deepEqual(readFileSync(join(files, fileName)), plainJpeg(701, 2));
    assert.equal(statSync(join(files, fileName)).mode & 0o077, 0);
    assert.equal(readdirSync(files).length, 2);
    assert.ok(harness.logged('INFO').some((line) => line.includes(files)));

    harness = new Harness();
    await load([session, upload('uploaded')], {});
    const again = harness.inbox('uploaded');
    harness.node('up').receive({ payload: plainJpeg(702, 3) });
    await again.next();
    await harness.unload();
    assert.equal(readdirSync(files).length, 1, 'of this run only: it would grow for ever');
  });
});

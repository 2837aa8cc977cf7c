import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../lib/simulator/index.ts';
import { SocketClient, sms } from './client.ts';

/** A header as the manual has it in 3.A, typed by hand: no encoder takes part. */
const frame = (version: string, command: string, code: string, mesg: string, body: string) =>
  Buffer.from(
    `\x01${version.padEnd(6)}${command.padEnd(5)}${String(body.length).padEnd(8)}${code.padEnd(5)}${mesg.padEnd(50)}\x02${body}\x03`,
    'latin1',
  );

const login = (version: string) => frame(version, '1010', '', 'Protocol', 'practice            secret              ');

/** "안녕" in CP949. */
const HELLO = '\xbe\xc8\xb3\xe7';
const message = (id: string, receiver: string) =>
  `${'20090101093000'.padEnd(20)}${id.padEnd(20)}${'0212345678'.padEnd(12)}${receiver.padEnd(12)}${' '.repeat(40)}${HELLO.padEnd(100)}${' '.repeat(80)}`;

describe('simulator: TCP', () => {
  let simulator: Simulator | undefined;
  const clients: SocketClient[] = [];
  const start = async (options: SimulatorOptions = {}): Promise<Simulator> => {
    simulator = await startSimulator({ reportDelayMs: { min: 0, max: 0 }, ...options });
    return simulator;
  };
  const open = async (port: number, version: 'SAM10' | 'SAM11' = 'SAM11'): Promise<SocketClient> => {
    const client = await SocketClient.open(port, version);
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await simulator?.stop();
    simulator = undefined;
  });

  it('carries a message and its report, byte for byte (SAM11)', async () => {
    const { ports, gateway } = await start();
    const send = await open(ports.smsSend);
    send.socket.write(login('SAM11'));
    assert.deepEqual(
      await send.bytes(110),
      frame('SAM11', '1011', '00000', '30|1|', '1 20.0  50.0  250.0 10000000Y3000'),
    );
    const report = await open(ports.smsReport);
    report.socket.write(login('SAM11'));
    await report.bytes(110);

    send.socket.write(
      frame('SAM11', '1020', '', '', `2   ${message('0001', '01012345678')}${message('0002', '01000000008')}`),
    );
    const ids = `2   ${'20090101093000'.padEnd(20)}${'0001'.padEnd(20)}${'20090101093000'.padEnd(20)}${'0002'.padEnd(20)}`;
    assert.deepEqual(await send.bytes(77 + 84), frame('SAM11', '1021', '00000', 'OK', ids));
    assert.deepEqual(
      gateway.journal.messages.map(({ MSG }) => MSG),
      ['안녕', '안녕'],
    );

    const push = (await report.bytes(77 + 4 + 2 * 82)).toString('latin1');
    assert.equal(push.slice(0, 20), '\x01SAM11 1031 168     '.slice(0, 20));
    const body = push.slice(76, -1);
    assert.match(
      body,
      /^2 {3}20090101093000 {6}0001 {16}01012345678 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d 6 {2}01[169]90 {2}20090101093000 {6}0002 {16}01000000008 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d 8 {2}01[169]90 {2}$/,
    );
    report.socket.write(frame('SAM11', '1030', '00000', 'OK', ids));
    send.socket.write(frame('SAM11', '1020', '', '', '0   '));
    assert.deepEqual(await send.bytes(81), frame('SAM11', '1021', '00000', 'OK', '0   '));
    assert.equal(gateway.reportsWaiting, 0);
    assert.equal(gateway.journal.counters.complaints, 0);
  });

  it('speaks SAM10', async () => {
    const { ports } = await start();
    const send = await open(ports.smsSend, 'SAM10');
    send.socket.write(login('SAM10'));
    await send.bytes(110);
    send.socket.write(frame('SAM10', '1020', '', '', `1   ${message('0001', '01012345678')}`));
    assert.deepEqual(await send.bytes(77), frame('SAM10', '1026', '00000', 'OK', ''));
    const report = await open(ports.smsReport, 'SAM10');
    report.socket.write(login('SAM10'));
    await report.bytes(110);
    let answer: Buffer = Buffer.alloc(0);
    while (answer.length !== 77 + 86 && !report.ended) {
      report.socket.write(frame('SAM10', '1030', '', '', ''));
      answer = await report.bytes(81);
      if (answer.toString('latin1', 12, 20).trim() !== '4') answer = Buffer.concat([answer, await report.bytes(82)]);
    }
    assert.equal(answer.toString('latin1', 76, 100), '1   20090101093000      ');
  });

  it('fills and writes numbers as told', async () => {
    const { ports } = await start({ wire: { padding: 'nul', numberStyle: 'zero' } });
    const client = await open(ports.smsSend);
    client.socket.write(
      Buffer.from(
        login('SAM11').toString('latin1').replaceAll(' ', '\0').replace('40\0\0\0\0\0\0', '00000040'),
        'latin1',
      ),
    );
    const answer = (await client.bytes(110)).toString('latin1');
    assert.equal(answer.slice(0, 31), '\x01SAM11\x001011\x00000000330000030|1|\0');
  });

  it('slices what it writes, over a real socket', async () => {
    const { ports, gateway } = await start();
    gateway.faults.add({ kind: 'slice', size: 1 });
    const client = await open(ports.smsSend);
    assert.equal((await client.ask('1010', { ID: 'a', PASSWORD: 'p' }))?.RESP_CODE, '00000');
    assert.equal((await client.ask('1020', { records: [sms('m1')] }))?.RESP_CODE, '00000');
  });

  it('hands over its last words before it closes', async () => {
    const { ports } = await start({ accounts: [{ id: 'a', password: 'p' }] });
    const client = await open(ports.smsSend);
    assert.equal((await client.ask('1010', { ID: 'a', PASSWORD: 'x' }))?.RESP_CODE, '11001');
    await client.end();
  });

  it('cuts its connections, and keeps what it knows', async () => {
    const { ports, gateway } = await start();
    const client = await open(ports.smsSend);
    await client.ask('1010', { ID: 'a', PASSWORD: 'p' });
    await client.ask('1020', { records: [sms('m1')] });
    gateway.cut('mmsSend');
    assert.equal(gateway.connections.length, 1);
    gateway.cut();
    await client.end();
    const again = await open(ports.smsSend);
    await again.ask('1010', { ID: 'a', PASSWORD: 'p' });
    await again.ask('1020', { records: [sms('m1')] });
    assert.equal(gateway.seen('m1')?.taken, 2);
  });

  it('stops listening and listens again on the same ports', async () => {
    const { ports, refuse, accept } = await start();
    const client = await open(ports.smsSend);
    await client.ask('1010', { ID: 'a', PASSWORD: 'p' });
    await refuse();
    await assert.rejects(SocketClient.open(ports.smsSend), { code: 'ECONNREFUSED' });
    assert.equal((await client.ask('1020', { records: [] }))?.RESP_CODE, '00000');
    const before = { ...ports };
    await accept();
    assert.deepEqual(ports, before);
    await open(ports.smsSend);
  });

  it('stops promptly with connections open, and twice', async () => {
    const running = await start();
    const client = await open(running.ports.smsReport);
    await client.ask('1010', { ID: 'a', PASSWORD: 'p' });
    await Promise.all([running.stop(), running.stop()]);
    await client.end();
    await assert.rejects(SocketClient.open(running.ports.smsReport), { code: 'ECONNREFUSED' });
    await running.stop();
  });

  it('listens on this machine alone, and leaves nothing open when a port is taken', async () => {
    const { host, ports } = await start();
    assert.equal(host, '127.0.0.1');
    await assert.rejects(startSimulator({ ports: { smsSend: 0, mmsReport: ports.smsSend } }), { code: 'EADDRINUSE' });
  });

  it('survives resets', async () => {
    const { ports, gateway } = await start();
    const socket = connect(ports.smsSend, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(login('SAM11'));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    const client = await open(ports.smsSend);
    assert.equal((await client.ask('1010', { ID: 'a', PASSWORD: 'p' }))?.RESP_CODE, '00000');
    while (gateway.connections.length > 1) await new Promise((resolve) => setImmediate(resolve));
  });

  it('does not keep a process alive when told so', async () => {
    const module = new URL('../../lib/simulator/index.ts', import.meta.url).href;
    const script = `import { startSimulator } from ${JSON.stringify(module)}; const s = await startSimulator({ unref: true }); console.log(s.ports.smsSend > 0);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      timeout: 10_000,
    });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const code = await new Promise((resolve) => child.once('exit', resolve));
    assert.deepEqual([code, out.trim()], [0, 'true']);
  });
});

/** The strict gateway is itself tested with frames typed by hand: right ones pass, each planted fault is named. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { StrictGateway, type StrictGatewayOptions } from './strict-gateway.ts';

const field = (value: string, width: number) => value.padEnd(width, ' ');
const frame = (command: string, body: string, respMesg = '', respCode = '') =>
  Buffer.from(
    `\x01${field('SAM11', 6)}${field(command, 5)}${field(String(body.length), 8)}${field(respCode, 5)}` +
      `${field(respMesg, 50)}\x02${body}\x03`,
    'latin1',
  );
const login = frame('1010', field('me', 20) + field('secret', 20), 'Protocol');
const sms = (change: Partial<Record<'id' | 'to' | 'text' | 'timeout', string>> = {}) =>
  frame(
    '1020',
    field('1', 4) +
      field('G1', 20) +
      field(change.id ?? 'M1', 20) +
      field('0212345678', 12) +
      field(change.to ?? '01000000006', 12) +
      field('', 20) +
      field(change.timeout ?? '2999-01-01 21:00:00', 20) +
      field(change.text ?? 'hello', 100) +
      field('', 80),
  );

describe('strict gateway', () => {
  let gateway: StrictGateway;
  let sockets: Socket[] = [];

  const begin = async (options: Partial<StrictGatewayOptions> = {}) => {
    gateway = new StrictGateway(options);
    await gateway.start();
  };
  const open = async (port: number) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  const ask = async (socket: Socket, bytes: Buffer) => {
    socket.write(bytes);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('latin1');
  };
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await gateway.stop();
  });

  it('logs in, takes an SMS and pushes its report until it is acknowledged', async () => {
    await begin();
    const send = await open(gateway.ports.smsSend);
    const greeting = await ask(send, login);
    assert.equal(greeting.slice(0, 76), `\x01SAM11 1011 33      00000${field('30|1|', 50)}\x02`);
    assert.equal((await ask(send, sms())).slice(76), `${field('1', 4)}${field('G1', 20)}${field('M1', 20)}\x03`);

    const report = await open(gateway.ports.smsReport);
    let pushed = await ask(report, login);
    if (pushed.length < 120) pushed = ((await once(report, 'data')) as [Buffer])[0].toString('latin1');
    assert.ok(pushed.includes('01000000006'));
    report.write(frame('1030', field('1', 4) + field('G1', 20) + field('M1', 20), 'OK', '00000'));
    await gateway.until(() => gateway.reports[0]?.acknowledged === 1, 'the acknowledgement');
    assert.equal(gateway.messages[0]?.text, 'hello');
    assert.deepEqual(gateway.violations, []);
  });

  const faults: [name: string, bytes: Buffer, complaint: RegExp][] = [
    ['a receiver with hyphens', sms({ to: '010-0000-06' }), /RECEIVER is "010-0000-06"/],
    ['an empty text', sms({ text: '' }), /MSG is empty/],
    ['a date that does not exist', sms({ timeout: '2999-02-30 21:00:00' }), /TIMEOUT_DT is/],
    ['half a Hangul syllable', sms({ text: 'ab\xb0' }), /MSG is not CP949/],
    ['a NUL among blanks', sms({ text: 'ab\0' }), /MSG holds a NUL/],
    ['a wrong COUNT', frame('1020', `2   ${sms().toString('latin1', 80, 360)}`), /COUNT is 2, but 1 records/],
    ['a zero-filled COUNT', frame('1020', '0000'), /COUNT is "0000"/],
    ['a RESP_CODE in a request', frame('1020', '0   ', '', '00000'), /RESP_CODE is "00000"/],
    ['a command of another port', frame('1044', '0   '), /1044 is not for this port/],
    ['two requests at once', Buffer.concat([sms(), sms({ id: 'M2' })]), /second request before the answer/],
  ];
  for (const [name, bytes, complaint] of faults) {
    it(`complains about ${name}`, async () => {
      await begin();
      const socket = await open(gateway.ports.smsSend);
      await ask(socket, login);
      await ask(socket, bytes);
      assert.match(gateway.violations.join('\n'), complaint);
    });
  }

  it('complains about an id that is used again after an answer, and about a second login', async () => {
    await begin();
    const socket = await open(gateway.ports.smsSend);
    await ask(socket, login);
    await ask(socket, sms());
    await ask(socket, sms());
    await ask(await open(gateway.ports.smsSend), login);
    assert.match(gateway.violations.join('\n'), /M1 again, though it was answered[\s\S]*2 logins at a time/);
  });

  it('comes back on the same ports', async () => {
    await begin();
    const ports = { ...gateway.ports };
    await gateway.stop();
    await gateway.start();
    assert.deepEqual(gateway.ports, ports);
    await ask(await open(ports.mmsSend), login);
    assert.equal(gateway.connections.length, 1);
  });
});

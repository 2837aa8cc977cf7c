/** The link over real sockets, against servers of a few lines that know nothing of lib/. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../lib/clock.ts';
import { dialTcp, Link, type LinkSettings, type LinkState, probe } from '../../lib/session/index.ts';
import { linkSettings, smsRequest } from './values.ts';

/** A frame as the manual's section 3.A draws it, typed by hand. */
function frame(command: string, body: string, respCode = '00000', respMesg = ''): Buffer {
  const header = `\x01SAM11 ${command.padEnd(5)}${String(body.length).padEnd(8)}${respCode.padEnd(5)}${respMesg.padEnd(50)}`;
  return Buffer.from(`${header}\x02${body}\x03`, 'latin1');
}

const LOGIN_OK = frame('1011', '1 20.0  50.0  250.0 100000  Y3000', '00000', '30|1|');
const ANSWER = frame('1021', `1   ${'G'.padEnd(20)}${'M1'.padEnd(20)}`);
const REPORT = frame(
  '1031',
  `1   ${'G'.padEnd(20)}${'M1'.padEnd(20)}${'01012345678'.padEnd(12)}${'2026-01-05 09:00:00'.padEnd(20)}6  01190  `,
);
const ACKNOWLEDGEMENT = frame('1030', `1   ${'G'.padEnd(20)}${'M1'.padEnd(20)}`, '00000', 'OK');

/** Listens on a free port of the loopback; `serve` gets each connection. */
class Listener {
  readonly server: Server;
  readonly sockets: Socket[] = [];

  constructor(serve: (socket: Socket, index: number) => void) {
    this.server = createServer((socket) => {
      socket.on('error', () => {});
      this.sockets.push(socket);
      serve(socket, this.sockets.length - 1);
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Calls `each` for every frame that arrives; requests here are small and come whole. */
function onFrames(socket: Socket, each: (command: string, bytes: Buffer) => void): void {
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      const size = 77 + Number(chunk.toString('latin1', at + 12, at + 20));
      each(chunk.toString('latin1', at + 7, at + 12).trim(), chunk.subarray(at, at + size));
      at += size;
    }
  });
}

/** A promise and what resolves it. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const deps = { clock: systemClock, dial: dialTcp, random: Math.random };

/** A link and a way to await its states. */
function watch(settings: LinkSettings, onReports: (stored: () => void) => void = (stored) => stored()) {
  const waiting = new Set<() => void>();
  const link = new Link(settings, deps, {
    state: () => {
      for (const look of [...waiting]) look();
    },
    reports: (_, stored) => onReports(stored),
    notice: () => {},
  });
  const until = (name: LinkState['name']) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (link.state.name !== name) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { link, until };
}

describe('link over TCP', () => {
  let listener: Listener;
  afterEach(() => listener.close());

  const settingsFor = async (serve: (socket: Socket, index: number) => void, changes = {}) => {
    listener = new Listener(serve);
    const port = await listener.listen();
    return linkSettings({ host: '127.0.0.1', port, reconnectMs: 20, timeoutMs: 5_000, ...changes });
  };

  it('sends and is answered, byte for byte, the answer in slices', async () => {
    const heard: Buffer[] = [];
    const settings = await settingsFor((socket) => {
      socket.setNoDelay(true);
      onFrames(socket, (command, bytes) => {
        heard.push(bytes);
        const answer = command === '1010' ? LOGIN_OK : ANSWER;
        socket.write(answer.subarray(0, 30));
        setImmediate(() => socket.write(answer.subarray(30)));
      });
    });
    const { link, until } = watch(settings);
    link.start();
    await until('ready');
    const answer = await link.request(smsRequest('M1'));
    assert.ok(answer.kind === 'answer' && answer.frame.COMMAND === '1021');
    await link.stop();
    const login = frame('1010', `${'tester'.padEnd(20)}${'secret'.padEnd(20)}`, '', 'Protocol');
    assert.deepEqual(heard, [login, smsRequest('M1')]);
  });

  it('a report in the segment of the 1011 is kept and acknowledged', async () => {
    const acknowledged = deferred<Buffer>();
    const settings = await settingsFor(
      (socket) =>
        onFrames(socket, (command, bytes) => {
          if (command === '1010') socket.write(Buffer.concat([LOGIN_OK, REPORT]));
          else acknowledged.resolve(bytes);
        }),
      { role: 'report' },
    );
    const { link } = watch(settings);
    link.start();
    assert.deepEqual(await acknowledged.promise, ACKNOWLEDGEMENT);
    await link.stop();
  });

  it('outage after outage it comes back, each time on a socket of its own', async () => {
    const settings = await settingsFor((socket) =>
      onFrames(socket, (command) => {
        if (command === '1010') socket.write(LOGIN_OK);
        else socket.resetAndDestroy();
      }),
    );
    const { link, until } = watch({ ...settings, reconnectMs: 5 });
    link.start();
    for (let outage = 1; outage <= 5; outage++) {
      await until('ready');
      const answer = await link.request(smsRequest());
      assert.ok(answer.kind === 'lost' && answer.written);
      assert.equal(listener.sockets.length, outage);
    }
    await link.stop();
    assert.equal(link.state.name, 'stopped');
  });

  for (const [what, serve, code] of [
    [
      'closed without a word',
      (socket: Socket) => void socket.once('data', () => socket.end()),
      'USHOT_LINK_SILENT_CLOSE',
    ],
    ['closed at once', (socket: Socket) => void socket.end(), 'USHOT_LINK_SILENT_CLOSE'],
    ['reset at once', (socket: Socket) => void socket.resetAndDestroy(), 'USHOT_LINK_SILENT_CLOSE'],
    ['refused', (socket: Socket) => void socket.write(frame('1011', '', '11001', 'no')), 'USHOT_LINK_LOGIN_REFUSED'],
    ['another protocol', (socket: Socket) => void socket.write('220 mail.test ESMTP\r\n'), 'USHOT_LINK_PROTOCOL'],
    ['silent', () => {}, 'USHOT_LINK_TIMEOUT'],
  ] as const) {
    it(`probe: ${what} is ${code}`, async () => {
      const settings = await settingsFor(serve, { timeoutMs: 200 });
      const result = await probe(settings, deps);
      assert.ok(result.kind === 'trouble');
      assert.equal(result.trouble.code, code);
    });
  }

  it('probe: terms', async () => {
    const settings = await settingsFor((socket) => onFrames(socket, () => socket.write(LOGIN_OK)));
    const result = await probe({ ...settings, localAddress: '127.0.0.1' }, deps);
    assert.ok(result.kind === 'ok');
    assert.equal(result.terms.balance, 100_000);
    const [socket] = listener.sockets;
    assert.ok(socket);
    if (!socket.closed) await once(socket, 'close');
  });

  it('probe: nobody listens, a name that cannot be, an address that is not ours, a port that cannot be', async () => {
    const settings = await settingsFor(() => {});
    const port = settings.port;
    await listener.close();
    listener = new Listener(() => {});
    await listener.listen();
    const codes: string[] = [];
    for (const changes of [
      { port },
      { host: 'nowhere.invalid' },
      { localAddress: '192.0.2.1' },
      { localAddress: 'not-an-address' },
      { port: 70_000 },
    ]) {
      const result = await probe({ ...settings, ...changes }, deps);
      assert.ok(result.kind === 'trouble');
      codes.push(result.trouble.code);
    }
    assert.deepEqual(codes, [
      'USHOT_LINK_REFUSED',
      'USHOT_LINK_DNS',
      'USHOT_LINK_LOCAL_ADDRESS',
      'USHOT_LINK_LOCAL_ADDRESS',
      'USHOT_LINK_LOST',
    ]);
  });

  it('a gateway that never reads is dropped before its acknowledgements fill the memory', async () => {
    const settings = await settingsFor(() => {});
    const closed = deferred<NodeJS.ErrnoException | undefined>();
    const wire = dialTcp(settings, {
      opened: () => {
        listener.sockets[0]?.pause();
        const block = Buffer.alloc(1024 * 1024);
        for (let count = 0; count < 40; count++) wire.write(block);
      },
      data: () => {},
      closed: closed.resolve,
    });
    assert.equal((await closed.promise)?.code, 'ENOBUFS');
  });
});

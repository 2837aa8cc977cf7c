/** The other end of a simulated gateway, for tests: frames in and out, over memory or over a real socket. */
import { connect, type Socket } from 'node:net';
import { type BodyInput, Codec, type Command, type Frame, type FrameOf, Framer } from '../../lib/protocol/index.ts';
import { Gateway, type GatewayOptions, type Port, seededRandom } from '../../lib/simulator/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

type Version = 'SAM10' | 'SAM11';

export const wire = { padding: 'space', numberStyle: 'left', userCode: 'omit', charset: 'cp949' } as const;
export const codecs = {
  SAM10: new Codec({ version: 'SAM10', ...wire }),
  SAM11: new Codec({ version: 'SAM11', ...wire }),
};

/** A gateway on a virtual clock. */
export function gatewayOf(options: GatewayOptions = {}, seed = 1): { gateway: Gateway; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { gateway: new Gateway(options, { clock, random: seededRandom(seed) }), clock };
}

/** A connection in memory. What the gateway writes is there at once. */
export class Client {
  readonly codec: Codec;
  /** Each write of the gateway. */
  readonly chunks: Buffer[] = [];
  readonly frames: Frame[] = [];
  closed = false;
  readonly #framer = new Framer();
  readonly #end: { data(chunk: Buffer): void; closed(): void };

  constructor(gateway: Gateway, port: Port, version: Version = 'SAM11', remote = '127.0.0.1') {
    this.codec = codecs[version];
    const peer = {
      write: (bytes: Buffer) => {
        this.chunks.push(Buffer.from(bytes));
        try {
          for (const raw of this.#framer.push(bytes)) this.frames.push(this.codec.decode(raw));
        } catch {
          // Garbage on demand: the test looks at the chunks.
        }
      },
      close: () => {
        this.closed = true;
      },
    };
    this.#end = gateway.attach(port, peer, remote);
  }

  /** A connection that is logged in, the answer taken off. */
  static in(gateway: Gateway, port: Port, version: Version = 'SAM11', id = 'practice'): Client {
    const client = new Client(gateway, port, version);
    const answer = client.ask('1010', { ID: id, PASSWORD: 'secret' });
    if (answer?.RESP_CODE !== '00000') throw new Error(`The login was refused with ${answer?.RESP_CODE}`);
    return client;
  }

  write(bytes: Buffer): void {
    this.#end.data(bytes);
  }

  hangUp(): void {
    this.#end.closed();
  }

  send<C extends Command>(command: C, body: BodyInput<C> | null, head = {}): void {
    this.write(this.codec.encode(command, body, head));
  }

  /** Sends a request and takes the frame that answers it, if one came. */
  ask<C extends Command>(command: C, body: BodyInput<C> | null, head = {}): Frame | undefined {
    this.send(command, body, head);
    return this.take();
  }

  /** The next frame that came, taken off. */
  take(): Frame | undefined {
    return this.frames.shift();
  }

  takeReport(): FrameOf<'1031'> | undefined {
    const frame = this.take();
    return frame?.COMMAND === '1031' ? frame : undefined;
  }

  /** Acknowledges a 1031 (SAM11). */
  acknowledge(frame: FrameOf<'1031'> | undefined): void {
    const records = (frame?.body?.records ?? []).map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID }));
    this.send('1030', { records }, { RESP_CODE: '00000', RESP_MESG: 'OK' });
  }
}

/** One message of a 1020. */
export const sms = (id: string, more: Partial<Record<'RECEIVER' | 'MSG' | 'URL' | 'TIMEOUT_DT', string>> = {}) => ({
  GRP_ID: 'group',
  MSG_ID: id,
  SENDER: '0212345678',
  RECEIVER: '01012345678',
  MSG: '안녕하세요',
  ...more,
});

/** One message of a 1024, 1044 or 1045. */
export const lms = (id: string, more: Partial<Record<'RECEIVER' | 'MSG' | 'SUBJECT', string>> = {}) => ({
  GRP_ID: 'group',
  MSG_ID: id,
  SENDER: '0212345678',
  RECEIVER: '01012345678',
  MSG: '긴 메시지',
  ...more,
});

/** A real connection. */
export class SocketClient {
  readonly socket: Socket;
  readonly codec: Codec;
  readonly #framer = new Framer();
  readonly #frames: Frame[] = [];
  #bytes = Buffer.alloc(0);
  #waiting: (() => void)[] = [];
  ended = false;

  private constructor(socket: Socket, version: Version) {
    this.socket = socket;
    this.codec = codecs[version];
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      for (const raw of this.#framer.push(chunk)) this.#frames.push(this.codec.decode(raw));
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.#wake();
    });
  }

  static open(port: number, version: Version = 'SAM11'): Promise<SocketClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new SocketClient(socket, version)));
    });
  }

  /** The next `count` bytes, whatever they are. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#bytes.length >= count || this.ended);
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  /** The next frame; undefined when the connection ended instead. */
  async frame(): Promise<Frame | undefined> {
    await this.#until(() => this.#frames.length > 0 || this.ended);
    return this.#frames.shift();
  }

  async ask<C extends Command>(command: C, body: BodyInput<C> | null, head = {}): Promise<Frame | undefined> {
    this.socket.write(this.codec.encode(command, body, head));
    return await this.frame();
  }

  async end(): Promise<void> {
    await this.#until(() => this.ended);
  }

  async #until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A relay in front of a port: it can cut the line after so many bytes, in the middle of whatever is on the way. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutAfter = Number.POSITIVE_INFINITY;
  /** Lines that were cut on purpose. */
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: number): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', (near) => relay.#carry(near, connect(target, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The line is cut when so many bytes more have gone to the gateway; once. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroySoon();
      });
    }
    far.on('data', (chunk) => near.write(chunk));
    near.on('data', (chunk) => {
      const left = this.#cutAfter;
      this.#cutAfter -= chunk.length;
      if (chunk.length <= left) return void far.write(chunk);
      this.#cutAfter = Number.POSITIVE_INFINITY;
      this.cuts++;
      far.write(chunk.subarray(0, left), () => near.destroy());
    });
  }
}

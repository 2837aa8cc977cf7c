/**
 * The simulated gateway behind TCP ports, on this machine alone unless told otherwise.
 *
 *   const simulator = await startSimulator({ ports: { smsSend: 0 }, accounts: [...] });
 *   simulator.ports.smsSend; simulator.gateway.faults.add({ kind: 'silence', times: 1 }); await simulator.stop();
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock } from '../clock.ts';
import { Gateway } from './gateway.ts';
import { type Port, portNames } from './ports.ts';
import { seededRandom } from './random.ts';
import type { GatewayOptions } from './settings.ts';

/** A client that does not read what it asked for is cut off here. */
const MOST_UNSENT_BYTES = 16 * 2 ** 20;
/** How long a closed connection may take to hand over its last bytes. */
const LINGER_MS = 5000;

export interface SimulatorOptions extends GatewayOptions {
  /** Address to listen on (127.0.0.1). */
  readonly host?: string;
  /** Port numbers; 0, and what is left out, takes any free one. */
  readonly ports?: Partial<Readonly<Record<Port, number>>>;
  /** Decides every chance (1). */
  readonly seed?: number;
  /** Lets the process end while the simulator runs: for practice mode, where it is not the reason to stay. */
  readonly unref?: boolean;
  readonly clock?: Clock;
}

export interface Simulator {
  readonly host: string;
  readonly ports: Readonly<Record<Port, number>>;
  readonly gateway: Gateway;
  /** Stops listening, so that connections are refused; what is connected stays. */
  refuse(): Promise<void>;
  /** Listens again on the same ports. */
  accept(): Promise<void>;
  /** Closes everything at once. May be called twice. */
  stop(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', ports: wanted = {}, seed = 1, unref = false, clock = systemClock, ...rest } = options;
  const gateway = new Gateway(rest, { clock, random: seededRandom(seed) });
  const sockets = new Set<Socket>();
  const servers = new Map<Port, Server>();
  const ports: Record<Port, number> = { smsSend: 0, smsReport: 0, mmsSend: 0, mmsReport: 0, ...wanted };

  const serve = (port: Port, socket: Socket): void => {
    sockets.add(socket);
    if (unref) socket.unref();
    const peer = {
      write(bytes: Buffer): void {
        if (socket.writableLength > MOST_UNSENT_BYTES) socket.destroy();
        else if (!socket.destroyed) socket.write(bytes);
      },
      close(): void {
        socket.destroySoon();
        clock.timer(LINGER_MS, () => socket.destroy());
      },
    };
    const end = gateway.attach(port, peer, plainAddress(socket.remoteAddress));
    socket.on('data', (chunk) => end.data(chunk));
    // A reset is an end like any other; 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      end.closed();
    });
  };
  const accept = async (): Promise<void> => {
    for (const port of portNames) {
      if (servers.has(port)) continue;
      const server = createServer({ noDelay: true }, (socket) => serve(port, socket));
      if (unref) server.unref();
      ports[port] = await listen(server, host, ports[port]);
      servers.set(port, server);
    }
  };
  const refuse = async (): Promise<void> => {
    // `close` waits for the connections too, but listening ends at once.
    for (const server of servers.values()) server.close();
    servers.clear();
  };
  const stop = async (): Promise<void> => {
    const open = [...servers.values()];
    const closed = open.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    servers.clear();
    gateway.stop();
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await gateway.files.settled();
  };

  try {
    await accept();
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, ports, gateway, refuse, accept, stop };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** An IPv4 address that came through an IPv6 socket, as people write it. */
const plainAddress = (address = ''): string => address.replace(/^::ffff:/, '');

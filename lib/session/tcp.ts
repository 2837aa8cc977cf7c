/** Real sockets behind the `Dial` port. The name is looked up anew at each call. */
import { connect, isIP, type Socket } from 'node:net';
import type { Dial, DialTarget, Wire, WireEvents } from '../network.ts';

/** TCP's own probe of an idle connection: the only sign of death where the protocol has none (SAM11 reports). */
const TCP_KEEPALIVE_MS = 30_000;

/** Bytes that the other side does not read. A frame with a file is 300 kB; more than this means that it never will. */
const UNSENT_BYTES_MOST = 8 * 1024 * 1024;

export const dialTcp: Dial = (target, events) => {
  let socket: Socket;
  try {
    socket = open(target);
  } catch (error) {
    // A port or an address that cannot be: told as any other failure, and not within this call.
    queueMicrotask(() => events.closed(error as NodeJS.ErrnoException));
    return { write: () => {}, destroy: () => {} };
  }
  return wire(socket, events);
};

function open({ host, port, localAddress }: DialTarget): Socket {
  return connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    // An address can only reach its own kind.
    ...(localAddress ? { localAddress, family: isIP(localAddress) } : {}),
  });
}

function wire(socket: Socket, events: WireEvents): Wire {
  let failure: NodeJS.ErrnoException | undefined;
  socket.once('connect', () => events.opened());
  socket.on('data', (chunk) => events.data(chunk));
  socket.on('error', (error) => {
    failure = error;
  });
  // There is nothing to say to a gateway that has hung up, and waiting until it has read the rest could take for ever.
  socket.once('end', () => socket.destroy());
  socket.once('close', () => events.closed(failure));
  return {
    write(bytes) {
      if (socket.destroyed) return;
      socket.write(bytes);
      if (socket.writableLength > UNSENT_BYTES_MOST) {
        socket.destroy(Object.assign(new Error('the other side does not read'), { code: 'ENOBUFS' }));
      }
    },
    destroy() {
      socket.destroy();
    },
  };
}

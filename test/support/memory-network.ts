/**
 * A network in memory behind the `Dial` port. It delivers in order and never within a call; a test slices what is
 * delivered, refuses, swallows or cuts at will. Delivery takes no time of the virtual clock.
 */
import type { Dial, DialTarget, Wire, WireEvents } from '../../lib/network.ts';

/** The gateway's end of a connection. */
export interface Peer {
  readonly target: DialTarget;
  readonly isOpen: boolean;
  write(bytes: Buffer): void;
  /** Ends the connection in order, or as a loss with this error code at the other end. */
  close(code?: string): void;
}

export interface PeerEvents {
  data(chunk: Buffer): void;
  closed(): void;
}

export type Accept = (peer: Peer) => PeerEvents;

/** After so many deliveries in a row the event loop turns, so that an endless exchange cannot hang a test. */
const BURST = 5_000;

export class MemoryNetwork {
  /** How a dial fares: it opens, fails with an error code, or hears nothing. */
  reach: 'open' | 'hang' | { readonly code: string } = 'open';
  /** Nothing written from now on arrives, in either direction: a cable pulled. */
  isMute = false;
  /** Cuts what is written into the chunks that arrive. */
  slice: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes];
  /** Dials so far, each by the port it went to. */
  readonly dials: number[] = [];
  readonly #listeners = new Map<number, Accept>();
  readonly #connections = new Set<Connection>();
  readonly #queue: (() => void)[] = [];
  #delivered = 0;

  /** For the code under test. */
  readonly dial: Dial = (target, events) => {
    this.dials.push(target.port);
    const connection = new Connection(this, target, events);
    this.later(() => connection.open());
    return connection;
  };

  /** Accepts connections on `port`. Gives what closes the port again; open connections stay. */
  listen(port: number, accept: Accept): () => void {
    this.#listeners.set(port, accept);
    return () => void this.#listeners.delete(port);
  }

  /** Connections that are open or being opened. */
  get openCount(): number {
    return this.#connections.size;
  }

  /** Cuts every connection. */
  cut(code = 'ECONNRESET'): void {
    for (const connection of [...this.#connections]) connection.close(code);
  }

  listener(port: number): Accept | undefined {
    return this.#listeners.get(port);
  }

  hold(connection: Connection): void {
    this.#connections.add(connection);
  }

  release(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Delivers in the order of the calls, one thing at a time. */
  later(deliver: () => void): void {
    this.#queue.push(deliver);
    const next = () => this.#queue.shift()?.();
    if (++this.#delivered % BURST === 0) setImmediate(next);
    else queueMicrotask(next);
  }
}

class Connection implements Wire {
  readonly target: DialTarget;
  readonly #network: MemoryNetwork;
  readonly #client: WireEvents;
  #server: PeerEvents | undefined;
  #isOpen = true;

  constructor(network: MemoryNetwork, target: DialTarget, client: WireEvents) {
    this.#network = network;
    this.target = target;
    this.#client = client;
    network.hold(this);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (!this.#isOpen) return;
    const { reach } = this.#network;
    if (reach === 'hang') return;
    const accept = this.#network.listener(this.target.port);
    if (reach !== 'open' || !accept) return this.close(reach === 'open' ? 'ECONNREFUSED' : reach.code);
    this.#server = accept(new ServerEnd(this));
    this.#client.opened();
  }

  /** From the client. */
  write(bytes: Buffer): void {
    this.#deliver(bytes, (chunk) => this.#server?.data(chunk));
  }

  /** From the server. */
  answer(bytes: Buffer): void {
    this.#deliver(bytes, (chunk) => this.#client.data(chunk));
  }

  destroy(): void {
    this.close();
  }

  /** What was written before still arrives. */
  close(code?: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.release(this);
    this.#network.later(() => {
      this.#server?.closed();
      this.#client.closed(code === undefined ? undefined : Object.assign(new Error(code), { code }));
    });
  }

  #deliver(bytes: Buffer, to: (chunk: Buffer) => void): void {
    if (!this.#isOpen || this.#network.isMute) return;
    for (const chunk of this.#network.slice(bytes)) this.#network.later(() => to(chunk));
  }
}

class ServerEnd implements Peer {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get target(): DialTarget {
    return this.#connection.target;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  write(bytes: Buffer): void {
    this.#connection.answer(bytes);
  }

  close(code?: string): void {
    this.#connection.close(code);
  }
}

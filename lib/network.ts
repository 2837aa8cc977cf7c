/**
 * The network as an argument: how a link reaches the gateway. `session/tcp.ts` dials real sockets; tests dial a gateway
 * in the same process, over a network that loses, slices and delays by a seed.
 */

export interface DialTarget {
  host: string;
  port: number;
  /** Source address to bind, for a gateway that allow-lists it. */
  localAddress?: string;
}

/** What a connection tells its owner. After `closed` nothing more is told. */
export interface WireEvents {
  opened(): void;
  data(chunk: Buffer): void;
  /** Once, at the end of every connection, also of one that never opened. `error` is absent on an orderly end. */
  closed(error?: NodeJS.ErrnoException): void;
}

export interface Wire {
  write(bytes: Buffer): void;
  /** Drops the connection at once. `closed` follows, not within this call. */
  destroy(): void;
}

/** Opens a connection. Never calls back within the call itself. */
export type Dial = (target: DialTarget, events: WireEvents) => Wire;

/** The `smpp` package: its server as a child, its client for whoever imports this. It has no types: these are ours. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tellParent } from './child.ts';

interface Pdu {
  readonly command_status: number;
  readonly registered_delivery: number;
  readonly source_addr: string;
  readonly destination_addr: string;
  response(fields?: object): Pdu;
}

interface Session {
  /** Left alone, it waits up to 40 ms to fill packets. */
  readonly socket: Socket;
  on(event: 'connect' | 'error' | 'submit_sm' | 'deliver_sm' | 'bind_transceiver', listener: (pdu: Pdu) => void): void;
  send(pdu: Pdu): void;
  bind_transceiver(fields: object, answered: (pdu: Pdu) => void): void;
  submit_sm(fields: object, answered: (pdu: Pdu) => void): void;
  deliver_sm(fields: object): void;
  destroy(): void;
}

interface Smpp {
  connect(options: { url: string }): Session;
  createServer(listener: (session: Session) => void): Server;
}

const smpp = createRequire(import.meta.url)('smpp') as Smpp;

export interface SmppClient {
  readonly session: Session;
  /** How many came. */
  readonly receipts: number;
}

export async function connectSmpp(port: number): Promise<SmppClient> {
  const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` });
  session.socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    session.on('error', reject as () => void);
    session.on('connect', () => session.bind_transceiver({ system_id: 'bench', password: 'bench' }, () => resolve()));
  });
  const client = { session, receipts: 0 };
  session.on('deliver_sm', (pdu) => {
    client.receipts++;
    session.send(pdu.response());
  });
  return client;
}

if (process.argv[1] === import.meta.filename) {
  const server = smpp.createServer((session) => {
    session.socket.setNoDelay(true);
    session.on('error', () => {});
    session.on('bind_transceiver', (pdu) => session.send(pdu.response()));
    session.on('submit_sm', (pdu) => {
      const id = randomBytes(8).toString('hex');
      session.send(pdu.response({ message_id: id }));
      if (pdu.registered_delivery === 0) return;
      session.deliver_sm({
        ...{ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4 },
        short_message: `id:${id} sub:001 dlvrd:001 submit date:2611231200 done date:2611231201 stat:DELIVRD err:000 text:`,
      });
    });
  });
  server.listen(0, '127.0.0.1', () => tellParent({ port: (server.address() as AddressInfo).port }));
}

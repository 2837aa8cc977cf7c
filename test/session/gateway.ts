/**
 * The other end of a link in memory: a few lines that speak bytes, do as a test says, and note what they heard. Not a
 * simulator: it has no opinion about what it receives.
 */
import { type BodyRecord, Codec, type Command, defaultWire, type Frame, Framer } from '../../lib/protocol/index.ts';
import type { MemoryNetwork, Peer } from '../support/memory-network.ts';

type Respond = (frame: Frame, caller: Caller) => void;

/** One connection as the gateway sees it. */
export interface Caller {
  readonly peer: Peer;
  readonly heard: Frame[];
}

const codecs = {
  SAM10: new Codec({ ...defaultWire, version: 'SAM10' }),
  SAM11: new Codec({ ...defaultWire, version: 'SAM11' }),
};

export class Gateway {
  readonly callers: Caller[] = [];
  /** What to do with each frame; `answer` by default. A test replaces it. */
  respond: Respond = (frame, caller) => this.answer(frame, caller);
  readonly #network: MemoryNetwork;
  readonly #port: number;
  #close: () => void = () => {};

  constructor(network: MemoryNetwork, port = 33300) {
    this.#network = network;
    this.#port = port;
    this.start();
  }

  start(): void {
    this.#close = this.#network.listen(this.#port, (peer) => {
      const caller: Caller = { peer, heard: [] };
      const framer = new Framer();
      this.callers.push(caller);
      return {
        data: (chunk) => {
          for (const raw of framer.push(chunk)) {
            const frame = codecs.SAM11.decode(raw);
            caller.heard.push(frame);
            this.respond(frame, caller);
          }
        },
        closed: () => {},
      };
    });
  }

  /** Hangs up on all and listens no more. */
  stop(): void {
    this.#close();
    for (const { peer } of this.callers) peer.close();
  }

  get caller(): Caller {
    const last = this.callers.at(-1);
    if (!last) throw new Error('nobody called');
    return last;
  }

  /** Commands heard on the last connection. */
  get commands(): Command[] {
    return this.caller.heard.map(({ COMMAND }) => COMMAND);
  }

  /** What a well-behaved gateway does. */
  answer(frame: Frame, { peer }: Caller): void {
    const codec = frame.VERSION === 'SAM10' ? codecs.SAM10 : codecs.SAM11;
    const head = { RESP_CODE: '00000', RESP_MESG: 'OK' };
    switch (frame.COMMAND) {
      case '1010':
        return peer.write(loginBytes());
      case '1020':
      case '1044': {
        if (frame.VERSION === 'SAM10') return peer.write(codec.encode('1026', null, head));
        const records = (frame.body?.records ?? []).map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID }));
        return peer.write(codec.encode('1021', { records }, head));
      }
      case '1030':
        if (frame.VERSION === 'SAM10') peer.write(reportBytes([], 'SAM10'));
        return;
    }
  }
}

export function loginBytes(respCode = '00000', respMesg = '30|1|'): Buffer {
  const head = { RESP_CODE: respCode, RESP_MESG: respMesg };
  return respCode === '00000'
    ? codecs.SAM11.encode('1011', { FEE_TYPE: '1', VARIABLE_YN: 'Y', MAX_MSG_SIZE: '3000' }, head)
    : codecs.SAM11.encode('1011', null, head);
}

export function reportBytes(records: readonly BodyRecord<'1031'>[], version: 'SAM10' | 'SAM11' = 'SAM11'): Buffer {
  return codecs[version].encode('1031', { records });
}

export function answerBytes(...messageIds: string[]): Buffer {
  const records = messageIds.map((MSG_ID) => ({ GRP_ID: 'G', MSG_ID }));
  return codecs.SAM11.encode('1021', { records }, { RESP_CODE: '00000', RESP_MESG: 'OK' });
}

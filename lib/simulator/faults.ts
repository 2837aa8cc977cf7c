/**
 * Faults on demand: what the gateway does wrong on purpose, when, and how often. They can be added and taken away while
 * it runs; chance comes from the seed.
 *
 * An exchange is a request with its answer, or a pushed 1031. At most one fault strikes an exchange: the first of the
 * list that fits and whose chance comes up. Logins are spared unless a fault names the command 1010. `slice` (each
 * write), `result` and `report-twice` (each message) stand beside that.
 */
import type { Port } from './ports.ts';
import type { Random } from './random.ts';
import { checkRespCode, checkRespMesg } from './settings.ts';

/** Every fault with its meaning, in the reader's language: also the CLI's help. */
export const faultKinds = {
  'refuse-connection': { en: 'close a new connection at once', ko: '새 연결을 바로 끊습니다' },
  'refuse-login': { en: 'refuse the login (code, text)', ko: '로그인을 거부합니다(code, text)' },
  'cut-at-login': {
    en: 'close without answering the login, as for an address that is not registered',
    ko: '등록되지 않은 주소처럼 로그인에 응답하지 않고 끊습니다',
  },
  reject: { en: 'refuse a frame (code, text)', ko: '전문을 거부합니다(code, text)' },
  partial: {
    en: 'take only the first half of a frame; a 1021 lists just those (code, text)',
    ko: '전문의 앞 절반만 받습니다. 1021에는 받은 것만 적습니다(code, text)',
  },
  'cut-before-take': { en: 'cut the link, nothing taken', ko: '받지 않고 연결을 끊습니다' },
  'cut-before-answer': { en: 'take the messages, cut before the answer', ko: '메시지를 받고 응답 전에 끊습니다' },
  'cut-in-answer': { en: 'cut in the middle of the answer', ko: '응답을 보내다가 중간에 끊습니다' },
  'cut-after-answer': { en: 'cut right after the answer', ko: '응답 직후에 끊습니다' },
  late: { en: 'answer late (delay, in ms)', ko: '늦게 응답합니다(delay, 밀리초)' },
  silence: { en: 'take the messages, never answer', ko: '메시지를 받고 응답하지 않습니다' },
  garbage: { en: 'answer with random bytes', ko: '응답 대신 아무 바이트나 보냅니다' },
  slice: { en: 'write in slices: size 1, or random without size', ko: '잘게 나누어 보냅니다(size, 없으면 무작위)' },
  result: { en: 'report another result (result)', ko: '다른 결과 코드로 보고합니다(result)' },
  'report-twice': { en: 'report a message twice', ko: '결과를 두 번 보냅니다' },
} as const satisfies Record<string, { en: string; ko: string }>;

export type FaultKind = keyof typeof faultKinds;

export const faultKindNames = Object.keys(faultKinds) as readonly FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  /** How often it strikes before it is spent; without it, until it is taken away. */
  readonly times?: number;
  /** Chance of striking each time that it fits, 0 to 1; without it, always. */
  readonly probability?: number;
  /** Only on these ports. */
  readonly ports?: readonly Port[];
  /** Only on these commands: the request's, or 1031 for a push. */
  readonly commands?: readonly string[];
  /** Only on frames that hold, or for `result` on messages to, one of these receivers. */
  readonly receivers?: readonly string[];
  /** RESP_CODE and RESP_MESG of a refusal. */
  readonly code?: string;
  readonly text?: string;
  /** How late, for `late`. */
  readonly delayMs?: number;
  /** RESULT, for `result`. */
  readonly result?: number;
  /** Bytes of a slice, for `slice`. */
  readonly size?: number;
}

/** Kinds that strike the exchange of a request, a login, an acknowledgement, and a push. */
const exchangeKinds = new Set<FaultKind>([
  'reject',
  'partial',
  'cut-before-take',
  'cut-before-answer',
  'cut-in-answer',
  'cut-after-answer',
  'late',
  'silence',
  'garbage',
]);
const loginKinds = new Set<FaultKind>([...exchangeKinds, 'refuse-login', 'cut-at-login']);
/** An acknowledgement (1030, SAM11) has no answer: the link can only be cut before or after it counts. */
const acknowledgementKinds = new Set<FaultKind>(['cut-before-take', 'cut-before-answer', 'cut-after-answer']);
const pushKinds = new Set<FaultKind>(['cut-before-answer', 'cut-in-answer', 'cut-after-answer', 'garbage']);

/** Where a fault might strike. */
export interface Occasion {
  readonly port: Port;
  readonly command?: string;
  readonly receivers?: () => readonly string[];
}

/** What does not fit its field would otherwise only show when the fault strikes. */
function checkFault({ code, text, result, size }: Fault): void {
  if (code !== undefined) checkRespCode(code);
  if (text !== undefined) checkRespMesg(text);
  if (result !== undefined && !(Number.isInteger(result) && result >= 0 && result <= 999)) {
    throw new RangeError(`The result of a fault must be a whole number from 0 to 999, but it is ${result}`);
  }
  if (size !== undefined && !(Number.isInteger(size) && size > 0)) {
    throw new RangeError(`The size of slices must be a whole number above 0, but it is ${size}`);
  }
}

interface Active {
  readonly fault: Fault;
  left: number;
}

export class Faults {
  readonly #random: Random;
  readonly #struck: (fault: Fault, occasion: Occasion) => void;
  #active: Active[] = [];

  constructor(random: Random, struck: (fault: Fault, occasion: Occasion) => void) {
    this.#random = random;
    this.#struck = struck;
  }

  /** Adds a fault at the end of the list; the function that comes back takes it away. */
  add(fault: Fault): () => void {
    checkFault(fault);
    const active: Active = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#active.push(active);
    return () => {
      this.#active = this.#active.filter((other) => other !== active);
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** The faults that can still strike. */
  get list(): readonly Fault[] {
    return this.#active.map(({ fault }) => fault);
  }

  connection(port: Port): Fault | undefined {
    return this.#strike((kind) => kind === 'refuse-connection', { port });
  }

  request(occasion: Occasion): Fault | undefined {
    return this.#strike((kind) => exchangeKinds.has(kind), occasion);
  }

  acknowledgement(port: Port): Fault | undefined {
    return this.#strike((kind) => acknowledgementKinds.has(kind), { port, command: '1030' });
  }

  login(port: Port): Fault | undefined {
    return this.#strike(
      (kind) => loginKinds.has(kind),
      { port, command: '1010' },
      (fault) => {
        return (
          fault.kind === 'refuse-login' || fault.kind === 'cut-at-login' || (fault.commands?.includes('1010') ?? false)
        );
      },
    );
  }

  push(port: Port): Fault | undefined {
    return this.#strike((kind) => pushKinds.has(kind), { port, command: '1031' });
  }

  write(port: Port): Fault | undefined {
    return this.#strike((kind) => kind === 'slice', { port });
  }

  message(kind: 'result' | 'report-twice', occasion: Occasion): Fault | undefined {
    return this.#strike((other) => other === kind, occasion);
  }

  #strike(
    fits: (kind: FaultKind) => boolean,
    occasion: Occasion,
    also: (fault: Fault) => boolean = () => true,
  ): Fault | undefined {
    if (this.#active.length === 0) return undefined;
    for (const active of this.#active) {
      const { fault } = active;
      if (!fits(fault.kind) || !also(fault)) continue;
      if (fault.ports && !fault.ports.includes(occasion.port)) continue;
      if (fault.commands && occasion.command !== undefined && !fault.commands.includes(occasion.command)) continue;
      if (fault.receivers) {
        const receivers = occasion.receivers?.() ?? [];
        if (!receivers.some((receiver) => fault.receivers?.includes(receiver))) continue;
      }
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      active.left -= 1;
      if (active.left <= 0) this.#active = this.#active.filter((other) => other !== active);
      this.#struck(fault, occasion);
      return fault;
    }
    return undefined;
  }
}

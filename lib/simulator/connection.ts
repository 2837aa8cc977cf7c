/**
 * One connection to the gateway, without its socket: bytes in, bytes out.
 *
 *   login -(1010, good)-> ready -(close, cut, broken frame)-> closed
 *     '-(anything else: answered with a RESP_CODE, if at all)-> closed
 *
 * A connection is strict. Whatever is not as the manual says becomes a complaint and, where there is a command to
 * answer, an answer with a RESP_CODE; nothing of such a frame is taken. Only bytes that are not frames close it.
 */
import type { Timer } from '../clock.ts';
import {
  type BodyInput,
  type Codec,
  type Command,
  type Frame,
  type FrameOf,
  Framer,
  type RawFrame,
  RemoteProtocolError,
  type Version,
} from '../protocol/index.ts';
import type { Account } from './accounts.ts';
import { checkSend, filesOf, type SendFrame } from './checks.ts';
import { complaintKinds, type Finding, finding } from './complaints.ts';
import type { Fault } from './faults.ts';
import type { House, Place } from './house.ts';
import { type Port, ports } from './ports.ts';
import type { Batch, ReportLink, ReportQueue } from './reports.ts';

/** The other end's socket, as the gateway sees it. */
export interface Peer {
  write(bytes: Buffer): void;
  /** Ends the connection when all that was written is on its way. */
  close(): void;
}

const OK = '00000';
const LARGEST_BALANCE = 99_999_999;
/** A COUNT-0 1030 so soon after our own COUNT-0 1031 is its answer, and is not answered in turn. */
const HEARTBEAT_ANSWER_MS = 5000;
const GARBAGE_BYTES = 64;

type State =
  | { readonly name: 'login' }
  | { readonly name: 'ready'; readonly account: Account; readonly version: Version; readonly codec: Codec }
  | { readonly name: 'closed' };

type Ready = State & { name: 'ready' };

export class Connection implements ReportLink {
  readonly #house: House;
  readonly #peer: Peer;
  readonly #port: Port;
  readonly #remote: string;
  readonly #framer = new Framer();
  #state: State = { name: 'login' };
  /** A request whose answer is late or never comes. */
  #owing = false;
  /** Bytes of the next request came together with the last one, before it could be answered. */
  #early = false;
  /** Batches that went out here, in order, until they are acknowledged; one that was pushed twice stands twice. */
  #unacknowledged: Batch[] = [];
  /** What the last poll (SAM10) brought. */
  #polled: Batch | null = null;
  #heardMs: number;
  #spokeMs: number;
  #heartbeatMs = Number.NEGATIVE_INFINITY;
  #heartbeatOwed = false;
  readonly #timers = new Set<Timer>();

  constructor(house: House, port: Port, peer: Peer, remote: string) {
    this.#house = house;
    this.#port = port;
    this.#peer = peer;
    this.#remote = remote;
    this.#heardMs = house.clock.now();
    this.#spokeMs = this.#heardMs;
    const { loginTimeoutMs, idleCloseMs } = house.settings;
    this.#after(loginTimeoutMs, () => {
      if (this.#state.name !== 'login') return;
      this.#complain(finding('login-late', { seconds: Math.round(loginTimeoutMs / 1000) }));
      this.close();
    });
    if (idleCloseMs > 0) this.#watchIdle(idleCloseMs);
  }

  get port(): Port {
    return this.#port;
  }

  get account(): string | null {
    return this.#state.name === 'ready' ? this.#state.account.id : null;
  }

  get remote(): string {
    return this.#remote;
  }

  /** Bytes arrived. */
  data(chunk: Buffer): void {
    if (this.#state.name === 'closed') return;
    this.#heardMs = this.#house.clock.now();
    const allowed = this.#house.settings.allowAddresses;
    if (allowed.length > 0 && !allowed.includes(this.#remote)) {
      this.#complain(finding('login-address', { address: this.#remote }));
      this.close();
      return;
    }
    try {
      this.#frames(this.#framer.push(chunk));
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      this.#frames(error.frames);
      this.#complain(finding('framing', { detail: error.message, detail_ko: error.text('ko') }));
      this.close();
    }
  }

  /** The other end has gone. */
  closed(): void {
    if (this.#state.name === 'closed') return;
    if (this.#framer.bufferedBytes > 0) this.#house.journal.counters.brokenFrames += 1;
    this.#leave();
  }

  /** Cuts the connection. */
  close(): void {
    if (this.#state.name === 'closed') return;
    this.#leave();
    this.#peer.close();
  }

  push(batch: Batch): void {
    const state = this.#state;
    if (state.name !== 'ready') return;
    this.#unacknowledged.push(batch);
    this.#house.reported(this.#place(), batch);
    const bytes = state.codec.encode('1031', { records: batch.reports.map(({ record }) => record) }, this.#pushHead());
    this.#deliver(bytes, this.#house.faults.push(this.#port));
  }

  giveUp(pushes: number): void {
    this.#complain(finding('ack-missing', { pushes }));
    this.close();
  }

  #frames(frames: readonly RawFrame[]): void {
    for (const [i, raw] of frames.entries()) {
      if (this.#isClosed()) return;
      this.#house.journal.counters.frames += 1;
      const early = this.#early || this.#owing;
      const awaitsAnswer = this.#frame(raw, early);
      const more = i < frames.length - 1 || this.#framer.bufferedBytes > 0;
      this.#early = awaitsAnswer && more;
    }
  }

  /** Deals with a frame. Gives whether its sender has to wait for an answer before it goes on. */
  #frame(raw: RawFrame, early: boolean): boolean {
    const state = this.#state;
    if (state.name === 'login') {
      this.#login(raw);
      return true;
    }
    if (state.name !== 'ready') return false;
    const { COMMAND, VERSION, RESP_CODE, RESP_MESG } = raw.header;
    if (COMMAND === '1010') {
      this.#refuse(state, '1010', finding('login-twice'));
      return true;
    }
    const command = ports[this.#port].commands.find((taken) => taken === COMMAND);
    if (command === undefined) {
      const found = finding('command', { command: COMMAND, port: this.#port });
      this.#refuse(state, ports[this.#port].commands[0] as Command, found);
      return true;
    }
    const isAcknowledgement = command === '1030' && state.version === 'SAM11';
    if (early && !isAcknowledgement) {
      const found = finding('pipelined', { command });
      // An answer now would be taken for the one that is owed.
      if (this.#owing) this.#complain(found);
      else this.#refuse(state, command, found);
      return true;
    }
    let found: Finding | undefined;
    if (VERSION !== state.version) found = finding('version', { expected: state.version, found: VERSION });
    else if (!isAcknowledgement && (RESP_CODE !== '' || RESP_MESG !== '')) {
      found = finding('request-code', { command, found: `${RESP_CODE} ${RESP_MESG}`.trim() });
    }
    const decoded = found ?? this.#decode(state.codec, raw);
    if ('kind' in decoded) {
      if (isAcknowledgement) this.#complain(decoded);
      else this.#refuse(state, command, decoded);
      return !isAcknowledgement;
    }
    return this.#request(state, decoded);
  }

  #decode(codec: Codec, raw: RawFrame): Frame | Finding {
    try {
      return codec.decode(raw, { strict: this.#house.settings.strict });
    } catch (error) {
      if (!(error instanceof RemoteProtocolError)) throw error;
      return finding('format', { command: raw.header.COMMAND, detail: error.message, detail_ko: error.text('ko') });
    }
  }

  #request(state: Ready, frame: Frame): boolean {
    switch (frame.COMMAND) {
      case '1020':
      case '1024':
      case '1044':
      case '1045':
        this.#send(state, frame);
        return true;
      case '2030':
        this.#upload(state, frame);
        return true;
      case '1030':
        if (state.version === 'SAM10') this.#poll(state);
        else this.#acknowledge(state, frame);
        return state.version === 'SAM10';
      default:
        // The table of ports lets nothing else through.
        throw new Error(`A ${frame.COMMAND} got past the table of ports`);
    }
  }

  // Logins.

  #login(raw: RawFrame): void {
    const { COMMAND, VERSION, RESP_CODE, RESP_MESG } = raw.header;
    const version: Version = VERSION === 'SAM10' ? 'SAM10' : 'SAM11';
    const codec = this.#house.codecs[version];
    const refuse = (found: Finding, id = '') => {
      const { code, mesg } = complaintKinds[found.kind];
      this.#complain(found, code);
      this.#refuseLogin(codec, id, version, code, mesg);
    };
    if (COMMAND !== '1010') return refuse(finding('login-first', { command: COMMAND }));
    if (VERSION !== version) return refuse(finding('version', { expected: 'SAM10, SAM11', found: VERSION }));
    if (RESP_CODE !== '') return refuse(finding('request-code', { command: COMMAND, found: RESP_CODE }));
    if (RESP_MESG !== 'Protocol') return refuse(finding('login-protocol', { found: RESP_MESG }));
    const frame = this.#decode(codec, raw);
    if ('kind' in frame) return refuse(frame);
    if (frame.COMMAND !== '1010' || !frame.body) return refuse(finding('login-blank'));
    const { ID, PASSWORD } = frame.body;
    const fault = this.#house.faults.login(this.#port);
    if (fault?.kind === 'cut-at-login' || fault?.kind === 'cut-before-take') {
      this.#house.loggedIn({ ...this.#place(), id: ID, version, code: '', ok: false });
      this.close();
      return undefined;
    }
    if (fault?.kind === 'refuse-login' || fault?.kind === 'reject') {
      const { code = complaintKinds['login-account'].code, text = complaintKinds['login-account'].mesg } = fault;
      this.#refuseLogin(codec, ID, version, code, text);
      return undefined;
    }
    const account = this.#house.accounts.login(ID, PASSWORD);
    if ('kind' in account) return refuse(account, ID);
    this.#welcome({ name: 'ready', account, version, codec }, fault);
    return undefined;
  }

  #refuseLogin(codec: Codec, id: string, version: Version, code: string, mesg: string): void {
    this.#house.journal.counters.loginsRefused += 1;
    this.#house.loggedIn({ ...this.#place(), id, version, code, ok: false });
    this.#write(codec.encode('1011', this.#refusalBody('1011'), { RESP_CODE: code, RESP_MESG: mesg }));
    this.close();
  }

  #welcome(state: Ready, fault: Fault | undefined): void {
    const { account, version, codec } = state;
    const { settings, journal } = this.#house;
    this.#state = state;
    journal.counters.logins += 1;
    this.#house.loggedIn({ ...this.#place(), id: account.id, version, code: OK, ok: true });
    const { terms } = account;
    const mesg = settings.loginMesg ?? `${terms.maxPerRequest}|${terms.service === 'sms' ? 1 : 2}|`;
    const prices = {
      FEE_TYPE: terms.feeType,
      SMS_COST: price(terms.smsCost),
      LMS_COST: price(terms.lmsCost),
      MMS_COST: price(terms.mmsCost),
    };
    const balance = Math.min(Math.max(0, Math.floor(account.balance)), LARGEST_BALANCE);
    const body: BodyInput<'1011'> =
      settings.loginAnswer === 'short'
        ? prices
        : {
            ...prices,
            BALANCE: String(balance),
            VARIABLE_YN: terms.variable ? 'Y' : 'N',
            MAX_MSG_SIZE: String(terms.maxMsgBytes),
          };
    this.#deliver(codec.encode('1011', body, { RESP_CODE: OK, RESP_MESG: mesg }), fault);
    const queue = this.#queue();
    if (!queue || this.#isClosed()) return;
    queue.attach(this, version === 'SAM11');
    queue.pump();
    if (version === 'SAM11' && settings.heartbeatMs > 0) this.#beat(settings.heartbeatMs);
  }

  // Send requests.

  #send(state: Ready, frame: SendFrame): void {
    const { account } = state;
    const { settings, intake, faults, journal } = this.#house;
    const command = frame.COMMAND;
    const files = filesOf(frame);
    const records = frame.body?.records ?? [];
    const fault = faults.request({ port: this.#port, command, receivers: () => records.map((r) => r.RECEIVER) });
    if (fault?.kind === 'cut-before-take') return this.close();
    if (fault?.kind === 'reject') return this.#reject(state, command, fault);
    const sender = { account, port: this.#port, connection: this };
    const found = checkSend(frame, account, settings, files) ?? intake.refusal(frame, files, sender);
    if (found) return this.#refuse(state, command, found, fault);
    if (records.length === 0) {
      journal.counters.keepalives += 1;
      if (settings.keepaliveAnswer === 'silence') return undefined;
    }
    const count = fault?.kind === 'partial' ? Math.ceil(records.length / 2) : records.length;
    if (count > 0) intake.take(frame, files, sender, count);
    const head = fault?.kind === 'partial' && fault.code !== undefined ? faultHead(fault) : okHead;
    if (state.version === 'SAM10') return this.#deliver(state.codec.encode('1026', null, head), fault);
    const empty = records.length === 0 && settings.keepaliveAnswer === 'empty';
    const taken = records.slice(0, count).map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID }));
    return this.#deliver(state.codec.encode('1021', empty ? null : { records: taken }, head), fault);
  }

  #upload(state: Ready, frame: FrameOf<'2030'>): void {
    const { account } = state;
    const { files, faults, journal } = this.#house;
    const fault = faults.request({ port: this.#port, command: '2030' });
    if (fault?.kind === 'cut-before-take') return this.close();
    if (fault?.kind === 'reject') return this.#reject(state, '2030', fault);
    const { FILE_EXT, FILE } = frame.body ?? { FILE_EXT: '', FILE: Buffer.alloc(0) };
    const found = files.check(FILE_EXT, FILE.length);
    if (found) return this.#refuse(state, '2030', found, fault);
    const fileName = files.add(account.id, this, FILE_EXT, FILE);
    journal.counters.uploads += 1;
    journal.counters.uploadBytes += FILE.length;
    this.#house.uploaded({ ...this.#place(), fileName, bytes: FILE.length, path: files.path(fileName) });
    return this.#deliver(state.codec.encode('2040', { FILE_NAME: fileName }, okHead), fault);
  }

  // Reports.

  /** SAM10: a request without a body, answered by what is due. */
  #poll(state: Ready): void {
    const { settings, faults, journal } = this.#house;
    const fault = faults.request({ port: this.#port, command: '1030' });
    if (fault?.kind === 'cut-before-take') return this.close();
    if (fault?.kind === 'reject') return this.#reject(state, '1030', fault);
    journal.counters.polls += 1;
    const queue = this.#queue();
    if (this.#polled) queue?.settle(this.#polled);
    this.#polled = queue?.poll(this) ?? null;
    if (!this.#polled && settings.emptyPoll === 'silence') return undefined;
    if (this.#polled) this.#house.reported(this.#place(), this.#polled);
    const records = this.#polled?.reports.map(({ record }) => record) ?? [];
    const empty = records.length === 0 && settings.emptyPoll === 'empty';
    this.#deliver(state.codec.encode('1031', empty ? null : { records }, okHead), fault);
    if (this.#polled && settings.pollForget === 'written') {
      queue?.settle(this.#polled);
      this.#polled = null;
    }
    return undefined;
  }

  /** SAM11: the acknowledgement of a push, or a heartbeat. It has no answer, so what is wrong is only complained of. */
  #acknowledge(state: Ready, frame: FrameOf<'1030'>): void {
    const { settings, faults, clock } = this.#house;
    const fault = faults.acknowledgement(this.#port);
    if (fault?.kind === 'cut-before-take') return this.close();
    const records = frame.body?.records ?? [];
    if (records.length === 0) {
      this.#house.journal.counters.keepalives += 1;
      const answersOurs = this.#heartbeatOwed && clock.now() - this.#heartbeatMs <= HEARTBEAT_ANSWER_MS;
      this.#heartbeatOwed = false;
      if (answersOurs || !settings.heartbeatAnswer) return undefined;
      return this.#deliver(state.codec.encode('1031', { records: [] }, this.#pushHead()), fault);
    }
    if (frame.RESP_CODE !== '' && frame.RESP_CODE !== OK) {
      this.#complain(finding('ack-code', { found: frame.RESP_CODE }));
    }
    const index = this.#unacknowledged.findIndex(({ reports }) => sameIds(reports, records));
    if (index < 0) {
      const waiting = this.#unacknowledged.length;
      const detail = `${records.length} ids, ${waiting} pushes waiting`;
      const detail_ko = `ID ${records.length}개, 응답을 기다리는 전문 ${waiting}개`;
      return this.#complain(finding('ack-unknown', { detail, detail_ko }));
    }
    if (index > 0) this.#complain(finding('ack-order'));
    const [batch] = this.#unacknowledged.splice(index, 1);
    if (batch) this.#queue()?.settle(batch);
    // An acknowledgement has no answer, but the link can be cut behind it.
    if (fault) this.close();
    return undefined;
  }

  /** A 1031 of COUNT 0 whenever the link was quiet for so long. */
  #beat(everyMs: number): void {
    const quietMs = this.#house.clock.now() - this.#spokeMs;
    this.#after(Math.max(1, everyMs - quietMs), () => {
      const state = this.#state;
      if (state.name !== 'ready') return;
      const nowMs = this.#house.clock.now();
      if (nowMs - this.#spokeMs >= everyMs) {
        if (this.#heartbeatOwed) this.#complain(finding('heartbeat-missing'));
        this.#heartbeatMs = nowMs;
        this.#heartbeatOwed = true;
        this.#deliver(state.codec.encode('1031', { records: [] }, this.#pushHead()), undefined);
      }
      this.#beat(everyMs);
    });
  }

  #watchIdle(idleMs: number): void {
    const quietMs = this.#house.clock.now() - this.#heardMs;
    this.#after(Math.max(1, idleMs - quietMs), () => {
      if (this.#house.clock.now() - this.#heardMs >= idleMs) this.close();
      else this.#watchIdle(idleMs);
    });
  }

  #queue(): ReportQueue | undefined {
    const { role, service } = ports[this.#port];
    return role === 'report' && this.#state.name === 'ready' ? this.#state.account.queues[service] : undefined;
  }

  // Answers.

  #refuse(state: Ready, command: Command, found: Finding, fault?: Fault): void {
    const { code, mesg } = complaintKinds[found.kind];
    this.#complain(found, code);
    this.#deliver(this.#refusal(state, command, code, mesg), fault);
  }

  #reject(state: Ready, command: Command, fault: Fault): void {
    const { RESP_CODE, RESP_MESG } = faultHead(fault);
    this.#write(this.#refusal(state, command, RESP_CODE, RESP_MESG));
  }

  #refusal({ codec, version }: Ready, command: Command, RESP_CODE: string, RESP_MESG: string): Buffer {
    const head = { RESP_CODE, RESP_MESG };
    if (command === '1010') return codec.encode('1011', this.#refusalBody('1011'), head);
    if (command === '2030') return codec.encode('2040', this.#refusalBody('2040'), head);
    const none = this.#house.settings.refusalBody === 'empty' ? null : { records: [] };
    if (command === '1030') return codec.encode('1031', none, head);
    return version === 'SAM10' ? codec.encode('1026', null, head) : codec.encode('1021', none, head);
  }

  #refusalBody(command: '1011'): BodyInput<'1011'> | null;
  #refusalBody(command: '2040'): BodyInput<'2040'> | null;
  #refusalBody(command: '1011' | '2040'): BodyInput<'1011'> | BodyInput<'2040'> | null {
    if (this.#house.settings.refusalBody === 'empty') return null;
    return command === '2040' ? { FILE_NAME: '' } : { MAX_MSG_SIZE: '' };
  }

  #pushHead(): { RESP_CODE: string } | undefined {
    const { pushCode } = this.#house.settings;
    return pushCode === '' ? undefined : { RESP_CODE: pushCode };
  }

  /** Writes an answer or a push, as the fault has it. */
  #deliver(bytes: Buffer, fault: Fault | undefined): void {
    switch (fault?.kind) {
      case 'cut-before-answer':
        return this.close();
      case 'silence':
        this.#owing = true;
        return undefined;
      case 'late':
        this.#owing = true;
        this.#after(fault.delayMs ?? 1000, () => {
          this.#owing = false;
          this.#write(bytes);
        });
        return undefined;
      case 'garbage':
        return this.#write(this.#garbage());
      case 'cut-in-answer':
        this.#write(bytes.subarray(0, Math.floor(bytes.length / 2)));
        return this.close();
      case 'cut-after-answer':
        this.#write(bytes);
        return this.close();
      default:
        return this.#write(bytes);
    }
  }

  #garbage(): Buffer {
    const { random } = this.#house;
    return Buffer.from(Array.from({ length: GARBAGE_BYTES }, () => Math.floor(random() * 256)));
  }

  #write(bytes: Buffer): void {
    if (this.#isClosed()) return;
    this.#spokeMs = this.#house.clock.now();
    const fault = this.#house.faults.write(this.#port);
    if (!fault) return this.#peer.write(bytes);
    for (let at = 0; at < bytes.length; ) {
      const size = fault.size ?? 1 + Math.floor(this.#house.random() * 100);
      this.#peer.write(bytes.subarray(at, at + size));
      at += size;
    }
    return undefined;
  }

  #complain(found: Finding, code = ''): void {
    this.#house.complain(this.#place(), found, code);
  }

  #place(): Place {
    return { port: this.#port, remote: this.#remote, account: this.account };
  }

  #isClosed(): boolean {
    return this.#state.name === 'closed';
  }

  #leave(): void {
    const queue = this.#queue();
    this.#state = { name: 'closed' };
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#unacknowledged = [];
    this.#polled = null;
    this.#house.left(this);
    queue?.detach(this);
  }

  #after(delayMs: number, fire: () => void): void {
    const timer = this.#house.clock.timer(delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#isClosed()) fire();
    });
    this.#timers.add(timer);
  }
}

const okHead = { RESP_CODE: OK, RESP_MESG: 'OK' } as const;

const faultHead = ({ code = '99999', text = 'Refused on purpose' }: Fault) => ({ RESP_CODE: code, RESP_MESG: text });

/** As the manual's examples have it: 20.0 */
const price = (cost: number): string => (Number.isInteger(cost) ? cost.toFixed(1) : String(cost)).slice(0, 6);

function sameIds(
  reports: Batch['reports'],
  records: readonly { readonly GRP_ID: string; readonly MSG_ID: string }[],
): boolean {
  if (reports.length !== records.length) return false;
  return reports.every(({ record }, i) => record.MSG_ID === records[i]?.MSG_ID && record.GRP_ID === records[i]?.GRP_ID);
}

/**
 * The thin driver of the session machine: it owns one socket and one timer, turns what happens to them into events and
 * carries out the machine's effects. Decisions are in `machine.ts`.
 *
 * Each try has a socket and a framer of its own; what a retired socket still says is told from the present one by
 * identity and dropped. Effects are carried out in order, also when an owner calls back from within one.
 */
import type { Clock, Timer } from '../clock.ts';
import type { Dial, Wire } from '../network.ts';
import {
  type BodyRecord,
  Codec,
  type Command,
  type Frame,
  Framer,
  frames,
  header,
  headerAt,
  LocalProtocolError,
  type RawFrame,
  RemoteProtocolError,
  type Terms,
} from '../protocol/index.ts';
import { deadline, initialState, step } from './machine.ts';
import { answersTo } from './sending.ts';
import type { LinkSettings } from './settings.ts';
import type { Answer, Effect, Event, Notice, Outgoing, State } from './states.ts';
import type { LinkTrouble } from './trouble.ts';

/** What a link is doing, for its owner and for people. */
export type LinkState =
  | { readonly name: 'stopped' }
  | { readonly name: 'connecting' }
  | { readonly name: 'logging-in' }
  /** Logged in. `busy`: a request of the owner is under way (send role; a keep-alive does not count). */
  | { readonly name: 'ready'; readonly terms: Terms; readonly busy: boolean }
  /** Down; the next try starts at `untilMs`. */
  | { readonly name: 'waiting'; readonly untilMs: number; readonly trouble: LinkTrouble }
  /** Stopping, after what is under way. */
  | { readonly name: 'closing' };

/** None of these may throw; what one throws is reported as uncaught and the link goes on. */
export interface LinkEvents {
  /** The state differs from `previous`. After a request, its promise is resolved before this is called. */
  state(state: LinkState, previous: LinkState): void;
  /**
   * Report role: reports to store. `stored` is to be called once they are committed, in any order, also from within:
   * SAM11 acknowledges, SAM10 polls again. Once the connection they came on is gone, it does nothing: SAM11 pushes
   * them again. The strings share the memory of the frame.
   */
  reports(records: readonly BodyRecord<'1031'>[], stored: () => void): void;
  /** Something odd that does no harm, told once in the life of the link. */
  notice(notice: Notice): void;
}

export interface LinkDeps {
  readonly clock: Clock;
  readonly dial: Dial;
  /** [0, 1). */
  readonly random: () => number;
}

export interface RequestOptions {
  /** Instead of `LinkSettings.timeoutMs`, for an upload. */
  readonly timeoutMs?: number;
}

interface Connection {
  readonly framer: Framer;
  wire: Wire | undefined;
}

type Task = Effect | { readonly type: 'changed'; readonly state: LinkState; readonly previous: LinkState };

/**
 * An acknowledgement gives ids back as they came, also such as we would never make: a blank group, or bytes of another
 * program that shares the account. A report that cannot be acknowledged would be pushed for ever.
 */
const asItCame = { kind: 'opaque', required: false } as const;
const { GRP_ID, MSG_ID } = frames['1030'].records;
const echoingFrames = {
  ...frames,
  '1030': { ...frames['1030'], records: { GRP_ID: { ...GRP_ID, ...asItCame }, MSG_ID: { ...MSG_ID, ...asItCame } } },
} as const;

/** Where COMMAND ends in a frame. */
const COMMAND_END = headerAt.COMMAND + header.COMMAND.width;

/** Text of an error that ends up in a log line and in the editor. */
const DETAIL_CHARACTERS_MOST = 200;

export class Link {
  readonly #settings: LinkSettings;
  readonly #deps: LinkDeps;
  readonly #events: LinkEvents;
  readonly #codec: Codec;
  readonly #login: Buffer;
  #machine: State = initialState;
  #shown: LinkState = { name: 'stopped' };
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #timerAtMs: number | undefined;
  readonly #tasks: Task[] = [];
  #working = false;
  #lastTicket = 0;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #stopping: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Throws a `LocalProtocolError` when the id or the password does not fit the login frame. */
  constructor(settings: LinkSettings, deps: LinkDeps, events: LinkEvents) {
    this.#settings = settings;
    this.#deps = deps;
    this.#events = events;
    this.#codec = new Codec(settings.wire, echoingFrames);
    this.#login = this.#codec.encode('1010', { ID: settings.id, PASSWORD: settings.password });
  }

  get state(): LinkState {
    return this.#shown;
  }

  /** Connects, and stays connected until `stop`. Does nothing when started; throws while a stop is under way. */
  start(): void {
    this.#dispatch({ type: 'start' });
  }

  /** Resolves when the link is stopped: at once, or after what is due (an answer, acknowledgements), bounded. */
  stop(): Promise<void> {
    if (this.#machine.name === 'stopped') return this.#stopping?.promise ?? Promise.resolve();
    if (!this.#stopping) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#stopping = { promise, resolve };
      this.#dispatch({ type: 'stop' });
    }
    return this.#stopping?.promise ?? Promise.resolve();
  }

  /**
   * Sends one encoded request (1020, 1024, 1044, 1045, 2030) and resolves exactly once, never rejects: with the
   * gateway's answer, or with why there is none. When the link is not ready that is at once, with `written: false`.
   *
   * Throws, as a bug of the caller: while another request is under way (`busy`), in the report role, or when the
   * bytes are no such request.
   */
  request(bytes: Buffer, options: RequestOptions = {}): Promise<Answer> {
    const command = bytes.toString('latin1', headerAt.COMMAND, COMMAND_END).trim();
    if (this.#settings.role !== 'send') throw new Error('session: a request on a report link');
    if (answersTo(command).length === 0) throw new Error('session: not a request');
    if (this.#shown.name === 'ready' && this.#shown.busy) {
      throw new Error('session: a request while another one is under way');
    }
    const ticket = ++this.#lastTicket;
    const timeoutMs = options.timeoutMs ?? this.#settings.timeoutMs;
    return new Promise((resolve) => {
      this.#asked.set(ticket, resolve);
      this.#dispatch({ type: 'request', request: { ticket, command: command as Command, bytes, timeoutMs } });
    });
  }

  #dispatch(event: Event): void {
    const moment = { nowMs: this.#deps.clock.now(), random: this.#deps.random() };
    const { state, effects } = step(this.#settings, this.#machine, event, moment);
    this.#machine = state;
    this.#tasks.push(...effects);
    this.#show();
    this.#arm();
    this.#work();
  }

  /** The state that is shown changes with the machine's; that it changed is told in its turn among the effects. */
  #show(): void {
    const previous = this.#shown;
    const state = show(this.#machine);
    if (isSame(previous, state)) return;
    this.#shown = state;
    this.#tasks.push({ type: 'changed', state, previous });
  }

  #arm(): void {
    const atMs = deadline(this.#machine);
    if (atMs === this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = atMs;
    if (atMs === undefined) return;
    const { clock } = this.#deps;
    this.#timer = clock.timer(atMs - clock.now(), () => {
      this.#timer = undefined;
      this.#timerAtMs = undefined;
      // That it fired is what counts, not what the clock says now: it may have been set back by an hour.
      this.#dispatch({ type: 'tick' });
    });
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    for (let task = this.#tasks.shift(); task; task = this.#tasks.shift()) {
      try {
        this.#carryOut(task);
      } catch (error) {
        // An owner's mistake must not leave the link half-way through its effects.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    this.#working = false;
  }

  #carryOut(task: Task): void {
    switch (task.type) {
      case 'dial':
        return this.#dial();
      case 'login':
        return this.#connection?.wire?.write(this.#login);
      case 'send':
        return this.#send(task.frame);
      case 'write':
        return this.#connection?.wire?.write(task.bytes);
      case 'drop':
        return this.#drop();
      case 'settle': {
        const resolve = this.#asked.get(task.ticket);
        this.#asked.delete(task.ticket);
        return resolve?.(task.answer);
      }
      case 'reports':
        return this.#events.reports(task.records, this.#storedOn(task.ticket));
      case 'notice':
        return this.#events.notice(task.notice);
      case 'changed':
        if (task.state.name === 'stopped') {
          this.#stopping?.resolve();
          this.#stopping = undefined;
        }
        return this.#events.state(task.state, task.previous);
    }
  }

  #dial(): void {
    const connection: Connection = { framer: new Framer({}), wire: undefined };
    this.#connection = connection;
    const { host, port, localAddress } = this.#settings;
    connection.wire = this.#deps.dial(
      { host, port, ...(localAddress ? { localAddress } : {}) },
      {
        opened: () => {
          if (this.#connection === connection) this.#dispatch({ type: 'opened' });
        },
        data: (chunk) => this.#data(connection, chunk),
        closed: (error) => {
          if (this.#connection !== connection) return;
          this.#connection = undefined;
          this.#dispatch({ type: 'closed', error });
        },
      },
    );
  }

  /** Retires the connection first, so that nothing it says from now on is heard. */
  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.wire?.destroy();
  }

  #data(connection: Connection, chunk: Buffer): void {
    if (this.#connection !== connection) return;
    const { framer } = connection;
    let failure: RemoteProtocolError | undefined;
    let arrived: readonly RawFrame[];
    try {
      arrived = framer.push(chunk);
    } catch (error) {
      failure = remoteError(error);
      // What was whole before the trouble still counts: with SAM10 a report exists nowhere else.
      arrived = failure.frames;
    }
    for (const [index, raw] of arrived.entries()) {
      let frame: Frame;
      try {
        frame = this.#codec.decode(raw);
      } catch (error) {
        failure = remoteError(error);
        break;
      }
      const more = index + 1 < arrived.length || failure !== undefined || framer.bufferedBytes > 0;
      this.#dispatch({ type: 'frame', frame, more });
      if (this.#connection !== connection) return;
    }
    if (failure) this.#dispatch({ type: 'broken', detail: failure.message.slice(0, DETAIL_CHARACTERS_MOST) });
    else if (framer.bufferedBytes > 0) this.#dispatch({ type: 'partial' });
  }

  /** Reaches the machine only while the connection that the reports came on is there. */
  #storedOn(ticket: number): () => void {
    const connection = this.#connection;
    return () => {
      if (connection && this.#connection === connection) this.#dispatch({ type: 'stored', ticket });
    };
  }

  #send(frame: Outgoing): void {
    if (!this.#connection) return;
    let bytes: Buffer;
    try {
      bytes = this.#encode(frame);
    } catch (error) {
      // Nothing that the machine makes up can fail; an `ackCode` that is no code can.
      if (!(error instanceof LocalProtocolError)) throw error;
      this.#dispatch({ type: 'broken', detail: error.message.slice(0, DETAIL_CHARACTERS_MOST) });
      return;
    }
    this.#connection.wire?.write(bytes);
  }

  #encode(frame: Outgoing): Buffer {
    switch (frame.command) {
      case '1020':
        return this.#codec.encode(frame.command, frame.body);
      case '1024':
        return this.#codec.encode(frame.command, frame.body);
      case '1044':
        return this.#codec.encode(frame.command, frame.body);
      case '1030': {
        // An acknowledgement is an answer, so it says so; requests leave the code blank (manual 3.A).
        const head = frame.respCode === undefined ? {} : { RESP_CODE: frame.respCode, RESP_MESG: 'OK' };
        return this.#codec.encode(frame.command, frame.body, head);
      }
    }
  }
}

function remoteError(error: unknown): RemoteProtocolError {
  if (error instanceof RemoteProtocolError) return error;
  throw error;
}

function show(state: State): LinkState {
  switch (state.name) {
    case 'sending': {
      const { kind } = state.exchange;
      const busy = kind === 'request' || (kind === 'keepalive' && state.exchange.next !== undefined);
      return { name: 'ready', terms: state.terms, busy };
    }
    case 'reporting':
      return { name: 'ready', terms: state.terms, busy: false };
    case 'waiting':
      return { name: 'waiting', untilMs: state.untilMs, trouble: state.trouble };
    default:
      return { name: state.name };
  }
}

function isSame(one: LinkState, other: LinkState): boolean {
  if (one.name === 'ready' && other.name === 'ready') return one.busy === other.busy && one.terms === other.terms;
  if (one.name === 'waiting' && other.name === 'waiting') return one.trouble === other.trouble;
  return one.name === other.name;
}

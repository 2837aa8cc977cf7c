/**
 * The login session with the gateway, as a pure state machine: `step(settings, state, event, moment)` gives the next
 * state and the effects that the driver (`link.ts`) carries out in order. Nothing here reads a clock, arms a timer,
 * opens a socket or knows bytes.
 *
 * THE STORY. One link has one role, `send` or `report`, and one connection at a time (manual 2.B).
 *
 *     stopped --start--> connecting --opened--> logging-in --1011, 00000--> sending | reporting
 *        ^                  ^  |                    |                           |
 *        |                  |  '--- any loss -------+---- any loss, refusal ----+--> waiting --pause over--> connecting
 *        '----- stop -------+------ closing <------- stop, while an answer or acknowledgement is due
 *
 * connecting   A connection is being opened. It opens, fails, or is given up after `timeoutMs`.
 * logging-in   1010 went out; only a 1011 may come. RESP_CODE 00000: logged in, with the terms of this very login
 *              (the body of the 1011 never fails it). Another code: refused. Closed without a word: most likely our
 *              address is not allow-listed, which is a trouble of its own.
 * sending      One request at a time, and its answer; 1026 or 1021 for 1020, 1024, 1044, 1045, and 2040 for 2030,
 *              whatever the version. After `keepaliveMs` without traffic an empty request goes out; its answer is due
 *              as any other (unless `keepaliveAnswer` is no). An answer that does not come in time, another command,
 *              or bytes that nobody asked for: the connection is dropped, since from then on an answer could be taken
 *              for that of another request. The request is settled as lost: written, outcome unknown.
 * reporting    SAM10: a 1030 without body every `pollMs`, at once again when reports came, though only after they are
 *              stored, since the next poll is all the acknowledgement there is. A poll may stay unanswered; several in
 *              a row mean a dead link. A 1031 may come at any time.
 *              SAM11: the gateway pushes 1031s, several without waiting. Each is answered by exactly one 1030 with the
 *              same ids in the same order, after they are stored, in the order of arrival. An empty 1031 is answered
 *              by an empty 1030, and an empty 1030 of our own goes out after a long silence; the first empty 1031 soon
 *              after an empty 1030 is its echo and is not answered, so that the two never chase each other. Silence
 *              is no proof of death here.
 *              Too many reports received and not stored: the connection is closed (`pace.ts`).
 * waiting      The link is down, `trouble` says why, and the next try starts at `untilMs`: `reconnectMs` after a loss,
 *              more after repeated ones, until a connection proves good again; slower after a refused login.
 * closing      Told to stop while something is due; bounded by `timeoutMs`. There is no logout (protocol.md): the
 *              connection is then closed.
 *
 * A request that arrives when the link is not ready is settled at once as lost, not written. Every request is settled
 * exactly once.
 *
 * THE TABLE below lists every pair of state and event. `ignore` means that the event may come and changes nothing;
 * `bug` means that the driver must never let it come, and throws.
 */
import { effectiveTerms, RESP_OK, readLogin } from '../protocol/index.ts';
import { fail, finish, notSent, refuse } from './ending.ts';
import { noticeVersion } from './notices.ts';
import * as reporting from './reporting.ts';
import * as sending from './sending.ts';
import type { LinkSettings } from './settings.ts';
import {
  type Connecting,
  type Context,
  type Effect,
  type Event,
  type History,
  type LoggingIn,
  type Moment,
  noHistory,
  type State,
  type Step,
} from './states.ts';
import * as trouble from './trouble.ts';

export const initialState: State = { name: 'stopped', history: noHistory };

type Handler<S, E> = (context: Context, state: S, event: E) => Step;

type Row<S> = {
  readonly [T in Event['type']]: Handler<S, Extract<Event, { type: T }>> | 'ignore' | 'bug';
};

type Table = { readonly [N in State['name']]: Row<Extract<State, { name: N }>> };

const table: Table = {
  stopped: {
    start: (context) => connect(context, noHistory),
    stop: 'ignore',
    request: (_, state, { request }) => ({ state, effects: [notSent(request, trouble.stopped)] }),
    stored: 'bug',
    opened: 'bug',
    frame: 'bug',
    partial: 'bug',
    // As in `waiting`.
    broken: 'ignore',
    closed: 'bug',
    tick: 'bug',
  },
  connecting: {
    start: 'ignore',
    stop: (_, state) => finish(state),
    request: notReady,
    stored: 'bug',
    opened: login,
    // A connection says nothing before it is open.
    frame: 'bug',
    partial: 'bug',
    broken: 'bug',
    closed: (context, state, { error }) =>
      fail(context, state, trouble.notOpened(context.settings, error, context.nowMs - state.sinceMs)),
    tick: (context, state) => fail(context, state, trouble.timedOut(context.settings, context.settings.timeoutMs)),
  },
  'logging-in': {
    start: 'ignore',
    stop: (_, state) => finish(state),
    request: notReady,
    stored: 'bug',
    opened: 'bug',
    frame: enter,
    partial: (_, state) => ({ state: { ...state, heard: true }, effects: [] }),
    broken,
    closed: (context, state, { error }) =>
      fail(context, state, (state.heard ? trouble.lost : trouble.silentClose)(context.settings, error)),
    tick: (context, state) => fail(context, state, trouble.timedOut(context.settings, context.settings.timeoutMs)),
  },
  sending: {
    start: 'ignore',
    stop: sending.stop,
    request: sending.request,
    stored: 'bug',
    opened: 'bug',
    frame: sending.frame,
    partial: sending.partial,
    broken,
    closed: lost,
    tick: sending.tick,
  },
  reporting: {
    start: 'ignore',
    stop: reporting.stop,
    request: 'bug',
    stored: reporting.stored,
    opened: 'bug',
    frame: reporting.frame,
    partial: 'ignore',
    broken,
    closed: lost,
    tick: reporting.tick,
  },
  waiting: {
    start: 'ignore',
    stop: (_, state) => finish(state),
    request: (_, state, { request }) => ({ state, effects: [notSent(request, state.trouble)] }),
    stored: 'bug',
    opened: 'bug',
    frame: 'bug',
    partial: 'bug',
    // An acknowledgement that cannot be written, on a connection that is about to be dropped.
    broken: 'ignore',
    closed: 'bug',
    tick: (context, state) => connect(context, state.history),
  },
  closing: {
    // Its owner must wait for the stop before it starts again, or it would think the link up.
    start: 'bug',
    stop: 'ignore',
    request: (_, state, { request }) => ({ state, effects: [notSent(request, trouble.stopped)] }),
    stored: (context, state, event) =>
      state.last.name === 'reporting'
        ? reporting.lastStored(context, state, state.last, event)
        : { state, effects: [] },
    opened: 'bug',
    frame: (_, state, event) =>
      state.last.name === 'sending'
        ? sending.lastFrame(state, state.last, event)
        : reporting.lastFrame(state, state.last, event),
    partial: 'ignore',
    broken: (_, state) => finish(state),
    closed: (_, state) => finish(state),
    tick: (_, state) => finish(state),
  },
};

/** The one transition function. Throws where the table says that the event cannot come. */
export function step(settings: LinkSettings, state: State, event: Event, moment: Moment): Step {
  // The table's type proves that row and event fit; a lookup by two unions is beyond what the compiler follows.
  const entry = table[state.name][event.type] as Handler<State, Event> | 'ignore' | 'bug';
  if (entry === 'bug') throw new Error(`session: ${event.type} cannot come in state ${state.name}`);
  if (entry === 'ignore') return { state, effects: [] };
  const context: Context = { settings, ...moment };
  if (event.type !== 'frame') return entry(context, state, event);
  const { history, effects } = noticeVersion(context, state.history, event.frame);
  const next = entry(context, { ...state, history }, event);
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** When the machine wants a `tick`, by the clock; undefined where only others can move it. */
export function deadline(state: State): number | undefined {
  const atMs = namedDeadline(state);
  return Number.isFinite(atMs) ? atMs : undefined;
}

function namedDeadline(state: State): number {
  switch (state.name) {
    case 'stopped':
      return Number.POSITIVE_INFINITY;
    case 'connecting':
    case 'logging-in':
    case 'closing':
      return state.deadlineMs;
    case 'waiting':
      return state.untilMs;
    case 'reporting':
      return reporting.deadline(state);
    case 'sending':
      return state.exchange.kind === 'idle' ? state.exchange.keepaliveAtMs : state.exchange.deadlineMs;
  }
}

function connect({ nowMs, settings }: Context, history: History): Step {
  return {
    state: { name: 'connecting', history, sinceMs: nowMs, deadlineMs: nowMs + settings.timeoutMs },
    effects: [{ type: 'dial' }],
  };
}

function login({ nowMs, settings }: Context, { history }: Connecting): Step {
  return {
    state: { name: 'logging-in', history, deadlineMs: nowMs + settings.timeoutMs, heard: false },
    effects: [{ type: 'login' }],
  };
}

function enter(context: Context, state: LoggingIn, { frame }: Extract<Event, { type: 'frame' }>): Step {
  const { settings, nowMs } = context;
  if (frame.COMMAND !== '1011') return fail(context, state, trouble.unexpected(settings, frame.COMMAND));
  if (frame.RESP_CODE !== RESP_OK) {
    return refuse(context, state, trouble.loginRefused(frame.RESP_CODE, frame.RESP_MESG));
  }
  const loggedIn = {
    history: { ...state.history, wasIn: true },
    terms: effectiveTerms(readLogin(frame), settings.overrides),
    sinceMs: nowMs,
    proved: false,
  };
  const role = settings.role === 'send' ? sending : reporting;
  return { state: role.enter(context, loggedIn), effects: [] };
}

function notReady(
  { settings }: Context,
  state: Connecting | LoggingIn,
  { request }: Extract<Event, { type: 'request' }>,
): { state: State; effects: Effect[] } {
  return { state, effects: [notSent(request, trouble.notReady(settings))] };
}

function broken(context: Context, state: State, { detail }: Extract<Event, { type: 'broken' }>): Step {
  return fail(context, state, trouble.notTheProtocol(context.settings, detail));
}

function lost(context: Context, state: State, { error }: Extract<Event, { type: 'closed' }>): Step {
  return fail(context, state, trouble.lost(context.settings, error));
}

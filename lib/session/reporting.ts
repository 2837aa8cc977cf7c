/**
 * The report role after the login. SAM10: we ask, and ask again only when what came is stored, since nothing can be
 * acknowledged. SAM11: the gateway pushes, and each push is acknowledged once it is stored, in the order of arrival.
 */
import { fail, finish } from './ending.ts';
import { noticeCode } from './notices.ts';
import { echoMs, HELD_FRAMES_MOST, HELD_REPORTS_MOST, SILENT_POLLS_MOST } from './pace.ts';
import type { Closing, Context, Effect, Event, Held, Outgoing, Reporting, Step, Talk } from './states.ts';
import * as trouble from './trouble.ts';

type FrameEvent = Extract<Event, { type: 'frame' }>;
type StoredEvent = Extract<Event, { type: 'stored' }>;
type Sam10 = Extract<Talk, { version: 'SAM10' }>;
type Sam11 = Extract<Talk, { version: 'SAM11' }>;

export function enter(
  context: Context,
  reporting: Omit<Reporting, 'name' | 'talk' | 'held' | 'unstored' | 'nextTicket'>,
): Reporting {
  const talk: Talk =
    context.settings.wire.version === 'SAM10'
      ? // Due now, but not within this step: an owner that only tests the login can still stop before it.
        { version: 'SAM10', pollAtMs: context.nowMs, answerByMs: context.nowMs, awaiting: false, silentPolls: 0 }
      : { version: 'SAM11', heartbeatAtMs: nextHeartbeatMs(context), echoUntilMs: Number.NEGATIVE_INFINITY };
  return { ...reporting, name: 'reporting', talk, held: [], unstored: 0, nextTicket: 1 };
}

/** When the link must act by itself next. */
export function deadline({ talk, held }: Reporting): number {
  if (talk.version === 'SAM11') return talk.heartbeatAtMs;
  if (held.length > 0) return Number.POSITIVE_INFINITY;
  return talk.awaiting ? talk.answerByMs : talk.pollAtMs;
}

export function frame(context: Context, state: Reporting, { frame }: FrameEvent): Step {
  if (frame.COMMAND !== '1031') return fail(context, state, trouble.unexpected(context.settings, frame.COMMAND));
  const { history, effects } = noticeCode(context, state.history, 'USHOT_NOTICE_REPORT_CODE', frame);
  const heard: Reporting = { ...state, history, proved: true };
  const records = frame.body?.records ?? [];
  const next =
    records.length > 0
      ? handOn(context, heard, records)
      : heard.talk.version === 'SAM10'
        ? { state: pollFoundNothing(context, heard, heard.talk), effects: [] }
        : heartbeat(context, heard, heard.talk);
  return { state: next.state, effects: [...effects, ...next.effects] };
}

export function stored(context: Context, state: Reporting, { ticket }: StoredEvent): Step {
  if (!state.held.some((held) => held.ticket === ticket && !held.stored)) return { state, effects: [] };
  const marked = mark(state, ticket);
  if (marked.talk.version === 'SAM11') return acknowledge(context, marked);
  const left: Reporting = { ...marked, held: marked.held.filter((held) => !held.stored) };
  // More may be due: ask at once.
  return left.held.length > 0 ? { state: left, effects: [] } : poll(context, left, marked.talk, 0);
}

export function tick(context: Context, state: Reporting): Step {
  const { talk } = state;
  if (talk.version === 'SAM11') {
    return {
      state: { ...state, talk: afterEmpty1030(context) },
      effects: [{ type: 'send', frame: { command: '1030', body: { records: [] } } }],
    };
  }
  const { settings } = context;
  if (talk.awaiting && state.history.answersEmptyPolls) {
    return fail(context, state, trouble.unanswered(settings, '1030', settings.timeoutMs));
  }
  const silentPolls = talk.awaiting ? talk.silentPolls + 1 : 0;
  if (silentPolls >= SILENT_POLLS_MOST) {
    return fail(context, state, trouble.unanswered(settings, '1030', silentPolls * settings.pollMs));
  }
  return poll(context, state, talk, silentPolls);
}

/**
 * SAM11 stays until what was handed on is stored and acknowledged. SAM10 stays for the answer to its poll, which would
 * otherwise be lost, but no longer than a poll's pause: a gateway with nothing to say may say nothing.
 */
export function stop(context: Context, state: Reporting): Step {
  const { settings, nowMs } = context;
  const { talk, held, history } = state;
  const busy = talk.version === 'SAM11' ? held.length > 0 : talk.awaiting;
  if (!busy) return finish(state);
  const limitMs = talk.version === 'SAM11' ? settings.timeoutMs : Math.min(settings.timeoutMs, settings.pollMs);
  return { state: { name: 'closing', history, deadlineMs: nowMs + limitMs, last: state }, effects: [] };
}

/** While closing. What SAM11 pushes now stays unacknowledged, so that it is pushed again at the next login. */
export function lastFrame(state: Closing, last: Reporting, { frame }: FrameEvent): Step {
  if (last.talk.version === 'SAM11') return { state, effects: [] };
  const records = frame.COMMAND === '1031' ? (frame.body?.records ?? []) : [];
  return finish(state, records.length > 0 ? [{ type: 'reports', ticket: last.nextTicket, records }] : []);
}

export function lastStored(context: Context, state: Closing, last: Reporting, { ticket }: StoredEvent): Step {
  if (last.talk.version === 'SAM10') return { state, effects: [] };
  const next = acknowledge(context, mark(last, ticket));
  return next.state.held.length > 0
    ? { state: { ...state, last: next.state }, effects: next.effects }
    : finish(state, next.effects);
}

interface ReportingStep extends Step {
  readonly state: Reporting;
}

type Records = Extract<Effect, { type: 'reports' }>['records'];

/** What arrived is handed on even where it is too much: see `pace.ts`. */
function handOn(context: Context, state: Reporting, records: Records): Step {
  const ticket = state.nextTicket;
  // Only an acknowledgement needs them.
  const ids = state.talk.version === 'SAM11' ? records.map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID })) : [];
  const next: Reporting = {
    ...state,
    talk: heardFrom(context, state.talk),
    held: [...state.held, { ticket, ids, reports: records.length, stored: false }],
    unstored: state.unstored + records.length,
    nextTicket: ticket + 1,
  };
  const handing: Effect = { type: 'reports', ticket, records };
  const checked = checkHeld(context, next);
  return { state: checked.state, effects: [handing, ...checked.effects] };
}

function checkHeld(context: Context, state: Reporting): Step {
  if (state.unstored <= HELD_REPORTS_MOST && state.held.length <= HELD_FRAMES_MOST) return { state, effects: [] };
  return fail(context, state, trouble.flooded(context.settings, state.unstored));
}

function heardFrom(context: Context, talk: Talk): Talk {
  return talk.version === 'SAM10'
    ? { ...talk, awaiting: false, silentPolls: 0 }
    : { ...talk, heartbeatAtMs: nextHeartbeatMs(context) };
}

function mark(state: Reporting, ticket: number): Reporting {
  const held = state.held.map((one) => (one.ticket === ticket ? { ...one, stored: true } : one));
  return { ...state, held, unstored: held.reduce((sum, one) => sum + (one.stored ? 0 : one.reports), 0) };
}

function pollFoundNothing({ nowMs, settings }: Context, state: Reporting, talk: Sam10): Reporting {
  // Only the answer to a poll tells: an empty 1031 at another time is a heartbeat.
  if (!talk.awaiting) return state;
  // No later than that, also where the clock was set back meanwhile.
  const pollAtMs = Math.min(talk.pollAtMs, nowMs + settings.pollMs);
  return {
    ...state,
    history: { ...state.history, answersEmptyPolls: true },
    talk: { ...talk, pollAtMs, awaiting: false, silentPolls: 0 },
  };
}

/**
 * A poll tells the gateway that what the one before brought has arrived. So where every poll is known to be answered,
 * nothing is asked again before the answer: reports on a slow way would be forgotten there, and lost with the link.
 */
function poll({ nowMs, settings }: Context, state: Reporting, talk: Sam10, silentPolls: number): Step {
  const pollAtMs = nowMs + settings.pollMs;
  const answerByMs = state.history.answersEmptyPolls ? nowMs + settings.timeoutMs : pollAtMs;
  return {
    state: { ...state, talk: { ...talk, pollAtMs, answerByMs, awaiting: true, silentPolls } },
    effects: [{ type: 'send', frame: { command: '1030', body: null } }],
  };
}

/** An empty 1031 of SAM11: the echo of an empty 1030 of ours, or a heartbeat that waits its turn to be answered. */
function heartbeat(context: Context, state: Reporting, talk: Sam11): Step {
  const heartbeatAtMs = nextHeartbeatMs(context);
  if (context.nowMs <= talk.echoUntilMs) {
    return {
      state: { ...state, talk: { ...talk, heartbeatAtMs, echoUntilMs: Number.NEGATIVE_INFINITY } },
      effects: [],
    };
  }
  const held: Held = { ticket: state.nextTicket, ids: [], reports: 0, stored: true };
  const answered = acknowledge(context, {
    ...state,
    talk: { ...talk, heartbeatAtMs },
    held: [...state.held, held],
    nextTicket: state.nextTicket + 1,
  });
  const checked = checkHeld(context, answered.state);
  return { state: checked.state, effects: [...answered.effects, ...checked.effects] };
}

/** Sends the 1030 of every push at the front of the queue that is stored. */
function acknowledge(context: Context, state: Reporting): ReportingStep {
  const waiting = state.held.findIndex((held) => !held.stored);
  const ready = waiting === -1 ? state.held : state.held.slice(0, waiting);
  if (ready.length === 0) return { state, effects: [] };
  return {
    state: {
      ...state,
      held: state.held.slice(ready.length),
      talk: ready.some((held) => held.ids.length === 0) ? afterEmpty1030(context) : state.talk,
    },
    effects: ready.map((held) => ({ type: 'send', frame: acknowledgement(context, held) })),
  };
}

/** The answer to a heartbeat is itself one, and carries no code. */
function acknowledgement({ settings }: Context, { ids }: Held): Outgoing {
  const frame: Outgoing = { command: '1030', body: { records: ids } };
  return ids.length > 0 ? { ...frame, respCode: settings.ackCode } : frame;
}

function afterEmpty1030(context: Context): Sam11 {
  return {
    version: 'SAM11',
    heartbeatAtMs: nextHeartbeatMs(context),
    echoUntilMs: context.nowMs + echoMs(context.settings.keepaliveMs),
  };
}

/**
 * The manual asks for an empty frame every 30 s and does not say from whom (2.B.6). One of ours goes out when nothing came
 * for as long. Where the gateway sends its own, whichever is first is answered, and two that cross answer each other.
 */
function nextHeartbeatMs({ settings, nowMs }: Context): number {
  return settings.reportHeartbeat === 'off' ? Number.POSITIVE_INFINITY : nowMs + settings.keepaliveMs;
}

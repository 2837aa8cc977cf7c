/**
 * The send role after the login: request, answer, request. Nothing is ever written while an answer is due, and the
 * gateway has nothing to say unasked.
 */
import { type Command, frames, type Terms } from '../protocol/index.ts';
import { fail, finish } from './ending.ts';
import { noticeCode, noticeOnce } from './notices.ts';
import type { Closing, Context, Effect, Event, Exchange, Outgoing, Request, Sending, Step } from './states.ts';
import * as trouble from './trouble.ts';

type FrameEvent = Extract<Event, { type: 'frame' }>;

/** The commands that answer `command`; none for one that is no request. Either version's answer is taken. */
export function answersTo(command: string): readonly string[] {
  // 1030 and 1010 have answers too, but are the session's own.
  if (command === '1010' || command === '1030' || !Object.hasOwn(frames, command)) return [];
  return frames[command as Command].answeredBy;
}

export function enter(context: Context, sending: Omit<Sending, 'name' | 'exchange' | 'awaitsKeepalive'>): Sending {
  return {
    ...sending,
    name: 'sending',
    exchange: idle(context),
    awaitsKeepalive: context.settings.keepaliveAnswer,
  };
}

export function request(context: Context, state: Sending, { request }: Extract<Event, { type: 'request' }>): Step {
  const { exchange } = state;
  if (exchange.kind === 'idle') return submit(context, state, request);
  // The owner cannot know when a keep-alive is under way, so its request waits for that one answer.
  if (exchange.kind === 'keepalive' && !exchange.next) {
    return { state: { ...state, exchange: { ...exchange, next: request } }, effects: [] };
  }
  throw new Error('session: a request while another one is under way');
}

export function frame(context: Context, state: Sending, { frame, more }: FrameEvent): Step {
  const { exchange } = state;
  switch (exchange.kind) {
    case 'idle':
      return strayFrame(context, state, frame);
    case 'request': {
      if (!answersTo(exchange.request.command).includes(frame.COMMAND)) return unexpected(context, state, frame);
      const settle: Effect = { type: 'settle', ticket: exchange.request.ticket, answer: { kind: 'answer', frame } };
      const next: Step = { state: { ...state, proved: true, exchange: idle(context) }, effects: [settle] };
      return more ? leftover(context, next) : next;
    }
    case 'keepalive': {
      if (!answersTo(exchange.command).includes(frame.COMMAND)) return unexpected(context, state, frame);
      const { history, effects } = noticeCode(context, state.history, 'USHOT_NOTICE_KEEPALIVE_CODE', frame);
      const proved: Sending = { ...state, history, proved: true };
      if (more) return leftover(context, { state: proved, effects });
      if (!exchange.next) return { state: { ...proved, exchange: idle(context) }, effects };
      const submitted = submit(context, proved, exchange.next);
      return { state: submitted.state, effects: [...effects, ...submitted.effects] };
    }
  }
}

/** Part of a frame that nobody asked for. Left there, it would be taken for the answer to the next request. */
export function partial(context: Context, state: Sending): Step {
  if (state.exchange.kind !== 'idle') return { state, effects: [] };
  return fail(context, state, unasked(context));
}

export function tick(context: Context, state: Sending): Step {
  const { exchange } = state;
  const { settings, nowMs } = context;
  if (exchange.kind !== 'idle') {
    // A late answer would be taken for that of the next request: the connection must go.
    return fail(context, state, late(context, exchange));
  }
  const keepalive = emptyRequest(settings.service, state.terms);
  return {
    state: {
      ...state,
      exchange: state.awaitsKeepalive
        ? {
            kind: 'keepalive',
            command: keepalive.command,
            deadlineMs: nowMs + settings.timeoutMs,
            next: undefined,
          }
        : idle(context),
    },
    effects: [{ type: 'send', frame: keepalive }],
  };
}

export function stop(context: Context, state: Sending): Step {
  const { exchange } = state;
  if (exchange.kind !== 'request') return finish(state);
  const deadlineMs = Math.min(exchange.deadlineMs, context.nowMs + context.settings.timeoutMs);
  return { state: { name: 'closing', history: state.history, deadlineMs, last: state }, effects: [] };
}

/** While closing: the answer that was waited for, or anything else, which settles the request as lost. */
export function lastFrame(state: Closing, last: Sending, { frame }: FrameEvent): Step {
  const { exchange } = last;
  if (exchange.kind !== 'request' || !answersTo(exchange.request.command).includes(frame.COMMAND)) return finish(state);
  const settle: Effect = { type: 'settle', ticket: exchange.request.ticket, answer: { kind: 'answer', frame } };
  // It is answered: nothing is left that could be settled as lost.
  return finish({ name: 'stopped', history: state.history }, [settle]);
}

const idle = ({ nowMs, settings }: Context): Exchange => ({
  kind: 'idle',
  keepaliveAtMs: nowMs + settings.keepaliveMs,
});

function submit({ nowMs }: Context, state: Sending, request: Request): Step {
  return {
    state: { ...state, exchange: { kind: 'request', request, deadlineMs: nowMs + request.timeoutMs } },
    effects: [{ type: 'write', bytes: request.bytes }],
  };
}

/** Manual 2.B.6: a send request whose COUNT is 0. For LMS and MMS, the request that the login's terms call for. */
function emptyRequest(service: 'sms' | 'mms', terms: Terms): Outgoing {
  if (service === 'sms') return { command: '1020', body: { records: [] } };
  return { command: terms.variable ? '1044' : '1024', body: { records: [] } };
}

/**
 * A frame while nothing is asked. With `keepaliveAnswer` no, an answer to a keep-alive may still come: from then on
 * answers are waited for, or one of them would be taken for that of a request.
 */
function strayFrame(context: Context, state: Sending, frame: FrameEvent['frame']): Step {
  const keepalive = emptyRequest(context.settings.service, state.terms);
  if (state.awaitsKeepalive || !answersTo(keepalive.command).includes(frame.COMMAND)) {
    return unexpected(context, state, frame);
  }
  const { host, port } = context.settings;
  const { history, effects } = noticeOnce(state.history, {
    code: 'USHOT_NOTICE_KEEPALIVE_ANSWERED',
    params: { host, port },
  });
  return { state: { ...state, history, proved: true, awaitsKeepalive: true }, effects };
}

function unexpected(context: Context, state: Sending, frame: FrameEvent['frame']): Step {
  return fail(context, state, trouble.unexpected(context.settings, frame.COMMAND));
}

/** An answer with more bytes behind it: the answer counts, the connection is dropped before the next request. */
function leftover(context: Context, answered: Step): Step {
  const failed = fail(context, answered.state, unasked(context));
  return { state: failed.state, effects: [...answered.effects, ...failed.effects] };
}

const unasked = ({ settings }: Context) => trouble.notTheProtocol(settings, 'bytes that nobody asked for');

function late({ settings }: Context, exchange: Exclude<Exchange, { kind: 'idle' }>): trouble.LinkTrouble {
  return exchange.kind === 'request'
    ? trouble.unanswered(settings, exchange.request.command, exchange.request.timeoutMs)
    : trouble.unanswered(settings, exchange.command, settings.timeoutMs);
}

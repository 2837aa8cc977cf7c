/** How a connection ends, whatever it was doing: what was under way is settled, then comes a pause or the stop. */
import { pauseMs, refusedPauseMs } from './pace.ts';
import type { Context, Effect, History, Request, State, Step } from './states.ts';
import { type LinkTrouble, stopped as stoppedTrouble } from './trouble.ts';

/** The link is down for `trouble`; the next try follows after a pause. */
export function fail(context: Context, state: State, trouble: LinkTrouble): Step {
  const history = historyAfter(context, state);
  const pause = pauseMs(context.settings.reconnectMs, history.failures, context.random);
  return {
    state: { name: 'waiting', history, untilMs: context.nowMs + pause, trouble },
    effects: [...settleLost(state, trouble), { type: 'drop' }],
  };
}

/**
 * The gateway refused the login. When the connection before was logged in, the gateway may only be holding on to that
 * one, so the first try after it follows at the usual pause.
 */
export function refuse(context: Context, state: State, trouble: LinkTrouble): Step {
  const { settings, nowMs, random } = context;
  const { history } = state;
  const refusals = history.wasIn ? 0 : history.refusals + 1;
  const pause = refusals === 0 ? settings.reconnectMs : refusedPauseMs(settings.reconnectMs, refusals, random);
  return {
    state: {
      name: 'waiting',
      history: { ...history, refusals, wasIn: false },
      untilMs: nowMs + pause,
      trouble,
    },
    effects: [{ type: 'drop' }],
  };
}

/** The end that the owner asked for. */
export function finish(state: State, effects: readonly Effect[] = []): Step {
  return {
    state: { name: 'stopped', history: state.history },
    effects: [...effects, ...settleLost(state, stoppedTrouble), { type: 'drop' }],
  };
}

/** Tells the owner that `request` never went out. */
export function notSent(request: Request, trouble: LinkTrouble): Effect {
  return { type: 'settle', ticket: request.ticket, answer: { kind: 'lost', written: false, trouble } };
}

/** A link proves good by a word after the login, or by standing for as long as an idle one is left alone. */
function historyAfter({ settings, nowMs }: Context, state: State): History {
  const { history } = state;
  const good =
    (state.name === 'sending' || state.name === 'reporting') &&
    (state.proved || nowMs - state.sinceMs >= settings.keepaliveMs);
  return { ...history, failures: good ? 1 : history.failures + 1 };
}

function settleLost(state: State, trouble: LinkTrouble): readonly Effect[] {
  const last = state.name === 'closing' ? state.last : state;
  if (last.name !== 'sending') return [];
  const { exchange } = last;
  switch (exchange.kind) {
    case 'idle':
      return [];
    case 'request':
      return [{ type: 'settle', ticket: exchange.request.ticket, answer: { kind: 'lost', written: true, trouble } }];
    case 'keepalive':
      return exchange.next ? [notSent(exchange.next, trouble)] : [];
  }
}

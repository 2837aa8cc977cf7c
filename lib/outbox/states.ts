/**
 * The life of a message, as a table.
 *
 *     READY -(claimed into a frame, committed)-> IN_FLIGHT -(answer)-> ACCEPTED -(report)-> DELIVERED | FAILED
 *
 * Every engine asks `assertTransition` before it writes a state: a move that the table does not list is a bug, and says
 * so instead of being stored. A report may come before the answer, twice, or long after we gave up on it; the table is
 * where each of those is allowed or not.
 */

export const states = {
  READY: 'stored, waiting for its time and for a free connection',
  IN_FLIGHT: 'written to the store as part of a frame; the frame may be on the wire',
  ACCEPTED: 'the gateway answered the frame: it is theirs, a report is to come',
  IN_DOUBT: 'the frame went out and its answer never came: it may or may not be theirs',
  DELIVERED: 'reported as delivered to the phone',
  FAILED: 'reported as not delivered',
  NO_REPORT: 'accepted, but no report came by the horizon',
  REJECTED: 'refused by the gateway for good',
  EXPIRED: 'its time passed before it could be sent',
  CANCELLED: 'taken back by the operator',
  SUPPRESSED: 'stopped by a guard before it was sent',
} as const;

export type State = keyof typeof states;

/** From each state, the states it may move to. A state without a row entry is an end. */
export const transitions: Readonly<Record<State, readonly State[]>> = {
  // DELIVERED or FAILED when it was in doubt, is to be sent again, and the report of the first sending comes before that.
  READY: ['IN_FLIGHT', 'EXPIRED', 'CANCELLED', 'DELIVERED', 'FAILED'],
  // READY again when refused for a passing reason or to be bisected; DELIVERED or FAILED when the report overtakes the answer.
  IN_FLIGHT: ['ACCEPTED', 'READY', 'REJECTED', 'IN_DOUBT', 'DELIVERED', 'FAILED'],
  ACCEPTED: ['DELIVERED', 'FAILED', 'NO_REPORT'],
  // READY by the policy `resend`; CANCELLED by the operator under the policy `hold`; NO_REPORT when held past the horizon.
  IN_DOUBT: ['DELIVERED', 'FAILED', 'READY', 'CANCELLED', 'NO_REPORT'],
  NO_REPORT: ['DELIVERED', 'FAILED'],
  DELIVERED: [],
  FAILED: [],
  REJECTED: [],
  EXPIRED: [],
  CANCELLED: [],
  SUPPRESSED: [],
};

/** True when no further move is expected (a late report may still turn NO_REPORT into DELIVERED or FAILED). */
export function isEnd(state: State): boolean {
  return state === 'NO_REPORT' || transitions[state].length === 0;
}

export function assertTransition(messageId: string, from: State, to: State): void {
  if (!transitions[from].includes(to)) {
    throw new Error(`bug: message ${messageId} cannot go from ${from} to ${to}`);
  }
}

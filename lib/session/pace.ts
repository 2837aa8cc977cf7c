/** The numbers of a session: how long it pauses, how often it makes itself heard, how much it holds. */

/** Pauses after repeated failures grow by half to this much, so that a dead gateway is not knocked on all night. */
const LONGEST_PAUSE_MS = 60_000;

/** A refused login is slower still: the gateway said no, and an account can be locked by asking again and again. */
const REFUSED_PAUSE_MS = 30_000;
const LONGEST_REFUSED_PAUSE_MS = 300_000;

/**
 * Silent SAM10 polls that mean a dead link, where the gateway was never seen to answer a poll that finds nothing: silence
 * may be its way of saying "nothing" (manual 2.B.6: "수신건수가 있을 경우"). Where it was, one unanswered poll does.
 */
export const SILENT_POLLS_MOST = 30;

/**
 * Reports that were received and are not stored yet. A frame that arrived is always handed on (with SAM10 it exists
 * nowhere else); the link that goes over the bound is then closed, so that no more arrive, and tries again after the
 * usual pause. With SAM11 the gateway pushes again what was not acknowledged.
 */
export const HELD_REPORTS_MOST = 20_000;
export const HELD_FRAMES_MOST = 1_000;

/** The pause after the `failures`-th failure in a row (1 = the first): `reconnectMs` at the least. `random` is [0, 1). */
export function pauseMs(reconnectMs: number, failures: number, random: number): number {
  return grown(reconnectMs, 1.5, LONGEST_PAUSE_MS, failures, random);
}

/** The pause after the `refusals`-th refused login in a row. */
export function refusedPauseMs(reconnectMs: number, refusals: number, random: number): number {
  return grown(Math.max(reconnectMs, REFUSED_PAUSE_MS), 2, LONGEST_REFUSED_PAUSE_MS, refusals, random);
}

/** Jitter only shortens, and never below the first pause, so that the first one is exact. */
function grown(firstMs: number, factor: number, longestMs: number, times: number, random: number): number {
  const fullMs = Math.min(firstMs * factor ** (times - 1), Math.max(longestMs, firstMs));
  return Math.max(firstMs, Math.round(fullMs * (1 - random / 4)));
}

/** An empty 1031 this soon after an empty 1030 is taken for its echo and not answered again, or both would go on for ever. */
export function echoMs(keepaliveMs: number): number {
  return Math.min(5_000, keepaliveMs / 6);
}

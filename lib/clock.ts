/**
 * Time as an argument. Nothing under `lib/` reads the clock or arms a timer but through this port, so that a test can
 * run a year in a second.
 */

/** A timer that has been armed. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Calls `fire` once after `delayMs` (at least 0), never within this call. */
  timer(delayMs: number, fire: () => void): Timer;
}

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers do not keep the process alive: sockets and Node-RED do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

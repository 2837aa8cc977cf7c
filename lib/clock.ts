/**
 * Time as an argument. Nothing under `lib/` reads the clock or arms a timer but through this port, so that a test can
 * run a year in a second.
 */

/** A timer that has been armed. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, whole. */
  now(): number;
  /** Calls `fire` once after `delayMs` (at least 0), never within this call. */
  timer(delayMs: number, fire: () => void): Timer;
}

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Node's timers count whole milliseconds from a moment of their own, so one may fire a little before `now` says so. */
const EARLY_MS = 2;

/** The machine's clock. Its timers do not keep the process alive: sockets and Node-RED do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(delayMs, fire) {
    const waitMs = Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS);
    const atMs = Date.now() + waitMs;
    // Whoever looks at the clock when its timer fires must find the time come.
    const fired = () => {
      const leftMs = atMs - Date.now();
      if (leftMs > 0 && leftMs <= EARLY_MS) arm(leftMs);
      else fire();
    };
    const arm = (ms: number) => {
      handle = setTimeout(fired, ms);
      handle.unref();
    };
    let handle: NodeJS.Timeout;
    arm(waitMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Message ids. MSG_ID is 20 bytes and must be unique for ever, over restarts and over instances that share an account;
 * a sequence that starts anew would give a second message the first one's report.
 *
 * An id is the time in milliseconds (9 characters), the process (6, from the system's random source) and a count (5), in
 * Crockford's base 32: it sorts by time, and holds no letter that is misread.
 */
import { createHash, randomInt } from 'node:crypto';
import type { Clock } from '../clock.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const COUNT_SPAN = 32 ** 5;

export type Mint = () => string;

function base32(value: number, width: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < width; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

export function createMint(clock: Clock, instance: number = randomInt(32 ** 6)): Mint {
  const process = base32(instance, 6);
  let atMs = Number.NaN;
  /** Time and process: equal for all ids of a millisecond. */
  let prefix = '';
  let count = 0;
  return () => {
    const nowMs = clock.now();
    if (nowMs !== atMs) {
      atMs = nowMs;
      prefix = base32(nowMs, 9) + process;
    }
    count = (count + 1) % COUNT_SPAN;
    return prefix + base32(count, 5);
  };
}

/**
 * The id under which `firstId` is sent again the `attempt`-th time. It follows from both, so that a crash between a
 * report and its resend cannot make two resends of one.
 */
export function resendId(firstId: string, attempt: number): string {
  const digest = createHash('sha256').update(`${firstId}\0${attempt}`).digest();
  return `R${Array.from(digest.subarray(0, 19), (byte) => ALPHABET[byte % 32]).join('')}`;
}

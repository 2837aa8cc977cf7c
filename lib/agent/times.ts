/**
 * Times at the flow's edge: ISO 8601, the manual's own format, 14 digits, or an epoch. A time without a zone is Korean time
 * whatever the host's zone, as it is on the wire.
 */

/** Below this an epoch is in seconds (as milliseconds it would be before March 1973). */
const SMALLEST_EPOCH_MS = 1e11;
/** September 2001, in seconds. What is less is no epoch that anybody means; a date without separators, say. */
const SMALLEST_EPOCH = 1e9;
/** Years have four digits on the wire. What is later is mostly an epoch in micro- or nanoseconds. */
const LATEST_MS = Date.UTC(9999, 0, 1);
const KST_OFFSET = '+09:00';

/** YYYYMMDDhhmm or YYYYMMDDhhmmss, as people here write them. As an epoch they would be in 1976, or in 2612. */
const COMPACT = /^((?:19|20)\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** Milliseconds since 1970, or undefined when `value` is not a time between 1970 and 9998. */
export function parseTime(value: unknown): number | undefined {
  const ms = readTime(value);
  return ms !== undefined && ms > 0 && ms < LATEST_MS ? ms : undefined;
}

function readTime(value: unknown): number | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.getTime();
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const text = String(value).trim();
  const match = COMPACT.exec(text) ?? ISO.exec(text);
  if (!match) return typeof value === 'number' || /^\d{10,14}$/.test(text) ? fromEpoch(Number(value)) : undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone] = match;
  const fraction = /\.(\d{1,3})/.exec(text)?.[1]?.padEnd(3, '0') ?? '000';
  const wall = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction}`;
  // JavaScript rolls February 30th over into March; a time that was not written is not a time.
  const rolled = new Date(`${wall}Z`);
  if (Number.isNaN(rolled.getTime()) || rolled.toISOString() !== `${wall}Z`) return undefined;
  const offset = (zone ?? KST_OFFSET).toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const ms = Date.parse(`${wall}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function fromEpoch(value: number): number | undefined {
  if (!Number.isFinite(value) || value < SMALLEST_EPOCH) return undefined;
  return Math.round(value < SMALLEST_EPOCH_MS ? value * 1000 : value);
}

/**
 * Times as the gateway writes them: `YYYY-MM-DD HH:MM:SS` in Korean time, which is UTC+9 all the year, whatever the zone
 * of the host.
 */

const KST_MS = 9 * 60 * 60 * 1000;

/** `2026-11-23 09:30:10` for a time in milliseconds since 1970. Years 0 to 9999. */
export function formatKst(ms: number): string {
  return new Date(ms + KST_MS).toISOString().slice(0, 19).replace('T', ' ');
}

/** `2026-11-23T09:30:10+09:00`. */
export function isoKst(ms: number): string {
  return `${new Date(ms + KST_MS).toISOString().slice(0, 19)}+09:00`;
}

/** Milliseconds since 1970, or undefined where `text` is not a real date and time of that form. */
export function parseKst(text: string): number | undefined {
  const trimmed = text.trim();
  return isKst(trimmed) ? Date.parse(`${trimmed.slice(0, 10)}T${trimmed.slice(11)}+09:00`) : undefined;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether `text` is a real date and time of the gateway's form. */
export function isKst(text: string): boolean {
  return text.length === KST_LENGTH && isKstAt(Buffer.from(text, 'latin1'), 0);
}

/** Characters of a date. */
export const KST_LENGTH = 19;

const DASH = 0x2d;
const BLANK = 0x20;
const COLON = 0x3a;

/** Whether the 19 bytes from `at` are a real date and time. */
export function isKstAt(bytes: Uint8Array, at: number): boolean {
  const marks =
    bytes[at + 4] === DASH &&
    bytes[at + 7] === DASH &&
    bytes[at + 10] === BLANK &&
    bytes[at + 13] === COLON &&
    bytes[at + 16] === COLON;
  if (!marks) return false;
  const century = twoDigits(bytes, at);
  const yearOfCentury = twoDigits(bytes, at + 2);
  const month = twoDigits(bytes, at + 5);
  const day = twoDigits(bytes, at + 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return false;
  if (day > (DAYS[month - 1] as number) + (month === 2 && isLeap(century * 100 + yearOfCentury) ? 1 : 0)) return false;
  return within(bytes, at + 11, 23) && within(bytes, at + 14, 59) && within(bytes, at + 17, 59);
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

function within(bytes: Uint8Array, at: number, most: number): boolean {
  const value = twoDigits(bytes, at);
  return value >= 0 && value <= most;
}

/** The number that two digits make, or -1. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - 0x30;
  const ones = (bytes[at + 1] as number) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

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
  const iso = kstToIso(text);
  return iso === undefined ? undefined : Date.parse(iso);
}

/** `2026-11-23T09:30:10+09:00` for `2026-11-23 09:30:10`; undefined where `text` is not a real date and time. */
export function kstToIso(text: string): string | undefined {
  const trimmed = text.trim();
  return isKst(trimmed) ? `${trimmed.slice(0, 10)}T${trimmed.slice(11)}+09:00` : undefined;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Characters of a date. */
const LENGTH = 19;

const DASH = 0x2d;
const BLANK = 0x20;
const COLON = 0x3a;

/** Whether `text` is a real date and time of the gateway's form. */
export function isKst(text: string): boolean {
  const marks =
    text.length === LENGTH &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === BLANK &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON;
  if (!marks) return false;
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (century < 0 || yearOfCentury < 0 || month < 1 || month > 12 || day < 1) return false;
  if (day > (DAYS[month - 1] as number) + (month === 2 && isLeap(century * 100 + yearOfCentury) ? 1 : 0)) return false;
  return within(text, 11, 23) && within(text, 14, 59) && within(text, 17, 59);
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

function within(text: string, at: number, most: number): boolean {
  const value = twoDigits(text, at);
  return value >= 0 && value <= most;
}

/** The number that two digits make, or -1. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

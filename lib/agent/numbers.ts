/**
 * Phone numbers of Korea as senders and receivers. General phone-number libraries refuse 050 safe numbers and know
 * nothing of what may send, hence a table of our own.
 */

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
}

/** SENDER and RECEIVER are 12 bytes wide. */
const receivers: readonly Rule[] = [
  { what: 'mobile', pattern: /^010\d{8}$/ },
  { what: 'older mobile', pattern: /^01[16-9]\d{7,8}$/ },
  { what: 'safe number', pattern: /^050\d{8,9}$/ },
];

const senders: readonly Rule[] = [
  ...receivers,
  { what: 'Seoul', pattern: /^02\d{7,8}$/ },
  { what: 'other area', pattern: /^0(?:3[1-3]|4[1-4]|5[1-5]|6[1-4])\d{7,8}$/ },
  { what: 'internet phone', pattern: /^070\d{7,8}$/ },
  { what: 'toll-free', pattern: /^080\d{7,8}$/ },
  { what: 'representative', pattern: /^1[568]\d{6}$/ },
  { what: 'paid or personal', pattern: /^0[35]0\d{7,9}$/ },
];

export type NumberProblem = 'empty' | 'letters' | 'lost-zero' | 'unknown';

export type NumberResult =
  | { readonly ok: true; readonly digits: string }
  | { readonly ok: false; readonly problem: NumberProblem };

/** Blanks, hyphens, dots and brackets that people write between digits. */
const PUNCTUATION = /[\s\-‐-―.()]/g;

export const parseReceiver = (value: string | number): NumberResult => parse(value, receivers);
export const parseSender = (value: string | number): NumberResult => parse(value, senders);

function parse(value: string | number, rules: readonly Rule[]): NumberResult {
  // A spreadsheet or a CSV node that made a number of it took the leading zero away: nothing else can be meant.
  const written =
    typeof value === 'number' && /^(?:1\d{8,9}|[2-7]\d{7,9})$/.test(String(value)) ? `0${value}` : String(value);
  if (isAny(rules, written)) return { ok: true, digits: written };
  const bare = written.replace(PUNCTUATION, '');
  const digits = bare.replace(/^(?:\+82|82(?=[1-9]\d{7,}))0?/, '0');
  if (isAny(rules, digits)) return { ok: true, digits };
  if (bare === '') return { ok: false, problem: 'empty' };
  if (!/^\d+$/.test(digits)) return { ok: false, problem: 'letters' };
  return { ok: false, problem: isAny(rules, `0${digits}`) ? 'lost-zero' : 'unknown' };
}

function isAny(rules: readonly Rule[], digits: string): boolean {
  return rules.some((rule) => rule.pattern.test(digits));
}

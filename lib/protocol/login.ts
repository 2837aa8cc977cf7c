/**
 * What an answer to a login says about the account, and what holds in the end. The manual contradicts itself about the
 * body of 1011 (24 or 33 bytes), so nothing in it is certain to be there, and a login never fails on it.
 */

import type { FrameOf } from './bodies.ts';

/** What the gateway said; undefined where it did not. */
export interface LoginTerms {
  readonly feeType?: 'prepaid' | 'postpaid';
  readonly smsCost?: number;
  readonly lmsCost?: number;
  readonly mmsCost?: number;
  readonly balance?: number;
  /** Whether LMS and MMS go out in the frames of variable length (1044, 1045). */
  readonly variable?: boolean;
  readonly maxMsgBytes?: number;
  readonly maxPerRequest?: number;
  readonly service?: 'sms' | 'callback-url';
}

/** The session's own settings: they rule where the login is silent, and cap what it says. */
export interface TermSettings {
  readonly variable: 'auto' | 'Y' | 'N';
  readonly maxMsgBytes?: number | undefined;
  readonly maxPerRequest?: number | undefined;
}

/** What holds for a connection. */
export interface Terms extends Omit<LoginTerms, 'variable' | 'maxMsgBytes' | 'maxPerRequest' | 'service'> {
  readonly variable: boolean;
  readonly maxMsgBytes: number;
  readonly maxPerRequest: number;
  readonly service: 'sms' | 'callback-url';
}

/** Most bytes of an LMS or MMS text: frames of variable length, frames of fixed width. */
export const MOST_VARIABLE_BYTES = 3000;
export const MOST_FIXED_BYTES = 2000;
/** COUNT has four digits. */
export const MOST_PER_REQUEST = 9999;

/** Reads the answer to a login, whatever its length. Whether the login was refused is for RESP_CODE to say. */
export function readLogin(frame: FrameOf<'1011'>): LoginTerms {
  const body = frame.body ?? {};
  const [most, service] = frame.RESP_MESG.split('|', 2).map((part) => part.trim());
  const barred = frame.RESP_MESG.includes('|') || /^\s*\d+\s*$/.test(frame.RESP_MESG);
  return present({
    feeType: ({ '1': 'prepaid', '2': 'postpaid' } as const)[String(amount(body.FEE_TYPE))],
    smsCost: amount(body.SMS_COST),
    lmsCost: amount(body.LMS_COST),
    mmsCost: amount(body.MMS_COST),
    balance: amount(body.BALANCE),
    variable: ({ Y: true, N: false } as const)[body.VARIABLE_YN?.trim().toUpperCase() ?? ''],
    maxMsgBytes: positive(body.MAX_MSG_SIZE),
    maxPerRequest: barred ? positive(most) : undefined,
    service: barred ? ({ '1': 'sms', '2': 'callback-url' } as const)[String(positive(service))] : undefined,
  });
}

/** Joins what the login said with the settings. */
export function effectiveTerms(terms: LoginTerms, settings: TermSettings): Terms {
  const variable = settings.variable === 'auto' ? (terms.variable ?? false) : settings.variable === 'Y';
  const frameBytes = variable ? MOST_VARIABLE_BYTES : MOST_FIXED_BYTES;
  return {
    ...terms,
    variable,
    // Neither VARIABLE_YN = Y nor a setting widens what MAX_MSG_SIZE says; without it, 2000 is safe in both frames.
    maxMsgBytes: Math.min(
      frameBytes,
      terms.maxMsgBytes ?? settings.maxMsgBytes ?? MOST_FIXED_BYTES,
      settings.maxMsgBytes ?? frameBytes,
    ),
    maxPerRequest: Math.min(
      MOST_PER_REQUEST,
      terms.maxPerRequest ?? settings.maxPerRequest ?? 1,
      settings.maxPerRequest ?? MOST_PER_REQUEST,
    ),
    service: terms.service ?? 'sms',
  };
}

/** The number in a field that may be blank or odd. */
function amount(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^-?\d+(\.\d*)?$/.test(trimmed) ? Number(trimmed) : undefined;
}

function positive(text: string | undefined): number | undefined {
  const value = amount(text);
  return value !== undefined && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** Without the members that are undefined. */
function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/**
 * Frames as one line of a log. The table says what is secret and what is private: passwords do not show at all, texts by
 * their length only, phone numbers masked.
 */

import type { BodyInput, Command } from './bodies.ts';
import { type BodyField, type Fields, type FrameSpec, frames } from './frames.ts';

/** A decoded frame, or what is about to be encoded. */
export interface Describable {
  readonly COMMAND: string;
  readonly VERSION?: string;
  readonly RESP_CODE?: string;
  readonly RESP_MESG?: string;
  readonly body: BodyInput<Command> | object | null;
}

/** Records that a line shows. */
const SHOWN_RECORDS = 3;

/** `1020 send SMS SAM11 2 records [MSG_ID=a1 SENDER=02****5678 MSG=(12 characters)] ...` */
export function describeFrame(frame: Describable): string {
  const spec: FrameSpec | undefined = Object.hasOwn(frames, frame.COMMAND)
    ? frames[frame.COMMAND as Command]
    : undefined;
  if (spec === undefined) return `${quote(frame.COMMAND)} unknown command`;
  const parts = [frame.COMMAND, spec.en.split(',')[0] as string];
  if (frame.VERSION !== undefined && frame.VERSION !== '') parts.push(quote(frame.VERSION));
  if (frame.RESP_CODE !== undefined && frame.RESP_CODE !== '') parts.push(`RESP_CODE=${quote(frame.RESP_CODE)}`);
  if (frame.RESP_MESG !== undefined && frame.RESP_MESG !== '') parts.push(`RESP_MESG=${quote(frame.RESP_MESG)}`);
  if (frame.body === null) {
    parts.push('no body');
    return parts.join(' ');
  }
  const values = frame.body as Readonly<Record<string, unknown>>;
  const fields = describeValues(spec.fields, values);
  if (fields !== '') parts.push(fields);
  const records = values['records'];
  if (spec.records !== undefined && Array.isArray(records)) {
    parts.push(`${records.length} ${records.length === 1 ? 'record' : 'records'}`);
    for (const record of records.slice(0, SHOWN_RECORDS)) parts.push(`[${describeValues(spec.records, record)}]`);
    if (records.length > SHOWN_RECORDS) parts.push('...');
  }
  return parts.join(' ');
}

function describeValues(fields: Fields, values: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([name]) => values[name] !== undefined && values[name] !== '')
    .map(([name, field]) => `${name}=${describeValue(field, values[name])}`)
    .join(' ');
}

function describeValue(field: BodyField, value: unknown): string {
  if (field.kind === 'file') return `(${(value as Uint8Array).length} bytes)`;
  const text = String(value);
  const privacy = 'privacy' in field ? field.privacy : undefined;
  switch (privacy) {
    case 'secret':
      return '***';
    case 'text':
      return `(${text.length} characters)`;
    case 'number':
      return quote(maskNumber(text));
    default:
      return quote(text);
  }
}

/** Plain values as they are, others in quotes and escaped, so that nothing received can forge a line of a log. */
const quote = (text: string): string =>
  /^[\w.:+*()-]+$/.test(text) ? text : JSON.stringify(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeUnit);

const escapeUnit = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** `01012345678` as `010****5678`; what is too short for that shows its last two digits, or nothing. */
export function maskNumber(number: string): string {
  if (number.length >= 10) return `${number.slice(0, 3)}****${number.slice(-4)}`;
  if (number.length >= 7) return `${number.slice(0, 1)}****${number.slice(-2)}`;
  return '****';
}

/**
 * Reads bodies by walking their layout, generously: padding of either kind, numbers however aligned, texts that are cut.
 * Only what makes it impossible to tell the fields apart is an error.
 *
 * The whole body becomes one latin1 string, of which the ASCII fields are substrings: several times faster than a call
 * for each field. Such a substring keeps the whole string alive: whoever stores one for long copies it.
 */

import type { Charset } from './charset.ts';
import { RemoteProtocolError } from './errors.ts';
import { trailer } from './frames.ts';
import { type FieldLayout, type FrameLayout, type GroupLayout, HEADER_BYTES } from './layout.ts';
import { NUL, readNumber, SPACE, valueEnd, valueStart } from './padding.ts';

type Values = Record<string, unknown>;

/** The numbers that the codec works out itself, and how far the walk has come. */
interface Walk {
  readonly body: Buffer;
  /** The body, or that part of it before a file, as latin1. */
  readonly text: string;
  at: number;
  count: number;
  variableBytes: number;
}

/** Gives the body's values, or null where there is no body. */
export function decodeBody(layout: FrameLayout, body: Buffer, charset: Charset): Values | null {
  if (body.length === 0) return null;
  const { spec, once, repeated } = layout;
  const textBytes = once.variable === undefined ? body.length : Math.min(once.bytes, body.length);
  const walk: Walk = { body, text: body.toString('latin1', 0, textBytes), at: 0, count: 0, variableBytes: 0 };
  if (spec.anyLength !== undefined) return readWhatFits(walk, once, spec.anyLength, charset);
  if (body.length < once.bytes) throw wrongLength(walk, body.length, once.bytes);
  const values = readGroup(walk, once, charset);
  if (repeated !== undefined) values['records'] = readRecords(walk, repeated, charset);
  if (walk.at !== body.length) throw wrongLength(walk, walk.at, walk.at);
  return values;
}

function readRecords(walk: Walk, group: GroupLayout, charset: Charset): Values[] {
  const { body, count } = walk;
  const least = walk.at + count * group.bytes;
  // Before any work, so that a false COUNT costs nothing.
  if (body.length < least || (group.variable === undefined && body.length !== least)) {
    throw wrongLength(walk, Math.min(least, body.length), least);
  }
  const records: Values[] = [];
  for (let index = 0; index < count; index += 1) {
    if (body.length - walk.at < group.bytes) throw wrongLength(walk, body.length, walk.at + group.bytes);
    records.push(readGroup(walk, group, charset));
  }
  return records;
}

/** Reads one group that is known to be there, but for its part of variable length. */
function readGroup(walk: Walk, group: GroupLayout, charset: Charset): Values {
  const { body, text } = walk;
  const fields = group.fields;
  const values: Values = { ...group.blank };
  let at = walk.at;
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index] as FieldLayout;
    const end = at + field.bytes;
    switch (field.kind) {
      case 'count':
        walk.count = numberAt(body, at, end, field.name);
        break;
      case 'length':
        walk.variableBytes = numberAt(body, at, end, field.name);
        break;
      case 'variable-text':
      case 'file': {
        const variableEnd = at + walk.variableBytes;
        const groupEnd = variableEnd + restOf(fields, index);
        if (groupEnd > body.length) throw wrongLength(walk, body.length, groupEnd);
        values[field.name] =
          field.kind === 'file' ? body.subarray(at, variableEnd) : charset.decode(body, at, variableEnd);
        at = variableEnd;
        continue;
      }
      case 'text':
        values[field.name] = charset.decode(body, at, valueEnd(body, at, end));
        break;
      case 'digits':
      case 'number':
      case 'date': {
        const last = valueEnd(body, at, end);
        const first = body[at] === SPACE || body[at] === NUL ? valueStart(body, at, last) : at;
        values[field.name] = text.substring(first, last);
        break;
      }
      default:
        values[field.name] = text.substring(at, valueEnd(body, at, end));
    }
    at = end;
  }
  walk.at = at;
  return values;
}

/** Bytes of the fields behind `index`. */
function restOf(fields: readonly FieldLayout[], index: number): number {
  let bytes = 0;
  for (let next = index + 1; next < fields.length; next += 1) bytes += (fields[next] as FieldLayout).bytes;
  return bytes;
}

/** A body of any length: the fields that it reaches, the last one perhaps cut. */
function readWhatFits(walk: Walk, group: GroupLayout, how: 'whole-fields' | 'cut', charset: Charset): Values {
  const { body } = walk;
  const values: Values = {};
  let at = 0;
  for (const field of group.fields) {
    const end = how === 'cut' ? Math.min(at + field.bytes, body.length) : at + field.bytes;
    if (end > body.length) break;
    const one: GroupLayout = { ...group, fields: [{ ...field, bytes: end - at }], blank: {} };
    walk.at = at;
    Object.assign(values, readGroup(walk, one, charset));
    at = end;
  }
  return values;
}

function numberAt(body: Buffer, start: number, end: number, field: string): number {
  const value = readNumber(body, start, end);
  if (value >= 0) return value;
  const offset = -1 - value;
  throw new RemoteProtocolError(
    'not-a-number',
    { offset: HEADER_BYTES + offset, byte: byteAt(body, offset), field },
    { field },
  );
}

function wrongLength({ body }: Walk, at: number, expected: number): RemoteProtocolError {
  return new RemoteProtocolError(
    'body-length',
    { offset: HEADER_BYTES + at, byte: byteAt(body, at), field: 'LENGTH' },
    { found: body.length, expected },
  );
}

/** What stands at an offset of the body; behind its end stands the ETX. */
const byteAt = (body: Buffer, at: number): number => body[at] ?? trailer.ETX.byte;

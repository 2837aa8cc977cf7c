/**
 * Writes frames by walking their layout. The frame is filled with padding first, so that a field that is left out costs
 * nothing. Whatever does not fit its field is an error that names the place; nothing is ever cut.
 */

import { type AsciiKind, expectation } from './ascii.ts';
import { type Charset, DOES_NOT_FIT } from './charset.ts';
import { isKst } from './dates.ts';
import { LocalProtocolError, type Place } from './errors.ts';
import { header, trailer } from './frames.ts';
import {
  ENVELOPE_BYTES,
  type FieldLayout,
  type FrameLayout,
  type GroupLayout,
  HEADER_BYTES,
  headerAt,
  layField,
  layGroup,
  type WireSettings,
} from './layout.ts';
import { NUL, SPACE } from './padding.ts';

/** Values of a group as the walk sees them; the types of bodies.ts guard the door. */
export type LooseValues = Readonly<Record<string, unknown>>;

export interface Head {
  readonly VERSION?: string | undefined;
  readonly RESP_CODE?: string | undefined;
  readonly RESP_MESG?: string | undefined;
}

/** How far the walk has come, and what it needs at hand. */
interface Walk {
  readonly command: string;
  /** Whether this is a frame of ours, whose form must be right. */
  readonly checked: boolean;
  /** How many records there are. */
  readonly count: number;
  /** The frame. */
  readonly view: DataView;
  /** Index of the record, -1 outside records. */
  record: number;
  /** What stands in the fields of a group before it is written, and how many bytes each takes: at first padding. */
  readonly standing: string[];
  readonly standingBytes: number[];
}

const NO_RECORDS: readonly LooseValues[] = [];

const { SOH, STX, ...headFields } = header;
const headGroup = layGroup(headFields);
const lengthField = layField('LENGTH', header.LENGTH);

export class Encoder {
  readonly #settings: WireSettings;
  readonly #charset: Charset;
  readonly #layouts: ReadonlyMap<string, FrameLayout>;
  readonly #pad: number;

  constructor(settings: WireSettings, layouts: ReadonlyMap<string, FrameLayout>, charset: Charset) {
    this.#settings = settings;
    this.#charset = charset;
    this.#layouts = layouts;
    this.#pad = settings.padding === 'nul' ? NUL : SPACE;
  }

  /** One whole frame in a buffer of its own. */
  encode(command: string, body: LooseValues | null, head: Head): Buffer {
    const layout = this.#layouts.get(command);
    if (layout === undefined) throw new LocalProtocolError('unknown-command', { command });
    const bodyBytes = body === null ? bytesOfNoBody(layout) : this.#measure(layout, body);
    const frame = Buffer.allocUnsafe(ENVELOPE_BYTES + bodyBytes).fill(this.#pad);
    this.#writeHead(frame, layout, head, bodyBytes);
    if (body !== null && bodyBytes > 0) this.#writeBody(frame, layout, body);
    frame[HEADER_BYTES + bodyBytes] = trailer.ETX.byte;
    return frame;
  }

  #measure(layout: FrameLayout, body: LooseValues): number {
    const { command, spec, once, repeated } = layout;
    if (spec.shortBytes !== undefined && endOfGiven(once, body) <= spec.shortBytes) return spec.shortBytes;
    let bytes = once.bytes + this.#variableBytes(once, body, command, -1);
    if (repeated === undefined) return bytes;
    const records = recordsOf(command, body);
    bytes += repeated.bytes * records.length;
    if (repeated.variable === undefined) return bytes;
    for (let record = 0; record < records.length; record += 1) {
      bytes += this.#variableBytes(repeated, recordOf(records, command, record), command, record);
    }
    return bytes;
  }

  #variableBytes({ variable }: GroupLayout, values: LooseValues, command: string, record: number): number {
    if (variable === undefined) return 0;
    const { name, kind, width } = variable;
    const value = values[name];
    const place = placeOf(command, name, record);
    const bytes = kind === 'file' ? fileOf(value, place).length : this.#charset.byteLength(textOf(value, place));
    if (bytes > width) throw new LocalProtocolError('too-wide', place, { bytes, width });
    return bytes;
  }

  #writeHead(frame: Buffer, { command, spec }: FrameLayout, head: Head, bodyBytes: number): void {
    frame[headerAt.SOH] = SOH.byte;
    frame[headerAt.STX] = STX.byte;
    const values: LooseValues = {
      VERSION: head.VERSION ?? this.#settings.version,
      COMMAND: command,
      RESP_CODE: head.RESP_CODE,
      RESP_MESG: head.RESP_MESG ?? spec.respMesg,
    };
    const walk = beginWalk(frame, command, false, 0, headGroup.fields.length);
    this.#writeGroup(frame, headerAt.VERSION, headGroup, values, walk);
    this.#writeNumber(lengthField, bodyBytes, frame, headerAt.LENGTH, walk);
  }

  #writeBody(frame: Buffer, { command, spec, once, repeated }: FrameLayout, body: LooseValues): void {
    const records = repeated === undefined ? NO_RECORDS : recordsOf(command, body);
    const most = Math.max(once.fields.length, repeated?.fields.length ?? 0);
    const walk = beginWalk(frame, command, spec.from === 'agent', records.length, most);
    let at = this.#writeGroup(frame, HEADER_BYTES, within(once, frame.length - ENVELOPE_BYTES), body, walk);
    if (repeated === undefined) return;
    for (let record = 0; record < records.length; record += 1) {
      walk.record = record;
      if (record === 0 || repeated.variable !== undefined) forgetStanding(walk);
      // The messages of a batch are much alike: each record begins as a copy of the first, and what is equal stays.
      if (record === 1 && repeated.variable === undefined) repeatFrom(frame, at - repeated.bytes, at);
      at = this.#writeGroup(frame, at, repeated, recordOf(records, command, record), walk);
    }
  }

  /** Writes the fields of one group from `start` on; gives the offset behind them. */
  #writeGroup(frame: Buffer, start: number, group: GroupLayout, values: LooseValues, walk: Walk): number {
    const fields = group.fields;
    const { standing, standingBytes } = walk;
    let lengthAt = start;
    let at = start;
    for (let index = 0; index < fields.length; index += 1) {
      const field = fields[index] as FieldLayout;
      if (field.isPlain) {
        const value = values[field.name] ?? '';
        if (value === '' && field.required && walk.checked) throw missing(field, walk);
        if (value !== standing[index]) {
          const behind = this.#writeValue(field, value, frame, at, walk);
          const standingEnd = at + (standingBytes[index] as number);
          for (let rest = behind; rest < standingEnd; rest += 1) frame[rest] = this.#pad;
          if (walk.record <= 0) {
            standingBytes[index] = behind - at;
            standing[index] = value as string;
          }
        }
        at += field.bytes;
      } else if (field.kind === 'count') {
        this.#writeNumber(field, walk.count, frame, at, walk);
        at += field.bytes;
      } else if (field.kind === 'length') {
        lengthAt = at;
        at += field.bytes;
      } else {
        const value = values[field.name];
        const behind =
          field.kind === 'file'
            ? writeFile(value as Uint8Array, frame, at)
            : this.#writeValue(field, value, frame, at, walk);
        this.#writeNumber(group.length as FieldLayout, behind - at, frame, lengthAt, walk);
        at = behind;
      }
    }
    return at;
  }

  /** Gives the offset behind the value. */
  #writeValue(field: FieldLayout, value: unknown, frame: Buffer, at: number, walk: Walk): number {
    if (typeof value !== 'string') throw notA('a text', value, placeIn(walk, field));
    const blank = value.charCodeAt(0) === SPACE && /^ +$/.test(value);
    if (blank && walk.checked && field.required && !field.mayBeBlank) throw missing(field, walk);
    return field.isText ? this.#writeText(field, value, at, walk) : this.#writeAscii(field, value, frame, at, walk);
  }

  #writeAscii(field: FieldLayout, value: string, frame: Buffer, at: number, walk: Walk): number {
    const length = value.length;
    if (length > field.width) throw this.#tooWide(value, field, walk);
    const permitted = field.permitted;
    for (let index = 0; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      if (permitted[unit] !== 1) throw badCharacter(field, index, walk);
      frame[at + index] = unit;
    }
    if (field.kind === 'date' && walk.checked && length > 0 && !isKst(value)) {
      throw new LocalProtocolError('bad-date', placeIn(walk, field));
    }
    return at + length;
  }

  #writeText(field: FieldLayout, value: string, at: number, walk: Walk): number {
    const written = this.#charset.write(value, walk.view, at, at + field.width);
    if (written === DOES_NOT_FIT) throw this.#tooWide(value, field, walk);
    if (written < 0) {
      const params = { position: -1 - written, charset: this.#charset.name };
      throw new LocalProtocolError('unencodable', placeIn(walk, field), params);
    }
    if (field.oneLine) {
      const position = value.search(/[\r\n]/);
      if (position >= 0) throw badCharacter(field, position, walk);
    }
    return written;
  }

  #writeNumber(field: FieldLayout, value: number, frame: Buffer, at: number, walk: Walk): void {
    const digits = String(value);
    if (digits.length > field.width) throw this.#tooWide(digits, field, walk);
    const text = this.#settings.numberStyle === 'zero' ? digits.padStart(field.width, '0') : digits;
    for (let index = 0; index < text.length; index += 1) frame[at + index] = text.charCodeAt(index);
  }

  #tooWide(value: string, field: FieldLayout, walk: Walk): LocalProtocolError {
    const bytes = field.isText ? this.#charset.byteLength(value) : value.length;
    return new LocalProtocolError('too-wide', placeIn(walk, field), { bytes, width: field.width });
  }
}

/** A frame without a body: what a gateway refuses with, and what a poll is. */
function bytesOfNoBody({ command, spec, once, repeated }: FrameLayout): number {
  const hasBody = once.fields.length > 0 || repeated !== undefined;
  if (hasBody && spec.from === 'agent' && spec.mayBeEmpty !== true) {
    throw new LocalProtocolError('no-body', { command });
  }
  return 0;
}

const beginWalk = (frame: Buffer, command: string, checked: boolean, count: number, most: number): Walk => ({
  command,
  checked,
  count,
  view: new DataView(frame.buffer, frame.byteOffset, frame.length),
  record: -1,
  standing: new Array<string>(most).fill(''),
  standingBytes: new Array<number>(most).fill(0),
});

function forgetStanding({ standing, standingBytes }: Walk): void {
  standing.fill('');
  standingBytes.fill(0);
}

/** Gives the offset behind the file. */
function writeFile(file: Uint8Array, frame: Buffer, at: number): number {
  frame.set(file, at);
  return at + file.length;
}

/** The fields of a group that end within so many bytes: all of them, but for the short form of a login's answer. */
function within(group: GroupLayout, bytes: number): GroupLayout {
  if (group.bytes <= bytes) return group;
  let at = 0;
  const fields = group.fields.filter((field) => {
    at += field.bytes;
    return at <= bytes;
  });
  return { ...group, fields };
}

/** Repeats the bytes from `start` until `end` as often as they go into the rest of the body. */
function repeatFrom(frame: Buffer, start: number, end: number): void {
  const bodyEnd = frame.length - trailer.ETX.width;
  let done = end;
  while (done < bodyEnd) {
    frame.copyWithin(done, start, Math.min(done, start + bodyEnd - done));
    done += done - start;
  }
}

const placeOf = (command: string, field: string, record: number): Place =>
  record < 0 ? { command, field } : { command, field, record };

const placeIn = ({ command, record }: Walk, { name }: FieldLayout): Place => placeOf(command, name, record);

const missing = (field: FieldLayout, walk: Walk): LocalProtocolError =>
  new LocalProtocolError('missing', placeIn(walk, field));

const notA = (expected: string, value: unknown, place: Place): LocalProtocolError =>
  new LocalProtocolError('not-a', place, { expected, found: value === null ? 'null' : typeof value });

function badCharacter(field: FieldLayout, position: number, walk: Walk): LocalProtocolError {
  const expected = field.oneLine ? 'one line' : expectation[field.kind as AsciiKind];
  return new LocalProtocolError('bad-character', placeIn(walk, field), { position, expected });
}

function textOf(value: unknown, place: Place): string {
  if (value === undefined || value === '') throw new LocalProtocolError('missing', place);
  if (typeof value !== 'string') throw notA('a text', value, place);
  return value;
}

function fileOf(value: unknown, place: Place): Uint8Array {
  if (!(value instanceof Uint8Array)) throw notA('a Buffer', value, place);
  if (value.length === 0) throw new LocalProtocolError('missing', place);
  return value;
}

function recordsOf(command: string, body: LooseValues): readonly LooseValues[] {
  const records = body['records'];
  if (!Array.isArray(records)) throw notA('an array', records, { command, field: 'records' });
  return records as readonly LooseValues[];
}

function recordOf(records: readonly LooseValues[], command: string, record: number): LooseValues {
  const values: unknown = records[record];
  if (typeof values !== 'object' || values === null) throw notA('an object', values, { command, record });
  return values as LooseValues;
}

/** Bytes until the end of the last field that was given. */
function endOfGiven(group: GroupLayout, values: LooseValues): number {
  let at = 0;
  let end = 0;
  for (const { name, bytes } of group.fields) {
    at += bytes;
    if (values[name] !== undefined) end = at;
  }
  return end;
}

/**
 * Looks at a frame with the eyes of a gateway that forgives nothing: for the simulator and for tests. Every rule of the
 * manual, and the choices of the session where the manual leaves one, must be met to the byte.
 */

import { firstForbidden } from './ascii.ts';
import type { Charset } from './charset.ts';
import { isKst } from './dates.ts';
import { RemoteProtocolError } from './errors.ts';
import type { RawFrame } from './framer.ts';
import { type Field, header, type TextField } from './frames.ts';
import {
  type FrameLayout,
  type GroupLayout,
  HEADER_BYTES,
  type HeaderField,
  headerAt,
  type WireSettings,
} from './layout.ts';
import { isPadding, readNumber, valueEnd } from './padding.ts';

interface Inspection {
  readonly bytes: Buffer;
  readonly settings: WireSettings;
  readonly charset: Charset;
  /** Whether the agent sent it: a gateway may leave required fields blank. */
  readonly ours: boolean;
  /** The one kind of padding that the frame uses, once some was seen. */
  padding: number | undefined;
  at: number;
  variableBytes: number;
  count: number;
}

/** Throws a `RemoteProtocolError` that names the first thing that is not as it must be. */
export function inspect(raw: RawFrame, layout: FrameLayout, settings: WireSettings, charset: Charset): void {
  const bytes = raw.bytes;
  const ours = layout.spec.from === 'agent';
  const inspection: Inspection = {
    bytes,
    settings,
    charset,
    ours,
    padding: undefined,
    at: 0,
    variableBytes: 0,
    count: 0,
  };
  inspectHeader(inspection, layout);
  if (raw.body.length === 0) {
    const { spec } = layout;
    const empty = layout.once.fields.length === 0;
    if (spec.from === 'agent' && !(empty || (spec.mayBeEmpty === true && raw.header.VERSION === 'SAM10'))) {
      fail(inspection, headerAt.LENGTH, 'LENGTH', 'is 0, but this command needs a body');
    }
    return;
  }
  if (layout.spec.mayBeEmpty === true && raw.header.VERSION === 'SAM10') {
    fail(inspection, headerAt.LENGTH, 'LENGTH', 'is not 0, but in SAM10 this command has no body');
  }
  inspection.at = HEADER_BYTES;
  const bodyEnd = HEADER_BYTES + raw.body.length;
  if (layout.spec.anyLength !== undefined) {
    inspectWhatFits(inspection, layout.once, bodyEnd);
    return;
  }
  inspectGroup(inspection, layout.once, bodyEnd);
  if (layout.repeated !== undefined) {
    for (let index = 0; index < inspection.count; index += 1) inspectGroup(inspection, layout.repeated, bodyEnd);
  }
  // Bytes that no field takes are found by the decoder, strict or not.
}

function inspectHeader(inspection: Inspection, { command, spec }: FrameLayout): void {
  for (const [name, field] of Object.entries(header)) {
    if (field.kind !== 'mark') inspectField(inspection, name, field, headerAt[name as HeaderField]);
  }
  const version = textAt(inspection, headerAt.VERSION, header.VERSION.width);
  if (!(spec.versions as readonly string[]).includes(version)) {
    fail(inspection, headerAt.VERSION, 'VERSION', `is not one that has ${command}`);
  }
  const isRequest = spec.from === 'agent' && spec.mayBeEmpty !== true;
  if (isRequest) {
    if (textAt(inspection, headerAt.RESP_CODE, header.RESP_CODE.width) !== '') {
      fail(inspection, headerAt.RESP_CODE, 'RESP_CODE', 'must be blank in a request');
    }
    if (textAt(inspection, headerAt.RESP_MESG, header.RESP_MESG.width) !== (spec.respMesg ?? '')) {
      const complaint = spec.respMesg === undefined ? 'must be blank in a request' : `must be ${spec.respMesg}`;
      fail(inspection, headerAt.RESP_MESG, 'RESP_MESG', complaint);
    }
  }
}

function inspectGroup(inspection: Inspection, group: GroupLayout, bodyEnd: number): void {
  for (const { name, bytes, spec } of group.fields) {
    const variable = spec.kind === 'variable-text' || spec.kind === 'file';
    const width = variable ? inspection.variableBytes : bytes;
    if (inspection.at + width > bodyEnd) fail(inspection, bodyEnd, name, 'is cut off by the end of the body');
    if (variable) inspectVariable(inspection, name, spec.kind, spec.width);
    else inspectField(inspection, name, spec, inspection.at);
    inspection.at += width;
  }
}

/** The fields of a body of any length that it reaches. */
function inspectWhatFits(inspection: Inspection, group: GroupLayout, bodyEnd: number): void {
  for (const { name, bytes, spec } of group.fields) {
    if (inspection.at + bytes > bodyEnd) return;
    inspectField(inspection, name, spec, inspection.at);
    inspection.at += bytes;
  }
}

function inspectVariable(inspection: Inspection, name: string, kind: 'variable-text' | 'file', most: number): void {
  const { at, variableBytes, bytes, charset } = inspection;
  if (variableBytes === 0) fail(inspection, at, name, 'is required, but empty');
  if (variableBytes > most) fail(inspection, at, name, `has ${variableBytes} bytes, but at most ${most} are allowed`);
  const bad = kind === 'file' ? -1 : charset.firstBad(bytes, at, at + variableBytes);
  if (bad >= 0) fail(inspection, bad, name, `is no ${charset.name} text`);
}

function inspectField(inspection: Inspection, name: string, spec: Field, start: number): void {
  const { bytes, charset } = inspection;
  const fieldEnd = start + spec.width;
  const end = valueEnd(bytes, start, fieldEnd);
  for (let at = end; at < fieldEnd; at += 1) {
    inspection.padding ??= bytes[at];
    if (bytes[at] !== inspection.padding) fail(inspection, at, name, 'mixes two kinds of padding in one frame');
  }
  if (end === start) {
    const blankAllowed = !spec.required || !inspection.ours || (spec.kind === 'text' && spec.mayBeBlank === true);
    if (!blankAllowed) fail(inspection, start, name, 'is required, but blank');
    return;
  }
  if (isPadding(bytes[start]) && spec.kind !== 'text' && spec.kind !== 'opaque') {
    fail(inspection, start, name, 'is not left-aligned');
  }
  switch (spec.kind) {
    case 'text':
      inspectText(inspection, name, spec, start, end, charset);
      break;
    case 'count':
    case 'length': {
      const value = inspectNumber(inspection, name, start, end, spec.width);
      if (spec.kind === 'count') inspection.count = value;
      else inspection.variableBytes = value;
      break;
    }
    case 'variable-text':
    case 'file':
    case 'mark':
      break;
    default: {
      const bad = firstForbidden(spec.kind, bytes, start, end);
      if (bad >= 0) fail(inspection, bad, name, `holds what does not belong in a field of kind ${spec.kind}`);
      if (spec.kind === 'date' && !isKst(bytes.toString('latin1', start, end))) {
        fail(inspection, start, name, 'is not a real time written YYYY-MM-DD HH:MM:SS');
      }
    }
  }
}

function inspectText(
  inspection: Inspection,
  name: string,
  spec: TextField,
  start: number,
  end: number,
  charset: Charset,
): void {
  const bad = charset.firstBad(inspection.bytes, start, end);
  if (bad >= 0) fail(inspection, bad, name, `is no ${charset.name} text`);
  if (spec.lines === 'many') return;
  for (let at = start; at < end; at += 1) {
    if (inspection.bytes[at] === 0x0a || inspection.bytes[at] === 0x0d) fail(inspection, at, name, 'has a line break');
  }
}

function inspectNumber(inspection: Inspection, name: string, start: number, end: number, width: number): number {
  const value = readNumber(inspection.bytes, start, end);
  if (value < 0) fail(inspection, -1 - value, name, 'is not a number');
  const wanted = inspection.settings.numberStyle === 'zero' ? String(value).padStart(width, '0') : String(value);
  if (inspection.bytes.toString('latin1', start, end) !== wanted) {
    fail(inspection, start, name, `must be written ${wanted}`);
  }
  return value;
}

const textAt = ({ bytes }: Inspection, start: number, width: number): string =>
  bytes.toString('latin1', start, valueEnd(bytes, start, start + width));

function fail({ bytes }: Inspection, offset: number, field: string, complaint: string): never {
  throw new RemoteProtocolError('form', { offset, byte: bytes[offset], field }, { field, complaint });
}

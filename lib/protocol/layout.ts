/**
 * The table of frames made ready to be walked: objects turned into lists, fields that the session leaves out taken out,
 * widths added up. Made once for each codec, never for each frame.
 */

import { permittedIn } from './ascii.ts';
import { type Field, type FrameSpec, frames, header, trailer } from './frames.ts';

/** Details of the wire that the manual leaves open; protocol.md says what is usual. Chosen once for each session. */
export interface WireSettings {
  readonly version: 'SAM10' | 'SAM11';
  /** What fills up a field. */
  readonly padding: 'space' | 'nul';
  /** How counts and lengths are written: `7` or `0007`. */
  readonly numberStyle: 'left' | 'zero';
  /** Whether the records of send requests end with USERCODE. */
  readonly userCode: 'omit' | 'include';
  readonly charset: 'cp949' | 'euc-kr';
}

export const defaultWire: WireSettings = {
  version: 'SAM11',
  padding: 'space',
  numberStyle: 'left',
  userCode: 'omit',
  charset: 'cp949',
};

/**
 * One field, ready for the walk. All of these have the same members in the same order, unlike the rows of the table: the
 * walk is several times faster for it.
 */
export interface FieldLayout {
  readonly name: string;
  readonly kind: Field['kind'];
  /** Bytes on the wire, 0 for those of variable length. */
  readonly bytes: number;
  /** Most bytes of a value. */
  readonly width: number;
  readonly required: boolean;
  /** Whether a blank can be its value. */
  readonly mayBeBlank: boolean;
  /** The bytes that may stand in it, where it is an ASCII field. */
  readonly permitted: Uint8Array;
  readonly oneLine: boolean;
  /** Whether its values are written in the charset. */
  readonly isText: boolean;
  /** Whether it holds a value of its own, of fixed width. */
  readonly isPlain: boolean;
  readonly spec: Field;
}

export interface GroupLayout {
  readonly fields: readonly FieldLayout[];
  /** Bytes of all fields of fixed width. */
  readonly bytes: number;
  /** The field of variable length, if there is one, and the field that says how long it is. */
  readonly variable: FieldLayout | undefined;
  readonly length: FieldLayout | undefined;
  /** Every name that a decoded value has, each with '': the shape that decoded records start from. */
  readonly blank: Readonly<Record<string, string>>;
}

export interface FrameLayout {
  readonly command: string;
  readonly spec: FrameSpec;
  readonly once: GroupLayout;
  readonly repeated: GroupLayout | undefined;
}

/** Makes a row of the table ready. */
export const layField = (name: string, spec: Field): FieldLayout => ({
  name,
  kind: spec.kind,
  bytes: isVariable(spec) ? 0 : spec.width,
  width: spec.width,
  required: spec.required,
  mayBeBlank: spec.kind === 'variable-text' || (spec.kind === 'text' && spec.mayBeBlank === true),
  permitted: permittedIn(spec.kind),
  oneLine: spec.kind === 'text' && spec.lines === 'one',
  isText: spec.kind === 'text' || spec.kind === 'variable-text',
  isPlain: !isVariable(spec) && spec.kind !== 'count' && spec.kind !== 'length',
  spec,
});

const isVariable = (field: Field): boolean => field.kind === 'variable-text' || field.kind === 'file';

/** Makes the fields of a header, a body or a record ready. */
export function layGroup(
  fields: Readonly<Record<string, Field>>,
  settings: Pick<WireSettings, 'userCode'> = defaultWire,
): GroupLayout {
  const isLeftOut = (spec: Field): boolean =>
    'optIn' in spec && spec.optIn !== undefined && settings[spec.optIn] === 'omit';
  const list = Object.entries(fields)
    .filter(([, spec]) => !isLeftOut(spec))
    .map(([name, spec]) => layField(name, spec));
  const values = Object.entries(fields).filter(([, { kind }]) => kind !== 'count' && kind !== 'length');
  return {
    fields: list,
    bytes: list.reduce((total, { bytes }) => total + bytes, 0),
    variable: list.find(({ spec }) => isVariable(spec)),
    length: list.find(({ kind }) => kind === 'length'),
    blank: Object.fromEntries(values.map(([name]) => [name, ''])),
  };
}

/** Lays out one frame for a session. */
export function layFrame(
  command: string,
  spec: FrameSpec,
  settings: Pick<WireSettings, 'userCode'> = defaultWire,
): FrameLayout {
  return {
    command,
    spec,
    once: layGroup(spec.fields, settings),
    repeated: spec.records === undefined ? undefined : layGroup(spec.records, settings),
  };
}

/** Lays out all frames of a table. */
export function layFrames(
  settings: Pick<WireSettings, 'userCode'>,
  table: Readonly<Record<string, FrameSpec>> = frames,
): ReadonlyMap<string, FrameLayout> {
  return new Map(Object.entries(table).map(([command, spec]) => [command, layFrame(command, spec, settings)]));
}

const sum = (fields: Readonly<Record<string, Field>>): number =>
  Object.values(fields).reduce((total, { width }) => total + width, 0);

/** Bytes from SOH to STX. */
export const HEADER_BYTES = sum(header);
/** Bytes of a frame around its body. */
export const ENVELOPE_BYTES = HEADER_BYTES + sum(trailer);

export type HeaderField = keyof typeof header;

/** Where each field of the header stands. */
export const headerAt = Object.fromEntries(
  Object.entries(header).map(([name], index, all) => [
    name,
    all.slice(0, index).reduce((total, [, { width }]) => total + width, 0),
  ]),
) as Readonly<Record<HeaderField, number>>;

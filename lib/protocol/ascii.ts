/** Which bytes may stand in the ASCII fields of each kind. */

import type { AsciiField, Field } from './frames.ts';

export type AsciiKind = AsciiField['kind'] | 'opaque';

const classOf = (test: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (test(byte) ? 1 : 0));

const visible = classOf((byte) => byte >= 0x20 && byte <= 0x7e);
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** For each kind a table of bytes: 1 where the byte may stand there. */
export const permitted: Readonly<Record<AsciiKind, Uint8Array>> = {
  ascii: visible,
  id: classOf((byte) => byte > 0x20 && byte <= 0x7e),
  digits: classOf(isDigit),
  number: classOf((byte) => isDigit(byte) || byte === 0x2e || byte === 0x2d),
  date: visible,
  opaque: classOf(() => true),
};

/** What a value must be, for the sentence of an error. */
export const expectation: Readonly<Record<AsciiKind, string>> = {
  ascii: 'ASCII',
  id: 'an id (ASCII without blanks)',
  digits: 'a number of digits',
  number: 'a number',
  date: 'a date',
  opaque: 'bytes',
};

const NONE = new Uint8Array(256);

/** The table of a kind; one that permits nothing for the kinds that are no ASCII. */
export const permittedIn = (kind: Field['kind']): Uint8Array =>
  Object.hasOwn(permitted, kind) ? permitted[kind as AsciiKind] : NONE;

/** Where the first byte stands that may not; -1 where all may. */
export function firstForbidden(kind: AsciiKind, bytes: Uint8Array, start: number, end: number): number {
  const table = permitted[kind];
  for (let at = start; at < end; at += 1) if (table[bytes[at] as number] !== 1) return at;
  return -1;
}

/** Padding and numbers as they are read: generously. */

export const SPACE = 0x20;
export const NUL = 0x00;

export const isPadding = (byte: number | undefined): boolean => byte === SPACE || byte === NUL;

/** Where the value that begins at `start` ends, once its padding (blanks, NULs or both) is taken off. */
export function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && (bytes[at - 1] === SPACE || bytes[at - 1] === NUL)) at -= 1;
  return at;
}

/** Where the value begins that may stand at the right of its field. */
export function valueStart(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === SPACE || bytes[at] === NUL)) at += 1;
  return at;
}

/**
 * A number of a field: left- or right-aligned, zero-filled or not, 0 where the field is blank. Where something else
 * stands, the answer is `-1 - offset` of the first byte that does not belong there.
 */
export function readNumber(bytes: Uint8Array, start: number, end: number): number {
  const last = valueEnd(bytes, start, end);
  let value = 0;
  for (let at = valueStart(bytes, start, last); at < last; at += 1) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1 - at;
    value = value * 10 + digit;
  }
  return value;
}

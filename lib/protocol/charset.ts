/**
 * Korean text as bytes. `iconv-lite` is the authority: one table is built from it, once, when first needed, because a
 * call into it for each field costs ten times as much, and because it turns what it cannot encode into `?` without a
 * word (a lone `?` in its output is how the table tells).
 *
 * CP949 has all 11,172 Hangul syllables. EUC-KR proper (KS X 1001) is the part of it whose two bytes are both 0xA1 or
 * more, with 2,350 syllables.
 *
 * Control characters other than CR, LF and tab have no code here: no message may hold them.
 */

import iconv from 'iconv-lite';
import { findUnencodable, isSendableAscii, REPLACEMENT, substitute, type Unencodable } from './text-meter.ts';

export type CharsetName = 'cp949' | 'euc-kr';

export interface Charset {
  readonly name: CharsetName;
  /** Bytes of `text`. Throws a `RangeError` that names the first character without a code. */
  encode(text: string): Buffer;
  /**
   * Writes `text` through `view` from `at`, never at or beyond `end`. Gives the position behind it; `DOES_NOT_FIT`; or
   * `-1 - index` of the first character without a code. (Through a view, because one call writes both bytes.)
   */
  write(text: string, view: DataView, at: number, end: number): number;
  /** Bytes that `text` takes; a character without a code counts as `?`. */
  byteLength(text: string): number;
  /** Bytes of a UTF-16 code unit, 0 where it has no code. */
  width(codeUnit: number): 0 | 1 | 2;
  /**
   * The text of `bytes`. A last byte that is half a character is left out: RESP_MESG arrives cut. What is no character
   * otherwise becomes U+FFFD. Reads all of CP949 under either name.
   */
  decode(bytes: Buffer, start?: number, end?: number): string;
  /** Offset of the first byte that is no text of this charset, or -1. */
  firstBad(bytes: Uint8Array, start: number, end: number): number;
  /** The characters that have no code, with what could stand there instead. Expects NFC. */
  unencodable(text: string): Unencodable[];
  /** `text` with each such character replaced by its suggestion, or by `?`. */
  replace(text: string): string;
}

/** What `write` answers where the text is longer than its field. */
export const DOES_NOT_FIT: number = -(2 ** 31);

const FIRST_DOUBLE = 0x8141;

/** Text in NFC, and the control characters in it that no message may hold. */
export function normalizeText(text: string): { text: string; controls: { char: string; index: number }[] } {
  const composed = text.normalize('NFC');
  const controls: { char: string; index: number }[] = [];
  for (let index = 0; index < composed.length; index += 1) {
    const unit = composed.charCodeAt(index);
    if (unit < 0xa0 && (unit < 0x20 || unit >= 0x7f) && !isSendableAscii(unit)) {
      controls.push({ char: `U+${unit.toString(16).toUpperCase().padStart(4, '0')}`, index });
    }
  }
  return { text: composed, controls };
}

/** The charset of that name; its table is shared. */
export function charset(name: CharsetName): Charset {
  if (name === 'cp949') {
    cp949 ??= new TableCharset('cp949', tables().codes);
    return cp949;
  }
  eucKr ??= new TableCharset('euc-kr', tables().codes.map(withinKsX1001));
  return eucKr;
}

let cp949: Charset | undefined;
let eucKr: Charset | undefined;

const withinKsX1001 = (code: number): number =>
  code < 0x80 || (code >>> 8 >= 0xa1 && (code & 0xff) >= 0xa1) ? code : 0;

interface Tables {
  /** Code of each UTF-16 code unit; 0: none. */
  readonly codes: Uint16Array;
  /** Code unit of each pair of bytes; 0: none. */
  readonly units: Uint16Array;
}

let built: Tables | undefined;

/** Encodes all of the BMP in one call, and reads off what became of each character. */
function tables(): Tables {
  if (built !== undefined) return built;
  const codes = new Uint16Array(0x10000);
  const units = new Uint16Array(0x10000);
  for (let unit = 0; unit < 0x80; unit += 1) if (isSendableAscii(unit)) codes[unit] = unit;
  const candidates: number[] = [];
  for (let unit = 0x80; unit < 0x10000; unit += 1) if (unit < 0xd800 || unit > 0xdfff) candidates.push(unit);
  const encoded = iconv.encode(candidates.map((unit) => String.fromCharCode(unit)).join(''), 'cp949');
  let at = 0;
  for (const unit of candidates) {
    const lead = encoded[at] as number;
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const code = (lead << 8) | (encoded[at + 1] as number);
    codes[unit] = code;
    units[code] = unit;
    at += 2;
  }
  built = { codes, units };
  return built;
}

const UNKNOWN = 0xfffd;
const UNIT_BYTES = 2;

/** Where a text is put together that is being decoded, in UTF-16, the lower byte first. */
let units = new DataView(new ArrayBuffer(4096));

class TableCharset implements Charset {
  readonly name: CharsetName;
  readonly #codes: Uint16Array;
  /** The same with ASCII in the upper byte: what to write, first byte first. */
  readonly #pairs: Uint16Array;
  readonly #units: Uint16Array = tables().units;

  constructor(name: CharsetName, codes: Uint16Array) {
    this.name = name;
    this.#codes = codes;
    this.#pairs = codes.map((code) => (code < 0x80 ? code << 8 : code));
  }

  encode(text: string): Buffer {
    const bytes = Buffer.from(new ArrayBuffer(text.length * 2));
    const end = this.write(text, new DataView(bytes.buffer), 0, bytes.length);
    if (end < 0) {
      const index = -1 - end;
      const point = text.codePointAt(index) ?? 0;
      throw new RangeError(`${this.name} has no code for U+${point.toString(16).toUpperCase()} at position ${index}`);
    }
    return bytes.subarray(0, end);
  }

  write(text: string, view: DataView, at: number, end: number): number {
    const last = text.length - 1;
    if (last < 0) return at;
    if (at + 2 * last + 2 > end) return this.#writeTight(text, view, at, end);
    const pairs = this.#pairs;
    let position = at;
    let holes = 0;
    for (let index = 0; index < last; index += 1) {
      const pair = pairs[text.charCodeAt(index)] as number;
      holes |= pair - 1;
      // Two bytes, whatever it is: the second one of an ASCII character is overwritten by the next character.
      view.setUint16(position, pair);
      position += 1 + (pair >>> 15);
    }
    // A hole (0 - 1) leaves the sign; the careful way then tells where it is.
    return holes < 0
      ? this.#writeTight(text, view, at, end)
      : this.#writeOne(pairs[text.charCodeAt(last)] as number, last, view, position, end);
  }

  /** The same for a text that may not fit. */
  #writeTight(text: string, view: DataView, at: number, end: number): number {
    let position = at;
    for (let index = 0; index < text.length && position >= 0; index += 1) {
      position = this.#writeOne(this.#pairs[text.charCodeAt(index)] as number, index, view, position, end);
    }
    return position;
  }

  #writeOne(pair: number, index: number, view: DataView, at: number, end: number): number {
    if (pair === 0) return -1 - index;
    const behind = at + 1 + (pair >>> 15);
    if (behind > end) return DOES_NOT_FIT;
    view.setUint8(at, pair >>> 8);
    if (pair > 0x7fff) view.setUint8(at + 1, pair & 0xff);
    return behind;
  }

  byteLength(text: string): number {
    const codes = this.#codes;
    let bytes = text.length;
    for (let index = 0; index < text.length; index += 1) {
      if ((codes[text.charCodeAt(index)] as number) >= FIRST_DOUBLE) bytes += 1;
    }
    return bytes;
  }

  width(codeUnit: number): 0 | 1 | 2 {
    const code = this.#codes[codeUnit] ?? 0;
    return code === 0 ? 0 : code < FIRST_DOUBLE ? 1 : 2;
  }

  decode(bytes: Buffer, start = 0, end = bytes.length): string {
    let plain = start;
    while (plain < end && (bytes[plain] as number) < 0x80) plain += 1;
    const ascii = bytes.toString('latin1', start, plain);
    return plain === end ? ascii : ascii + this.#decodeMixed(bytes, plain, end);
  }

  #decodeMixed(bytes: Buffer, start: number, end: number): string {
    const most = UNIT_BYTES * (end - start);
    if (units.byteLength < most) units = new DataView(new ArrayBuffer(most));
    let length = 0;
    for (let at = start; at < end; ) {
      const lead = bytes[at] as number;
      if (lead < 0x80) {
        units.setUint16(length, lead, true);
        length += UNIT_BYTES;
        at += 1;
        continue;
      }
      // Half a character at the very end is left out.
      if (at + 1 === end && lead > 0x80 && lead < 0xff) break;
      const unit = at + 1 === end ? 0 : (this.#units[(lead << 8) | (bytes[at + 1] as number)] as number);
      units.setUint16(length, unit === 0 ? UNKNOWN : unit, true);
      length += UNIT_BYTES;
      // After a bad pair go on at its second byte where that may be a character of its own.
      at += unit === 0 && (at + 1 === end || (bytes[at + 1] as number) < 0x80) ? 1 : 2;
    }
    return Buffer.from(units.buffer, 0, length).toString('utf16le');
  }

  firstBad(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 1) {
      const lead = bytes[at] as number;
      if (lead < 0x80) {
        if (!isSendableAscii(lead)) return at;
        continue;
      }
      const unit = at + 1 < end ? (this.#units[(lead << 8) | (bytes[at + 1] as number)] as number) : 0;
      if (unit === 0 || this.#codes[unit] === 0) return at;
      at += 1;
    }
    return -1;
  }

  unencodable(text: string): Unencodable[] {
    return findUnencodable(text, (unit) => this.width(unit));
  }

  replace(text: string): string {
    const composed = text.normalize('NFC');
    return substitute(composed, this.unencodable(composed));
  }
}

export { REPLACEMENT };

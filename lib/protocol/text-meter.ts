/**
 * Measures a text as a phone in Korea will count it, and finds what cannot be sent and what could stand there instead.
 * Shared with the browser (the editor's message meter): no Node.js, no charset table, only a function that tells the
 * width of a UTF-16 code unit.
 */

/** Bytes that a UTF-16 code unit takes in the charset, 0 where it has no code. */
export type Width = (codeUnit: number) => 0 | 1 | 2;

export interface Unencodable {
  /** The character as its author sees it: an emoji with its modifiers is one. */
  readonly char: string;
  /** Where it stands, in UTF-16 code units from 0. */
  readonly index: number;
  /** What could stand there instead; '' means that it can be left out. Absent where nothing comes close. */
  readonly suggestion?: string;
}

export interface Measure {
  /** Bytes of the text; what cannot be sent counts as what would replace it. */
  readonly bytes: number;
  readonly kind: 'SMS' | 'LMS' | 'too-long';
  /** Most bytes of `kind`; of an LMS where the text is too long for one. */
  readonly limit: number;
  readonly unencodable: readonly Unencodable[];
}

export interface MeterLimits {
  readonly smsBytes: number;
  readonly lmsBytes: number;
}

/** What stands for a character that nothing comes close to. */
export const REPLACEMENT = '?';

/** Measures `text` as it would be sent: in NFC, what cannot be encoded replaced. */
export function measure(text: string, width: Width, limits: MeterLimits): Measure {
  const composed = text.normalize('NFC');
  const unencodable = findUnencodable(composed, width);
  const bytes = byteLength(unencodable.length === 0 ? composed : substitute(composed, unencodable), width);
  const kind = bytes <= limits.smsBytes ? 'SMS' : bytes <= limits.lmsBytes ? 'LMS' : 'too-long';
  return { bytes, kind, limit: kind === 'SMS' ? limits.smsBytes : limits.lmsBytes, unencodable };
}

/** Bytes of `text`. What cannot be encoded counts nothing. */
export function byteLength(text: string, width: Width): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) bytes += width(text.charCodeAt(at));
  return bytes;
}

/** Every character of `text` that has no code, in their order. */
export function findUnencodable(text: string, width: Width): Unencodable[] {
  if (isEncodable(text, width)) return [];
  const found: Unencodable[] = [];
  for (const { segment, index } of segmenter().segment(text)) {
    if (isEncodable(segment, width)) continue;
    const points = [...segment];
    if (isEncodable(points[0] as string, width)) {
      // A sound character with something invisible behind it, such as the U+FE0F that makes an emoji of a digit.
      let at = index;
      for (const char of points) {
        if (!isEncodable(char, width)) found.push(complaint(char, at, width));
        at += char.length;
      }
    } else {
      found.push(complaint(segment, index, width));
    }
  }
  return found;
}

/** `text` with each of `unencodable` replaced by its suggestion, or by `?`. */
export function substitute(text: string, unencodable: readonly Unencodable[]): string {
  let result = '';
  let done = 0;
  for (const { char, index, suggestion } of unencodable) {
    result += text.slice(done, index) + (suggestion ?? REPLACEMENT);
    done = index + char.length;
  }
  return result + text.slice(done);
}

function isEncodable(text: string, width: Width): boolean {
  for (let at = 0; at < text.length; at += 1) if (width(text.charCodeAt(at)) === 0) return false;
  return true;
}

function complaint(char: string, index: number, width: Width): Unencodable {
  const suggestion = suggest(char, width);
  return suggestion === undefined ? { char, index } : { char, index, suggestion };
}

/** Things that are written with one character and can be written with others. Sorted by what they are. */
const substitutes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    // Dashes and minus
    '‐': '-',
    '‑': '-',
    '‒': '-',
    '–': '-',
    '—': '-',
    '−': '-',
    '⁃': '-',
    // Quotation marks (“ ” ‘ ’ have codes)
    '„': '"',
    '‟': '"',
    '‚': "'",
    '‛': "'",
    '«': '《',
    '»': '》',
    '‹': '〈',
    '›': '〉',
    // Money
    '₩': '￦',
    '¥': '￥',
    '£': '￡',
    '¢': '￠',
    // Marks and bullets
    '•': '·',
    '‧': '·',
    '∙': '·',
    '⋅': '·',
    '・': '·',
    '◦': '○',
    '▪': '■',
    '▫': '□',
    '⁎': '*',
    '〜': '~',
    '⁄': '/',
    '¬': '￢',
    '©': '(c)',
    '✓': 'V',
    '✔': 'V',
    '✅': 'V',
    '☑': 'V',
    '✕': 'X',
    '✖': 'X',
    '✗': 'X',
    '❌': 'X',
    '❎': 'X',
    '⭕': 'O',
    // Emoji that have an older cousin
    '⭐': '★',
    '🌟': '★',
    '❤': '♥',
    '💙': '♥',
    '💚': '♥',
    '💛': '♥',
    '💜': '♥',
    '🧡': '♥',
    '💕': '♥',
    '📞': '☎',
    '📱': '☎',
    '🎵': '♪',
    '🎶': '♬',
    '⚠': '!',
    '🚨': '!',
    '❗': '!',
    '❕': '!',
    '❓': '?',
    '❔': '?',
    '➡': '→',
    '⬅': '←',
    '⬆': '↑',
    '⬇': '↓',
    '🔴': '●',
    '🟠': '●',
    '🟡': '●',
    '🟢': '●',
    '🔵': '●',
    '⚫': '●',
    '⚪': '○',
  }),
);

/** White space of any kind, and characters that nobody sees. */
const BLANKS = /^[\p{Zs}]$/u;
const BREAKS = /^[\u2028\u2029\u0085]$/u;
const UNSEEN = /^[\p{Cc}\p{Cf}\p{Mn}\p{Me}\p{Variation_Selector}]+$/u;
const MARKS = /\p{M}+/gu;

/** What could stand for `cluster`: by the list above, as a blank, by its compatible form, without its accents. */
function suggest(cluster: string, width: Width): string | undefined {
  const [first = ''] = cluster;
  const listed = substitutes.get(first);
  if (listed !== undefined && isEncodable(listed, width)) return listed;
  if (UNSEEN.test(cluster)) return '';
  if (BLANKS.test(first)) return ' ';
  if (BREAKS.test(first)) return '\n';
  const compatible = cluster.normalize('NFKC');
  if (isEncodable(compatible, width)) return compatible;
  const bare = cluster.normalize('NFKD').replace(MARKS, '').normalize('NFC');
  return bare !== '' && isEncodable(bare, width) ? bare : undefined;
}

let clusters: Intl.Segmenter | undefined;

function segmenter(): Intl.Segmenter {
  clusters ??= new Intl.Segmenter('ko', { granularity: 'grapheme' });
  return clusters;
}

/**
 * Unpacks what `packWidths` made: the lengths of runs of code units from U+0080 on, by turns without and with a code, in
 * base 36 and parted by commas.
 */
export function unpackWidths(packed: string): Width {
  const encodable = new Uint8Array(0x10000);
  let at = 0x80;
  packed.split(',').forEach((run, index) => {
    const end = at + Number.parseInt(run, 36);
    if (index % 2 === 1) encodable.fill(1, at, end);
    at = end;
  });
  return (unit) => (unit < 0x80 ? (isSendableAscii(unit) ? 1 : 0) : encodable[unit] === 1 ? 2 : 0);
}

/** Packs a charset's widths for the browser, some 10 kB. */
export function packWidths(width: Width): string {
  const runs: number[] = [];
  let encodable = false;
  let start = 0x80;
  for (let unit = 0x80; unit < 0x10000; unit += 1) {
    if ((width(unit) === 2) === encodable) continue;
    runs.push(unit - start);
    encodable = !encodable;
    start = unit;
  }
  if (encodable) runs.push(0x10000 - start);
  return runs.map((run) => run.toString(36)).join(',');
}

/** Of the control characters only tab and line breaks may stand in a message. */
export const isSendableAscii = (unit: number): boolean =>
  unit >= 0x20 ? unit < 0x7f : unit === 0x09 || unit === 0x0a || unit === 0x0d;

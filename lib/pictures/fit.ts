/**
 * Makes a file fit what the carriers take (limits.ts), or says why it cannot.
 *
 * - A JPEG that fits passes untouched, byte for byte, its metadata included; it is not decoded. Two kinds are not left
 *   alone: one that EXIF says is to be turned (some phones honour EXIF, some do not, so the pixels themselves are turned),
 *   and a CMYK one. Without the image library those pass too, and the note says so.
 * - Any other picture becomes a JPEG within the limit: upright, on white, in sRGB, without metadata (a camera writes where
 *   it stands), at most 1,280 pixels on its longest side. Of an animation, the first frame.
 * - sis, sound and film pass as they are within their limits: nothing here can remake them.
 * - `asIs`: what the gateway takes by type and size passes as it is; everything else is refused.
 * - Without the image library, what the gateway takes passes as with `asIs`; everything else is refused, and the error names
 *   the library.
 */

import { UshotError } from '../errors.ts';
import { convertible, loadSharp, type Sharp, type Source, toJpeg } from './convert.ts';
import { type JpegHeader, readJpegHeader } from './jpeg-header.ts';
import { carrierFormats, isCarrierFormat, type LimitName } from './limits.ts';
import { nameExtension, sniff } from './sniff.ts';

/** No input larger than this is looked at. */
export const MAX_INPUT_BYTES = 50_000_000;

export interface FitOptions {
  /** File name or bare extension; believed only where content cannot tell (see sniff). */
  readonly name?: string | undefined;
  readonly limit: LimitName;
  /** Convert nothing. */
  readonly asIs: boolean;
}

/**
 * What was done, for a log or a status: `turned` by its EXIF, `converted` from another format or made smaller in bytes,
 * `shrunk` in pixels (and converted); `unturned`: should have been turned, but the image library is not installed.
 */
export type FitNote = 'turned' | 'converted' | 'shrunk' | 'unturned';

export interface Fitted {
  readonly bytes: Buffer;
  /** FILE_EXT of 2030: jpg, bmp, sis, mmf, skm or k3g. */
  readonly ext: string;
  readonly changed: boolean;
  readonly note?: FitNote;
}

/**
 * `bytes` as a file that every carrier takes. Throws an UshotError: USHOT_FILE_EMPTY, _UNKNOWN, _TYPE, _TOO_LARGE, _PIXELS,
 * _DAMAGED, _CONVERTER (the image library is missing), _BUSY. `load` is for tests.
 */
export async function fitFile(
  bytes: Buffer,
  options: FitOptions,
  load: () => Promise<Sharp | undefined> = loadSharp,
): Promise<Fitted> {
  const file = nameForErrors(options.name);
  if (bytes.length === 0) throw new UshotError('USHOT_FILE_EMPTY', { file });
  const { ext } = sniff(bytes, options.name);
  const source: Source = { bytes, ext, file };
  if (isCarrierFormat(ext) && (options.asIs || !convertible.has(ext))) return asItIs(source, options.limit);
  if (!convertible.has(ext) || options.asIs) throw refusedType(source, options.asIs);

  const needed = ext === 'jpg' ? needOf(source, options.limit) : 'converted';
  if (needed === undefined) return { bytes, ext, changed: false };
  if (bytes.length > MAX_INPUT_BYTES) throw tooLarge(source, MAX_INPUT_BYTES);

  const sharp = await load();
  if (sharp === undefined) return withoutSharp(source, options.limit, needed);
  const limit = carrierFormats.jpg[options.limit];
  const jpeg = await toJpeg(sharp, source, limit).catch((error: unknown) => {
    // A rare kind of BMP that nothing here reads, yet most phones do.
    if (error instanceof UshotError && error.code === 'USHOT_FILE_TYPE' && isCarrierFormat(ext)) return undefined;
    throw error;
  });
  if (jpeg === undefined && isCarrierFormat(ext)) return asItIs(source, options.limit);
  if (jpeg === undefined) throw tooLarge(source, limit);
  return { bytes: jpeg.bytes, ext: 'jpg', changed: true, note: jpeg.shrunk ? 'shrunk' : needed };
}

/** What a JPEG needs before it can go; undefined = nothing. */
function needOf({ bytes }: Source, limit: LimitName): 'turned' | 'converted' | undefined {
  if (bytes.length > carrierFormats.jpg[limit]) return 'converted';
  const header: Partial<JpegHeader> = readJpegHeader(bytes);
  if (header.components === 4) return 'converted';
  return header.orientation === 1 ? undefined : 'turned';
}

function asItIs(source: Source, limit: LimitName): Fitted {
  const { bytes, ext } = source;
  if (!isCarrierFormat(ext)) throw refusedType(source, true);
  const most = carrierFormats[ext][limit];
  if (bytes.length > most) throw tooLarge(source, most);
  return { bytes, ext, changed: false };
}

function withoutSharp(source: Source, limit: LimitName, needed: 'turned' | 'converted'): Fitted {
  const { bytes, ext, file } = source;
  if (isCarrierFormat(ext) && bytes.length <= carrierFormats[ext][limit]) {
    const passed = { bytes, ext, changed: false };
    return needed === 'turned' ? { ...passed, note: 'unturned' } : passed;
  }
  throw new UshotError('USHOT_FILE_CONVERTER', {
    file,
    found: ext.toUpperCase(),
    bytes: bytes.length,
    limit: carrierFormats.jpg[limit],
  });
}

function tooLarge({ bytes, file }: Source, limit: number): UshotError {
  return new UshotError('USHOT_FILE_TOO_LARGE', { file, bytes: bytes.length, limit });
}

function refusedType({ ext, file }: Source, asIs: boolean): UshotError {
  const taken = new Set([...Object.keys(carrierFormats), ...(asIs ? [] : convertible)]);
  const allowed = [...taken].join(', ');
  if (ext === '') return new UshotError('USHOT_FILE_UNKNOWN', { file, allowed });
  return new UshotError('USHOT_FILE_TYPE', { file, found: ext.toUpperCase(), allowed });
}

/** The name without its folders, quoted and not too long; for bytes without a name, something in no language. */
function nameForErrors(name: string | undefined): string {
  const base = name?.split(/[\\/]/).at(-1)?.trim() ?? '';
  if (base === '') return '(Buffer)';
  if (/^\.?\w{1,5}$/.test(base)) return `(${nameExtension(base)})`; // A bare extension.
  return `"${base.length > 80 ? `…${base.slice(-79)}` : base}"`;
}

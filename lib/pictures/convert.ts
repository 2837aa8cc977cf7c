/**
 * Turns a picture into a JPEG of at most so many bytes, with `sharp` (libvips).
 *
 * sharp is an optional dependency with native binaries, so it is imported when the first picture needs it and never before.
 * Pictures come from cameras, downloads and forms: their bytes are not trusted. Only formats that we asked for are decoded,
 * the pixels are counted before they are, one picture is decoded at a time, and those that wait are bounded in bytes.
 */

import { UshotError } from '../errors.ts';
import { bmpSize, type Pixels, readBmp } from './bmp.ts';

export type Sharp = typeof import('sharp').default;

/** 65 million: the pictures of a 64-megapixel phone. Decoded at once (an interlaced PNG), they take 260 MB. */
export const MAX_PIXELS = 65_000_000;

/** Bytes of pictures that may wait for their turn. */
export const MAX_WAITING_BYTES = 200_000_000;

/** Formats that are handed to the decoders. SVG is not among them: it is a program, and names other files. */
export const convertible: ReadonlySet<string> = new Set(['jpg', 'png', 'webp', 'gif', 'tif', 'avif', 'heic', 'bmp']);

/** Longest sides to try, in pixels. 1,280 fills the screen of any phone that shows an MMS in its list of messages. */
const sides = [1280, 1024, 800, 640, 480, 320] as const;
const bestQuality = 85;
/** Below this a smaller picture looks better than a coarser one. */
const leastQuality = { large: 60, small: 40 } as const;
const smallSide = 480;
const decodeSeconds = 30;

let loading: Promise<Sharp | undefined> | undefined;

/** The library, or undefined where it is not installed or has no binaries for this machine. */
export function loadSharp(): Promise<Sharp | undefined> {
  loading ??= import('sharp').then(
    (module) => module.default,
    () => undefined,
  );
  return loading;
}

export interface Source {
  readonly bytes: Buffer;
  /** By content. */
  readonly ext: string;
  /** How errors name the file. */
  readonly file: string;
}

export interface Converted {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
  /** Smaller in pixels than the source. */
  readonly shrunk: boolean;
}

let turn: Promise<unknown> = Promise.resolve();
let waitingBytes = 0;

/**
 * A JPEG (baseline, sRGB, upright, on white, without any metadata) of at most `limit` bytes, or undefined when even the
 * smallest does not fit. Waits for its turn: one picture is converted at a time in the whole process.
 * Throws USHOT_FILE_DAMAGED, USHOT_FILE_PIXELS, USHOT_FILE_TYPE (a codec that the library lacks), USHOT_FILE_BUSY.
 */
export function toJpeg(sharp: Sharp, source: Source, limit: number): Promise<Converted | undefined> {
  const { length } = source.bytes;
  if (waitingBytes > 0 && waitingBytes + length > MAX_WAITING_BYTES) {
    return Promise.reject(
      new UshotError('USHOT_FILE_BUSY', { file: source.file, waiting: waitingBytes, limit: MAX_WAITING_BYTES }),
    );
  }
  waitingBytes += length;
  const mine = turn.then(async () => {
    try {
      const { pixels, shrunk } = await decode(sharp, source);
      const fitted = await encodeWithin(sharp, pixels, limit);
      return fitted && { ...fitted, shrunk: shrunk || fitted.width < pixels.width || fitted.height < pixels.height };
    } finally {
      waitingBytes -= length;
    }
  });
  turn = mine.catch(() => undefined);
  return mine;
}

/** The picture's pixels at the largest size that is sent: decoded once, so that each try only encodes. */
async function decode(sharp: Sharp, source: Source): Promise<{ pixels: Pixels; shrunk: boolean }> {
  const { bytes, ext } = source;
  if (ext === 'bmp') {
    checkPixels(source, bmpSize(bytes));
    const bitmap = readBmp(bytes);
    if (bitmap === 'damaged') throw damaged(source);
    if (bitmap === 'unsupported') throw unsupported(source);
    const { data, ...raw } = bitmap;
    return reduce(sharp(data, { raw, limitInputPixels: MAX_PIXELS }), bitmap);
  }
  try {
    // 'error': a cut or garbled picture is refused, one with mere oddities (which many cameras write) is not.
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const size = await sharp(bytes, { limitInputPixels: false }).metadata();
    checkPixels(source, size);
    return await reduce(image, size);
  } catch (cause) {
    if (cause instanceof UshotError) throw cause;
    // The library's own binaries lack the patented codec of HEIC; then no HEIC is damaged, it is just not for us.
    throw ext === 'heic' ? unsupported(source, cause) : damaged(source, cause);
  }
}

async function reduce(
  image: import('sharp').Sharp,
  size: { width: number; height: number },
): Promise<{ pixels: Pixels; shrunk: boolean }> {
  const { data, info } = await image
    .timeout({ seconds: decodeSeconds })
    .autoOrient()
    .resize({ width: sides[0], height: sides[0], fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return {
    pixels: { data, width, height, channels: channels as Pixels['channels'] },
    shrunk: width * height < size.width * size.height,
  };
}

async function encodeWithin(
  sharp: Sharp,
  { data, ...raw }: Pixels,
  limit: number,
): Promise<Omit<Converted, 'shrunk'> | undefined> {
  const longest = Math.max(raw.width, raw.height);
  for (const side of [longest, ...sides.filter((side) => side < longest)]) {
    const encode = async (quality: number): Promise<Omit<Converted, 'shrunk'> | undefined> => {
      const { data: bytes, info } = await sharp(data, { raw })
        .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
        .jpeg({ quality, progressive: false, mozjpeg: false })
        .toBuffer({ resolveWithObject: true });
      return bytes.length <= limit ? { bytes, width: info.width, height: info.height } : undefined;
    };
    const best = await encode(bestQuality);
    if (best !== undefined) return best;
    let low: number = side <= smallSide ? leastQuality.small : leastQuality.large;
    let fitted = await encode(low);
    if (fitted === undefined) continue;
    for (let high: number = bestQuality; high - low > 4; ) {
      const middle = (low + high) >> 1;
      const better = await encode(middle);
      if (better === undefined) high = middle;
      else [low, fitted] = [middle, better];
    }
    return fitted;
  }
  return undefined;
}

function checkPixels(source: Source, size: { width: number; height: number } | undefined): void {
  if (size === undefined || size.width * size.height <= MAX_PIXELS) return;
  const { width, height } = size;
  throw new UshotError('USHOT_FILE_PIXELS', { file: source.file, width, height, limit: MAX_PIXELS / 1e6 });
}

function damaged(source: Source, cause?: unknown): UshotError {
  return new UshotError('USHOT_FILE_DAMAGED', { file: source.file, found: source.ext.toUpperCase() }, { cause });
}

function unsupported({ file, ext }: Source, cause?: unknown): UshotError {
  const allowed = [...convertible].filter((each) => each !== ext).join(', ');
  return new UshotError('USHOT_FILE_TYPE', { file, found: ext.toUpperCase(), allowed }, { cause });
}

/**
 * Reads a Windows bitmap into pixels. The image library's binaries do not read BMP, and old cameras and panels write it,
 * always in the plain kinds: 1, 4, 8, 24 or 32 bits a pixel without compression. Other kinds are left alone.
 */

export interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** Width and height of a bitmap with a Windows header; undefined for other kinds. */
export function bmpSize(bytes: Buffer): { width: number; height: number } | undefined {
  if (bytes.length < 54 || bytes.readUInt32LE(14) < 40) return undefined;
  return { width: bytes.readInt32LE(18), height: Math.abs(bytes.readInt32LE(22)) };
}

/** RGB pixels, rows from the top; 'unsupported' for compressed and rare kinds; 'damaged' when bytes are missing. */
export function readBmp(bytes: Buffer): Pixels | 'unsupported' | 'damaged' {
  const size = bmpSize(bytes);
  if (size === undefined) return bytes.length < 54 ? 'damaged' : 'unsupported';
  const { width, height } = size;
  const topDown = bytes.readInt32LE(22) < 0;
  const start = bytes.readUInt32LE(10);
  const bits = bytes.readUInt16LE(28);
  const compression = bytes.readUInt32LE(30);
  // Compression 3 on 32 bits names the channels' masks; the usual ones are those of the plain kind.
  const usualMasks = compression === 3 && bits === 32 && bytes.length >= 66 && bytes.readUInt32LE(54) === 0xff0000;
  if (![1, 4, 8, 24, 32].includes(bits) || !(compression === 0 || usualMasks)) return 'unsupported';
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (width < 1 || height < 1 || start < 54 || start + stride * height > bytes.length) return 'damaged';

  const palette = bits <= 8 ? readPalette(bytes, bits, start) : undefined;
  const data = Buffer.alloc(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = start + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++, to += 3) {
      let from = row + x * (bits / 8);
      let source = bytes;
      if (palette !== undefined) {
        const bit = x * bits;
        const byte = bytes[row + (bit >> 3)] ?? 0;
        from = ((byte >> (8 - bits - (bit & 7))) & (2 ** bits - 1)) * 4;
        source = palette;
      }
      data[to] = source[from + 2] ?? 0;
      data[to + 1] = source[from + 1] ?? 0;
      data[to + 2] = source[from] ?? 0;
    }
  }
  return { data, width, height, channels: 3 };
}

/** Blue, green, red and a spare byte a colour, padded with black to every index that the pixels can name. */
function readPalette(bytes: Buffer, bits: number, start: number): Buffer {
  const palette = Buffer.alloc(4 * 2 ** bits);
  bytes.copy(palette, 0, 14 + bytes.readUInt32LE(14), start);
  return palette;
}

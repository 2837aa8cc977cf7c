/** Pictures for the tests, made on the spot, and measures of how like two pictures are. */

import sharp, { type Sharp } from 'sharp';

interface Drawing {
  width: number;
  height: number;
  /** 0 to 255: how strong the noise is that makes it compress like a photograph. */
  noise?: number;
}

/**
 * Like a photograph: a warm sky over dark ground, a bright square near the upper left corner (so that turning and
 * mirroring show), and noise.
 */
export function photograph({ width, height, noise = 0 }: Drawing): Sharp {
  const data = Buffer.allocUnsafe(width * height * 3);
  let seed = 12345;
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      const grain = noise === 0 ? 0 : ((seed >>> 16) % (2 * noise + 1)) - noise;
      const square = x > width * 0.1 && x < width * 0.3 && y > height * 0.1 && y < height * 0.3;
      const [u, v] = [x / width, y / height];
      const colour = square
        ? [250, 240, 90]
        : v > 0.7
          ? [40, 60 + 60 * u, 40]
          : [220 - 120 * v, 120 + 60 * u, 90 + 150 * u];
      for (const value of colour) data[at++] = Math.max(0, Math.min(255, Math.round(value + grain)));
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The picture as people see it (turned by its EXIF, on white), `size` x `size` pixels of RGB. */
export async function thumbnail(picture: Buffer, size = 48): Promise<Buffer> {
  return sharp(picture, { limitInputPixels: false })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize(size, size, { fit: 'fill' })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

/** Mean difference of two pictures, 0 to 255, each scaled to the same small size. */
export async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = await Promise.all([thumbnail(one), thumbnail(other)]);
  if (a.length !== b.length) return 255;
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}

/** A BMP of `bits` 24 or 32, or 8 with a grey palette, from RGB pixels; rows from the bottom unless `topDown`. */
export function bitmap(pixels: Buffer, width: number, height: number, bits: 8 | 24 | 32, topDown = false): Buffer {
  const palette =
    bits === 8 ? Buffer.from(Array.from({ length: 256 }, (_, i) => [i, i, i, 0]).flat()) : Buffer.alloc(0);
  const stride = Math.ceil((width * bits) / 32) * 4;
  const head = Buffer.alloc(54);
  head.write('BM', 'latin1');
  head.writeUInt32LE(54 + palette.length + stride * height, 2);
  head.writeUInt32LE(54 + palette.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(topDown ? -height : height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  const body = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red = 0, green = 0, blue = 0] = pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
      const to = (topDown ? y : height - 1 - y) * stride + x * (bits / 8);
      if (bits === 8) body[to] = Math.round((red + green + blue) / 3);
      else body.set([blue, green, red], to);
    }
  }
  return Buffer.concat([head, palette, body]);
}

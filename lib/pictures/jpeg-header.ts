/**
 * What the header of a JPEG says, read without decoding it: enough to know whether a JPEG that fits needs anything.
 * Written by hand so that such a JPEG passes on machines without the image library.
 */

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 colour, 4 CMYK (from print shops; phones show it in wrong colours or not at all). */
  readonly components: number;
  /** EXIF orientation, 1 to 8; 1 = as it is stored. */
  readonly orientation: number;
}

/** The header as far as it can be read; what cannot be read is undefined, and orientation 1. Never throws. */
export function readJpegHeader(bytes: Buffer): Partial<JpegHeader> & Pick<JpegHeader, 'orientation'> {
  let orientation = 1;
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff) {
      at += 1; // A fill byte.
      continue;
    }
    if (marker === 0xda || marker === 0xd9) break; // The scan begins: no header follows.
    const segment = bytes.subarray(at + 4, at + 2 + bytes.readUInt16BE(at + 2));
    if (marker === 0xe1 && orientation === 1) orientation = exifOrientation(segment);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame && segment.length >= 6) {
      const [height, width] = [segment.readUInt16BE(1), segment.readUInt16BE(3)];
      return { width, height, components: segment.readUInt8(5), orientation };
    }
    at += 2 + Math.max(2, bytes.readUInt16BE(at + 2));
  }
  return { orientation };
}

/** Tag 0x0112 of the first directory of an EXIF segment; 1 when there is none. */
function exifOrientation(segment: Buffer): number {
  if (segment.toString('latin1', 0, 6) !== 'Exif\0\0') return 1;
  const tiff = segment.subarray(6);
  if (tiff.length < 8) return 1;
  const order = tiff.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return 1;
  const u16 = (at: number): number => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  if (directory + 2 > tiff.length) return 1;
  const entries = u16(directory);
  for (let entry = directory + 2; entry + 12 <= tiff.length && entry < directory + 2 + 12 * entries; entry += 12) {
    if (u16(entry) !== 0x0112) continue;
    const orientation = u16(entry + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

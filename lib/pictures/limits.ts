/**
 * What the carriers take, from the manual's table of MMS content (sections 1024 and 1045), as one table.
 *
 * | | SKT | KTF | LGT |
 * |---|---|---|---|
 * | picture | jpg sis, 300k | jpg sis bmp, 200k | jpg sis bmp, 200k |
 * | sound | mmf, 300k | mmf, 100k | mmf, 100k |
 * | film | skm, 300k | k3g, 300k | k3g, 300k |
 *
 * Nobody knows a receiver's carrier beforehand (numbers are portable), so `strict` is what the strictest carrier takes and
 * `large` is what the gateway takes. "k" is read as 1,000 and "up to 300k" as below 300,000: the manual says that the
 * gateway fails a file "of 300K or more", and this is safe under every reading.
 */

export type LimitName = 'strict' | 'large';

/** The extensions of FILE_EXT (2030), with the largest file in bytes. */
export const carrierFormats = {
  jpg: { kind: 'picture', strict: 200_000, large: 299_999 },
  // SKT does not list bmp: a BMP is made into a JPEG unless the user wants it as it is.
  bmp: { kind: 'picture', strict: 200_000, large: 299_999 },
  sis: { kind: 'picture', strict: 200_000, large: 299_999 },
  mmf: { kind: 'sound', strict: 100_000, large: 299_999 },
  skm: { kind: 'film', strict: 299_999, large: 299_999 },
  k3g: { kind: 'film', strict: 299_999, large: 299_999 },
} as const;

export type CarrierFormat = keyof typeof carrierFormats;

export function isCarrierFormat(ext: string): ext is CarrierFormat {
  return Object.hasOwn(carrierFormats, ext);
}

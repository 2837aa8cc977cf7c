/**
 * What a file is, told from its content: names lie (a snapshot called .jpg is often a PNG, or the camera's HTML error page).
 *
 * Two of the carriers' formats cannot be told from content alone. A film of SKT (skm) and one of KTF or LGT (k3g) are the
 * same kind of container, and most writers put an ordinary 3GPP brand in it; so a film is what its name says, as long as
 * the content is of that container at all. And sis, an animated picture of old SKT phones, has no published signature: it
 * is believed by its name when the content is of no other known kind.
 */

export type FileKind = 'picture' | 'sound' | 'film' | 'unknown';

export interface Sniffed {
  /** The usual extension of the content, lower case; empty when the content is of no known kind. */
  readonly ext: string;
  readonly kind: FileKind;
}

interface Signature extends Sniffed {
  /** All of these must stand in the content: [offset, latin1 bytes]. */
  readonly marks: readonly (readonly [offset: number, bytes: string])[];
}

const signatures: readonly Signature[] = [
  { ext: 'jpg', kind: 'picture', marks: [[0, '\xff\xd8\xff']] },
  { ext: 'png', kind: 'picture', marks: [[0, '\x89PNG\r\n\x1a\n']] },
  {
    ext: 'webp',
    kind: 'picture',
    marks: [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
  },
  { ext: 'gif', kind: 'picture', marks: [[0, 'GIF87a']] },
  { ext: 'gif', kind: 'picture', marks: [[0, 'GIF89a']] },
  { ext: 'tif', kind: 'picture', marks: [[0, 'II*\0']] },
  { ext: 'tif', kind: 'picture', marks: [[0, 'MM\0*']] },
  { ext: 'jxl', kind: 'picture', marks: [[0, '\0\0\0\x0cJXL \r\n\x87\n']] },
  // The four reserved bytes after BM and the size are 0 in every BMP; "BM" alone begins many a text.
  {
    ext: 'bmp',
    kind: 'picture',
    marks: [
      [0, 'BM'],
      [6, '\0\0\0\0'],
    ],
  },
  { ext: 'mmf', kind: 'sound', marks: [[0, 'MMMD']] },
  {
    ext: 'wav',
    kind: 'sound',
    marks: [
      [0, 'RIFF'],
      [8, 'WAVE'],
    ],
  },
  { ext: 'mp3', kind: 'sound', marks: [[0, 'ID3']] },
  { ext: 'mp3', kind: 'sound', marks: [[0, '\xff\xfb']] },
  { ext: 'ogg', kind: 'sound', marks: [[0, 'OggS']] },
  { ext: 'amr', kind: 'sound', marks: [[0, '#!AMR']] },
  { ext: 'mid', kind: 'sound', marks: [[0, 'MThd']] },
  {
    ext: 'avi',
    kind: 'film',
    marks: [
      [0, 'RIFF'],
      [8, 'AVI '],
    ],
  },
  { ext: 'webm', kind: 'film', marks: [[0, '\x1aE\xdf\xa3']] },
  { ext: 'pdf', kind: 'unknown', marks: [[0, '%PDF-']] },
  { ext: 'zip', kind: 'unknown', marks: [[0, 'PK\x03\x04']] },
];

/** Brands of the ISO container (`ftyp`, also `moov` and `mdat` at the start of old films) that are not films. */
const brands: Readonly<Record<string, Sniffed>> = {
  avif: { ext: 'avif', kind: 'picture' },
  avis: { ext: 'avif', kind: 'picture' },
  heic: { ext: 'heic', kind: 'picture' },
  heix: { ext: 'heic', kind: 'picture' },
  heim: { ext: 'heic', kind: 'picture' },
  heis: { ext: 'heic', kind: 'picture' },
  hevc: { ext: 'heic', kind: 'picture' },
  hevx: { ext: 'heic', kind: 'picture' },
  mif1: { ext: 'heic', kind: 'picture' },
  msf1: { ext: 'heic', kind: 'picture' },
  'M4A ': { ext: 'm4a', kind: 'sound' },
  'M4B ': { ext: 'm4a', kind: 'sound' },
};

const filmBoxes = new Set(['ftyp', 'moov', 'mdat', 'wide', 'skip']);

/** The extension that `name` ends in, lower case: 'a/b.JPG' -> 'jpg'; a bare 'skm' is taken as the extension itself. */
export function nameExtension(name: string | undefined): string {
  return (
    name
      ?.slice(name.lastIndexOf('.') + 1)
      .trim()
      .toLowerCase() ?? ''
  );
}

/**
 * What `bytes` are. `name` settles only what content cannot: skm or k3g for a film, and sis for what is nothing known.
 * A film that is neither by content nor by name is 'mp4'.
 */
export function sniff(bytes: Uint8Array, name?: string): Sniffed {
  // Enough for every signature, and for an `<svg` behind an XML declaration and a comment.
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1024)).toString('latin1');
  for (const { ext, kind, marks } of signatures) {
    if (marks.every(([offset, mark]) => head.startsWith(mark, offset))) return { ext, kind };
  }
  if (filmBoxes.has(head.slice(4, 8))) return isoContainer(head, name);
  if (/^(\xef\xbb\xbf)?\s*<(\?xml[\s\S]*<svg|!DOCTYPE svg|svg)[\s>]/i.test(head))
    return { ext: 'svg', kind: 'picture' };
  if (/^(\xef\xbb\xbf)?\s*<(!DOCTYPE html|html|head|body)[\s>]/i.test(head)) return { ext: 'html', kind: 'unknown' };
  if (nameExtension(name) === 'sis' && head.length > 0) return { ext: 'sis', kind: 'picture' };
  return { ext: '', kind: 'unknown' };
}

function isoContainer(head: string, name: string | undefined): Sniffed {
  if (head.startsWith('ftyp', 4)) {
    const major = head.slice(8, 12);
    // mif1 is the general brand of still pictures: an AVIF may carry it, and says so among the compatible ones.
    if (major === 'mif1' && head.slice(16, 64).includes('avif')) return { ext: 'avif', kind: 'picture' };
    const known = Object.hasOwn(brands, major) ? brands[major] : undefined;
    if (known !== undefined) return known;
    const korean = /^(skm|k3g)/i.exec(major)?.[1]?.toLowerCase();
    if (korean !== undefined) return { ext: korean, kind: 'film' };
  }
  const named = nameExtension(name);
  return { ext: named === 'skm' || named === 'k3g' ? named : 'mp4', kind: 'film' };
}

/** Files are known by their content, and by name only where content cannot tell. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sniff } from '../../lib/pictures/index.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const film = (brand: string): Buffer => bytes(`\0\0\0\x18ftyp${brand}\0\0\x02\0isommp42`);

describe('sniff', () => {
  const cases: [what: string, content: Buffer, name: string | undefined, ext: string, kind: string][] = [
    ['a JPEG', bytes('\xff\xd8\xff\xe0\0\x10JFIF\0'), undefined, 'jpg', 'picture'],
    ['a PNG that is named .jpg', bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'snapshot.jpg', 'png', 'picture'],
    ['a WebP', bytes('RIFF\x10\0\0\0WEBPVP8 '), undefined, 'webp', 'picture'],
    ['a GIF', bytes('GIF89a\x01\0\x01\0'), undefined, 'gif', 'picture'],
    ['a little-endian TIFF', bytes('II*\0\x08\0\0\0'), undefined, 'tif', 'picture'],
    ['a big-endian TIFF', bytes('MM\0*\0\0\0\x08'), undefined, 'tif', 'picture'],
    ['a BMP', bytes('BM\x36\x10\0\0\0\0\0\0\x36\0\0\0'), undefined, 'bmp', 'picture'],
    ['a text that begins like a BMP', bytes('BMW is a car, not a bitmap'), 'a.bmp', '', 'unknown'],
    ['a HEIC', film('heic'), undefined, 'heic', 'picture'],
    ['an AVIF', film('avif'), undefined, 'avif', 'picture'],
    ['an AVIF under the general brand', bytes('\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf'), undefined, 'avif', 'picture'],
    ['an SVG', bytes('<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="x">'), 'a.png', 'svg', 'picture'],
    ["a camera's error page", bytes('\n<!DOCTYPE html><html>401</html>'), 'snapshot.jpg', 'html', 'unknown'],
    ['a SMAF tune', bytes('MMMD\0\0\x01\0CNTI'), undefined, 'mmf', 'sound'],
    ['an MP3', bytes('ID3\x03\0'), 'a.mmf', 'mp3', 'sound'],
    ['a film of the general kind', film('mp42'), 'a.mp4', 'mp4', 'film'],
    ['a 3GPP film named skm', film('3gp5'), 'a.SKM', 'skm', 'film'],
    ['a 3GPP film named k3g', film('3gp4'), 'clips/a.k3g', 'k3g', 'film'],
    ['a 3GPP film with the bare extension', film('3gp4'), 'k3g', 'k3g', 'film'],
    ['a film that says k3g itself, whatever its name', film('k3g1'), 'a.skm', 'k3g', 'film'],
    ['an old film without a brand', bytes('\0\0\x10\0moov\0\0\0\x6cmvhd'), 'a.skm', 'skm', 'film'],
    ['a text named skm', bytes('hello, this is no film'), 'a.skm', '', 'unknown'],
    ['something unknown named sis', bytes('\x01\x02\x03\x04'), 'a.sis', 'sis', 'picture'],
    ['a PNG named sis', bytes('\x89PNG\r\n\x1a\n'), 'a.sis', 'png', 'picture'],
    ['nothing', bytes(''), 'a.sis', '', 'unknown'],
  ];
  for (const [what, content, name, ext, kind] of cases) {
    it(`knows ${what}`, () => assert.deepEqual(sniff(content, name), { ext, kind }));
  }

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.option(fc.string(), { nil: undefined }), (content, name) => {
        assert.match(sniff(content, name).kind, /^(picture|sound|film|unknown)$/);
      }),
    );
  });
});

/** Pictures made to fit: what passes untouched, what becomes a JPEG that still looks right, and what is refused and why. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import sharp, { type Metadata } from 'sharp';
import { type ErrorCode, UshotError } from '../../lib/errors.ts';
import { MAX_PIXELS, MAX_WAITING_BYTES, toJpeg } from '../../lib/pictures/convert.ts';
import { type FitOptions, type Fitted, fitFile } from '../../lib/pictures/index.ts';
import { bitmap, difference, photograph, thumbnail } from './sample.ts';

const strict: FitOptions = { limit: 'strict', asIs: false };
const large: FitOptions = { limit: 'large', asIs: false };
const asIs: FitOptions = { limit: 'strict', asIs: true };
const noSharp = async () => undefined;

/** A picture that looks like `original`, upright, in a JPEG that any phone shows, within `limit`. */
async function assertGoodJpeg(fitted: Fitted, original: Buffer, limit = 200_000): Promise<Metadata> {
  assert.equal(fitted.ext, 'jpg');
  assert.equal(fitted.changed, true);
  assert.ok(fitted.bytes.length <= limit, `${fitted.bytes.length} bytes`);
  const metadata = await sharp(fitted.bytes).metadata();
  assert.equal(metadata.format, 'jpeg');
  assert.equal(metadata.space, 'srgb');
  assert.equal(metadata.isProgressive, false);
  assert.ok(Math.max(metadata.width, metadata.height) <= 1280);
  for (const part of ['exif', 'icc', 'iptc', 'xmp'] as const) assert.equal(metadata[part], undefined, part);
  const away = await difference(fitted.bytes, original);
  assert.ok(away < 6, `differs by ${away}`);
  return metadata;
}

async function assertRefused(
  fitting: Promise<unknown>,
  code: ErrorCode,
  params: Record<string, unknown> = {},
): Promise<void> {
  await assert.rejects(fitting, (error) => {
    assert.ok(error instanceof UshotError, String(error));
    assert.equal(error.code, code);
    for (const [name, value] of Object.entries(params)) assert.equal(error.params[name], value);
    for (const language of ['en', 'ko'] as const) assert.doesNotMatch(error.text(language), /[{}]|undefined/);
    return true;
  });
}

describe('fitFile', function () {
  this.timeout(60_000);

  describe('leaves alone', () => {
    it('an 800-byte JPEG, byte for byte', async () => {
      const jpeg = await photograph({ width: 24, height: 16 }).jpeg({ quality: 50 }).toBuffer();
      const picture = Buffer.concat([jpeg, Buffer.alloc(800 - jpeg.length)]);
      const fitted = await fitFile(picture, { ...strict, name: 'small.jpeg' });
      assert.deepEqual(fitted, { bytes: picture, ext: 'jpg', changed: false });
    });

    it('a JPEG of exactly the limit, and without loading the library', async () => {
      const picture = Buffer.alloc(200_000);
      (await photograph({ width: 80, height: 60 }).jpeg().toBuffer()).copy(picture);
      const fitted = await fitFile(picture, strict, () => assert.fail('loaded'));
      assert.equal(fitted.bytes, picture);
    });

    it('a JPEG of 299,999 bytes where the larger limit is chosen', async () => {
      const picture = Buffer.alloc(299_999);
      (await photograph({ width: 80, height: 60 }).jpeg().toBuffer()).copy(picture);
      assert.equal((await fitFile(picture, large)).changed, false);
    });

    it('with "as is", a JPEG that EXIF says is to be turned, and a BMP', async () => {
      const turned = await photograph({ width: 80, height: 60 }).withMetadata({ orientation: 6 }).jpeg().toBuffer();
      assert.deepEqual(await fitFile(turned, asIs), { bytes: turned, ext: 'jpg', changed: false });
      const bmp = bitmap(await photograph({ width: 80, height: 60 }).raw().toBuffer(), 80, 60, 24);
      assert.deepEqual(await fitFile(bmp, asIs), { bytes: bmp, ext: 'bmp', changed: false });
    });
  });

  describe('makes a JPEG that still looks right', () => {
    it('from a PNG of 5 MB, like a photograph', async () => {
      const png = await photograph({ width: 1920, height: 1080, noise: 24 }).png().toBuffer();
      assert.ok(png.length > 4_500_000, `${png.length}`);
      const fitted = await fitFile(png, { ...strict, name: 'camera.png' });
      const { width, height } = await assertGoodJpeg(fitted, png);
      assert.equal(fitted.note, 'shrunk');
      assert.ok(Math.abs(width / height - 16 / 9) < 0.01);
      assert.ok(width >= 640, `${width}`);
      const better = await fitFile(png, { ...large, name: 'camera.png' });
      await assertGoodJpeg(better, png, 299_999);
      assert.ok(better.bytes.length > fitted.bytes.length);
    });

    it('from a large JPEG, at full width when quality alone does it', async () => {
      const jpeg = await photograph({ width: 1280, height: 960, noise: 8 }).jpeg({ quality: 97 }).toBuffer();
      assert.ok(jpeg.length > 299_999);
      const fitted = await fitFile(jpeg, strict);
      const { width, height } = await assertGoodJpeg(fitted, jpeg);
      assert.deepEqual([width, height, fitted.note], [1280, 960, 'converted']);
    });

    it('from pure noise', async () => {
      const png = await photograph({ width: 1500, height: 1500, noise: 255 }).png().toBuffer();
      await assertGoodJpeg(await fitFile(png, strict), png);
    });

    for (const orientation of [2, 3, 4, 5, 6, 7, 8]) {
      it(`upright from a JPEG with EXIF orientation ${orientation}, small or large`, async () => {
        for (const [width, height, noise] of [
          [320, 200, 0],
          [1600, 1000, 20],
        ] as const) {
          const jpeg = await photograph({ width, height, noise })
            .withMetadata({ orientation })
            .jpeg({ quality: 95 })
            .toBuffer();
          const fitted = await fitFile(jpeg, strict);
          // assertGoodJpeg compares with the original as EXIF turns it; without EXIF these pixels must stand so themselves.
          const metadata = await assertGoodJpeg(fitted, jpeg);
          assert.equal(metadata.width > metadata.height, orientation < 5);
          assert.equal(fitted.note, width === 320 ? 'turned' : 'shrunk');
        }
      });
    }

    it('without what the camera wrote into it, the place above all', async () => {
      const png = await photograph({ width: 400, height: 300 })
        .withExif({ IFD0: { Copyright: 'someone' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '37/1 33/1 0/1' } })
        .png()
        .toBuffer();
      assert.ok((await sharp(png).metadata()).exif);
      const fitted = await fitFile(png, strict);
      await assertGoodJpeg(fitted, png);
      assert.equal(fitted.bytes.includes('Exif'), false);
    });

    it('on white, from a transparent PNG, WebP and GIF', async () => {
      const hole = Buffer.from([0, 0, 0, 0]);
      const picture = sharp({ create: { width: 64, height: 64, channels: 4, background: '#102030' } }).composite([
        { input: hole, raw: { width: 1, height: 1, channels: 4 }, tile: true, blend: 'source' },
        { input: { create: { width: 32, height: 64, channels: 3, background: '#d03020' } }, left: 0, top: 0 },
      ]);
      for (const format of ['png', 'webp', 'gif'] as const) {
        const source = await picture.clone().toFormat(format).toBuffer();
        const fitted = await fitFile(source, strict);
        await assertGoodJpeg(fitted, source);
        const pixels = await thumbnail(fitted.bytes, 8);
        assert.ok(
          pixels.subarray(21, 24).every((value) => value > 250),
          format,
        );
        assert.ok((pixels[0] ?? 0) > 190 && (pixels[1] ?? 255) < 70, format);
      }
    });

    it('from 16-bit, grey, palette and interlaced PNG, TIFF, AVIF, and a profile other than sRGB', async () => {
      const picture = photograph({ width: 300, height: 200, noise: 4 });
      const rgb = await picture.clone().png().toBuffer();
      const sources = {
        '16-bit': await sharp(rgb).toColourspace('rgb16').png().toBuffer(),
        grey: await picture.clone().greyscale().png().toBuffer(),
        'grey with alpha': await picture.clone().ensureAlpha(0.5).toColourspace('b-w').png().toBuffer(),
        palette: await picture.clone().png({ palette: true }).toBuffer(),
        interlaced: await picture.clone().png({ progressive: true }).toBuffer(),
        tiff: await picture.clone().tiff({ compression: 'lzw' }).toBuffer(),
        avif: await picture.clone().avif({ effort: 0 }).toBuffer(),
        p3: await picture.clone().withIccProfile('p3').png().toBuffer(),
        cmyk: await picture.clone().toColourspace('cmyk').jpeg().toBuffer(),
      };
      for (const [what, source] of Object.entries(sources)) {
        const fitted = await fitFile(source, strict);
        const grey = what.startsWith('grey');
        if (grey) assert.ok((await difference(fitted.bytes, source)) < 6, what);
        else await assertGoodJpeg(fitted, source);
      }
    });

    it('from an animation: its first frame', async () => {
      const frames = await Promise.all(
        ['#c02020', '#20c020'].map((background) =>
          sharp({ create: { width: 40, height: 40, channels: 3, background } })
            .png()
            .toBuffer(),
        ),
      );
      const gif = await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer();
      const fitted = await fitFile(gif, strict);
      const metadata = await sharp(fitted.bytes).metadata();
      assert.deepEqual([metadata.width, metadata.height], [40, 40]);
      assert.ok(((await thumbnail(fitted.bytes, 1))[0] ?? 0) > 150);
    });

    it('from a BMP of any plain kind', async () => {
      const picture = photograph({ width: 333, height: 250 });
      const pixels = await picture.clone().raw().toBuffer();
      const colour = await picture.clone().png().toBuffer();
      for (const bits of [24, 32] as const) {
        for (const topDown of [false, true]) {
          await assertGoodJpeg(await fitFile(bitmap(pixels, 333, 250, bits, topDown), strict), colour);
        }
      }
      const grey = await fitFile(bitmap(pixels, 333, 250, 8), strict);
      const greyPixels = Buffer.from(pixels);
      for (let at = 0; at < pixels.length; at += 3) {
        greyPixels.fill(
          Math.round(((pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0)) / 3),
          at,
          at + 3,
        );
      }
      const expected = await sharp(greyPixels, { raw: { width: 333, height: 250, channels: 3 } })
        .png()
        .toBuffer();
      assert.ok((await difference(grey.bytes, expected)) < 6);
    });

    it('from odd shapes: one pixel, and a very long strip', async () => {
      for (const [width, height] of [
        [1, 1],
        [20_000, 2],
      ] as const) {
        const fitted = await fitFile(await photograph({ width, height }).png().toBuffer(), strict);
        assert.equal((await sharp(fitted.bytes).metadata()).format, 'jpeg');
      }
    });

    it('several at once, each its own', async () => {
      const sources = await Promise.all(
        [100, 200, 300, 400].map((width) => photograph({ width, height: 100 }).png().toBuffer()),
      );
      const fitted = await Promise.all(sources.map((source) => fitFile(source, strict)));
      const widths = await Promise.all(fitted.map(async ({ bytes }) => (await sharp(bytes).metadata()).width));
      assert.deepEqual(widths, [100, 200, 300, 400]);
    });
  });

  describe('passes sound, film and sis within the limits of the strictest carrier', () => {
    const file = (head: string, length: number): Buffer => {
      const content = Buffer.alloc(length, 0x55);
      content.write(head, 'latin1');
      return content;
    };
    const film = '\0\0\0\x18ftyp3gp5\0\0\x02\0';
    const cases = [
      ['tune.mmf', 'MMMD', 100_000, 299_999],
      ['clip.skm', film, 299_999, 299_999],
      ['clip.k3g', film, 299_999, 299_999],
      ['wink.sis', '\x01\x02', 200_000, 299_999],
    ] as const;
    for (const [name, head, most, mostLarge] of cases) {
      it(name, async () => {
        for (const [options, limit] of [
          [strict, most],
          [asIs, most],
          [large, mostLarge],
        ] as const) {
          const fitting = file(head, limit);
          assert.deepEqual(await fitFile(fitting, { ...options, name }), {
            bytes: fitting,
            ext: name.slice(-3),
            changed: false,
          });
          await assertRefused(fitFile(file(head, limit + 1), { ...options, name }), 'USHOT_FILE_TOO_LARGE', {
            file: `"${name}"`,
            bytes: limit + 1,
            limit,
          });
        }
      });
    }
  });

  describe('refuses', () => {
    it('nothing at all', () =>
      assertRefused(fitFile(Buffer.alloc(0), strict), 'USHOT_FILE_EMPTY', { file: '(Buffer)' }));

    it('what is of no known kind, and kinds that no phone takes, by their content', async () => {
      await assertRefused(fitFile(Buffer.from('hello'), { ...strict, name: 'a/b/photo.jpg' }), 'USHOT_FILE_UNKNOWN', {
        file: '"photo.jpg"',
      });
      await assertRefused(
        fitFile(Buffer.from('<html><body>401'), { ...strict, name: 'photo.jpg' }),
        'USHOT_FILE_TYPE',
        {
          found: 'HTML',
        },
      );
      await assertRefused(fitFile(Buffer.from('<svg xmlns="x"/>'), strict), 'USHOT_FILE_TYPE', { found: 'SVG' });
      await assertRefused(fitFile(Buffer.from('\0\0\0\x18ftypmp42', 'latin1'), strict), 'USHOT_FILE_TYPE', {
        found: 'MP4',
      });
    });

    it('with "as is", what the gateway does not take, and what is too large', async () => {
      const png = await photograph({ width: 10, height: 10 }).png().toBuffer();
      await assertRefused(fitFile(png, asIs), 'USHOT_FILE_TYPE', {
        found: 'PNG',
        allowed: 'jpg, bmp, sis, mmf, skm, k3g',
      });
      const jpeg = await photograph({ width: 1280, height: 960, noise: 20 }).jpeg({ quality: 97 }).toBuffer();
      await assertRefused(fitFile(jpeg, asIs), 'USHOT_FILE_TOO_LARGE', { bytes: jpeg.length, limit: 200_000 });
    });

    it('a damaged picture', async () => {
      const png = await photograph({ width: 300, height: 300, noise: 9 }).png().toBuffer();
      const cut = png.subarray(0, png.length >> 1);
      await assertRefused(fitFile(cut, { ...strict, name: '그림.png' }), 'USHOT_FILE_DAMAGED', {
        file: '"그림.png"',
        found: 'PNG',
      });
      const jpeg = await photograph({ width: 1280, height: 960, noise: 20 }).jpeg({ quality: 97 }).toBuffer();
      await assertRefused(fitFile(jpeg.subarray(0, jpeg.length - 50_000), strict), 'USHOT_FILE_DAMAGED', {
        found: 'JPG',
      });
    });

    it('a picture with a codec that the library lacks', () =>
      assertRefused(fitFile(Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'), strict), 'USHOT_FILE_TYPE', {
        found: 'HEIC',
      }));

    it('a decompression bomb, before it is decoded', async () => {
      const bomb = await sharp({
        create: { width: 12_000, height: 12_000, channels: 3, background: '#000' },
        limitInputPixels: false,
      })
        .png()
        .toBuffer();
      assert.ok(bomb.length < 1_500_000);
      await assertRefused(fitFile(bomb, strict), 'USHOT_FILE_PIXELS', {
        width: 12_000,
        height: 12_000,
        limit: MAX_PIXELS / 1e6,
      });
      const bmp = bitmap(Buffer.alloc(3), 1, 1, 24);
      bmp.writeInt32LE(2_000_000_000, 18);
      await assertRefused(fitFile(bmp, strict), 'USHOT_FILE_PIXELS', { width: 2_000_000_000 });
    });

    it('an input beyond 50 MB', () => {
      const huge = Buffer.alloc(50_000_001);
      huge.write('\x89PNG\r\n\x1a\n', 'latin1');
      return assertRefused(fitFile(huge, strict), 'USHOT_FILE_TOO_LARGE', { limit: 50_000_000 });
    });

    it('more waiting bytes than memory has room for; those that wait already are still made', async () => {
      const small = await photograph({ width: 60, height: 40 }).png().toBuffer();
      // As large as it says, without taking the memory.
      const heavy = new Proxy(small, {
        get: (target, key) => (key === 'length' ? MAX_WAITING_BYTES : Reflect.get(target, key, target)),
      });
      const source = { ext: 'png', file: '"a.png"' };
      const first = toJpeg(sharp, { ...source, bytes: small }, 200_000);
      await assertRefused(toJpeg(sharp, { ...source, bytes: heavy }, 200_000), 'USHOT_FILE_BUSY', {
        waiting: small.length,
      });
      assert.ok(await first);
      assert.ok(await toJpeg(sharp, { ...source, bytes: small }, 200_000));
    });
  });

  describe('without the image library', () => {
    it('passes what the gateway takes, and says of a JPEG that it could not be turned', async () => {
      const jpeg = await photograph({ width: 80, height: 60 }).jpeg().toBuffer();
      assert.deepEqual(await fitFile(jpeg, strict, noSharp), { bytes: jpeg, ext: 'jpg', changed: false });
      const turned = await photograph({ width: 80, height: 60 }).withMetadata({ orientation: 6 }).jpeg().toBuffer();
      assert.deepEqual(await fitFile(turned, strict, noSharp), {
        bytes: turned,
        ext: 'jpg',
        changed: false,
        note: 'unturned',
      });
      const bmp = bitmap(await photograph({ width: 80, height: 60 }).raw().toBuffer(), 80, 60, 24);
      assert.deepEqual(await fitFile(bmp, strict, noSharp), { bytes: bmp, ext: 'bmp', changed: false });
    });

    it('refuses the rest and names the library', async () => {
      const png = await photograph({ width: 80, height: 60 }).png().toBuffer();
      await assertRefused(fitFile(png, strict, noSharp), 'USHOT_FILE_CONVERTER', { found: 'PNG', bytes: png.length });
      const jpeg = await photograph({ width: 1280, height: 960, noise: 20 }).jpeg({ quality: 97 }).toBuffer();
      await assertRefused(fitFile(jpeg, strict, noSharp), 'USHOT_FILE_CONVERTER', { found: 'JPG', limit: 200_000 });
      await assert.rejects(fitFile(png, strict, noSharp), /"sharp"/);
    });
  });

  it('passes a rare kind of BMP as it is, which nothing here reads', async () => {
    const bmp = bitmap(await photograph({ width: 80, height: 60 }).raw().toBuffer(), 80, 60, 24);
    bmp.writeUInt32LE(1, 30); // RLE
    assert.deepEqual(await fitFile(bmp, strict), { bytes: bmp, ext: 'bmp', changed: false });
  });

  it('answers cut and garbled pictures with an error of the table, or with a file within the limit', async () => {
    const picture = photograph({ width: 500, height: 400, noise: 60 });
    const turned = picture.clone().withMetadata({ orientation: 6 });
    const sources = await Promise.all([
      picture.clone().jpeg({ quality: 99 }).toBuffer(),
      turned.clone().jpeg({ quality: 90 }).toBuffer(),
      turned.clone().jpeg({ quality: 90, progressive: true }).toBuffer(),
      picture.clone().png().toBuffer(),
      picture.clone().webp().toBuffer(),
      picture.clone().gif().toBuffer(),
      picture.clone().tiff().toBuffer(),
      picture.clone().avif({ effort: 0 }).toBuffer(),
      picture
        .clone()
        .raw()
        .toBuffer()
        .then((pixels) => bitmap(pixels, 500, 400, 24)),
    ]);
    const damagedPicture = fc
      .record({
        source: fc.constantFrom(...sources),
        cut: fc.double({ min: 0, max: 1, noNaN: true }),
        head: fc.boolean(),
        spots: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
          maxLength: 6,
        }),
      })
      .map(({ source, cut, head, spots }) => {
        const content = Buffer.from(source.subarray(0, Math.ceil(source.length * cut)));
        const within = head ? Math.min(200, content.length) : content.length;
        for (const [where, value] of spots) content[Math.floor(within * where)] = value;
        return content;
      });
    await fc.assert(
      fc.asyncProperty(damagedPicture, async (content) => {
        const result = await fitFile(content, strict).catch((error: unknown) => error);
        if (result instanceof UshotError) return;
        assert.ok(!(result instanceof Error), String(result));
        const { bytes, ext, changed } = result as Fitted;
        assert.ok(bytes.length <= 200_000);
        if (changed) assert.equal((await sharp(bytes).stats()).channels.length > 0, true);
        else assert.ok(bytes === content && (ext === 'jpg' || ext === 'bmp'));
      }),
      { numRuns: 150 },
    );
  });
});

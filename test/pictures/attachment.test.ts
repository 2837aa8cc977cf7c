/** Files that a flow names: regular ones, inside the folder, not too large; each refusal says which it was. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ErrorCode, UshotError } from '../../lib/errors.ts';
import { readAttachment } from '../../lib/pictures/index.ts';

const posix = process.platform !== 'win32';

async function assertRefused(reading: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(reading, (error) => {
    assert.ok(error instanceof UshotError, String(error));
    assert.equal(error.code, code);
    for (const language of ['en', 'ko'] as const) assert.doesNotMatch(error.text(language), /[{}]|undefined/);
    return true;
  });
}

describe('readAttachment', () => {
  let root = '';
  let folder = '';
  const maxBytes = 1000;

  before(() => {
    root = realpathSync(mkdtempSync(path.join(tmpdir(), 'ushot-attachment-')));
    folder = path.join(root, 'allowed');
    mkdirSync(path.join(folder, 'sub'), { recursive: true });
    mkdirSync(path.join(root, 'allowed-too'));
    writeFileSync(path.join(folder, 'photo.jpg'), 'inside');
    writeFileSync(path.join(folder, 'sub', '사진.jpg'), 'deeper');
    writeFileSync(path.join(folder, 'limit.jpg'), Buffer.alloc(maxBytes, 1));
    writeFileSync(path.join(folder, 'over.jpg'), Buffer.alloc(maxBytes + 1, 1));
    writeFileSync(path.join(folder, 'empty.jpg'), '');
    writeFileSync(path.join(folder, '..odd.jpg'), 'odd');
    writeFileSync(path.join(root, 'secret.txt'), 'outside');
    writeFileSync(path.join(root, 'allowed-too', 'secret.txt'), 'outside');
    if (posix) {
      symlinkSync(path.join(root, 'secret.txt'), path.join(folder, 'leak.jpg'));
      symlinkSync(root, path.join(folder, 'up'));
      symlinkSync('photo.jpg', path.join(folder, 'alias.jpg'));
      symlinkSync('loop.jpg', path.join(folder, 'loop.jpg'));
      symlinkSync(folder, path.join(root, 'link-to-allowed'));
      execFileSync('mkfifo', [path.join(folder, 'pipe.jpg')], { timeout: 15_000 });
    }
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const read = async (name: string, within: string | undefined = folder): Promise<string> =>
    (await readAttachment(name, { folder: within, maxBytes })).toString();

  it('reads a file of the folder, by its relative or absolute path', async () => {
    assert.equal(await read('photo.jpg'), 'inside');
    assert.equal(await read('sub/사진.jpg'), 'deeper');
    assert.equal(await read('sub/../photo.jpg'), 'inside');
    assert.equal(await read('..odd.jpg'), 'odd');
    assert.equal(await read('empty.jpg'), '');
    assert.equal(await read(path.join(folder, 'photo.jpg')), 'inside');
  });

  it('reads any file where no folder is set', async () => {
    assert.equal(await readAttachment(path.join(root, 'secret.txt'), { maxBytes }).then(String), 'outside');
    assert.equal(await read(path.join(root, 'secret.txt'), ''), 'outside');
    assert.equal(await read(path.relative('.', path.join(root, 'secret.txt')), ''), 'outside');
  });

  it('refuses what lies outside, whether it exists or not', async () => {
    for (const name of [
      '../secret.txt',
      'sub/../../secret.txt',
      path.join(root, 'secret.txt'),
      '../allowed-too/secret.txt',
      '../no-such-file',
      '/no/such/file',
      '..',
    ]) {
      await assertRefused(read(name), 'USHOT_FILE_OUTSIDE');
    }
  });

  it('refuses a missing file', async () => {
    for (const name of ['none.jpg', 'photo.jpg/none.jpg', '', 'photo.jpg\0.png']) {
      await assertRefused(read(name), 'USHOT_FILE_MISSING');
    }
    await assertRefused(read('photo.jpg', path.join(root, 'no-folder')), 'USHOT_FILE_MISSING');
  });

  it('refuses a folder', async () => {
    await assertRefused(read('sub'), 'USHOT_FILE_NOT_REGULAR');
    await assertRefused(read('.'), 'USHOT_FILE_NOT_REGULAR');
  });

  it('takes a file of exactly the limit, and not one byte more', async () => {
    assert.equal((await read('limit.jpg')).length, maxBytes);
    await assertRefused(read('over.jpg'), 'USHOT_FILE_TOO_LARGE');
  });

  if (posix) {
    it('follows links inside the folder, and none out of it', async () => {
      assert.equal(await read('alias.jpg'), 'inside');
      assert.equal(await read('photo.jpg', path.join(root, 'link-to-allowed')), 'inside');
      assert.equal(await read(path.join(folder, 'photo.jpg'), path.join(root, 'link-to-allowed')), 'inside');
      await assertRefused(read('leak.jpg'), 'USHOT_FILE_OUTSIDE');
      await assertRefused(read('up/secret.txt'), 'USHOT_FILE_OUTSIDE');
      await assertRefused(read('loop.jpg'), 'USHOT_FILE_UNREADABLE');
    });

    it('refuses pipes and devices without waiting for them', async () => {
      await assertRefused(read('pipe.jpg'), 'USHOT_FILE_NOT_REGULAR');
      await assertRefused(read('/dev/zero', ''), 'USHOT_FILE_NOT_REGULAR');
    });
  }

  if (process.platform === 'linux') {
    it('bounds a file that has no size', async () => {
      assert.match(await read('/proc/self/comm', ''), /\n$/);
      await assertRefused(readAttachment('/proc/self/maps', { maxBytes }), 'USHOT_FILE_TOO_LARGE');
    });
  }
});

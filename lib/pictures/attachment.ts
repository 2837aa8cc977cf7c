/**
 * Reads a file that a flow names. The path may come from outside (a form, a webhook), so it is held to regular files, to an
 * optional folder, and to a size; and what was checked is what is read: the file is opened once, and the checks are made on
 * the open file.
 */

import { constants, type FileHandle, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { UshotError } from '../errors.ts';

export interface AttachmentPlace {
  /** Only files inside this folder; relative paths start from it. Unset: any file, relative to the working directory. */
  readonly folder?: string | undefined;
  /** The largest file that is read. */
  readonly maxBytes: number;
}

/**
 * The content of the file at `name`. Throws USHOT_FILE_MISSING, USHOT_FILE_NOT_REGULAR, USHOT_FILE_UNREADABLE,
 * USHOT_FILE_OUTSIDE (also when a symbolic link leads out of the folder), USHOT_FILE_TOO_LARGE.
 */
export async function readAttachment(name: string, place: AttachmentPlace): Promise<Buffer> {
  const folder = place.folder === undefined || place.folder === '' ? undefined : path.resolve(place.folder);
  if (name === '' || name.includes('\0'))
    throw new UshotError('USHOT_FILE_MISSING', { path: name.replaceAll('\0', '') });
  const wanted = path.resolve(folder ?? '', name);
  const realFolder = folder === undefined ? undefined : await guarded(folder, () => realpath(folder));

  const outside = (): UshotError => new UshotError('USHOT_FILE_OUTSIDE', { path: name });
  const isOutside = (file: string): boolean => realFolder !== undefined && !isInside(realFolder, file);

  // Whether a file outside exists is not told either.
  const real = await guarded(name, () => realpath(wanted)).catch((error: unknown) => {
    throw folder !== undefined && !isInside(folder, wanted) && isOutside(wanted) ? outside() : error;
  });
  if (isOutside(real)) throw outside();
  // Looked at before it is opened as well: opening a device can already do something.
  if (!(await guarded(name, () => stat(real))).isFile()) throw new UshotError('USHOT_FILE_NOT_REGULAR', { path: name });

  // NONBLOCK: a pipe put there meanwhile must not block the open; NOFOLLOW: nor a link lead elsewhere. Absent on Windows.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
  const handle = await guarded(name, () => open(real, flags));
  try {
    const opened = await guarded(name, () => handle.stat({ bigint: true }));
    if (!opened.isFile()) throw new UshotError('USHOT_FILE_NOT_REGULAR', { path: name });
    if (realFolder !== undefined) {
      // A folder on the way may have been swapped for a link between the two: the path must still lead to this very file.
      const [again, there] = await guarded(name, () => Promise.all([realpath(real), stat(real, { bigint: true })]));
      if (isOutside(again) || there.ino !== opened.ino || there.dev !== opened.dev) throw outside();
    }
    return await readWhole(handle, name, Number(opened.size), place.maxBytes);
  } finally {
    await handle.close();
  }
}

/** Reads to the end, whatever the size was: a file may grow meanwhile, and some (/proc) have no size at all. */
async function readWhole(handle: FileHandle, name: string, size: number, maxBytes: number): Promise<Buffer> {
  const tooLarge = (bytes: number): UshotError =>
    new UshotError('USHOT_FILE_TOO_LARGE', { file: `"${name}"`, bytes, limit: maxBytes });
  if (size > maxBytes) throw tooLarge(size);
  // One byte more than the file has: the read that leaves it empty has seen the end.
  let buffer = Buffer.allocUnsafe(size + 1);
  let length = 0;
  for (;;) {
    const target = buffer;
    const { bytesRead } = await guarded(name, () => handle.read(target, length, target.length - length));
    length += bytesRead;
    if (length > maxBytes) throw tooLarge(length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    if (length === buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(maxBytes + 1, 2 * length + 4096));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
  }
}

function isInside(folder: string, file: string): boolean {
  const way = path.relative(folder, file);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}

/** Runs a file operation; its failure becomes an error that names the path as the flow wrote it. */
async function guarded<T>(name: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const problem = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    if (problem === 'ENOENT' || problem === 'ENOTDIR')
      throw new UshotError('USHOT_FILE_MISSING', { path: name }, { cause });
    throw new UshotError('USHOT_FILE_UNREADABLE', { path: name, problem }, { cause });
  }
}

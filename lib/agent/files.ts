/**
 * Files of a message, from what a flow names to what the store keeps: names that the server gave, Buffers, paths and
 * `{ data, ext }`. Pictures are made to fit on the way; the bytes wait in the store's attachments, not in the heap.
 */
import { basename } from 'node:path';
import { UshotError } from '../errors.ts';
import type { FileRef, Outbox } from '../outbox/outbox.ts';
import { fitFile, MAX_INPUT_BYTES, readAttachment } from '../pictures/index.ts';
import { kindOf } from './request.ts';
import type { AgentSettings } from './settings.ts';

type FileSettings = Pick<AgentSettings, 'pictures' | 'folder'>;

/** A file as it goes to the gateway. */
export interface FittedFile {
  readonly bytes: Buffer;
  /** Lower case, without a dot. */
  readonly ext: string;
}

/** Reads what `files` names. One kept file may serve many messages of an input: `seen` remembers it by what named it. */
export async function keepFiles(
  files: unknown,
  settings: FileSettings,
  outbox: Outbox,
  seen: Map<unknown, FileRef>,
): Promise<FileRef[]> {
  const refs: FileRef[] = [];
  for (const file of listFiles(files)) {
    const known = seen.get(file);
    const ref = known ?? (await keepFile(file, settings, outbox));
    seen.set(file, ref);
    refs.push(ref);
  }
  return refs;
}

/** A file that a flow uploads: bytes, or the path of a file; `name` is where its extension stands. */
export async function fitUpload(file: unknown, name: string | undefined, settings: FileSettings): Promise<FittedFile> {
  if (Buffer.isBuffer(file)) return fitTo(file, name, settings);
  if (typeof file === 'string' && file.trim() !== '')
    return fitTo(await read(file, settings), name ?? basename(file), settings);
  throw new UshotError('USHOT_FIELD', { field: 'msg.payload', expected: 'a Buffer or a path', found: kindOf(file) });
}

function listFiles(files: unknown): unknown[] {
  if (files === undefined || files === null || files === '') return [];
  if (Array.isArray(files)) return files.flatMap(listFiles);
  if (typeof files !== 'string') return [files];
  return files
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

async function keepFile(file: unknown, settings: FileSettings, outbox: Outbox): Promise<FileRef> {
  if (typeof file === 'string' && !isPath(file)) return serverFile(file);
  const { bytes, ext } = await fitAny(file, settings);
  return { kind: 'attachment', hash: await outbox.putAttachment(bytes), ext, bytes: bytes.length };
}

/** Names that a server gives hold no slash, and a file of this machine is named by its path. */
function isPath(name: string): boolean {
  return /[/\\]/.test(name);
}

/** FILE_NAME is 128 bytes wide and goes back as it came. */
const FILE_NAME_BYTES = 128;

function serverFile(fileName: string): FileRef {
  if (fileName.length > FILE_NAME_BYTES) {
    throw new UshotError('USHOT_FIELD', {
      field: 'files',
      expected: `<= ${FILE_NAME_BYTES} bytes`,
      found: `${fileName.length} bytes`,
    });
  }
  return { kind: 'server', fileName };
}

async function fitAny(file: unknown, settings: FileSettings): Promise<FittedFile> {
  if (typeof file === 'string') return fitTo(await read(file, settings), basename(file), settings);
  if (Buffer.isBuffer(file)) return fitTo(file, undefined, settings);
  if (typeof file === 'object' && file !== null && 'data' in file) {
    const { data, ext } = file as { data: unknown; ext?: unknown };
    if (Buffer.isBuffer(data))
      return fitTo(data, typeof ext === 'string' ? `file.${ext.replace(/^\./, '')}` : undefined, settings);
  }
  throw new UshotError('USHOT_FIELD', {
    field: 'files',
    expected: 'server file names, Buffers, paths, or {data, ext}',
    found: kindOf(file),
  });
}

function read(path: string, { folder }: FileSettings): Promise<Buffer> {
  return readAttachment(path, folder === '' ? { maxBytes: MAX_INPUT_BYTES } : { folder, maxBytes: MAX_INPUT_BYTES });
}

async function fitTo(data: Buffer, name: string | undefined, { pictures }: FileSettings): Promise<FittedFile> {
  const asIs = pictures === 'as-is';
  const limit = pictures === 'strict' ? 'strict' : 'large';
  const { bytes, ext } = await fitFile(data, name === undefined ? { limit, asIs } : { limit, asIs, name });
  return { bytes, ext };
}

/**
 * Files of a message, from what a flow names to what the store keeps: names that the server gave, Buffers, paths and
 * `{ data, ext }`. Pictures are made to fit on the way; the bytes wait in the store's attachments, not in the heap.
 */
import { hash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { UshotError } from '../errors.ts';
import type { FileRef, Outbox } from '../outbox/outbox.ts';
import { fitFile, MAX_INPUT_BYTES, readAttachment } from '../pictures/index.ts';
import { kindInKorean, kindOf } from './request.ts';
import type { AgentSettings } from './settings.ts';

type FileSettings = Pick<AgentSettings, 'pictures' | 'folder'>;

/** A file as it goes to the gateway. */
export interface FittedFile {
  readonly bytes: Buffer;
  /** Lower case, without a dot. */
  readonly ext: string;
}

/**
 * The files of one input that are kept already: by what named them, and by content, for the store expects each to be put
 * once, however many messages of the input carry it.
 */
export class KeptFiles {
  readonly byName = new Map<unknown, FileRef>();
  readonly hashes = new Map<string, string>();
}

/** Reads what `files` names, and keeps it once all of it is good. */
export async function keepFiles(
  files: readonly unknown[],
  settings: FileSettings,
  outbox: Outbox,
  kept: KeptFiles,
): Promise<FileRef[]> {
  const ready: (FileRef | FittedFile)[] = [];
  for (const file of files) ready.push(kept.byName.get(file) ?? (await fitOrName(file, settings)));
  const refs: FileRef[] = [];
  for (const [i, file] of ready.entries()) {
    const ref = 'kind' in file ? file : await keep(file, outbox, kept);
    kept.byName.set(files[i], ref);
    refs.push(ref);
  }
  return refs;
}

/** A file that a flow uploads: bytes, or the path of a file; `name` is where its extension stands. */
export async function fitUpload(file: unknown, name: string | undefined, settings: FileSettings): Promise<FittedFile> {
  if (Buffer.isBuffer(file)) return fitTo(file, name, settings);
  if (typeof file === 'string' && file.trim() !== '')
    return fitTo(await read(file, settings), name ?? basename(file), settings);
  throw new UshotError('USHOT_FIELD', {
    field: 'msg.payload',
    expected: 'a Buffer or a path',
    expectedKo: 'Buffer 또는 파일 경로',
    found: kindOf(file),
    foundKo: kindInKorean(file),
  });
}

/** What `files` names, one by one: a list, or a text with commas or lines. */
export function listFiles(files: unknown): unknown[] {
  if (files === undefined || files === null || files === '') return [];
  if (Array.isArray(files)) return files.flatMap(listFiles);
  if (typeof files !== 'string') return [files];
  return files
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

async function fitOrName(file: unknown, settings: FileSettings): Promise<FileRef | FittedFile> {
  return typeof file === 'string' && !isPath(file, settings) ? serverFile(file) : fitAny(file, settings);
}

async function keep({ bytes, ext }: FittedFile, outbox: Outbox, { hashes }: KeptFiles): Promise<FileRef> {
  const content = hash('sha256', bytes, 'base64url');
  const kept = hashes.get(content) ?? (await outbox.putAttachment(bytes));
  hashes.set(content, kept);
  return { kind: 'attachment', hash: kept, ext, bytes: bytes.length };
}

/**
 * Names that a server gives hold no slash and, being bytes, no character beyond one byte. A plain name is a path as well
 * when there is such a file: an MMS to a name that the server never gave arrives without its picture.
 */
function isPath(name: string, { folder }: FileSettings): boolean {
  if (/[/\\]|[^\0-\xff]/.test(name)) return true;
  try {
    // Not worth a turn of the event loop.
    return statSync(resolve(folder, name), { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    return false;
  }
}

/** FILE_NAME is 128 bytes wide and goes back as it came. */
const FILE_NAME_BYTES = 128;

function serverFile(fileName: string): FileRef {
  if (fileName.length > FILE_NAME_BYTES) {
    throw new UshotError('USHOT_FIELD_TOO_LONG', { field: 'files', limit: FILE_NAME_BYTES, bytes: fileName.length });
  }
  return { kind: 'server', fileName };
}

async function fitAny(file: unknown, settings: FileSettings): Promise<FittedFile> {
  if (typeof file === 'string') return fitTo(await read(file, settings), basename(file), settings);
  const bytes = bytesOf(file);
  if (bytes) return fitTo(bytes, undefined, settings);
  if (typeof file === 'object' && file !== null && 'data' in file) {
    const { data, ext } = file as { data: unknown; ext?: unknown };
    const inner = bytesOf(data);
    if (inner) return fitTo(inner, typeof ext === 'string' ? `file.${ext.replace(/^\./, '')}` : undefined, settings);
  }
  throw new UshotError('USHOT_FIELD', {
    field: 'files',
    expected: 'server file names, Buffers, paths, or {data, ext}',
    expectedKo: '서버 파일 이름, Buffer, 파일 경로 또는 {data, ext}',
    found: kindOf(file),
    foundKo: kindInKorean(file),
  });
}

/** The bytes of a Buffer, also of one that went through JSON on its way (`{type: 'Buffer', data: [...]}`). */
function bytesOf(value: unknown): Buffer | null {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value !== 'object' || value === null) return null;
  const { type, data } = value as { type?: unknown; data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data) : null;
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

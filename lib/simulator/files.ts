/**
 * Uploaded files (2030): what they are called, who may use them, and where they are kept so that a user can look. Names
 * look like the manual's: an MD5 in hexadecimal, a dot, the extension. They are bytes, not text: with `koreanFileNames`
 * one Korean character stands before the dot, as in the manual's example.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finding, finding } from './complaints.ts';
import type { GatewaySettings } from './settings.ts';

/** Extensions of the manual's carrier table. */
export const fileExtensions = ['jpg', 'sis', 'bmp', 'mmf', 'skm', 'k3g'] as const;

/** Names live longer than bytes, but not for ever. */
const NAME_LIMIT = 100_000;
/** "로" in CP949, each byte as one character. */
const KOREAN_BYTES = '\xb7\xce';

interface KeptFile {
  readonly account: string;
  /** The connection that brought it. */
  readonly owner: object;
  readonly bytes: number;
  data: Buffer | null;
}

export class Files {
  readonly #settings: GatewaySettings;
  readonly #trouble: (error: Error) => void;
  /** In the order of upload. */
  readonly #files = new Map<string, KeptFile>();
  #keptNames: string[] = [];
  #keptBytes = 0;
  #uploads = 0;
  /** Writes and removals, one after the other. */
  #disk: Promise<void> = Promise.resolve();

  constructor(settings: GatewaySettings, trouble: (error: Error) => void) {
    this.#settings = settings;
    this.#trouble = trouble;
  }

  /** What is wrong with an upload, if anything. */
  check(ext: string, bytes: number): Finding | undefined {
    if (!(fileExtensions as readonly string[]).includes(ext.toLowerCase())) {
      return finding('file-ext', { ext, allowed: fileExtensions.join(', ') });
    }
    const limit = this.#settings.fileLimitBytes;
    if (bytes === 0 || bytes >= limit) return finding('file-size', { bytes, limit: limit - 1 });
    return undefined;
  }

  /** Keeps a file that `check` let pass, and gives its name. */
  add(account: string, owner: object, ext: string, data: Buffer): string {
    this.#uploads += 1;
    const hash = createHash('md5').update(`${account} ${this.#uploads} `).update(data).digest('hex');
    const name = `${hash}${this.#settings.koreanFileNames ? KOREAN_BYTES : ''}.${ext.toLowerCase()}`;
    const own = Buffer.from(data);
    const inMemory = this.#settings.fileFolder === null;
    this.#files.set(name, { account, owner, bytes: own.length, data: inMemory ? own : null });
    this.#keptNames.push(name);
    this.#keptBytes += own.length;
    if (!inMemory) this.#write(name, own);
    this.#forgetOldest();
    return name;
  }

  /** Whether a message of `account` on the connection `owner` may carry the file. */
  has(name: string, account: string, owner: object): boolean {
    const file = this.#files.get(name);
    if (!file || file.account !== account) return false;
    return this.#settings.fileScope === 'account' || file.owner === owner;
  }

  /** The bytes of a file that is kept in memory. */
  data(name: string): Buffer | undefined {
    return this.#files.get(name)?.data ?? undefined;
  }

  /** Names of the files whose bytes are kept, oldest first. */
  get names(): readonly string[] {
    return this.#keptNames;
  }

  /** Where a file is written to, with a folder. Bytes outside ASCII become `_`. */
  path(name: string): string | undefined {
    const folder = this.#settings.fileFolder;
    return folder === null ? undefined : join(folder, name.replace(/[^\w.-]/g, '_'));
  }

  /** Resolves when everything written so far is on disk. */
  async settled(): Promise<void> {
    await this.#disk;
  }

  #forgetOldest(): void {
    const { keptFileBytes, keptFiles } = this.#settings;
    while (this.#keptNames.length > 1 && (this.#keptBytes > keptFileBytes || this.#keptNames.length > keptFiles)) {
      const name = this.#keptNames.shift() as string;
      const file = this.#files.get(name);
      if (!file) continue;
      this.#keptBytes -= file.bytes;
      file.data = null;
      const path = this.path(name);
      if (path !== undefined) this.#queue(() => rm(path, { force: true }));
    }
    for (const name of this.#files.keys()) {
      if (this.#files.size <= NAME_LIMIT) break;
      this.#files.delete(name);
    }
  }

  #write(name: string, data: Buffer): void {
    const path = this.path(name);
    const folder = this.#settings.fileFolder;
    if (path === undefined || folder === null) return;
    this.#queue(async () => {
      // People's pictures: for the owner of the process only, as the store's files are.
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(path, data, { mode: 0o600 });
    });
  }

  #queue(work: () => Promise<void>): void {
    this.#disk = this.#disk.then(work).catch((error: unknown) => this.#trouble(error as Error));
  }
}

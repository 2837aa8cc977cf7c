/**
 * The folder of attachments beside the database. A file is named by the hash of its content, so that the same picture for
 * a thousand receivers is kept once, and is there whole or not at all: written under another name, synced, renamed.
 */
import fs from 'node:fs';
import path from 'node:path';
import { attachmentHash, attachmentMissing } from '../rules.ts';
import { makeFolder, syncFolder } from './file.ts';

const HASH = /^[0-9a-f]{64}$/;

export class AttachmentFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  has(hash: string): boolean {
    return HASH.test(hash) && fs.existsSync(this.#path(hash));
  }

  /** When it returns, the bytes are on disk. */
  put(bytes: Uint8Array): string {
    const hash = attachmentHash(bytes);
    if (this.#whole(hash) !== null) return hash;
    makeFolder(this.#folder);
    const unfinished = this.#path(`${hash}.part`);
    const finished = this.#path(hash);
    try {
      writeSynced(unfinished, bytes);
      fs.renameSync(unfinished, finished);
      syncFolder(this.#folder);
    } catch (error) {
      // The finished one too: the next that is put would be taken for synced.
      for (const file of [unfinished, finished]) fs.rmSync(file, { force: true });
      throw error;
    }
    return hash;
  }

  read(hash: string): Buffer {
    const bytes = this.#whole(hash);
    if (bytes === null) throw attachmentMissing(hash);
    return bytes;
  }

  /** Not synced: one that comes back after a power cut goes at the next opening. */
  remove(hash: string): void {
    fs.rmSync(this.#path(hash), { force: true });
  }

  /** Removes what nobody needs, and what was never finished. */
  removeAllBut(isNeeded: (hash: string) => boolean): void {
    if (!fs.existsSync(this.#folder)) return;
    for (const name of fs.readdirSync(this.#folder)) {
      if (!HASH.test(name) || !isNeeded(name)) fs.rmSync(this.#path(name), { force: true, recursive: true });
    }
  }

  /** Null where there is none, or other bytes than its name says: a receiver must not be sent what nobody meant. */
  #whole(hash: string): Buffer | null {
    if (!this.has(hash)) return null;
    const bytes = fs.readFileSync(this.#path(hash));
    return attachmentHash(bytes) === hash ? bytes : null;
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }
}

function writeSynced(file: string, bytes: Uint8Array): void {
  const descriptor = fs.openSync(file, 'w', 0o600);
  try {
    fs.writeFileSync(descriptor, bytes);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

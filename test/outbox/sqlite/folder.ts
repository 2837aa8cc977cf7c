/** A folder of its own for each test of the engine on disk. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export function makeFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'ushot-outbox-'));
}

export function removeFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
}

/**
 * Builds dist/: compiles lib/ and nodes/, and puts beside the compiled nodes what Node-RED looks for there: the editor's
 * html (found by swapping .js for .html), locales/ and icons/. What a former build left and no source stands for any
 * more is removed, so that dist/ is always what a fresh build would give.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });

const wanted = new Set<string>();
for (const room of ['lib', 'nodes']) {
  for (const file of filesUnder(join(root, room))) {
    const path = join(room, file);
    if (!path.endsWith('.ts')) copy(path, path);
    else for (const ext of ['.js', '.d.ts']) wanted.add(path.replace(/(\.d)?\.ts$/, ext));
  }
}
for (const file of filesUnder(join(root, 'icons'))) {
  if (/\.(svg|png)$/.test(file)) copy(join('icons', file), join('nodes', 'icons', file));
}
for (const file of filesUnder(dist)) if (!wanted.has(file)) rmSync(join(dist, file));

const simulator = join(dist, 'lib', 'simulator', 'cli.js');
if (existsSync(simulator)) chmodSync(simulator, 0o755);

process.exitCode = compiled.status ?? 1;

/** Copies a file of the project into dist/; both paths are relative. */
function copy(from: string, to: string): void {
  wanted.add(to);
  mkdirSync(dirname(join(dist, to)), { recursive: true });
  copyFileSync(join(root, from), join(dist, to));
}

/** Paths of all files under a folder, relative to it; none when there is no such folder. */
function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + sep.length))
    .filter((path) => !path.split(sep).some((part) => part.startsWith('.')));
}

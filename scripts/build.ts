/**
 * Builds dist/: compiles lib/ and nodes/, and puts beside the compiled nodes what Node-RED looks for there: the editor's
 * html (found by swapping .js for .html), locales/ and icons/. What a former build left and no source stands for any
 * more is removed, so that dist/ is always what a fresh build would give.
 *
 * What the browser needs of lib/ goes to resources/generated/: the code that measures texts, as it was compiled, and the
 * width of every character.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errors } from '../lib/errors.ts';
import { charset } from '../lib/protocol/charset.ts';
import { results } from '../lib/protocol/results.ts';
import { packWidths } from '../lib/protocol/text-meter.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** What the runtime says of a text, and the editor's meter before it. */
const shared: readonly ErrorCode[] = ['USHOT_TEXT_TOO_LONG', 'USHOT_URL_WITH_LMS'];

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

generateForBrowser();

const simulator = join(dist, 'lib', 'simulator', 'cli.js');
if (existsSync(simulator)) chmodSync(simulator, 0o755);

process.exitCode = compiled.status ?? 1;

function generateForBrowser(): void {
  const folder = join(root, 'resources', 'generated');
  mkdirSync(folder, { recursive: true });
  const meter = join(dist, 'lib', 'protocol', 'text-meter.js');
  if (existsSync(meter)) copyFileSync(meter, join(folder, 'text-meter.js'));
  const widths = (['cp949', 'euc-kr'] as const).map((name) => {
    const table = charset(name);
    return [name, packWidths((unit) => table.width(unit))];
  });
  const sentences = shared.map((code) => [code, { en: errors[code].en, ko: errors[code].ko }]);
  const reported = Object.entries(results).filter(([, { category }]) => category !== 'pending' && category !== 'agent');
  const endings = reported.map(([code, { en, ko }]) => [code, { en, ko }]);
  const lines = [
    '// Made by scripts/build.ts: widths of characters (see unpackWidths), sentences of lib/errors.ts, and the results that',
    '// a gateway can report.',
    `export const charsets = ${JSON.stringify(Object.fromEntries(widths))};`,
    `export const results = ${JSON.stringify(Object.fromEntries(endings))};`,
    `export const sentences = ${JSON.stringify(Object.fromEntries(sentences))};`,
  ];
  writeFileSync(join(folder, 'tables.js'), `${lines.join('\n')}\n`);
}

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

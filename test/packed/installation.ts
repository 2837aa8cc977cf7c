/**
 * Gets ready what the packed-package tests start: the tarball that would be published, a user directory into which npm
 * installed it, and an older Node-RED on an older Node.js. What takes long is kept in .tmp/ between runs.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const tmp = join(root, '.tmp');

/** A Node-RED and the Node.js to run it with. */
export interface NodeRedInstallation {
  readonly name: string;
  readonly node: string;
  readonly nodeRed: string;
}

/** The Node-RED and Node.js of the project's own node_modules. */
export function currentNodeRed(): NodeRedInstallation {
  return { name: 'Node-RED 5 on Node.js 24', node: process.execPath, nodeRed: redOf(root) };
}

/** Node-RED 4.1 and Node.js 22, from test/packed/node-red-4/; installed once for each state of its lock file. */
export function oldestNodeRed(): NodeRedInstallation {
  const source = join(import.meta.dirname, 'node-red-4');
  const lock = readFileSync(join(source, 'package-lock.json'));
  const folder = join(tmp, `node-red-4-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    const unfinished = `${folder}-unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(unfinished, file));
    npm(['ci'], unfinished);
    renameSync(unfinished, folder);
  }
  const node = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return { name: 'Node-RED 4.1 on Node.js 22', node, nodeRed: redOf(folder) };
}

export interface Tarball {
  readonly file: string;
  /** Paths of the files inside. */
  readonly contents: readonly string[];
}

/** `npm pack` of what the build left in dist/. */
export function pack(folder: string): Tarball {
  const output = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root);
  const [packed] = Object.values(JSON.parse(output) as Record<string, { filename: string; files: { path: string }[] }>);
  if (packed === undefined) throw new Error(`npm pack said ${output}`);
  return { file: join(folder, packed.filename), contents: packed.files.map(({ path }) => path) };
}

/** An empty user directory with the tarball installed, as the palette of Node-RED does it. */
export function installIntoUserDir(tarball: Tarball, userDir: string): void {
  mkdirSync(userDir, { recursive: true });
  const project = { name: 'node-red-project', version: '0.0.1', private: true };
  writeFileSync(join(userDir, 'package.json'), JSON.stringify(project));
  npm(['install', '--omit=dev', '--prefer-offline', tarball.file], userDir);
}

/** An installation from the registry takes half a minute at most. */
const NPM_MS = 300_000;

/** Runs npm in a folder and returns what it printed; throws what it complained about. */
function npm(args: readonly string[], cwd: string): string {
  const { npm_execpath: self, ...environment } = process.env;
  // What npm tells the scripts it runs would make this npm believe it were in our project.
  const env = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^npm_(package|lifecycle)/.test(name)),
  );
  const all = [...args, '--loglevel=error', '--no-audit', '--no-fund'];
  // It is waited for synchronously, where no limit of the test's own can end it.
  const options = { cwd, env, encoding: 'utf8' as const, maxBuffer: 64 * 1024 * 1024, timeout: NPM_MS };
  const run = self?.endsWith('.js')
    ? spawnSync(process.execPath, [self, ...all], options)
    : spawnSync('npm', all, { ...options, shell: process.platform === 'win32' });
  if (run.status !== 0) throw new Error(`npm ${args.join(' ')}: ${run.stderr || run.error?.message || run.stdout}`);
  return run.stdout;
}

const redOf = (folder: string) => join(folder, 'node_modules', 'node-red', 'red.js');

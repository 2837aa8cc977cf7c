/**
 * Gets the project ready to run: `npm start` and `npm test` call this first, on machines where nobody has run
 * `npm install`. It is plain JavaScript because it runs on whatever Node.js the machine has (20 or later); the project
 * itself needs Node.js 22.13, which the install brings along as the npm package `node`.
 *
 * Nothing is installed when node_modules already holds what package-lock.json asks for.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say } from './say.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';
if (!installed()) install();
if (!nodeIsGood()) repairNode();

/**
 * Does node_modules hold every package at the version that package-lock.json names? npm writes what it installed into
 * node_modules/.package-lock.json when it is done, so an install that was interrupted counts as none.
 */
function installed() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(modules, '.package-lock.json'));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

/**
 * @param {string} file
 * @returns {Record<string, {version?: string, optional?: boolean}> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function install() {
  say(
    'Installing what the project needs (a minute or two, only the first time) ...',
    '필요한 패키지를 설치합니다. 처음 한 번만 1~2분 걸립니다 ...',
  );
  // Warnings are left out: the older Node.js that may run this script is no trouble, and they read as if it were.
  const quiet = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  if (npm(['ci', ...quiet]) || npm(['install', ...quiet])) return;
  say(
    'The install failed. Check the network (npm needs its registry), then run the same command again.',
    '설치하지 못했습니다. 네트워크(npm 레지스트리 접속)를 확인한 뒤 같은 명령을 다시 실행하세요.',
  );
  process.exit(1);
}

/**
 * Runs npm, and tells whether it succeeded.
 * @param {string[]} args
 */
function npm(args) {
  // npm names itself to the scripts it runs; that spares looking for npm.cmd on Windows.
  const { npm_execpath: self } = process.env;
  const run = self
    ? spawnSync(process.execPath, [self, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: windows });
  return run.status === 0;
}

/** The Node.js that the next step will meet: the one of node_modules, else the one that runs this script. */
function nodeIsGood() {
  const own = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');
  const version = existsSync(own) ? spawnSync(own, ['--version'], { encoding: 'utf8' }).stdout : process.version;
  const [major = 0, minor = 0] = (version || '').replace('v', '').split('.').map(Number);
  return major >= 24 || (major === 22 && minor >= 18);
}

/** Some npm settings (ignore-scripts) keep the package `node` from fetching its binary: ask it directly. */
function repairNode() {
  const cwd = join(modules, 'node');
  if (existsSync(cwd)) spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd, stdio: 'ignore' });
  if (nodeIsGood()) return;
  say(
    'Node.js 22.18 or later is needed to run the project, and could not be fetched. Install it from nodejs.org.',
    '이 프로젝트를 실행하려면 Node.js 22.18 이상이 필요한데 내려받지 못했습니다. nodejs.org에서 설치하세요.',
  );
  process.exit(1);
}

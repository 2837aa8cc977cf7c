/** The linter holds the rooms apart (docs/architecture.md): imports are planted that it must refuse, and some it must not. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

const refused: [file: string, imported: string][] = [
  ['lib/protocol/planted.ts', '../session/index.ts'],
  ['lib/protocol/planted.ts', '../agent/agent.ts'],
  ['lib/protocol/planted.ts', 'node:fs'],
  ['lib/session/planted.ts', '../agent/agent.ts'],
  ['lib/session/planted.ts', '../outbox/outbox.ts'],
  ['lib/session/planted.ts', '../simulator/gateway.ts'],
  ['lib/session/machine.ts', 'node:net'],
  ['lib/outbox/planted.ts', '../session/index.ts'],
  ['lib/outbox/sqlite/planted.ts', '../../agent/agent.ts'],
  ['lib/agent/planted.ts', '../simulator/gateway.ts'],
  ['lib/agent/planted.ts', '../../nodes/ushot-session.ts'],
  ['lib/agent/planted.ts', 'node-red'],
  ['lib/agent/planted.ts', '@node-red/util'],
  ['lib/simulator/planted.ts', '../session/index.ts'],
  ['lib/simulator/planted.ts', '../agent/agent.ts'],
  ['lib/pictures/planted.ts', '../protocol/index.ts'],
  ['lib/planted.ts', './protocol/index.ts'],
  ['nodes/planted.ts', '../lib/outbox/outbox.ts'],
  ['nodes/planted.ts', '../lib/session/index.ts'],
  ['test/support/strict-gateway.ts', '../../lib/protocol/index.ts'],
  ['test/support/strict-frames.ts', '../../lib/protocol/index.ts'],
];

const allowed: [file: string, imported: string][] = [
  ['lib/protocol/planted.ts', './frames.ts'],
  ['lib/protocol/planted.ts', '../errors.ts'],
  ['lib/protocol/planted.ts', 'iconv-lite'],
  ['lib/session/planted.ts', '../protocol/index.ts'],
  ['lib/session/planted.ts', 'node:net'],
  ['lib/outbox/sqlite/planted.ts', '../../protocol/index.ts'],
  ['lib/agent/planted.ts', '../session/index.ts'],
  ['lib/agent/planted.ts', '../outbox/outbox.ts'],
  ['lib/simulator/planted.ts', '../protocol/index.ts'],
  ['nodes/planted.ts', '../lib/agent/agent.ts'],
  ['nodes/planted.ts', '../lib/simulator/server.ts'],
];

describe('import directions', () => {
  let folder: string;
  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ushot-house-')));
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The imports that the linter refuses, as `file imports it`. */
  function refusals(planted: [file: string, imported: string][]): string[] {
    for (const [file] of planted) {
      const imports = planted.filter(([other]) => other === file).map(([, imported]) => `import '${imported}';\n`);
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), imports.join(''));
    }
    const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = ['lint', '--reporter=github', '--max-diagnostics=none', '--only=style/noRestrictedImports', '.'];
    // While it waits, no limit of the test's own can fire.
    const options = { cwd: folder, encoding: 'utf8', timeout: 15_000 } as const;
    const { stdout, error } = spawnSync(process.execPath, [biome, ...args], options);
    assert.ifError(error);
    const found = [...stdout.matchAll(/title=lint\/style\/noRestrictedImports,file=([^,]+),line=(\d+)/g)];
    return found.map(([, file = '', line]) => {
      const name = relative(folder, resolve(folder, file)).replaceAll('\\', '/');
      const imports = planted.filter(([other]) => other === name);
      return `${name} imports ${imports[Number(line) - 1]?.[1]}`;
    });
  }

  it('refuses every import that goes upward or sideways', () => {
    const wanted = refused.map(([file, imported]) => `${file} imports ${imported}`);
    assert.deepEqual(refusals(refused).sort(), wanted.sort());
  });

  it('lets the others pass', () => {
    rmSync(join(folder, 'lib'), { recursive: true });
    rmSync(join(folder, 'nodes'), { recursive: true });
    rmSync(join(folder, 'test'), { recursive: true });
    assert.deepEqual(refusals(allowed), []);
  });
});

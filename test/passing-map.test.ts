/** A map of what comes and goes: what it holds, in which order, and that it lets go of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { PassingMap } from '../lib/passing-map.ts';

const MODULE = pathToFileURL(path.join(import.meta.dirname, '../lib/passing-map.ts')).href;

/** How many megabytes are left after two quick collections, where 40,000 entries of a kilobyte have come and gone. */
function megabytesLeft(map: string): number {
  const script = `
    import { PassingMap } from ${JSON.stringify(MODULE)};
    const map = ${map};
    // Old enough to stand among what is old.
    for (let i = 0; i < 500; i++) map.set('first' + i, i);
    gc(); gc();
    for (let i = 0; i < 500; i++) map.delete('first' + i);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 40_000; i++) {
      map.set('id' + i, new Array(128).fill(i));
      map.delete('id' + (i - 500));
    }
    for (let i = 0; i < 2; i++) gc({ type: 'minor' });
    console.log((process.memoryUsage().heapUsed - before) / 1e6);`;
  const options = ['--expose-gc', '--no-warnings', '--input-type=module-typescript', '--eval', script];
  const { stdout, stderr, error } = spawnSync(process.execPath, options, { encoding: 'utf8', timeout: 15_000 });
  assert.ifError(error);
  assert.equal(stderr, '');
  return Number(stdout);
}

describe('a map of what comes and goes', () => {
  it('is a Map', () => {
    const key = fc.integer({ min: 0, max: 20 });
    const step = fc.oneof(
      fc.record({ op: fc.constant('set' as const), key, value: fc.integer() }),
      fc.record({ op: fc.constant('delete' as const), key, value: fc.constant(0) }),
      fc.record({ op: fc.constantFrom('get' as const, 'has' as const), key, value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, isCleared) => {
        const [map, passing] = [new Map<number, number>(), new PassingMap<number, number>()];
        for (const { op, key: name, value } of steps) {
          if (op === 'get') assert.equal(passing.get(name), map.get(name));
          else if (op === 'has') assert.equal(passing.has(name), map.has(name));
          else if (op === 'set') {
            map.set(name, value);
            passing.set(name, value);
          } else {
            map.delete(name);
            passing.delete(name);
          }
          assert.equal(passing.size, map.size);
        }
        if (isCleared) {
          map.clear();
          passing.clear();
        }
        assert.deepEqual([...passing], [...map]);
        assert.deepEqual([...passing.keys()], [...map.keys()]);
        assert.deepEqual([...passing.values()], [...map.values()]);
      }),
    );
  });

  it('holds nothing alive of what has gone, which a Map does', function () {
    this.timeout(40_000);
    const [passing, plain] = [megabytesLeft('new PassingMap()'), megabytesLeft('new Map()')];
    assert.ok(passing < plain / 3, `${passing} MB are left, and ${plain} of a Map`);
  });
});

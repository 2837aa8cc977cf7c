/** A map of what comes and goes: that it is a Map, and what is left in memory of what has gone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { PassingMap } from '../lib/passing-map.ts';

const MODULE = pathToFileURL(path.join(import.meta.dirname, '../lib/passing-map.ts')).href;
/** No full collection comes by itself. */
const OPTIONS = ['--expose-gc', '--no-warnings', '--initial-old-space-size=256', '--input-type=module'];

/** How many megabytes more are in use in another process after it has done `work` with the map. */
function megabytesMore(map: string, work: string): number {
  const script = `
    import { PassingMap } from ${JSON.stringify(MODULE)};
    const value = (i) => new Array(128).fill(i);
    const used = () => process.memoryUsage().heapUsed / 1e6;
    // In use to the end.
    const map = (globalThis.map = ${map});
    let before = used();
    ${work}
    console.log(used() - before);`;
  const { stdout, stderr, error } = spawnSync(process.execPath, [...OPTIONS, '--eval', script], {
    encoding: 'utf8',
    timeout: 15_000,
  });
  assert.ifError(error);
  assert.equal(stderr, '');
  return Number(stdout);
}

/** 40,000 values of a kilobyte come and go, 500 at a time, and are collected quickly. */
const PASSING_THROUGH = `
  // Its table is old when they come.
  for (let i = 0; i < 500; i++) map.set('first' + i, i);
  gc();
  gc();
  for (let i = 0; i < 500; i++) map.delete('first' + i);
  before = used();
  for (let i = 0; i < 40_000; i++) {
    map.set('id' + i, value(i));
    map.delete('id' + (i - 500));
  }
  for (let i = 0; i < 2; i++) gc({ type: 'minor' });`;

type Step = { readonly op: 'set' | 'delete' | 'get' | 'clear' | 'iterate' | 'next'; readonly key: number };

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom(
    'set',
    'set',
    'set',
    'set',
    'delete',
    'delete',
    'delete',
    'get',
    'iterate',
    'next',
    'next',
    'clear',
  ),
  key: fc.integer({ min: 0, max: 12 }),
});

describe('a map of what comes and goes', () => {
  it('is a Map, also to whoever is walking through it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const [map, passing] = [new Map<number, number>(), new PassingMap<number, number>()];
        const walks: [Iterator<unknown>, Iterator<unknown>][] = [];
        for (const [i, { op, key }] of steps.entries()) {
          if (op === 'get') assert.deepEqual([passing.get(key), passing.has(key)], [map.get(key), map.has(key)]);
          else if (op === 'iterate') {
            const walk = [map, map.values(), map.keys()][key % 3] ?? map;
            const same = [passing, passing.values(), passing.keys()][key % 3] ?? passing;
            walks.push([walk[Symbol.iterator](), same[Symbol.iterator]()]);
          } else if (op === 'next') {
            const [walk, same] = walks[key % (walks.length || 1)] ?? [];
            assert.deepEqual(same?.next(), walk?.next());
          } else
            for (const one of [map, passing])
              op === 'set' ? one.set(key, i) : op === 'clear' ? one.clear() : one.delete(key);
          assert.equal(passing.size, map.size);
        }
        assert.deepEqual([...passing], [...map]);
      }),
    );
  });

  it('leaves little of what has gone to quick collections, where a Map leaves nearly all', function () {
    this.timeout(40_000);
    const [passing, plain] = ['new PassingMap()', 'new Map()'].map((map) => megabytesMore(map, PASSING_THROUGH));
    assert.ok(passing !== undefined && plain !== undefined && passing < plain / 3, `${passing} and ${plain} MB`);
  });

  it('keeps no value, and no place for one, once that is deleted', function () {
    this.timeout(40_000);
    const more = megabytesMore(
      'new PassingMap()',
      `
      for (let i = 0; i < 20_000; i++) map.set(i, value(i));
      for (let i = 0; i < 20_000; i++) map.delete(i);
      for (let i = 0; i < 2_000_000; i++) {
        map.set(i, i);
        map.delete(i);
      }
      gc();`,
    );
    assert.ok(more < 3, `${more} MB more`);
  });
});

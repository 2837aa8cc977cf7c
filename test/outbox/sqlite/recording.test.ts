/** The disk of the power cuts: what may be found after a cut, and nothing else. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { Disk, type Event, readTrace } from './recording.ts';

const create = (file: string, text: string): Event[] => [
  { kind: 'create', file },
  { kind: 'write', file, offset: 0, bytes: Buffer.from(text) },
];
const sync = (file: string): Event => ({ kind: 'sync', file });
const rename = (file: string, to: string): Event => ({ kind: 'rename', file, to });

/** Every disk that is left by some cut after these events: its files as `name=content`, sorted. */
function outcomes(...events: Event[]): string[] {
  const disk = new Disk();
  for (const event of events) disk.take(event);
  const found = new Set<string>();
  let state = 1;
  const chance = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 1000; i++) {
    const files = [...disk.remains(chance)].map(({ file, bytes }) => `${path.basename(file)}=${bytes.toString()}`);
    found.add(files.toSorted().join(' '));
  }
  return [...found].toSorted();
}

describe('the disk of the power cuts', () => {
  it('loses what is in a new file and its name, each alone, until each is synced', () => {
    const file = create('/d/a', 'A');
    assert.deepEqual(outcomes(...file), ['', 'a=', 'a=A']);
    assert.deepEqual(outcomes(...file, sync('/d/a')), ['', 'a=A']);
    assert.deepEqual(outcomes(...file, sync('/d')), ['a=', 'a=A']);
    assert.deepEqual(outcomes(...file, sync('/d/a'), sync('/d')), ['a=A']);
  });

  it('finds a file that moves under either name, both or none, until the folder is synced', () => {
    const moved = [...create('/d/a', 'A'), sync('/d/a'), sync('/d'), rename('/d/a', '/d/b')];
    assert.deepEqual(outcomes(...moved), ['', 'a=A', 'a=A b=A', 'b=A']);
    assert.deepEqual(outcomes(...moved, sync('/d')), ['b=A']);
  });

  it('syncs the name of a file that moved, and not what is in it', () => {
    assert.deepEqual(outcomes(...create('/d/a', 'A'), rename('/d/a', '/d/b'), sync('/d')), ['b=', 'b=A']);
  });

  it('finds the one or the other, each whole, where a file took the name of another', () => {
    const both = [...create('/d/a', 'A'), sync('/d/a'), ...create('/d/b', 'B'), sync('/d/b'), sync('/d')];
    const moved = [...both, rename('/d/a', '/d/b')];
    assert.deepEqual(outcomes(...moved), ['a=A b=A', 'a=A b=B', 'b=A', 'b=B']);
    assert.deepEqual(outcomes(...moved, sync('/d')), ['b=A']);
  });

  it('may bring back what was removed, and a folder may take its files with it', () => {
    const removed: Event[] = [...create('/d/a', 'A'), sync('/d/a'), sync('/d'), { kind: 'remove', file: '/d/a' }];
    assert.deepEqual(outcomes(...removed), ['', 'a=A']);
    assert.deepEqual(outcomes(...removed, ...create('/d/a', 'again'), sync('/d/a'), sync('/d')), ['a=again']);
    const inside: Event[] = [{ kind: 'make', file: '/d/e' }, ...create('/d/e/a', 'A'), sync('/d/e/a'), sync('/d/e')];
    assert.deepEqual(outcomes(...inside), ['', 'a=A']);
    assert.deepEqual(outcomes(...inside, sync('/d')), ['a=A']);
  });

  it('is read from what strace prints, writes without a place one after the other', () => {
    const hex = (text: string): string =>
      `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
    const trace = [
      `7 openat(AT_FDCWD, ${hex('/d/a.part')}, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0600) = 21`,
      `7 write(21, ${hex('half')}, 4) = 4`,
      `8 write(1, ${hex('said')}, 4 <unfinished ...>`,
      `7 write(21, ${hex('whole')}, 5) = 3`,
      '8 <... write resumed>) = 4',
      `7 rename(${hex('/d/a.part')}, ${hex('/d/a')}) = 0`,
      '7 fsync(21) = 0',
      '7 close(21 <unfinished ...>',
      `8 openat(AT_FDCWD, ${hex('/d')}, O_RDONLY|O_CLOEXEC) = 21`,
      '7 <... close resumed>) = 0',
      '8 fsync(21) = 0',
      `8 unlink(${hex('/d/none')}) = -1 ENOENT (No such file or directory)`,
    ];
    assert.deepEqual(readTrace(trace.join('\n'), '/d'), [
      { kind: 'create', file: '/d/a.part' },
      { kind: 'truncate', file: '/d/a.part', size: 0 },
      { kind: 'write', file: '/d/a.part', offset: 0, bytes: Buffer.from('half') },
      { kind: 'write', file: '/d/a.part', offset: 4, bytes: Buffer.from('who') },
      { kind: 'said', text: 'said' },
      { kind: 'rename', file: '/d/a.part', to: '/d/a' },
      { kind: 'sync', file: '/d/a' },
      { kind: 'sync', file: '/d' },
    ]);
  });
});

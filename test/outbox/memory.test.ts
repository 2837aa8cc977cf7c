/** The in-memory outbox, against the contract; and the ordered list that it is made of. */
import assert from 'node:assert/strict';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import { Ordered } from '../../lib/outbox/ordered.ts';
import { outboxContract } from './contract.ts';

outboxContract('memory', async () => {
  const outbox = new MemoryOutbox();
  return {
    outbox,
    async restart() {
      await outbox.close();
      return outbox;
    },
    dispose: () => outbox.close(),
  };
});

describe('Ordered', () => {
  it('keeps (time, seq) order through additions and removals', () => {
    const ordered = new Ordered();
    const items = Array.from({ length: 3000 }, (_, seq) => ({ atMs: (seq * 7919) % 97, seq }));
    for (const item of items) ordered.add(item);
    for (const item of items) if (item.seq % 3 === 0) ordered.delete(item);
    ordered.delete({ atMs: 5, seq: 100_000 });
    const left = items.filter(({ seq }) => seq % 3 !== 0).toSorted((a, b) => a.atMs - b.atMs || a.seq - b.seq);
    assert.deepEqual([...ordered], left);
    assert.equal(ordered.size, left.length);
    assert.deepEqual(ordered.first(), left[0]);
    for (const atMs of [-1, 0, 50, 95, 96]) {
      assert.deepEqual(
        ordered.firstAfter(atMs),
        left.find((item) => item.atMs > atMs),
      );
    }
  });
});

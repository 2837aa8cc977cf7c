import assert from 'node:assert/strict';
import { Latest } from '../../nodes/latest.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('nodes/latest', () => {
  const clock = new VirtualClock();
  let shown: number[];
  let latest: Latest<number>;
  beforeEach(() => {
    shown = [];
    latest = new Latest(clock, 1000, (value) => shown.push(value));
  });

  it('shows the first at once, and of a burst the last after the interval', async () => {
    for (const value of [1, 2, 3, 4]) latest.put(value);
    assert.deepEqual(shown, [1]);
    await clock.advance(1000);
    assert.deepEqual(shown, [1, 4]);
    latest.put(5);
    assert.deepEqual(shown, [1, 4]);
    await clock.advance(1000);
    assert.deepEqual(shown, [1, 4, 5]);
  });

  it('does not show the same again', async () => {
    latest.put(1);
    await clock.advance(2000);
    latest.put(1);
    latest.put(2);
    latest.put(1);
    await clock.advance(2000);
    assert.deepEqual(shown, [1, 2, 1].slice(0, shown.length));
    assert.equal(shown.at(-1), 1);
  });

  it('is silent after its end', async () => {
    latest.put(1);
    latest.put(2);
    latest.end();
    await clock.advance(5000);
    assert.deepEqual(shown, [1]);
    assert.equal(clock.armedCount, 0);
  });
});

/** Randomness from a seed: the same seed gives the same delays, faults and names, so that a failing run replays. */

/** A number in [0, 1), like `Math.random`. */
export type Random = () => number;

/** Mulberry32: small, fast, good enough to choose delays and faults; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

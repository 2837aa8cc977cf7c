/**
 * Where the answer to a waiting input goes. A deploy closes the node that took the input and makes a new one of the same
 * id; what it asked for goes on meanwhile, so the answer is handed to the node that took its place, once there is one.
 *
 *     at home -(closes)-> away -(a node of the same id is made)-> at home
 *                           '-(removed; flows started without it; the grace is over)-> gone
 */
import type { EventEmitter } from 'node:events';
import type { Node } from 'node-red';
import { type Clock, systemClock, type Timer } from '../lib/clock.ts';

/** Handed the node to answer through, or null when there is none any more. Called exactly once. */
export type Answer = (node: Node | null) => void;

interface Home {
  node: Node | null;
  readonly answers: Answer[];
  grace: Timer | null;
}

/** A deploy waits up to 15 s for a node that closes slowly. */
const GRACE_MS = 30_000;

export class Homes {
  readonly #clock: Clock;
  readonly #homes = new Map<string, Home>();
  readonly #watched = new WeakSet<EventEmitter>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Listens to Node-RED's runtime events. Calling it again with the same emitter does nothing. */
  watch(events: EventEmitter): void {
    if (this.#watched.has(events)) return;
    this.#watched.add(events);
    events.on('flows:started', () => {
      for (const [id, home] of [...this.#homes]) if (home.node === null) this.#giveUp(id, home);
    });
  }

  /** The node is there: what waited for it is answered through it. */
  enter(node: Node): void {
    const home = this.#homes.get(node.id) ?? { node, answers: [], grace: null };
    home.node = node;
    home.grace?.cancel();
    home.grace = null;
    this.#homes.set(node.id, home);
    for (const answer of home.answers.splice(0)) answer(node);
  }

  leave(node: Node, removed: boolean): void {
    const home = this.#homes.get(node.id);
    if (home?.node !== node) return;
    home.node = null;
    if (removed) this.#giveUp(node.id, home);
    else home.grace = this.#clock.timer(GRACE_MS, () => this.#giveUp(node.id, home));
  }

  /** Answers through the node of this id: now, or when it is back. */
  answer(id: string, answer: Answer): void {
    const home = this.#homes.get(id);
    if (home?.node) answer(home.node);
    else if (home) home.answers.push(answer);
    else answer(null);
  }

  #giveUp(id: string, home: Home): void {
    home.grace?.cancel();
    if (this.#homes.get(id) === home) this.#homes.delete(id);
    for (const answer of home.answers.splice(0)) answer(null);
  }
}

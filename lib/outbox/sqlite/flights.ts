/**
 * What is IN_FLIGHT. A claim does not touch the rows of its messages: it writes one row, with their numbers, into `frames`,
 * and here they are remembered as what they are until they are settled; only then are they written, once. There are never
 * more of them than connections times the largest frame.
 */
import type { HotRow } from './rows.ts';

interface Frame {
  readonly id: number;
  readonly claimedAtMs: number;
  /** Of the messages that are still in flight. */
  readonly seqs: Set<number>;
}

interface Flight {
  readonly row: HotRow;
  readonly frame: Frame;
}

/** A frame as it is stored. `seqs` is a JSON array. */
export interface FrameRow {
  readonly id: number;
  readonly claimed_at: number;
  readonly seqs: string;
}

export class Flights {
  readonly #byId = new Map<string, Flight>();
  readonly #counts = [0, 0];
  readonly #changed = new Set<Frame>();
  #lastId = 0;

  /** The row of a message that is in flight, as it is now. It is not to be changed. */
  get(messageId: string): HotRow | undefined {
    return this.#byId.get(messageId)?.row;
  }

  count(service: number): number {
    return this.#counts[service] ?? 0;
  }

  /** Returns how to undo it. */
  takeOff(rows: readonly HotRow[], nowMs: number): () => void {
    const frame: Frame = { id: ++this.#lastId, claimedAtMs: nowMs, seqs: new Set() };
    for (const row of rows) this.#add({ row: hotOf(row), frame });
    return () => {
      for (const { message_id } of rows) this.land(message_id);
    };
  }

  /** Takes a message out of the air; `undefined` when it is not there. Returns how to undo it. */
  land(messageId: string): (() => void) | undefined {
    const flight = this.#byId.get(messageId);
    if (flight === undefined) return undefined;
    this.#byId.delete(messageId);
    this.#counts[flight.row.service] = this.count(flight.row.service) - 1;
    flight.frame.seqs.delete(flight.row.seq);
    this.#changed.add(flight.frame);
    return () => this.#add(flight);
  }

  /** Before a commit: the frames that changed since the last, those without messages to be deleted. */
  *changes(): Generator<FrameRow, void, undefined> {
    for (const { id, claimedAtMs, seqs } of this.#changed) {
      yield { id, claimed_at: claimedAtMs, seqs: JSON.stringify([...seqs]) };
    }
  }

  /** After the commit. */
  committed(): void {
    this.#changed.clear();
  }

  #add(flight: Flight): void {
    const { row, frame } = flight;
    this.#byId.set(row.message_id, flight);
    this.#counts[row.service] = this.count(row.service) + 1;
    frame.seqs.add(row.seq);
    this.#changed.add(frame);
  }
}

/** A copy without the text. */
export function hotOf(row: HotRow): HotRow {
  const { seq, message_id, state, service, batch_limit, due_at, expire_at, updated_at, claims, result, detail } = row;
  return { seq, message_id, state, service, batch_limit, due_at, expire_at, updated_at, claims, result, detail };
}

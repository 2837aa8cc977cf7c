/**
 * Messages whose newest self is in the log and not in their rows yet. Most messages come to their end within a second:
 * written then, once, they cost a fraction of being written at each step, and never touch an index of what waits.
 *
 * The newest self of a message is the one here, else its row.
 */
import { Ordered, type Timed } from '../ordered.ts';
import { type Changing, changingOf, type MessageRow } from './rows.ts';

export interface Unwritten {
  readonly row: MessageRow;
  /** Whether the database, or the log, has an older self of it. */
  isKnown: boolean;
  /** Whether the database has. */
  readonly isStored: boolean;
  /** Seqs of its reports that flows have not seen and that the inbox does not have yet. */
  pending: readonly number[];
}

interface ReadyRow extends Timed {
  readonly row: MessageRow;
}

export class UnwrittenMessages {
  readonly #bySeq = new Map<number, Unwritten>();
  readonly #byId = new Map<string, MessageRow>();
  readonly #ready = [new Ordered<ReadyRow>(), new Ordered<ReadyRow>()];
  #characters = 0;

  readonly #ofReport = new Map<number, Unwritten>();

  get size(): number {
    return this.#bySeq.size;
  }

  /** Of what is kept in memory for them. */
  get characters(): number {
    return this.#characters;
  }

  [Symbol.iterator](): Iterator<Unwritten> {
    return this.#bySeq.values();
  }

  some(matches: (row: MessageRow) => boolean): boolean {
    for (const { row } of this) if (matches(row)) return true;
    return false;
  }

  withId(messageId: string): MessageRow | undefined {
    return this.#byId.get(messageId);
  }

  withSeq(seq: number): MessageRow | undefined {
    return this.#bySeq.get(seq)?.row;
  }

  /** Undefined also for an object that is not the message's newest self. */
  of(row: MessageRow): Unwritten | undefined {
    const unwritten = this.#bySeq.get(row.seq);
    return unwritten?.row === row ? unwritten : undefined;
  }

  /** Those that are READY, in the order of claiming. */
  *ready(service: number): Generator<MessageRow, void, undefined> {
    for (const { row } of this.#readyOf(service)) yield row;
  }

  countReady(service: number): number {
    return this.#readyOf(service).size;
  }

  /** The first time after `atMs` at which one that is READY falls due. */
  firstDueAfter(service: number, atMs: number): number | undefined {
    return this.#readyOf(service).firstAfter(atMs)?.atMs;
  }

  /** Whether any has a report that is pending. */
  get arePending(): boolean {
    return this.#ofReport.size > 0;
  }

  /** The message of a report that is pending. */
  ofReport(seq: number): Unwritten | undefined {
    return this.#ofReport.get(seq);
  }

  /** Returns those that were. */
  setPending(unwritten: Unwritten, pending: readonly number[]): readonly number[] {
    const before = unwritten.pending;
    for (const seq of before) this.#ofReport.delete(seq);
    for (const seq of pending) this.#ofReport.set(seq, unwritten);
    unwritten.pending = pending;
    return before;
  }

  /** False when it was there. */
  add(row: MessageRow, isStored: boolean): boolean {
    if (this.#bySeq.has(row.seq)) return false;
    this.putBack({ row, isKnown: isStored, isStored, pending: NONE });
    return true;
  }

  /** One that was deleted, as it was. */
  putBack(unwritten: Unwritten): void {
    const { row } = unwritten;
    this.#show(row);
    this.#bySeq.set(row.seq, unwritten);
    this.#byId.set(row.messageId, row);
    this.#characters += row.body.length;
  }

  clear(): void {
    for (const { row } of this) this.delete(row);
  }

  delete(row: MessageRow): void {
    if (!this.#bySeq.delete(row.seq)) return;
    this.#byId.delete(row.messageId);
    this.#characters -= row.body.length;
    this.#hide(row);
  }

  /** Gives one of them other values. Returns those that it had. */
  change(row: MessageRow, values: Partial<Changing>): Changing {
    const before = changingOf(row);
    this.#hide(row);
    Object.assign(row, values);
    this.#show(row);
    return before;
  }

  #show(row: MessageRow): void {
    if (row.state === 'READY') this.#readyOf(row.service).add({ atMs: row.dueAtMs, seq: row.seq, row });
  }

  #hide(row: MessageRow): void {
    if (row.state === 'READY') this.#readyOf(row.service).delete({ atMs: row.dueAtMs, seq: row.seq });
  }

  #readyOf(service: number): Ordered<ReadyRow> {
    const ready = this.#ready[service];
    if (ready === undefined) throw new Error(`bug: there is no service ${service}`);
    return ready;
  }
}

const NONE: readonly number[] = [];

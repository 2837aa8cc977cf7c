/**
 * Delivery reports on their way back. A report falls due some time after its message was taken (`ReportSchedule`), then
 * waits in the queue of its account and service until a report connection takes it (`ReportQueue`).
 *
 *   due -> waiting -(SAM11 push, SAM10 poll)-> out on a link -(1030 with its ids, or the next poll)-> done
 *                                                  '-(time-out, cut, newer login)-> returned, goes out again first
 *
 * What goes out goes as a batch, and comes back or is done as that batch. Nothing is forgotten because a link was cut.
 */
import type { Clock, Timer } from '../clock.ts';
import type { BodyRecord } from '../protocol/index.ts';
import type { SeenId } from './ids.ts';

export type ReportRecord = BodyRecord<'1031'>;

export interface Report {
  readonly record: ReportRecord;
  /** The memory of its message's id, if there is one. */
  readonly seen: SeenId | null;
}

export interface Batch {
  readonly reports: readonly Report[];
  /** How often it went out. */
  sent: number;
  state: 'waiting' | 'out' | 'done';
  link: ReportLink | null;
  timer: Timer | null;
}

/** A report connection, as its queue sees it. */
export interface ReportLink {
  /** Sends the batch as a 1031. */
  push(batch: Batch): void;
  /** The batch was pushed too often without an acknowledgement. */
  giveUp(pushes: number): void;
}

export interface ReportRules {
  readonly clock: Clock;
  readonly reportsPerFrame: number;
  readonly pushWindow: number;
  readonly repushMs: number;
  readonly pushTries: number;
  /** Told of each batch that is done with. */
  readonly done: (batch: Batch) => void;
}

/** First in, first out, in an array. */
class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  take(most: number): T[] {
    const taken = this.#items.slice(this.#head, this.#head + most);
    this.#head += taken.length;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return taken;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }
}

export class ReportQueue {
  readonly #rules: ReportRules;
  readonly #waiting = new Fifo<Report>();
  /** Batches that went out and came back, oldest first. */
  #returned: Batch[] = [];
  #out = new Set<Batch>();
  /** The links that take pushes, the newest login last: it is the one that gets them. */
  #links: ReportLink[] = [];

  constructor(rules: ReportRules) {
    this.#rules = rules;
  }

  /** Reports that are due and not done with. */
  get size(): number {
    const count = (batches: Iterable<Batch>) => [...batches].reduce((sum, { reports }) => sum + reports.length, 0);
    return this.#waiting.size + count(this.#returned) + count(this.#out);
  }

  add(report: Report): void {
    this.#waiting.push(report);
  }

  /**
   * A report connection logged in; `pushes` for SAM11. What is out on older ones goes out again: they may be dead
   * without knowing it.
   */
  attach(link: ReportLink, pushes: boolean): void {
    for (const batch of [...this.#out]) this.#giveBack(batch);
    if (pushes) this.#links.push(link);
  }

  detach(link: ReportLink): void {
    this.#links = this.#links.filter((other) => other !== link);
    for (const batch of [...this.#out]) if (batch.link === link) this.#giveBack(batch);
    this.pump();
  }

  /** Pushes what waits to the newest link that takes pushes, as far as the window allows. */
  pump(): void {
    const link = this.#links.at(-1);
    if (!link) return;
    while (this.#links.at(-1) === link && this.#outOn(link) < this.#rules.pushWindow) {
      const batch = this.#next();
      if (!batch) return;
      this.#send(batch, link);
    }
  }

  /** A SAM10 poll: the next batch, if any. */
  poll(link: ReportLink): Batch | null {
    const batch = this.#next();
    if (!batch) return null;
    this.#goOut(batch, link);
    return batch;
  }

  /** The batch has arrived. Doing so twice, or after it went out elsewhere too, is fine. */
  settle(batch: Batch): void {
    if (batch.state === 'done') return;
    batch.timer?.cancel();
    batch.timer = null;
    batch.state = 'done';
    batch.link = null;
    this.#out.delete(batch);
    this.#returned = this.#returned.filter((other) => other !== batch);
    this.#rules.done(batch);
    this.pump();
  }

  stop(): void {
    for (const batch of this.#out) batch.timer?.cancel();
    this.#links = [];
  }

  #outOn(link: ReportLink): number {
    let count = 0;
    for (const batch of this.#out) if (batch.link === link) count += 1;
    return count;
  }

  #next(): Batch | null {
    const returned = this.#returned.shift();
    if (returned) return returned;
    const reports = this.#waiting.take(this.#rules.reportsPerFrame);
    return reports.length === 0 ? null : { reports, sent: 0, state: 'waiting', link: null, timer: null };
  }

  #goOut(batch: Batch, link: ReportLink): void {
    batch.state = 'out';
    batch.link = link;
    batch.sent += 1;
    this.#out.add(batch);
  }

  #send(batch: Batch, link: ReportLink): void {
    this.#goOut(batch, link);
    batch.timer = this.#rules.clock.timer(this.#rules.repushMs, () => {
      batch.timer = null;
      if (batch.sent >= this.#rules.pushTries) link.giveUp(batch.sent);
      else this.#send(batch, link);
    });
    link.push(batch);
  }

  #giveBack(batch: Batch): void {
    batch.timer?.cancel();
    batch.timer = null;
    batch.state = 'waiting';
    batch.link = null;
    this.#out.delete(batch);
    this.#returned.push(batch);
  }
}

interface Scheduled {
  readonly dueMs: number;
  readonly order: number;
  readonly report: Report;
  readonly queue: ReportQueue;
}

const before = (a: Scheduled, b: Scheduled): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Reports that are not due yet: a heap by time, and one timer. */
export class ReportSchedule {
  readonly #clock: Clock;
  readonly #due: (count: number) => void;
  readonly #heap: Scheduled[] = [];
  #order = 0;
  #timer: Timer | null = null;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, due: (count: number) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(dueMs: number, report: Report, queue: ReportQueue): void {
    const heap = this.#heap;
    const item: Scheduled = { dueMs, order: this.#order++, report, queue };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Scheduled;
      if (!before(item, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = item;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#heap.length = 0;
  }

  #arm(): void {
    const first = this.#heap[0];
    if (!first || first.dueMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = first.dueMs;
    this.#timer = this.#clock.timer(Math.max(0, first.dueMs - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.now();
    const queues = new Set<ReportQueue>();
    let count = 0;
    for (let first = this.#heap[0]; first && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#removeFirst();
      first.queue.add(first.report);
      queues.add(first.queue);
      count += 1;
    }
    if (count > 0) this.#due(count);
    for (const queue of queues) queue.pump();
    this.#arm();
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      const left = heap[child];
      if (!left) break;
      const right = heap[child + 1];
      if (right && before(right, left)) child += 1;
      const least = heap[child] as Scheduled;
      if (!before(least, last)) break;
      heap[i] = least;
      i = child;
    }
    heap[i] = last;
  }
}

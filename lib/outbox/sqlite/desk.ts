/**
 * The caller's end of the conversation with the worker, while the store is open. Calls are carried out in the order in
 * which they were made; what each lacks is asked for at once. What they changed is handed to the worker in batches, and a
 * call is answered when the batch is on disk that holds what it changed, or what it saw.
 */
import { errorFrom, type FromWorker, type Opened, type ToWorker } from './calls.ts';
import type { Questions } from './questions.ts';
import { Queue } from './queue.ts';
import { type Call, IN_TURN, type Lacking, type Rows, Store } from './store.ts';

/** The thread that the worker runs in, as far as it is used here. */
export interface Thread {
  postMessage(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
}

interface Caller {
  /** Is told before the rest what it will be answered, while that is being kept. */
  decided?: ((value: unknown) => void) | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A call that was made and is not carried out yet. */
interface Waiting {
  readonly caller: Caller;
  readonly begin: (store: Store) => Call<unknown>;
  /** Null until it has begun. */
  steps: Call<unknown> | null;
  lacking: Lacking;
}

/** A call that was carried out, and what it will be answered. */
interface Decided {
  readonly caller: Caller;
  readonly outcome: { readonly value: unknown } | { readonly error: unknown };
}

export class Desk implements Rows {
  readonly #thread: Thread;
  readonly #store: Store;
  /** The first has its turn. */
  readonly #waiting = new Queue<Waiting>();
  /** How many of them, from the first on, have begun. */
  #begun = 0;
  /** The first is waiting for what it lacks. */
  #isFetching = false;
  /** What saw changes that are not handed over yet. */
  #decided: Decided[] = [];
  /** The same of each batch that was. */
  readonly #handedOver: Decided[][] = [];
  #handOverIsPlanned = false;
  #timesSunk = 0;
  /** Who asked, in order. */
  readonly #asked = new Queue<Caller>();
  #unanswered = 0;
  #whenIdle: (() => void)[] = [];
  #failure: Error | null = null;

  constructor(thread: Thread, opened: Opened, mostLive: number | undefined) {
    this.#thread = thread;
    this.#store = new Store(this, opened, mostLive);
  }

  /** `decided` is told of what will be answered when it has been handed over to be kept. It must not throw. */
  call<T>(begin: (store: Store) => Call<T>, decided?: (value: T) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#unanswered++ === 0) this.#thread.ref();
      const caller: Caller = {
        decided: decided as Caller['decided'],
        resolve: (value) => {
          this.#answered();
          resolve(value as T);
        },
        reject: (error) => {
          this.#answered();
          reject(error);
        },
      };
      this.#waiting.push({ caller, begin, steps: null, lacking: null });
      this.#begin();
      if (!this.#isFetching) this.#carryOut();
    });
  }

  /** Resolves when no call waits for its answer. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#unanswered === 0) resolve();
      else this.#whenIdle.push(resolve);
    });
  }

  take(message: FromWorker): void {
    if ('kept' in message) {
      for (const decided of this.#handedOver.splice(0, message.kept)) {
        this.#store.kept();
        decided.forEach(tell);
      }
      if (this.#begun === 0) this.#store.forget();
    } else if ('sunk' in message) this.#sink(errorFrom(message.sunk));
    else if ('answer' in message) this.#asked.shift()?.resolve(message.answer);
    else if ('unanswered' in message) this.#asked.shift()?.reject(errorFrom(message.unanswered));
  }

  /** The worker ended by itself. */
  fail(error: Error): void {
    this.#failure = error;
    const waiting = this.#waiting.clear();
    this.#begun = 0;
    this.#rejectDecided(error);
    for (const { caller } of waiting) caller.reject(error);
    for (const { reject } of this.#asked.clear()) reject(error);
  }

  ask<Name extends keyof Questions>(
    ask: Name,
    ...of: Parameters<Questions[Name]>
  ): Promise<ReturnType<Questions[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      const transfer = of.flatMap((one) => (one instanceof Uint8Array ? [one.buffer as ArrayBuffer] : []));
      this.#thread.postMessage({ ask, of } as unknown as ToWorker, transfer);
      this.#asked.push({ resolve: resolve as Caller['resolve'], reject });
    });
  }

  kept(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#decide({ caller: { resolve: resolve as Caller['resolve'], reject }, outcome: { value: undefined } });
    });
  }

  /**
   * What was decided since saw what is undone now. A call that waits has changed nothing, and begins anew; but for the
   * first, which may have asked for something to be done.
   */
  #sink(error: Error): void {
    this.#timesSunk++;
    this.#store.sunk();
    const waiting = this.#waiting.clear();
    const first = this.#isFetching ? waiting.shift() : undefined;
    this.#isFetching = false;
    this.#begun = 0;
    this.#rejectDecided(error);
    first?.caller.reject(error);
    for (const { caller, begin } of waiting) this.#waiting.push({ caller, begin, steps: null, lacking: null });
    this.#begin();
    this.#carryOut();
  }

  #rejectDecided(error: Error): void {
    const callers = [...this.#handedOver.splice(0), this.#decided.splice(0)].flat().map(({ caller }) => caller);
    for (const { reject } of callers) reject(error);
  }

  /**
   * Lets calls say what they lack. Not behind one that must have seen all before it carried out, and is one of these. And
   * not while the store has something to forget, since that is when no call counts on it.
   */
  #begin(): void {
    for (let next = this.#waiting.at(this.#begun); next; next = this.#waiting.at(this.#begun)) {
      if (this.#begun === 0) this.#store.forget();
      else if (this.#store.hasToForget || this.#waiting.at(this.#begun - 1)?.lacking === IN_TURN) return;
      this.#begun++;
      next.steps = next.begin(this.#store);
      try {
        next.lacking = next.steps.next().value as Lacking;
      } catch (error) {
        next.lacking = Promise.reject(error);
      }
      // It is told when it has its turn.
      if (next.lacking instanceof Promise) next.lacking.catch(() => {});
    }
  }

  /** Calls, one after the other, until one has to wait for what it lacks. */
  #carryOut(): void {
    for (let first = this.#waiting.at(0); first; first = this.#waiting.at(0)) {
      if (!this.#advance(first, first.lacking)) return;
    }
  }

  /** True when the call is over. */
  #advance(waiting: Waiting, lacking: Lacking): boolean {
    const { steps } = waiting;
    if (steps === null) throw new Error('bug: a call that has not begun has its turn');
    if (!(lacking instanceof Promise)) return this.#step(waiting, () => steps.next());
    const goOn = (step: () => IteratorResult<Lacking, unknown>): void => {
      // Meanwhile a batch sank, or the worker ended.
      if (this.#waiting.at(0) !== waiting) return;
      this.#isFetching = false;
      if (this.#step(waiting, step)) this.#carryOut();
    };
    this.#isFetching = true;
    lacking.then(
      (fetched) => goOn(() => steps.next(fetched)),
      (error) => goOn(() => steps.throw(error)),
    );
    return false;
  }

  #step(waiting: Waiting, step: () => IteratorResult<Lacking, unknown>): boolean {
    const mark = this.#store.mark();
    try {
      const { done, value } = step();
      if (!done) return this.#advance(waiting, value);
      this.#decide({ caller: waiting.caller, outcome: { value } });
    } catch (error) {
      this.#store.backTo(mark);
      this.#decide({ caller: waiting.caller, outcome: { error } });
    }
    this.#waiting.shift();
    this.#begun--;
    this.#begin();
    return true;
  }

  #decide(decided: Decided): void {
    const last = this.#handedOver.at(-1);
    if (this.#store.hasChanges) {
      this.#decided.push(decided);
      this.#planHandOver();
    } else if (last !== undefined) last.push(decided);
    else tell(decided);
  }

  /** When all has been heard that has arrived: what that changes, and what follows from it, goes along. */
  #planHandOver(): void {
    if (this.#handOverIsPlanned) return;
    this.#handOverIsPlanned = true;
    setImmediate(() => this.#handOver());
  }

  #handOver(): void {
    this.#handOverIsPlanned = false;
    // A batch may have sunk meanwhile.
    if (this.#failure !== null || !this.#store.hasChanges) return;
    const handedOver = this.#decided;
    this.#handedOver.push(handedOver);
    this.#decided = [];
    const batch = this.#store.handOver();
    this.#thread.postMessage({ ...batch, sunkBefore: this.#timesSunk }, batch.entry ? [batch.entry.buffer] : []);
    for (const { caller, outcome } of handedOver) if ('value' in outcome) caller.decided?.(outcome.value);
  }

  #answered(): void {
    if (--this.#unanswered > 0) return;
    this.#thread.unref();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}

function tell({ caller, outcome }: Decided): void {
  if ('error' in outcome) caller.reject(outcome.error);
  else caller.resolve(outcome.value);
}

/**
 * The guards: what stops a runaway flow before it costs money. Each is off at 0.
 *
 * - `maxPerMinute`, `maxPerDay` (the Korean day): at most so many messages are taken.
 * - `duplicateSeconds`: the same content to the same receiver goes out once in that time, counted from the one that went.
 *   One that ended without having gone out counts no more, as long as this process remembers which one it was.
 * - `cooldownSeconds`: the same, but every attempt starts the time anew: an alarm that repeats without a pause stays
 *   silent until it has been quiet for that long.
 *
 * The store remembers across restarts; what was decided a moment ago, and may not be committed yet, is remembered here,
 * so that two inputs at the same instant cannot both pass.
 */
import { UshotError } from '../errors.ts';
import type { NewMessage, Outbox, StoredMessage } from '../outbox/outbox.ts';
import type { AgentSettings } from './settings.ts';

type GuardSettings = Pick<AgentSettings, 'maxPerMinute' | 'maxPerDay' | 'cooldownSeconds' | 'duplicateSeconds'>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const KST_MS = 9 * 60 * MINUTE_MS;

/** Keys remembered here at most; older ones are asked of the store again. */
const MOST_KEYS = 50_000;

interface Seen {
  /** When a message with the key last passed, or null. */
  readonly sentAtMs: number | null;
  /** When one last passed or was stopped. */
  readonly seenAtMs: number;
  /** The message that passed, where it is known. */
  readonly sentId?: string | undefined;
}

export interface Verdict {
  readonly draft: NewMessage;
  /** Null where it passes. */
  readonly stop: UshotError | null;
  readonly isCounted: boolean;
  readonly atMs: number;
}

export class Guards {
  readonly #settings: GuardSettings;
  readonly #outbox: Outbox;
  readonly #seen = new Map<string, Seen>();
  /** Times of the messages of the last minute, oldest first, as [second, count]. */
  #minute: [atMs: number, count: number][] = [];
  #minuteTotal = 0;
  #day = Number.NEGATIVE_INFINITY;
  #dayTotal = 0;

  constructor(settings: GuardSettings, outbox: Outbox) {
    this.#settings = settings;
    this.#outbox = outbox;
  }

  /** Takes up the counts that were there before a restart. */
  async open(nowMs: number): Promise<void> {
    await this.#recount(nowMs);
    if (this.#settings.maxPerMinute > 0) {
      const count = await this.#outbox.createdSince(nowMs - MINUTE_MS);
      this.#minute = [[nowMs, count]];
      this.#minuteTotal = count;
    }
  }

  /**
   * For each draft the guard that stops it. What passes is counted at once. The verdicts stand in the order of the
   * drafts: the second of two equal ones is the duplicate. A draft whose id is among `repeats` is none of ours.
   */
  async check(drafts: readonly NewMessage[], repeats: ReadonlySet<string>, now: () => number): Promise<Verdict[]> {
    await this.#recall(drafts, now());
    await this.#forgetUnsent(drafts);
    await this.#recount(now());
    // Others were judged meanwhile: at no later time than these.
    const atMs = now();
    this.#turnDay(atMs);
    this.#turnMinute(atMs);
    return drafts.map((draft) => {
      if (repeats.has(draft.messageId)) return { draft, stop: null, isCounted: false, atMs };
      const stop = this.#judge(draft, atMs);
      return { draft, stop, isCounted: stop === null, atMs };
    });
  }

  /** The store did not take these: what passed of them does not count, and the store knows what passed before. */
  takeBack(verdicts: readonly Verdict[]): void {
    for (const { draft, isCounted, atMs } of verdicts) {
      if (!isCounted) continue;
      const { messageId, duplicateKey } = draft;
      if (this.#seen.get(duplicateKey)?.sentId === messageId) this.#seen.delete(duplicateKey);
      if (startOfKoreanDay(atMs) === this.#day) this.#dayTotal--;
      const bucket = this.#minute.find(([second]) => second === secondOf(atMs));
      if (bucket === undefined) continue;
      bucket[1]--;
      this.#minuteTotal--;
    }
  }

  #judge(draft: NewMessage, nowMs: number): UshotError | null {
    const { maxPerMinute, maxPerDay } = this.#settings;
    const repeat = this.#judgeRepeat(draft, nowMs);
    if (repeat) return repeat;
    if (maxPerMinute > 0 && this.#minuteTotal >= maxPerMinute) {
      return new UshotError('USHOT_RATE', { limit: maxPerMinute });
    }
    if (maxPerDay > 0 && this.#dayTotal >= maxPerDay) return new UshotError('USHOT_DAILY_CAP', { limit: maxPerDay });
    this.#count(nowMs);
    this.#remember(draft.duplicateKey, { sentAtMs: nowMs, seenAtMs: nowMs, sentId: draft.messageId });
    return null;
  }

  #judgeRepeat(draft: NewMessage, nowMs: number): UshotError | null {
    const { cooldownSeconds, duplicateSeconds } = this.#settings;
    const seen = this.#seen.get(draft.duplicateKey);
    if (!seen) return null;
    const duplicate = seen.sentAtMs !== null && isWithin(duplicateSeconds, seen.sentAtMs, nowMs);
    const cooling = seen.sentAtMs !== null && isWithin(cooldownSeconds, seen.seenAtMs, nowMs);
    if (!duplicate && !cooling) return null;
    this.#remember(draft.duplicateKey, { ...seen, seenAtMs: nowMs });
    return duplicate
      ? new UshotError('USHOT_DUPLICATE', { to: draft.to, seconds: duplicateSeconds })
      : new UshotError('USHOT_COOLDOWN', { to: draft.to, seconds: cooldownSeconds });
  }

  get #windowMs(): number {
    return Math.max(this.#settings.cooldownSeconds, this.#settings.duplicateSeconds) * 1000;
  }

  /** Asks the store for the keys that are not remembered here. */
  async #recall(drafts: readonly NewMessage[], nowMs: number): Promise<void> {
    if (this.#windowMs === 0) return;
    const keys = new Set<string>();
    for (const { duplicateKey } of drafts) if (!this.#seen.has(duplicateKey)) keys.add(duplicateKey);
    if (keys.size === 0) return;
    const found = await this.#outbox.recentDuplicates({ duplicateKeys: [...keys], sinceMs: nowMs - this.#windowMs });
    for (const [key, seen] of found) if (!this.#seen.has(key)) this.#remember(key, { ...seen });
  }

  /** A message that passed and ended without having gone out is no reason to stop another one. */
  async #forgetUnsent(drafts: readonly NewMessage[]): Promise<void> {
    if (this.#windowMs === 0) return;
    const keys = new Map<string, string>();
    for (const { duplicateKey } of drafts) {
      const sentId = this.#seen.get(duplicateKey)?.sentId;
      if (sentId !== undefined) keys.set(sentId, duplicateKey);
    }
    if (keys.size === 0) return;
    for (const message of await this.#outbox.get([...keys.keys()])) {
      const key = keys.get(message.messageId);
      if (key === undefined || this.#seen.get(key)?.sentId !== message.messageId || !neverWent(message)) continue;
      this.#remember(key, { sentAtMs: null, seenAtMs: message.createdAtMs });
    }
  }

  #remember(key: string, seen: Seen): void {
    if (this.#windowMs === 0) return;
    this.#seen.delete(key);
    this.#seen.set(key, seen);
    if (this.#seen.size <= MOST_KEYS) return;
    const oldest = this.#seen.keys().next();
    if (!oldest.done) this.#seen.delete(oldest.value);
  }

  #count(nowMs: number): void {
    this.#dayTotal++;
    this.#minuteTotal++;
    const second = secondOf(nowMs);
    const last = this.#minute.at(-1);
    if (last && last[0] >= second) last[1]++;
    else this.#minute.push([second, 1]);
  }

  /** At the start, and with each new day: a clock that is put right may come to one that has begun before. */
  async #recount(nowMs: number): Promise<void> {
    const day = startOfKoreanDay(nowMs);
    if (this.#settings.maxPerDay === 0 || day === this.#day) return;
    const total = await this.#outbox.createdSince(day);
    if (day === this.#day) return;
    this.#day = day;
    this.#dayTotal = total;
  }

  #turnMinute(nowMs: number): void {
    // The clock was set back: what was counted is no older than now.
    for (const bucket of this.#minute) bucket[0] = Math.min(bucket[0], secondOf(nowMs));
    while (this.#minute[0] && this.#minute[0][0] <= nowMs - MINUTE_MS) {
      this.#minuteTotal -= this.#minute[0][1];
      this.#minute.shift();
    }
  }

  #turnDay(nowMs: number): void {
    const day = startOfKoreanDay(nowMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#dayTotal = 0;
  }
}

/** For certain: one that was in a frame before may have been in doubt, and delivered. */
function neverWent({ state, claims }: StoredMessage): boolean {
  return (state === 'REJECTED' && claims === 1) || ((state === 'EXPIRED' || state === 'CANCELLED') && claims === 0);
}

/** Not of what lies ahead, since the clock was set back: nobody knows how long ago that was. */
function isWithin(seconds: number, atMs: number, nowMs: number): boolean {
  return atMs <= nowMs && nowMs - atMs < seconds * 1000;
}

const secondOf = (nowMs: number): number => Math.floor(nowMs / 1000) * 1000;

function startOfKoreanDay(nowMs: number): number {
  return Math.floor((nowMs + KST_MS) / DAY_MS) * DAY_MS - KST_MS;
}

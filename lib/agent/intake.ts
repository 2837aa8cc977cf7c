/**
 * The way in: requests of a flow are checked, judged by the guards, and stored. What leaves here is kept on disk, or has
 * an error that says why not.
 */
import type { Clock } from '../clock.ts';
import { UshotError } from '../errors.ts';
import type { AcceptResult, FileRef, NewMessage, Outbox, Service } from '../outbox/outbox.ts';
import type { Charset } from '../protocol/index.ts';
import { KeptFiles, keepFiles, listFiles } from './files.ts';
import type { Guards, Verdict } from './guards.ts';
import type { Mint } from './ids.ts';
import { type Prepared, prepare, receiversOf, type SendRequest, type ServiceKnowledge } from './request.ts';
import { detailOf } from './sender.ts';
import type { AgentSettings } from './settings.ts';

export interface IntakeDeps {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly charset: Charset;
  readonly mint: Mint;
  readonly guards: Guards;
  known(): ServiceKnowledge;
  /** Messages of the service are on their way into the store. */
  coming(service: Service): void;
}

/** What became of one receiver of the input. */
export type Taken =
  | { readonly kind: 'refused'; readonly error: UshotError; readonly to: string | null; readonly from: string | null }
  | { readonly kind: 'suppressed'; readonly message: NewMessage; readonly error: UshotError }
  | { readonly kind: 'stored'; readonly message: NewMessage; readonly warnings: readonly string[] }
  | { readonly kind: 'known'; readonly result: Exclude<AcceptResult, { kind: 'stored' }>; readonly draft: NewMessage };

export class Intake {
  readonly #settings: AgentSettings;
  readonly #deps: IntakeDeps;

  constructor(settings: AgentSettings, deps: IntakeDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** One entry for each receiver, in order. Rejects when the store does, and then nothing was taken. */
  async take(requests: readonly SendRequest[], carry: Readonly<Record<string, unknown>>): Promise<Taken[]> {
    const prepared = await this.#prepareAll(requests, carry);
    const drafts = prepared.filter((one) => 'draft' in one);
    const verdicts = await this.#judge(drafts);
    const messages = verdicts.map(suppressed);
    const results = messages.length > 0 ? await this.#accept(messages, verdicts) : [];
    let next = 0;
    return prepared.map((one): Taken => {
      if ('error' in one) return { kind: 'refused', ...one };
      const message = messages[next] as NewMessage;
      const result = results[next] as AcceptResult;
      const stop = verdicts[next++]?.stop;
      if (result.kind !== 'stored') return { kind: 'known', result, draft: one.draft };
      if (stop) return { kind: 'suppressed', message, error: stop };
      return { kind: 'stored', message, warnings: one.warnings };
    });
  }

  /** What the store does not take, the guards do not count. */
  async #accept(messages: readonly NewMessage[], verdicts: readonly Verdict[]): Promise<AcceptResult[]> {
    let results: AcceptResult[] = [];
    try {
      results = await this.#acceptAndPoke(messages);
    } finally {
      this.#deps.guards.takeBack(verdicts.filter((_, i) => results[i]?.kind !== 'stored'));
    }
    return results;
  }

  /**
   * A connection that is free claims at once, behind the accepting and so in the same commit: an alarm on an idle link
   * waits for one sync, not for two.
   */
  #acceptAndPoke(messages: readonly NewMessage[]): Promise<AcceptResult[]> {
    const accepting = this.#deps.outbox.accept(messages);
    for (const service of new Set(messages.map((message) => message.service))) this.#deps.coming(service);
    return accepting;
  }

  async #prepareAll(requests: readonly SendRequest[], carried: Readonly<Record<string, unknown>>): Promise<Prepared[]> {
    const { clock, charset, mint, known } = this.#deps;
    const carry = Object.keys(carried).length > 0 ? JSON.stringify(carried) : null;
    const context = { settings: this.#settings, charset, mint, nowMs: clock.now(), known: known(), carry };
    const kept = new KeptFiles();
    const prepared: Prepared[] = [];
    for (const request of requests) {
      const named = request.node === 'mms' ? listFiles(request.files) : [];
      let entries = prepare(request, named.map(toBeKept), context);
      // What is refused for anything else has its files neither read nor kept: nothing would ever remove them.
      if (named.length > 0 && entries.some((entry) => 'draft' in entry)) {
        const files = await this.#keepFiles(named, kept);
        entries = files instanceof UshotError ? refuseAll(request, files) : prepare(request, files, context);
      }
      for (const entry of entries) prepared.push(entry);
    }
    return prepared;
  }

  async #keepFiles(named: readonly unknown[], kept: KeptFiles): Promise<FileRef[] | UshotError> {
    try {
      return await keepFiles(named, this.#settings, this.#deps.outbox, kept);
    } catch (error) {
      if (error instanceof UshotError && error.code !== 'USHOT_STORE') return error;
      throw error;
    }
  }

  /** A repeat of an id that a flow gave is not a second message: no guard counts it. */
  async #judge(drafts: readonly { draft: NewMessage; givenId: boolean }[]): Promise<Verdict[]> {
    const given = drafts.filter(({ givenId }) => givenId).map(({ draft }) => draft.messageId);
    const known = given.length > 0 ? await this.#deps.outbox.get(given) : [];
    const repeats = new Set(known.map(({ messageId }) => messageId));
    const messages = drafts.map(({ draft }) => draft);
    return this.#deps.guards.check(messages, repeats, () => this.#deps.clock.now());
  }
}

/** Stands for a file while the rest of its message is checked. */
function toBeKept(): FileRef {
  return { kind: 'server', fileName: '' };
}

function refuseAll(request: SendRequest, error: UshotError): Prepared[] {
  const receivers = receiversOf(request.to);
  return (receivers.length > 0 ? receivers.map(String) : [null]).map((to) => ({ error, to, from: null }));
}

function suppressed({ draft, stop }: Verdict): NewMessage {
  return stop ? { ...draft, state: 'SUPPRESSED', detail: detailOf(stop), result: stop.result ?? null } : draft;
}

/**
 * The port of the durable store: what the agent asks of it, in the agent's words. No SQL, no bytes of the wire, no clock:
 * the time is an argument. `memory.ts` and `sqlite/` implement it, and `test/outbox/contract.ts` is what any engine must
 * pass.
 *
 * Every method that returns a Promise resolves after its changes are committed, and only then; each call is atomic.
 * Calls are carried out in the order in which they were made. A failed commit rejects and leaves the store as it was.
 * What a call is given is not copied: it is left alone until the promise settles.
 *
 * An engine that cannot keep what it is given rejects with USHOT_STORE, whose `problem` says why. A call that breaks a
 * rule (a move that states.ts does not list, an unknown id settled) rejects with a plain Error that begins with `bug:`.
 */
import type { State } from './states.ts';

export type Service = 'sms' | 'mms';
export type MessageType = 'SMS' | 'LMS' | 'MMS';

/** A file of an MMS: what the server calls it, or bytes that wait in the store's attachments. */
export type FileRef =
  | { readonly kind: 'server'; readonly fileName: string }
  | { readonly kind: 'attachment'; readonly hash: string; readonly ext: string; readonly bytes: number };

/** What is known of a message when it is accepted from the flow. Texts are normalised and checked already. */
export interface NewMessage {
  /** 1 to 20 visible ASCII characters, unique for ever. */
  readonly messageId: string;
  readonly groupId: string;
  readonly type: MessageType;
  readonly service: Service;
  /** Digits only. */
  readonly to: string;
  readonly from: string;
  readonly text: string;
  readonly subject: string;
  readonly url: string;
  readonly userCode: string;
  readonly files: readonly FileRef[];
  /** Messages with the same key may share a frame (the file names stand once a frame). */
  readonly frameKey: string;
  /** Properties of the flow's msg that come back on the report, as JSON, or null. */
  readonly carry: string | null;
  /** Hash over everything that makes the content: the same id with another hash is a conflict. */
  readonly contentHash: string;
  /** Hash over receiver and text, for the duplicate guards; empty when no guard will ask (each key costs a write). */
  readonly duplicateKey: string;
  readonly createdAtMs: number;
  /** Not sent before this time. */
  readonly dueAtMs: number;
  /** Not sent after this time. */
  readonly expireAtMs: number;
  /** The first message of the chain, when this one sends it again after a transient failure; else null. */
  readonly retryOf: string | null;
  /** 0 for the first sending, counts up along a chain. */
  readonly attempt: number;
  /** READY, or SUPPRESSED when a guard stopped it. */
  readonly state: 'READY' | 'SUPPRESSED';
  /** For SUPPRESSED: becomes the stored `detail`. */
  readonly detail: string | null;
  /** For SUPPRESSED: becomes the stored `result`. */
  readonly result: number | null;
}

/** A message as stored. */
export interface StoredMessage extends Omit<NewMessage, 'state' | 'detail' | 'result'> {
  /** Order of acceptance, ascending. */
  readonly seq: number;
  readonly state: State;
  /** How many messages a frame with this one may hold; at first without bound, shrinks while a refused frame is bisected. */
  readonly batchLimit: number;
  /** When it came into its state. */
  readonly updatedAtMs: number;
  /** How often it was claimed into a frame. */
  readonly claims: number;
  /** RESULT of the report or the agent's own, null before. */
  readonly result: number | null;
  /**
   * Why it is where it is, as JSON of `{code, params}` of lib/errors.ts; the store does not look inside. Null after a
   * move that the store makes by itself: EXPIRED (result 75), CANCELLED (result 79), NO_REPORT, reports, a restart.
   */
  readonly detail: string | null;
  /** True for IN_DOUBT that waits for the operator. */
  readonly held: boolean;
}

export type AcceptResult =
  | { readonly kind: 'stored'; readonly messageId: string }
  /** The same id with the same content was accepted before: its present self, nothing was added. */
  | { readonly kind: 'repeat'; readonly message: StoredMessage }
  | { readonly kind: 'conflict'; readonly messageId: string };

/** What became of claimed messages. All ids of one settlement share the outcome. */
export interface Settlement {
  readonly messageIds: readonly string[];
  readonly to: 'ACCEPTED' | 'REJECTED' | 'IN_DOUBT' | 'READY';
  readonly detail?: string;
  /** For REJECTED: the agent's own result (73 to 79), where there is one. */
  readonly result?: number;
  /** For READY: not before this time. */
  readonly dueAtMs?: number;
  /** For READY: new batch limit. */
  readonly batchLimit?: number;
}

export interface ClaimRequest {
  readonly service: Service;
  /** Most messages in the frame. */
  readonly max: number;
}

export interface NewReport {
  readonly messageId: string;
  readonly groupId: string;
  readonly to: string;
  /** RESULT, TELECOM and SEND_DT as they came, padding stripped. */
  readonly resultRaw: string;
  readonly telecom: string;
  readonly sentAtRaw: string;
  /** The number of RESULT, and whether it means delivered, by the protocol's table. */
  readonly result: number;
  readonly outcome: 'delivered' | 'failed' | 'pending';
}

/** A report in the inbox that has not been emitted to flows yet. */
export interface InboxReport extends NewReport {
  /** Order of arrival, ascending: the handle for `reportsEmitted`. */
  readonly seq: number;
  readonly receivedAtMs: number;
  /** The message it belongs to, as it is now; null when this store never saw it. */
  readonly message: StoredMessage | null;
}

export interface ReportIntake {
  /** The reports that are new, in order, ready to be emitted. A repeat of a report already stored is not among them. */
  readonly fresh: readonly InboxReport[];
  readonly repeats: number;
}

export interface Counts {
  /** By state, exactly; held messages are IN_DOUBT too. */
  readonly READY: number;
  readonly IN_FLIGHT: number;
  readonly ACCEPTED: number;
  readonly IN_DOUBT: number;
  readonly held: number;
  /** READY, IN_FLIGHT, ACCEPTED or IN_DOUBT, by service: a link for the service is wanted while it is above 0. */
  readonly openByService: Readonly<Record<Service, number>>;
}

export interface SweepRequest {
  readonly nowMs: number;
  /** By service: IN_DOUBT since before this time goes back to READY (policy resend) or is held (policy hold); null: leave them. */
  readonly inDoubtBeforeMs: Readonly<Record<Service, number | null>>;
  /** Under either policy, a message that may not be sent any more is held: it may have been delivered. */
  readonly inDoubtPolicy: 'resend' | 'hold';
  /** ACCEPTED (and held) since before this time without a report becomes NO_REPORT, by type. */
  readonly unreportedBeforeMs: Readonly<Record<MessageType, number>>;
  /** Most messages that one sweep moves: the expired first, then those in doubt, then those without a report. */
  readonly limit: number;
}

export interface Sweep {
  /** Messages that reached an end or moved, as they are now. */
  readonly expired: readonly StoredMessage[];
  readonly noReport: readonly StoredMessage[];
  readonly resent: readonly StoredMessage[];
  readonly held: readonly StoredMessage[];
  /** True when the limit was met: sweep again soon. */
  readonly more: boolean;
}

export interface SetBack {
  readonly nowMs: number;
  /** Those IN_DOUBT and not held, too: they are so from now on. Only where the clock was seen to be set back, not where it may be late. */
  readonly doubts: boolean;
  /** Most messages that are moved. */
  readonly limit: number;
}

export interface GuardQuery {
  readonly duplicateKeys: readonly string[];
  readonly sinceMs: number;
}

/** When a message with some content was last sent, and when it was last asked to be. */
export interface DuplicateTimes {
  readonly sentAtMs: number | null;
  readonly seenAtMs: number;
}

export interface Outbox {
  /**
   * Opens the store, migrates it, and turns what a crash left IN_FLIGHT into IN_DOUBT. Rejects with USHOT_STORE when it
   * cannot be kept safely (in use by another process, newer schema, read-only, corrupt).
   */
  open(nowMs: number): Promise<void>;
  /** Commits what was asked before, then lets go of the file. */
  close(): Promise<void>;

  /**
   * Takes messages from a flow: after it resolves they are kept. Attachments must have been put before, once for each
   * call that refers to them. The same messageId twice in one call is told apart like any other repeat.
   */
  accept(messages: readonly NewMessage[]): Promise<AcceptResult[]>;

  /**
   * Settles what an answered (or lost) frame held and claims the next frame, in one commit. The claimed messages are
   * IN_FLIGHT when this resolves: READY, due, not expired, oldest first (by `dueAtMs`, then by `seq`), all with the
   * frameKey and batchLimit of the oldest, at most `max` and at most that batchLimit. An engine need not look further
   * than the first 1,000 due messages to fill a frame. A message that a report has meanwhile ended is left as it is by
   * a settlement; any other that is not IN_FLIGHT is a bug.
   *
   * `decided`, which must not throw, may be called before, with the messages that this will resolve with: so that a frame
   * can be made of them while they are being committed. Nothing of it may leave, and all was in vain when this rejects.
   */
  exchange(
    settlements: readonly Settlement[],
    claim: ClaimRequest | null,
    nowMs: number,
    decided?: (claimed: readonly StoredMessage[]) => void,
  ): Promise<StoredMessage[]>;

  /**
   * Stores reports in the inbox and applies them to their messages (by `messageId` alone), in one commit; then they may
   * be acknowledged. A report ends a message that was in a frame at least once and has no end but NO_REPORT; any other
   * report is kept and emitted all the same, and moves nothing. Two reports are the same one when all that came on the
   * wire is.
   */
  takeReports(reports: readonly NewReport[], nowMs: number): Promise<ReportIntake>;
  /** The oldest reports not emitted yet. */
  pendingReports(limit: number): Promise<InboxReport[]>;
  /** Marks reports as emitted to flows. */
  reportsEmitted(seqs: readonly number[]): Promise<void>;

  /** Moves what time has overtaken. `expireAtMs` itself is too late to send. */
  sweep(request: SweepRequest): Promise<Sweep>;
  /**
   * Sees to messages that came into their state later than now, since the clock shows less than it did: those READY that were not
   * scheduled fall due, after as long a pause as they had. Resolves with those that it moved, READY first.
   */
  clockWasSetBack(request: SetBack): Promise<StoredMessage[]>;
  /** The next time at which something READY falls due or expires, or null. Past only for what expired unswept. */
  nextDueMs(service: Service, nowMs: number): Promise<number | null>;

  /** READY or IN_DOUBT (held or not) -> CANCELLED. Resolves with those that were. */
  cancel(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]>;
  /** Held messages back to READY, by the operator's decision. */
  release(messageIds: readonly string[], nowMs: number): Promise<StoredMessage[]>;

  /** Messages that are held, oldest first, at most so many. */
  listHeld(limit: number): Promise<StoredMessage[]>;

  /** In the order asked; unknown (and pruned) ones are left out. */
  get(messageIds: readonly string[]): Promise<StoredMessage[]>;
  counts(): Promise<Counts>;
  /** Latest creation time, by duplicateKey, of messages since `sinceMs`, SUPPRESSED ones included and told apart. */
  recentDuplicates(query: GuardQuery): Promise<ReadonlyMap<string, DuplicateTimes>>;
  /** How many messages that were not SUPPRESSED were created since a time, which is rounded down to a second and may be two days ago. */
  createdSince(sinceMs: number): Promise<number>;

  /**
   * Keeps bytes for the next accepted message that refers to them, and then until no such message is open or has a report
   * that was not emitted (so that a failed one can be sent again under a new id). Resolves with their hash (SHA-256, in
   * hexadecimal), after they are synced. What was put and never accepted goes at the next opening.
   */
  putAttachment(bytes: Buffer): Promise<string>;
  /** Rejects with USHOT_FILE_MISSING when it is not kept any more. */
  readAttachment(hash: string): Promise<Buffer>;

  /**
   * Moves out at most `limit` messages that were created and ended before a time, oldest first, and whose reports have
   * been emitted; resolves with how many. Their reports go with them, and what else is older: emitted reports of unknown
   * messages, and what is remembered for the guards, at most `limit` each. Ids stay known (a repeat is still told from a
   * conflict), until `forgetBeforeMs` passes the end of the message, where given. A message that is too young ends the
   * search: those accepted after it are not looked at.
   */
  prune(olderThanMs: number, limit: number, forgetBeforeMs?: number | null): Promise<number>;

  /**
   * Empties text, subject and url of at most `limit` messages that ended before a time, those that ended first before the
   * others; resolves with how many. All else of them stays as it is. A FAILED message is left until its reports have been
   * emitted: it may have to be sent again.
   */
  dropTexts(endedBeforeMs: number, limit: number): Promise<number>;
}

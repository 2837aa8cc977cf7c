/** What a flow is told of a message it sent: the stored state in the flow's words, with the error where it ended badly. */
import { type ErrorCode, type ErrorParams, errors, type Language, UshotError } from '../errors.ts';
import type { MessageType, StoredMessage } from '../outbox/outbox.ts';
import type { State } from '../outbox/states.ts';
import { isoKst, resultOf } from '../protocol/index.ts';

export type SendStatus =
  | 'stored'
  | 'accepted'
  | 'delivered'
  | 'failed'
  | 'rejected'
  | 'in_doubt'
  | 'no_report'
  | 'expired'
  | 'cancelled'
  | 'suppressed'
  | 'invalid';

/** One for each receiver. `messageId` is null only for `invalid`: it was never taken. */
export interface SendOutcome {
  readonly messageId: string | null;
  readonly groupId: string | null;
  readonly to: string | null;
  readonly from: string | null;
  readonly type: MessageType | null;
  readonly status: SendStatus;
  /** RESULT of the manual's section C: the report's, or the agent's own (73 to 79). */
  readonly result?: number;
  readonly description?: string;
  readonly error?: UshotError;
  readonly warnings?: readonly string[];
}

const statusOf: Readonly<Record<State, SendStatus>> = {
  READY: 'stored',
  IN_FLIGHT: 'stored',
  ACCEPTED: 'accepted',
  IN_DOUBT: 'in_doubt',
  DELIVERED: 'delivered',
  FAILED: 'failed',
  NO_REPORT: 'no_report',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled',
  SUPPRESSED: 'suppressed',
};

type Identity = Pick<StoredMessage, 'messageId' | 'groupId' | 'to' | 'from' | 'type'>;

export function outcomeOf(
  message: StoredMessage,
  reportHorizonHours: Readonly<Record<MessageType, number>>,
  language: Language,
): SendOutcome {
  const error = errorOf(message, reportHorizonHours, language);
  const described =
    message.result === null ? {} : { result: message.result, description: describe(message.result, language) };
  const result = message.result === null && error?.result !== undefined ? { result: error.result } : {};
  return {
    ...identity(message),
    status: statusOf[message.state],
    ...described,
    ...result,
    ...(error ? { error } : {}),
  };
}

/** A message that has come as far as `status` and no further is asked of. */
export function progress(message: Identity, status: 'stored' | 'accepted' | 'in_doubt'): SendOutcome {
  return { ...identity(message), status };
}

export function invalid(error: UshotError, to: string | null, from: string | null): SendOutcome {
  return {
    messageId: null,
    groupId: null,
    to,
    from,
    type: null,
    status: 'invalid',
    ...(error.result === undefined ? {} : { result: error.result }),
    error,
  };
}

function identity({ messageId, groupId, to, from, type }: Identity) {
  return { messageId, groupId, to, from, type };
}

function describe(result: number, language: Language): string {
  return resultOf(String(result))[language];
}

function errorOf(
  message: StoredMessage,
  reportHorizonHours: Readonly<Record<MessageType, number>>,
  language: Language,
): UshotError | null {
  switch (message.state) {
    case 'FAILED': {
      const result = message.result ?? 11;
      return new UshotError('USHOT_FAILED', { result, description: describe(result, language) }, { result });
    }
    case 'REJECTED':
    case 'SUPPRESSED':
      return (
        fromDetail(message.detail, message.result) ?? new UshotError('USHOT_REJECTED', { respCode: '', respMesg: '' })
      );
    case 'EXPIRED':
      return new UshotError('USHOT_EXPIRED', { expireAt: isoKst(message.expireAtMs) });
    case 'CANCELLED':
      return new UshotError('USHOT_CANCELLED');
    case 'NO_REPORT':
      return new UshotError('USHOT_NO_REPORT', { hours: reportHorizonHours[message.type] });
    default:
      return null;
  }
}

/** Reads what `detailOf` wrote, perhaps before a restart and by an older version. */
function fromDetail(detail: string | null, result: number | null): UshotError | null {
  if (detail === null) return null;
  const parsed = JSON.parse(detail) as { code?: string; params?: ErrorParams };
  if (parsed.code === undefined || !(parsed.code in errors)) return null;
  return new UshotError(parsed.code as ErrorCode, parsed.params ?? {}, result === null ? {} : { result });
}

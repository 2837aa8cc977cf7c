/**
 * Delivery reports on their way in: from the wire's record to the store's, and from the store's inbox to what a flow is
 * given.
 */
import type { Language } from '../errors.ts';
import type { InboxReport, MessageType, NewReport } from '../outbox/outbox.ts';
import { type Body, kstToIso, type Result, resultOf } from '../protocol/index.ts';

export type ReportRecord = Body<'1031'>['records'][number];

/** One delivery report as `ushot-report-in` gives it to a flow. */
export interface FlowReport {
  readonly messageId: string;
  readonly groupId: string;
  /** The receiver, digits only. */
  readonly to: string;
  /** Null when this store never saw the message. */
  readonly type: MessageType | null;
  readonly status: 'delivered' | 'failed';
  /** RESULT of the manual's section C. */
  readonly result: number;
  readonly description: string;
  readonly category: Result['category'];
  /** The gateway says that sending again makes sense (95 to 99). */
  readonly retryable: boolean;
  /** By TELECOM, where it is one of the three. */
  readonly carrier: 'SKT' | 'KT' | 'LGU+' | null;
  /** TELECOM as it came. */
  readonly telecom: string;
  /** SEND_DT, ISO 8601 with +09:00; null when the gateway left it blank or unreadable. */
  readonly sentAt: string | null;
  /** The first message of the chain, when this one sent it again. */
  readonly retryOf: string | null;
  /** The id under which it is sent again, when it is. */
  readonly resentAs: string | null;
}

/** TELECOM starts with the prefix of the carrier's network ("01190" in the manual's example). */
const carriers = { '011': 'SKT', '016': 'KT', '019': 'LGU+' } as const;

/** `result` of a report whose RESULT is not a number; its text stays in the store. */
const UNREADABLE = -1;

/** The strings share the memory of their frame, all of which is reports: not copied, they hold nothing else alive. */
export function toNewReport(record: ReportRecord): NewReport {
  const result = resultOf(record.RESULT);
  return {
    messageId: record.MSG_ID,
    groupId: record.GRP_ID,
    to: record.RECEIVER,
    resultRaw: record.RESULT,
    telecom: record.TELECOM,
    sentAtRaw: record.SEND_DT,
    result: result.code ?? UNREADABLE,
    outcome: result.category === 'pending' ? 'pending' : result.category === 'delivered' ? 'delivered' : 'failed',
  };
}

export function toFlowReport(report: InboxReport, resentAs: string | null, language: Language): FlowReport {
  const result = resultOf(report.resultRaw);
  return {
    messageId: report.messageId,
    groupId: report.message?.groupId ?? report.groupId,
    to: report.message?.to ?? report.to,
    type: report.message?.type ?? null,
    status: report.outcome === 'delivered' ? 'delivered' : 'failed',
    result: report.result,
    description: result[language],
    category: result.category,
    retryable: result.retryable,
    carrier: carrierOf(report.telecom),
    telecom: report.telecom,
    sentAt: kstToIso(report.sentAtRaw) ?? null,
    retryOf: report.message?.retryOf ?? null,
    resentAs,
  };
}

function carrierOf(telecom: string): FlowReport['carrier'] {
  const prefix = telecom.slice(0, 3);
  return prefix in carriers ? carriers[prefix as keyof typeof carriers] : null;
}

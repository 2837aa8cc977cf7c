/** Oddities of the gateway that do no harm: told once in the life of a link, then passed over. */
import { type Frame, RESP_OK } from '../protocol/index.ts';
import type { Context, Effect, History, Notice } from './states.ts';

export interface Noticed {
  readonly history: History;
  readonly effects: readonly Effect[];
}

export function noticeOnce(history: History, notice: Notice): Noticed {
  if (history.noticed.includes(notice.code)) return { history, effects: [] };
  return {
    history: { ...history, noticed: [...history.noticed, notice.code] },
    effects: [{ type: 'notice', notice }],
  };
}

/** The VERSION of an answer is not checked strictly. */
export function noticeVersion({ settings }: Context, history: History, frame: Frame): Noticed {
  const { host, port, wire } = settings;
  if (frame.VERSION === wire.version) return { history, effects: [] };
  const found = frame.VERSION || '-';
  return noticeOnce(history, { code: 'USHOT_NOTICE_VERSION', params: { host, port, found, expected: wire.version } });
}

/** Whether a RESP_CODE says that all is well, where one need not be set. */
export const isFine = (respCode: string): boolean => respCode === '' || respCode === RESP_OK;

/** A RESP_CODE that says otherwise, in a frame that is taken all the same. */
export function noticeCode(
  { settings: { host, port } }: Context,
  history: History,
  code: 'USHOT_NOTICE_REPORT_CODE' | 'USHOT_NOTICE_KEEPALIVE_CODE',
  frame: Frame,
): Noticed {
  if (isFine(frame.RESP_CODE)) return { history, effects: [] };
  const { RESP_CODE: respCode, RESP_MESG: respMesg } = frame;
  return noticeOnce(history, { code, params: { host, port, respCode, respMesg } });
}

/**
 * What to do about a RESP_CODE. The manual names only 00000; the provider has no table, so this one is open: a session
 * may add what it has learnt.
 */

/**
 * - `ok`: the request was taken
 * - `bisect`: something in the frame is refused; send it in halves to find out what (unknown codes)
 * - `retry`: nothing is wrong with the frame; send it again later
 * - `fail`: refused for good, whatever the frame
 * - `relogin`: the login is no longer good
 * - `stop`: the account cannot send now; no message is to blame
 */
export type RespAction = 'ok' | 'bisect' | 'retry' | 'fail' | 'relogin' | 'stop';

export const RESP_OK = '00000';

export const respCodes: Readonly<Record<string, RespAction>> = {
  [RESP_OK]: 'ok',
};

/** What the code of an answer calls for; `learnt` goes before the table. Blank is not ok in an answer. */
export function respAction(code: string, learnt: Readonly<Record<string, RespAction>> = {}): RespAction {
  const trimmed = code.trim();
  if (Object.hasOwn(learnt, trimmed)) return learnt[trimmed] as RespAction;
  return Object.hasOwn(respCodes, trimmed) ? (respCodes[trimmed] as RespAction) : 'bisect';
}

/**
 * What the gateway checks of a send request beyond its form (which the strict decoder has seen to): counts, the frame
 * that fits the account, texts, files. Pure: a frame in, the first finding out.
 */
import { type BodyRecord, charset, type FrameOf } from '../protocol/index.ts';
import type { Account } from './accounts.ts';
import { type Finding, finding } from './complaints.ts';
import type { GatewaySettings } from './settings.ts';

export type SendFrame = FrameOf<'1020'> | FrameOf<'1024'> | FrameOf<'1044'> | FrameOf<'1045'>;
export type SendRecord = BodyRecord<'1020'> | BodyRecord<'1024'> | BodyRecord<'1044'> | BodyRecord<'1045'>;

/** The fixed frame's MSG. */
const FIXED_MSG_BYTES = 2000;
/** What the manual allows at most. */
const VARIABLE_MSG_BYTES = 3000;

/** File names that are filled in; none for SMS and the LMS frame. */
export function filesOf(frame: SendFrame): readonly string[] {
  if (frame.COMMAND !== '1024' && frame.COMMAND !== '1045') return [];
  const body = frame.body;
  if (!body) return [];
  return [body.FILE_NAME1, body.FILE_NAME2, body.FILE_NAME3, body.FILE_NAME4].filter((name) => name !== '');
}

/** What kind of message the frame holds. */
export function kindOf(frame: SendFrame, files: readonly string[]): 'SMS' | 'LMS' | 'MMS' {
  if (frame.COMMAND === '1020') return 'SMS';
  return frame.COMMAND === '1045' || files.length > 0 ? 'MMS' : 'LMS';
}

/** The first thing wrong with the request. */
export function checkSend(
  frame: SendFrame,
  account: Account,
  settings: GatewaySettings,
  files: readonly string[],
): Finding | undefined {
  const command = frame.COMMAND;
  const { variable, maxPerRequest } = account.terms;
  if (command !== '1020' && variable !== (command !== '1024')) {
    const expected = variable ? '1044, 1045' : '1024';
    return finding('variable', { variable: variable ? 'Y' : 'N', command, expected });
  }
  const records = frame.body?.records ?? [];
  if (records.length > maxPerRequest) return finding('too-many', { count: records.length, limit: maxPerRequest });
  if (records.length === 0) return undefined;
  const fileFinding = checkFiles(frame, files);
  if (fileFinding) return fileFinding;
  const ids = new Set<string>();
  let index = 0;
  for (const record of records) {
    index += 1;
    const found = checkRecord(command, record, index, account, settings, files);
    if (found) return found;
    if (ids.has(record.MSG_ID)) return finding('duplicate', { index, command, id: record.MSG_ID });
    ids.add(record.MSG_ID);
  }
  return undefined;
}

function checkFiles(frame: SendFrame, files: readonly string[]): Finding | undefined {
  const command = frame.COMMAND;
  if (command !== '1024' && command !== '1045') return undefined;
  if (command === '1045' && files.length === 0) {
    return finding('file-none', { command, detail: 'FILE_NAME1 is blank', detail_ko: 'FILE_NAME1이 비어 있음' });
  }
  const body = frame.body;
  const names = body ? [body.FILE_NAME1, body.FILE_NAME2, body.FILE_NAME3, body.FILE_NAME4] : [];
  if (names.slice(0, files.length).includes('')) {
    return finding('file-none', {
      command,
      detail: 'a blank FILE_NAME stands before one that is filled in',
      detail_ko: '빈 FILE_NAME 뒤에 채워진 FILE_NAME이 있음',
    });
  }
  return undefined;
}

const visible = /^[\x21-\x7e]+$/;
const digits = /^\d+$/;

/** What answers and reports repeat must be writable; the strict decoder lets nothing else through. */
const isRepeatable = ({ GRP_ID, MSG_ID, RECEIVER }: SendRecord): boolean =>
  visible.test(GRP_ID) && visible.test(MSG_ID) && digits.test(RECEIVER);

function checkRecord(
  command: SendFrame['COMMAND'],
  record: SendRecord,
  index: number,
  account: Account,
  settings: GatewaySettings,
  files: readonly string[],
): Finding | undefined {
  if (!settings.strict && !isRepeatable(record)) return finding('unrepeatable', { index, command });
  const text = record.MSG;
  // An MMS without text sends one blank, which a fixed field cannot tell from padding.
  if (files.length === 0 ? text.trim() === '' : text === '' && command !== '1024') {
    return finding('text-empty', { index, command });
  }
  if ('SUBJECT' in record) {
    const most = command === '1024' ? FIXED_MSG_BYTES : VARIABLE_MSG_BYTES;
    const limit = Math.min(account.terms.maxMsgBytes, most);
    // No character takes more than two bytes: most texts need no count.
    if (text.length * 2 > limit) {
      const bytes = charset(settings.wire.charset).byteLength(text);
      if (bytes > limit) return finding('text-size', { index, command, bytes, limit });
    }
  }
  if ('URL' in record && account.terms.service === 'callback-url' && record.URL === '') {
    return finding('callback-url', { index, command });
  }
  return undefined;
}

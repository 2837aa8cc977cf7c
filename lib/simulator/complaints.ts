/**
 * What the gateway finds wrong, in one table: the RESP_CODE and RESP_MESG of its answer, and a sentence for people. The
 * manual has no table of RESP_CODEs (it names 00000 and 11001): these numbers are the simulator's own, and nothing may
 * be built on them.
 *
 * RESP_MESG is ASCII and fits its 50 bytes. Sentences never hold message texts, passwords or whole numbers.
 */
import type { Language } from '../errors.ts';
import type { Port } from './ports.ts';

interface ComplaintRow {
  readonly code: string;
  readonly mesg: string;
  readonly en: string;
  readonly ko: string;
}

const row = (code: string, mesg: string, en: string, ko: string): ComplaintRow => ({ code, mesg, en, ko });

export const complaintKinds = {
  // Logins.
  'login-first': row(
    '10001',
    'Login first',
    'The first frame must be a login (1010), but it is {command}.',
    '첫 전문은 로그인 요청(1010)이어야 하는데 {command}입니다.',
  ),
  'login-account': row(
    '11001',
    'Unknown ID or wrong password',
    'The id "{id}" is unknown or its password is wrong.',
    '아이디 "{id}"가 없거나 비밀번호가 틀립니다.',
  ),
  'login-blank': row(
    '11002',
    'ID or PASSWORD blank',
    'ID and PASSWORD must both be filled in.',
    'ID와 PASSWORD를 모두 채워야 합니다.',
  ),
  'login-protocol': row(
    '11003',
    'RESP_MESG must be Protocol',
    'RESP_MESG of a login (1010) must be "Protocol" (manual 3.A), but it is "{found}".',
    '로그인 요청(1010)의 RESP_MESG는 "Protocol"이어야 하는데(매뉴얼 3.A) "{found}"입니다.',
  ),
  'login-twice': row(
    '11004',
    'Already logged in',
    'A second login (1010) came on a connection that is logged in.',
    '이미 로그인한 연결로 로그인 요청(1010)이 또 왔습니다.',
  ),
  'login-full': row(
    '11005',
    'Too many accounts',
    'More than {limit} different ids have logged in.',
    '서로 다른 아이디가 {limit}개를 넘었습니다.',
  ),
  'login-late': row(
    '11006',
    'No login',
    'No login came within {seconds} seconds; the connection is closed.',
    '{seconds}초 안에 로그인하지 않아 연결을 끊었습니다.',
  ),
  'login-address': row(
    '11007',
    'Address not allowed',
    'The address {address} is not on the allow-list; the connection is closed without a word.',
    '허용 목록에 없는 주소({address})라서 응답 없이 연결을 끊었습니다.',
  ),

  // Frames of whatever kind.
  framing: row(
    '20001',
    'Frame broken',
    'The bytes are not a frame: {detail}. The connection is closed.',
    '전문 형식에 맞지 않는 데이터입니다: {detail}. 연결을 끊었습니다.',
  ),
  format: row(
    '20002',
    'Format error',
    'The {command} does not follow the manual: {detail}.',
    '{command} 전문이 매뉴얼 규격과 다릅니다: {detail}.',
  ),
  version: row(
    '20003',
    'Wrong VERSION',
    'VERSION must be {expected}, but it is "{found}".',
    'VERSION은 {expected}이어야 하는데 "{found}"입니다.',
  ),
  'request-code': row(
    '20004',
    'RESP_CODE and RESP_MESG must be blank',
    'RESP_CODE and RESP_MESG of a request must be blank (manual 3.A), but {command} has "{found}".',
    '요청 전문의 RESP_CODE와 RESP_MESG는 비워야 하는데(매뉴얼 3.A) {command}에 "{found}"이(가) 있습니다.',
  ),
  command: row(
    '20005',
    'Command not taken on this port',
    'The command "{command}" is not taken on the port {port}.',
    '{port} 포트에서는 명령 "{command}"을(를) 받지 않습니다.',
  ),
  pipelined: row(
    '20006',
    'Request before the answer',
    'The {command} was sent before the answer to the request in front of it (the manual says "TCP, Sync").',
    '앞 요청의 응답을 받기 전에 {command}을(를) 보냈습니다(매뉴얼: "TCP, Sync").',
  ),

  // Messages.
  'too-many': row(
    '21001',
    'COUNT over the maximum',
    'COUNT is {count}, but the login announced at most {limit} a request.',
    'COUNT가 {count}입니다. 로그인 때 알린 최대 건수는 {limit}입니다.',
  ),
  variable: row(
    '21002',
    'Wrong frame for VARIABLE_YN',
    'The account has VARIABLE_YN {variable}, so {command} is the wrong frame: use {expected}.',
    'VARIABLE_YN이 {variable}인 계정이므로 {command} 전문은 쓸 수 없습니다. {expected}을(를) 쓰세요.',
  ),
  unrepeatable: row(
    '21010',
    'GRP_ID, MSG_ID or RECEIVER wrong',
    'Message {index} of the {command}: GRP_ID and MSG_ID must be visible ASCII, RECEIVER digits.',
    '{command}의 {index}번째 메시지: GRP_ID와 MSG_ID는 공백 없는 ASCII, RECEIVER는 숫자여야 합니다.',
  ),
  'text-empty': row(
    '21003',
    'MSG empty',
    'Message {index} of the {command}: MSG must not be empty.',
    '{command}의 {index}번째 메시지: MSG가 비어 있습니다.',
  ),
  'text-size': row(
    '21004',
    'MSG too long',
    'Message {index} of the {command}: MSG has {bytes} bytes, but at most {limit} are allowed.',
    '{command}의 {index}번째 메시지: MSG가 {bytes}바이트입니다. {limit}바이트까지 보낼 수 있습니다.',
  ),
  duplicate: row(
    '21005',
    'Duplicate MSG_ID',
    'Message {index} of the {command}: MSG_ID {id} was used before.',
    '{command}의 {index}번째 메시지: MSG_ID {id}는 이미 쓰였습니다.',
  ),
  'duplicate-content': row(
    '21006',
    'MSG_ID reused for other content',
    'Message {index} of the {command}: MSG_ID {id} was used before for another receiver or text.',
    '{command}의 {index}번째 메시지: MSG_ID {id}가 이미 다른 수신번호나 내용에 쓰였습니다.',
  ),
  'callback-url': row(
    '21007',
    'URL required',
    'Message {index} of the {command}: the account sends callback URLs only, but URL is blank.',
    '{command}의 {index}번째 메시지: 콜백 URL만 보낼 수 있는 계정인데 URL이 비어 있습니다.',
  ),
  balance: row(
    '21008',
    'Balance too low',
    'The balance of {balance} does not cover the {cost} that the {command} costs.',
    '잔액이 {balance}이라 {command}의 요금 {cost}에 모자랍니다.',
  ),
  busy: row(
    '21009',
    'Too many reports waiting',
    'No more messages are taken while {count} reports wait to be fetched.',
    '가져가지 않은 결과가 {count}건이라 메시지를 더 받지 않습니다.',
  ),

  // Files.
  'file-size': row(
    '22001',
    'File too large or empty',
    'The file has {bytes} bytes; 1 to {limit} are taken.',
    '파일이 {bytes}바이트입니다. 1~{limit}바이트까지 받습니다.',
  ),
  'file-ext': row(
    '22002',
    'Extension not taken',
    'FILE_EXT "{ext}" is not one of {allowed}.',
    'FILE_EXT "{ext}"은(는) 지원하지 않습니다. 지원 확장자: {allowed}.',
  ),
  'file-unknown': row(
    '22003',
    'Unknown FILE_NAME',
    'FILE_NAME{index} of the {command} is not a name that an upload (2030) was given.',
    '{command}의 FILE_NAME{index}은(는) 파일 전송(2030)으로 받은 이름이 아닙니다.',
  ),
  'file-none': row(
    '22004',
    'FILE_NAME missing',
    'The {command} carries MMS, but {detail}.',
    'MMS 전문인 {command}의 파일 이름이 잘못되었습니다({detail}).',
  ),

  // Reports.
  'ack-unknown': row(
    '23001',
    'Acknowledgement of nothing',
    'The 1030 does not acknowledge a 1031 that is waiting: it must list the same ids in the same order ({detail}).',
    '1030이 응답을 기다리는 1031과 맞지 않습니다. 같은 ID를 같은 순서로 보내야 합니다({detail}).',
  ),
  'ack-order': row(
    '23002',
    'Acknowledgement out of turn',
    'The 1030 acknowledges a later 1031 before an earlier one.',
    '먼저 보낸 1031보다 나중 1031의 응답이 먼저 왔습니다.',
  ),
  'ack-code': row(
    '23003',
    'Acknowledgement with an error code',
    'The 1030 that acknowledges reports has RESP_CODE "{found}".',
    '결과 응답(1030)의 RESP_CODE가 "{found}"입니다.',
  ),
  'ack-missing': row(
    '23004',
    'No acknowledgement',
    'A 1031 was pushed {pushes} times and never acknowledged; the connection is closed.',
    '1031을 {pushes}번 보냈지만 응답이 없어 연결을 끊었습니다.',
  ),
  'heartbeat-missing': row(
    '23005',
    'Heartbeat not answered',
    'A 1031 of COUNT 0 was not answered by a 1030 of COUNT 0.',
    'COUNT 0인 1031에 COUNT 0인 1030 응답이 없습니다.',
  ),
} as const satisfies Record<string, ComplaintRow>;

export type ComplaintKind = keyof typeof complaintKinds;

/** A finding with what its sentence needs: what a check returns. */
export interface Finding {
  readonly kind: ComplaintKind;
  readonly params: Readonly<Record<string, string | number>>;
}

export const finding = (kind: ComplaintKind, params: Finding['params'] = {}): Finding => ({ kind, params });

/** Something that a client did wrong, when and where. */
export interface Complaint extends Finding {
  readonly atMs: number;
  readonly port: Port;
  readonly remote: string;
  /** The account's id, once it has logged in. */
  readonly account: string | null;
  /** RESP_CODE of the answer that it got, where it got one. */
  readonly code: string;
  /** The English sentence. */
  readonly text: string;
}

/** The sentence in the reader's language. A parameter that is itself a phrase has its Korean beside it as `name_ko`. */
export function describeFinding(found: Finding, language: Language): string {
  return complaintKinds[found.kind][language].replace(/\{(\w+)\}/g, (hole, name: string) => {
    const own = language === 'ko' ? found.params[`${name}_ko`] : undefined;
    return String(own ?? found.params[name] ?? hole);
  });
}

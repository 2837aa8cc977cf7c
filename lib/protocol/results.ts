/**
 * The result codes of the manual (section C), with its own words in Korean, ours in English, what kind of trouble each
 * one is, and whether sending again makes sense. 73 to 79 are the agent's own: the gateway never reports them.
 */

import type { Language } from '../errors.ts';

/**
 * - `pending`: a state, not an end
 * - `number`: nobody has that number, or it cannot be reached under it
 * - `handset`: the phone could not take it: off, out of reach, full, unable
 * - `spam`: somebody blocks it: a filter, the receiver's refusal, a rule about senders
 * - `content`: the message itself
 * - `account`: balance, quota, the registration of the sender
 * - `throttled`: too many at once
 * - `gateway`: carriers and systems on the way
 * - `agent`: refused here, before it was sent
 */
export type ResultCategory =
  | 'pending'
  | 'delivered'
  | 'number'
  | 'handset'
  | 'spam'
  | 'content'
  | 'account'
  | 'throttled'
  | 'gateway'
  | 'agent'
  | 'other';

interface ResultRow {
  readonly ko: string;
  readonly en: string;
  readonly category: ResultCategory;
  /** The manual says "재전송 필요": to be sent again. */
  readonly retryable?: true;
}

export const results = {
  0: { ko: '초기 입력 상태', en: 'Not sent yet', category: 'pending' },
  1: { ko: '전송 요청 완료(결과 수신 대기)', en: 'Sent on, waiting for the result', category: 'pending' },
  3: { ko: '메시지 형식 오류', en: 'Malformed message', category: 'content' },
  5: { ko: '휴대폰번호 가입자 없음(미등록)', en: 'No subscriber has this number', category: 'number' },
  6: { ko: '전송 성공', en: 'Delivered', category: 'delivered' },
  7: { ko: '결번(또는 서비스 정지)', en: 'Number not in service', category: 'number' },
  8: { ko: '단말기 전원 꺼짐', en: 'Phone is switched off', category: 'handset' },
  9: { ko: '단말기 음영지역', en: 'Phone is out of coverage', category: 'handset' },
  10: {
    ko: '단말기 내 수신메시지함이 가득 차 전송 실패',
    en: 'The inbox of the phone is full',
    category: 'handset',
  },
  11: { ko: '기타 전송 실패', en: 'Delivery failed for another reason', category: 'other' },
  13: { ko: '스팸 차단: 발신번호', en: 'Blocked as spam: sender', category: 'spam' },
  14: { ko: '스팸 차단: 수신번호', en: 'Blocked as spam: receiver', category: 'spam' },
  15: { ko: '스팸 차단: 메시지 내용', en: 'Blocked as spam: text of the message', category: 'spam' },
  16: { ko: '스팸 차단: 기타', en: 'Blocked as spam: another reason', category: 'spam' },
  20: { ko: '단말기 서비스 불가', en: 'Phone cannot use the service', category: 'handset' },
  21: { ko: '단말기 서비스 일시정지', en: 'Service of the phone is suspended', category: 'handset' },
  22: { ko: '단말기 착신 거절', en: 'Phone refuses incoming messages', category: 'handset' },
  23: { ko: '단말기 무응답 및 통화중', en: 'Phone does not answer or is busy', category: 'handset' },
  28: { ko: '단말기 MMS 미지원', en: 'Phone does not support MMS', category: 'handset' },
  29: { ko: '기타 단말기 문제', en: 'Another problem of the phone', category: 'handset' },
  36: { ko: '유효하지 않은 수신번호(망)', en: 'Network: invalid receiver', category: 'number' },
  37: { ko: '유효하지 않은 발신번호(망)', en: 'Network: invalid sender', category: 'account' },
  50: { ko: '이통사 콘텐츠 에러', en: 'Carrier: error in the content', category: 'content' },
  51: {
    ko: '이통사 전화번호 세칙 미준수 발신번호',
    en: "Carrier: the sender breaks the rules for senders' numbers",
    category: 'account',
  },
  52: {
    ko: '이통사 발신번호 변작으로 등록된 발신번호',
    en: 'Carrier: the sender is registered as a forged number',
    category: 'account',
  },
  53: {
    ko: '이통사 번호도용문자 차단서비스에 가입된 발신번호',
    en: 'Carrier: the owner of the sender has it protected against misuse',
    category: 'account',
  },
  54: { ko: '이통사 발신번호 기타', en: 'Carrier: another problem of the sender', category: 'account' },
  59: { ko: '이통사 기타', en: 'Carrier: another reason', category: 'gateway' },
  60: { ko: '콘텐츠 크기 오류(초과 등)', en: 'Wrong size of the content', category: 'content' },
  61: { ko: '잘못된 메시지 타입', en: 'Wrong type of message', category: 'content' },
  62: { ko: '카카오 오류', en: 'Kakao: error', category: 'content' },
  63: { ko: '카카오 템플릿 오류', en: 'Kakao: error in the template', category: 'content' },
  64: { ko: '카카오 프로파일 오류', en: 'Kakao: error in the profile', category: 'content' },
  69: { ko: '콘텐츠 기타', en: 'Another problem of the content', category: 'content' },
  73: {
    ko: '[Agent] MMS 첨부파일 상대경로, 지정경로 체크',
    en: 'Agent: the path of an attached file is not allowed',
    category: 'agent',
  },
  74: {
    ko: '[Agent] 중복발송 차단(동일한 수신번호와 메시지 발송)',
    en: 'Agent: the same message to the same receiver was held back',
    category: 'agent',
  },
  75: { ko: '[Agent] 발송 시간 초과', en: 'Agent: not sent in time', category: 'agent' },
  76: { ko: '[Agent] 유효하지 않은 발신번호', en: 'Agent: invalid sender', category: 'agent' },
  77: { ko: '[Agent] 유효하지 않은 수신번호', en: 'Agent: invalid receiver', category: 'agent' },
  78: { ko: '[Agent] 콘텐츠 오류(MMS 파일 없음 등)', en: 'Agent: error in the content', category: 'agent' },
  79: { ko: '[Agent] 기타', en: 'Agent: another reason', category: 'agent' },
  80: {
    ko: '유사 고객 필터링 차단(발신번호, 수신번호, 메시지 등)',
    en: "Gateway: blocked by the customer's filter",
    category: 'spam',
  },
  81: { ko: '유사 080 수신거부', en: 'Gateway: the receiver has opted out (080)', category: 'spam' },
  84: { ko: '유사 중복발송 차단', en: 'Gateway: the same message was sent already', category: 'spam' },
  86: { ko: '유사 유효하지 않은 수신번호', en: 'Gateway: invalid receiver', category: 'number' },
  87: { ko: '유사 유효하지 않은 발신번호', en: 'Gateway: invalid sender', category: 'account' },
  88: { ko: '유사 발신번호 미등록 차단', en: 'Gateway: the sender is not registered', category: 'account' },
  89: { ko: '유사 시스템 필터링 기타', en: 'Gateway: blocked by the system', category: 'spam' },
  90: { ko: '발송제한 시간 초과', en: 'Too late: the time limit of the message has passed', category: 'gateway' },
  91: { ko: '식별번호 오류', en: 'Wrong identification code', category: 'account' },
  92: { ko: '잔액 부족', en: 'Balance too low', category: 'account' },
  93: { ko: '월 발송량 초과', en: 'Monthly quota exceeded', category: 'account' },
  94: { ko: '일 발송량 초과', en: 'Daily quota exceeded', category: 'account' },
  95: { ko: '초당 발송량 초과(재전송 필요)', en: 'Too many messages a second', category: 'throttled', retryable: true },
  96: {
    ko: '발송시스템 일시적인 부하(재전송 필요)',
    en: 'The sending system is overloaded for a moment',
    category: 'gateway',
    retryable: true,
  },
  97: { ko: '전송 네트워크 오류(재전송 필요)', en: 'Network error', category: 'gateway', retryable: true },
  98: {
    ko: '외부 발송시스템 장애(재전송 필요)',
    en: 'Failure of an external sending system',
    category: 'gateway',
    retryable: true,
  },
  99: { ko: '발송시스템 장애(재전송 필요)', en: 'Failure of the sending system', category: 'gateway', retryable: true },
} as const satisfies Readonly<Record<number, ResultRow>>;

export type ResultCode = keyof typeof results;

export interface Result {
  /** What the field held, as text. */
  readonly raw: string;
  /** The number in it; undefined where there is none. */
  readonly code: number | undefined;
  /** Whether the manual lists the code. */
  readonly known: boolean;
  readonly category: ResultCategory;
  readonly delivered: boolean;
  /** Whether this ends the message: everything but 0 and 1. */
  readonly final: boolean;
  /** Whether the manual asks for sending again. */
  readonly retryable: boolean;
  readonly en: string;
  readonly ko: string;
}

/** Looks a RESULT up: "6", "06" and "006" are equal. What the table does not list is a failure, and final. */
export function resultOf(raw: string | number): Result {
  const text = String(raw).trim();
  const code = /^\d+$/.test(text) ? Number(text) : undefined;
  const row: ResultRow | undefined =
    code !== undefined && Object.hasOwn(results, code) ? results[code as ResultCode] : undefined;
  if (row === undefined) {
    return {
      raw: text,
      code,
      known: false,
      category: 'other',
      delivered: false,
      final: true,
      retryable: false,
      en: text === '' ? 'No result code' : `Unknown result ${text}`,
      ko: text === '' ? '결과 코드 없음' : `알 수 없는 결과 코드 ${text}`,
    };
  }
  return {
    raw: text,
    code,
    known: true,
    category: row.category,
    delivered: row.category === 'delivered',
    final: row.category !== 'pending',
    retryable: row.retryable === true,
    en: row.en,
    ko: row.ko,
  };
}

/** The sentence of a result in the reader's language. */
export const describeResult = (raw: string | number, language: Language): string => resultOf(raw)[language];

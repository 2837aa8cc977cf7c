/**
 * The wire format: every frame of the manual (sections 3.A and 3.B), declared once. The encoder, the decoder, the
 * TypeScript types, the redaction of logs, the simulator's strictness and the reference page all walk this table.
 *
 * To add a field or a command, add it here and run `scripts/generate-protocol-reference.ts`. Fields stand in the order
 * in which they stand on the wire. Names are the manual's, but for GRP_IP, a misprint of GRP_ID in 1021 and 1030.
 */

export type Version = 'SAM10' | 'SAM11';

interface FieldBase {
  /** Bytes on the wire. */
  readonly width: number;
  /** The manual's "Required" column. */
  readonly required: boolean;
  /** What it means, for the reference page. */
  readonly en: string;
  /** The manual's own name of the field. */
  readonly ko: string;
}

/** How logs show a value: not at all, by its length only, or as a masked phone number. */
export type Privacy = 'secret' | 'text' | 'number';

/** A text in the charset of the session. `lines: 'one'` allows no line breaks. */
export interface TextField extends FieldBase {
  readonly kind: 'text';
  readonly lines: 'one' | 'many';
  readonly privacy?: Privacy;
  /** One blank is a value here (an MMS without text) and cannot be told from padding. */
  readonly mayBeBlank?: true;
}

/**
 * A text of as many bytes as the field `lengthIn` says, without padding. `width` is the most that the manual allows.
 */
export interface VariableTextField extends FieldBase {
  readonly kind: 'variable-text';
  readonly lengthIn: string;
  readonly privacy?: Privacy;
}

/**
 * A value of visible ASCII.
 * - `ascii`: blanks are allowed inside
 * - `id`: no blanks
 * - `digits`: 0 to 9
 * - `number`: a decimal number
 * - `date`: `YYYY-MM-DD HH:MM:SS`, Korean time
 */
export interface AsciiField extends FieldBase {
  readonly kind: 'ascii' | 'id' | 'digits' | 'number' | 'date';
  readonly privacy?: Privacy;
  /** Only on the wire where this setting of the session says `include`. */
  readonly optIn?: 'userCode';
}

/** Bytes of no known charset, as a latin1 string; only the padding is taken off, nothing is ever re-encoded. */
export interface OpaqueField extends FieldBase {
  readonly kind: 'opaque';
  readonly privacy?: Privacy;
}

/** A number that the codec works out itself: how many records follow. */
export interface CountField extends FieldBase {
  readonly kind: 'count';
}

/** A number that the codec works out itself: how many bytes the field `of` takes. */
export interface LengthField extends FieldBase {
  readonly kind: 'length';
  readonly of: string;
}

/** Raw bytes, as many as the field `lengthIn` says. */
export interface FileField extends FieldBase {
  readonly kind: 'file';
  readonly lengthIn: string;
}

/** A byte that must stand there. Header and trailer only. */
export interface MarkField extends FieldBase {
  readonly kind: 'mark';
  readonly byte: number;
}

export type BodyField = TextField | VariableTextField | AsciiField | OpaqueField | CountField | LengthField | FileField;
export type Field = BodyField | MarkField;
export type Fields = Readonly<Record<string, BodyField>>;

export interface FrameSpec {
  /** The manual's name of the command, and ours. */
  readonly ko: string;
  readonly en: string;
  readonly versions: readonly Version[];
  /** Who sends it. What the agent sends is checked for form; what a gateway sends may be blank. */
  readonly from: 'agent' | 'gateway';
  /** The commands that answer it. */
  readonly answeredBy: readonly string[];
  /** The total that the manual prints for the body. */
  readonly printed: string;
  /** RESP_MESG of a request that must carry one. */
  readonly respMesg?: string;
  /** The fields that stand once, before the records. */
  readonly fields: Fields;
  /** The fields that are repeated COUNT times. */
  readonly records?: Fields;
  /** The agent may send it without a body. */
  readonly mayBeEmpty?: true;
  /**
   * A receiver takes the body short or long: it reads the `whole-fields` that fit, or also a last field that is `cut`
   * short, ignores what follows, and never fails on the length.
   */
  readonly anyLength?: 'whole-fields' | 'cut';
  /** With `anyLength`: a body whose given fields all end within so many bytes is written that long. */
  readonly shortBytes?: number;
}

const BOTH = ['SAM10', 'SAM11'] as const;

/** Longest body that the manual's LENGTH could announce is 99,999,999 bytes; nobody needs it. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/** Section 3.A. What stands before the body ... */
export const header = {
  SOH: { kind: 'mark', width: 1, byte: 0x01, required: true, en: 'Start of the header.', ko: 'Start of Header' },
  VERSION: { kind: 'ascii', width: 6, required: true, en: 'Version of the protocol: SAM10 or SAM11.', ko: '버전' },
  COMMAND: { kind: 'digits', width: 5, required: true, en: 'Which frame this is.', ko: '명령어' },
  LENGTH: {
    kind: 'length',
    of: 'BODY',
    width: 8,
    required: true,
    en: 'Bytes of the body alone. Blank means 0.',
    ko: 'Body길이',
  },
  RESP_CODE: {
    kind: 'ascii',
    width: 5,
    required: false,
    en: '00000 when all is well. Blank in requests.',
    ko: '응답코드',
  },
  RESP_MESG: {
    kind: 'text',
    lines: 'one',
    width: 50,
    required: false,
    en: 'Says more about RESP_CODE. The word Protocol in a login; `30|1|` (most messages a request, service) in its answer.',
    ko: '응답메시지',
  },
  STX: { kind: 'mark', width: 1, byte: 0x02, required: true, en: 'Start of the body.', ko: 'Start of Text' },
} as const satisfies Readonly<Record<string, Field>>;

/** ... and after it. */
export const trailer = {
  ETX: { kind: 'mark', width: 1, byte: 0x03, required: true, en: 'End of the frame.', ko: 'End of Text' },
} as const satisfies Readonly<Record<string, Field>>;

const COUNT = {
  kind: 'count',
  width: 4,
  required: true,
  en: 'How many records follow.',
  ko: '전체요청건수',
} as const satisfies BodyField;

const GRP_ID = {
  kind: 'id',
  width: 20,
  required: true,
  en: 'Group of the message, chosen by the sender: equal for the copies of one message.',
  ko: '메시지그룹ID',
} as const satisfies BodyField;

const MSG_ID = {
  kind: 'id',
  width: 20,
  required: true,
  en: 'Key of the message, chosen by the sender. Never used twice.',
  ko: '메시지ID',
} as const satisfies BodyField;

const SENDER = {
  kind: 'digits',
  width: 12,
  required: false,
  privacy: 'number',
  en: 'Number that the message comes from and that is called back.',
  ko: '회신전화번호',
} as const satisfies BodyField;

const RECEIVER = {
  kind: 'digits',
  width: 12,
  required: true,
  privacy: 'number',
  en: 'Number that the message goes to.',
  ko: '수신전화번호',
} as const satisfies BodyField;

const RESERVE_DT = {
  kind: 'date',
  width: 20,
  required: false,
  en: 'Kept for the record only: the gateway sends at once. Left blank by us.',
  ko: '예약시간',
} as const satisfies BodyField;

const TIMEOUT_DT = {
  kind: 'date',
  width: 20,
  required: false,
  en: 'The gateway does not send the message after this time. Blank: no limit.',
  ko: '발송제한시간',
} as const satisfies BodyField;

const SUBJECT = {
  kind: 'text',
  lines: 'one',
  width: 120,
  required: false,
  privacy: 'text',
  en: 'Subject of the LMS or MMS.',
  ko: '제목',
} as const satisfies BodyField;

/** Listed in the manual's tables but left out of all its totals: see the setting `userCode`. */
const USERCODE = {
  kind: 'ascii',
  width: 30,
  required: false,
  optIn: 'userCode',
  en: 'Code that the provider gave. Only on the wire when the session includes it: the printed totals leave it out.',
  ko: '식별코드',
} as const satisfies BodyField;

const FILE_NAME = {
  kind: 'opaque',
  width: 128,
  required: false,
  en: 'Name of an uploaded file, exactly as 2040 gave it.',
  ko: '파일이름',
} as const satisfies BodyField;

const VARIABLE_MSG_LEN = {
  kind: 'length',
  of: 'MSG',
  width: 4,
  required: true,
  en: 'Bytes of MSG.',
  ko: '메시지길이',
} as const satisfies BodyField;

const VARIABLE_MSG = {
  kind: 'variable-text',
  lengthIn: 'MSG_LEN',
  width: 3000,
  required: true,
  privacy: 'text',
  en: 'The message: MSG_LEN bytes, without padding. An MMS without text sends one blank.',
  ko: '메시지',
} as const satisfies BodyField;

/** Section 3.B. */
export const frames = {
  '1010': {
    ko: '로그인요청',
    en: 'login',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1011'],
    printed: '40',
    respMesg: 'Protocol',
    fields: {
      ID: { kind: 'ascii', width: 20, required: true, en: 'Account.', ko: '아이디' },
      PASSWORD: {
        kind: 'ascii',
        width: 20,
        required: true,
        privacy: 'secret',
        en: 'Password of the account.',
        ko: '비밀번호',
      },
    },
  },
  '1011': {
    ko: '로그인결과',
    en: 'answer to a login',
    versions: BOTH,
    from: 'gateway',
    answeredBy: [],
    printed: '24',
    // The fields listed make 33 bytes, the total printed is 24: both occur, and a login never fails on its body.
    anyLength: 'whole-fields',
    shortBytes: 24,
    fields: {
      FEE_TYPE: { kind: 'number', width: 2, required: true, en: '1: prepaid, 2: postpaid.', ko: '요금제' },
      SMS_COST: { kind: 'number', width: 6, required: true, en: 'Price of an SMS.', ko: '단가' },
      LMS_COST: { kind: 'number', width: 6, required: true, en: 'Price of an LMS.', ko: 'LMS 단가' },
      MMS_COST: { kind: 'number', width: 6, required: true, en: 'Price of an MMS.', ko: 'MMS 단가' },
      BALANCE: { kind: 'number', width: 8, required: true, en: 'What is left of a prepaid account.', ko: '잔액' },
      VARIABLE_YN: {
        kind: 'ascii',
        width: 1,
        required: true,
        en: 'Y: LMS and MMS go out as 1044 and 1045. N: as 1024.',
        ko: '가변길이 여부',
      },
      MAX_MSG_SIZE: {
        kind: 'number',
        width: 4,
        required: true,
        en: 'Most bytes of an LMS or MMS text, 3000 at most.',
        ko: '메시지최대길이',
      },
    },
  },
  '1020': {
    ko: '발송요청 (SMS)',
    en: 'send SMS',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1021', '1026'],
    printed: '4 + 284 * COUNT',
    fields: { COUNT },
    records: {
      GRP_ID,
      MSG_ID,
      SENDER,
      RECEIVER,
      RESERVE_DT,
      TIMEOUT_DT,
      MSG: {
        kind: 'text',
        lines: 'many',
        width: 100,
        required: true,
        privacy: 'text',
        en: 'The message. Some carriers show 90 bytes only.',
        ko: '메시지',
      },
      URL: {
        kind: 'ascii',
        width: 80,
        required: false,
        privacy: 'text',
        en: 'Callback URL.',
        ko: 'Callback URL',
      },
      USERCODE,
    },
  },
  '1021': {
    ko: '발송요청응답',
    en: 'answer to a send request, with the messages it took',
    versions: ['SAM11'],
    from: 'gateway',
    answeredBy: [],
    printed: '4 + 40 * COUNT',
    fields: { COUNT },
    records: { GRP_ID, MSG_ID },
  },
  '1024': {
    ko: '발송요청 (LMS,MMS)',
    en: 'send LMS or MMS, text of fixed width',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1021', '1026'],
    printed: '(4 + 512) + (2224 * COUNT)',
    fields: {
      COUNT,
      FILE_NAME1: { ...FILE_NAME, ko: '파일이름1' },
      FILE_NAME2: { ...FILE_NAME, ko: '파일이름2' },
      FILE_NAME3: { ...FILE_NAME, ko: '파일이름3' },
      FILE_NAME4: { ...FILE_NAME, ko: '파일이름4' },
    },
    records: {
      GRP_ID,
      MSG_ID,
      SENDER,
      RECEIVER,
      RESERVE_DT,
      TIMEOUT_DT,
      SUBJECT,
      MSG: {
        kind: 'text',
        lines: 'many',
        width: 2000,
        required: true,
        mayBeBlank: true,
        privacy: 'text',
        en: 'The message. An MMS without text sends one blank.',
        ko: '메시지',
      },
      USERCODE,
    },
  },
  '1026': {
    ko: '발송요청응답',
    en: 'answer to a send request',
    versions: ['SAM10'],
    from: 'gateway',
    answeredBy: [],
    printed: '0',
    anyLength: 'whole-fields',
    fields: {},
  },
  '1030': {
    ko: '발송결과요청 (SAM10), 발송결과응답 (SAM11)',
    en: 'poll for reports (SAM10, no body) or acknowledgement of reports (SAM11)',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1031'],
    printed: '0 (SAM10), 4 + 40 * COUNT (SAM11)',
    mayBeEmpty: true,
    fields: { COUNT },
    records: { GRP_ID, MSG_ID },
  },
  '1031': {
    ko: '발송결과수신',
    en: 'delivery reports',
    versions: BOTH,
    from: 'gateway',
    answeredBy: ['1030'],
    printed: '4 + 82 * COUNT',
    fields: { COUNT },
    records: {
      GRP_ID,
      MSG_ID,
      RECEIVER,
      SEND_DT: {
        kind: 'date',
        width: 20,
        required: true,
        en: 'When the message went to the phone.',
        ko: '발송시간',
      },
      RESULT: { kind: 'digits', width: 3, required: true, en: 'Result code, section C.', ko: '발송결과' },
      TELECOM: { kind: 'ascii', width: 7, required: false, en: "Carrier of the receiver's phone.", ko: '이통사' },
    },
  },
  '1044': {
    ko: '발송요청 (LMS 가변길이)',
    en: 'send LMS, text of variable length',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1021', '1026'],
    printed: '(4) + (4+224+MSG_LEN)*COUNT',
    fields: { COUNT },
    records: {
      MSG_LEN: VARIABLE_MSG_LEN,
      GRP_ID,
      MSG_ID,
      SENDER,
      RECEIVER,
      RESERVE_DT,
      TIMEOUT_DT,
      SUBJECT,
      MSG: VARIABLE_MSG,
      USERCODE,
    },
  },
  '1045': {
    ko: '발송요청 (MMS 가변길이)',
    en: 'send MMS, text of variable length',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['1021', '1026'],
    printed: '(4+512)+(4+224+MSG_LEN)*COUNT',
    fields: {
      COUNT,
      FILE_NAME1: { ...FILE_NAME, ko: '파일이름1' },
      FILE_NAME2: { ...FILE_NAME, ko: '파일이름2' },
      FILE_NAME3: { ...FILE_NAME, ko: '파일이름3' },
      FILE_NAME4: { ...FILE_NAME, ko: '파일이름4' },
    },
    records: {
      MSG_LEN: VARIABLE_MSG_LEN,
      GRP_ID,
      MSG_ID,
      SENDER,
      RECEIVER,
      RESERVE_DT,
      TIMEOUT_DT,
      SUBJECT,
      MSG: VARIABLE_MSG,
      USERCODE,
    },
  },
  '2030': {
    ko: '파일전송요청',
    en: 'upload a file',
    versions: BOTH,
    from: 'agent',
    answeredBy: ['2040'],
    printed: '13 + (파일크기)',
    fields: {
      FILE_LENGTH: { kind: 'length', of: 'FILE', width: 10, required: true, en: 'Bytes of FILE.', ko: '파일 크기' },
      FILE_EXT: {
        kind: 'id',
        width: 3,
        required: true,
        en: 'Extension of the file in lower case, without the dot.',
        ko: '파일 확장자',
      },
      FILE: {
        kind: 'file',
        lengthIn: 'FILE_LENGTH',
        width: 300 * 1024,
        required: true,
        en: 'The file as it is. It may hold any byte, those of SOH, STX and ETX too.',
        ko: '파일',
      },
    },
  },
  '2040': {
    ko: '파일전송응답',
    en: 'answer to an upload',
    versions: BOTH,
    from: 'gateway',
    answeredBy: [],
    printed: '128',
    anyLength: 'cut',
    fields: {
      FILE_NAME: {
        kind: 'opaque',
        width: 128,
        required: true,
        en: 'Name that the gateway gave the file. Looks like an MD5 hash with an extension; to be sent back unchanged.',
        ko: '파일 이름',
      },
    },
  },
} as const satisfies Readonly<Record<string, FrameSpec>>;

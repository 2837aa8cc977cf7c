/**
 * What the simulated gateway can be told to be: accounts, terms, how it answers where the manual leaves it open, how
 * reports travel, how much it remembers. Every option has a default; the defaults make a gateway that a newcomer's first
 * message gets through.
 */
import { charset, header, type WireSettings } from '../protocol/index.ts';

/** What an account has agreed with the provider: what 1011 announces, and by what its requests are measured. */
export interface AccountTerms {
  /** FEE_TYPE: '1' prepaid (BALANCE goes down), '2' billed later. */
  readonly feeType: '1' | '2';
  readonly smsCost: number;
  readonly lmsCost: number;
  readonly mmsCost: number;
  readonly balance: number;
  /** VARIABLE_YN: true takes 1044 and 1045, false takes 1024. */
  readonly variable: boolean;
  /** MAX_MSG_SIZE; fixed frames hold 2,000 bytes at most whatever this says. */
  readonly maxMsgBytes: number;
  /** First part of RESP_MESG '30|1|'. */
  readonly maxPerRequest: number;
  /** Second part of it: 1 SMS, 2 callback URL only. */
  readonly service: 'sms' | 'callback-url';
}

export interface AccountOptions extends Partial<AccountTerms> {
  readonly id: string;
  readonly password: string;
}

export interface GatewaySettings {
  /** Details of the wire that the manual leaves open; the version is each login's own. */
  readonly wire: Omit<WireSettings, 'version'>;
  /** Frames must follow the manual to the byte. Without it they need only be readable: faster, for benchmarks. */
  readonly strict: boolean;
  /** The accounts there are. None: any id with any password is one, with `terms`. */
  readonly accounts: readonly AccountOptions[];
  /** Terms of every account, where the account itself does not say. */
  readonly terms: AccountTerms;
  /** Addresses that may connect. Others are cut off without a word, as by the real allow-list. None: all may. */
  readonly allowAddresses: readonly string[];

  /** 1011 of 33 bytes as listed in the manual, or of 24 as printed in its heading. */
  readonly loginAnswer: 'long' | 'short';
  /** RESP_MESG of a good login, instead of 'max|service|'. */
  readonly loginMesg: string | null;
  /** Body of a refused 1011, 1021, 1031 or 2040: none, or one of blanks. */
  readonly refusalBody: 'empty' | 'blank';
  /** Answer to a send request with COUNT 0: a 1021 of COUNT 0 or of LENGTH 0 (1026 has no body), or nothing. */
  readonly keepaliveAnswer: 'count0' | 'empty' | 'silence';
  /** What a MSG_ID that was taken before brings: an error; success and nothing more; a second message and report. */
  readonly duplicates: 'refuse' | 'accept' | 'report-again';
  /** What a prepaid account without money gets: reports with result 92, or the frame refused. */
  readonly whenEmpty: 'report' | 'refuse';
  /** What an MMS with an unknown file name gets: a report with `unknownFileResult`, or the frame refused. */
  readonly unknownFile: 'report' | 'refuse';
  readonly unknownFileResult: number;
  /** Who may use an uploaded file: the account, or only the connection that brought it. */
  readonly fileScope: 'account' | 'connection';
  /** File names hold a Korean character, as the manual's example does: they are bytes, not text. */
  readonly koreanFileNames: boolean;
  /** A file of this size or more is refused ("300k 이상일 경우에는 서버에서 실패"). */
  readonly fileLimitBytes: number;
  /** Folder that uploaded files are written to; null keeps them in memory. */
  readonly fileFolder: string | null;
  /** How much of the uploaded files is kept, oldest forgotten first. */
  readonly keptFileBytes: number;
  readonly keptFiles: number;

  /** Whether messages are ever reported. */
  readonly reports: boolean;
  /** A message is sent, and its report falls due, this long after it was taken; chosen evenly between the two. */
  readonly reportDelayMs: { readonly min: number; readonly max: number };
  readonly reportsPerFrame: number;
  /** Reports go out on the report port of the message's service, or on any report port of the account. */
  readonly reportPort: 'service' | 'any';
  /** SAM10: answer to a poll when nothing is due. */
  readonly emptyPoll: 'count0' | 'empty' | 'silence';
  /** SAM10 has no acknowledgement: a report is forgotten with the next poll of the connection, or once written. */
  readonly pollForget: 'next-poll' | 'written';
  /** SAM11: pushes that may await their acknowledgement at a time. */
  readonly pushWindow: number;
  /** SAM11: an unacknowledged 1031 is pushed again after this long, and the link is cut after so many pushes. */
  readonly repushMs: number;
  readonly pushTries: number;
  /** SAM11: RESP_CODE of a pushed 1031. Blank as in a request, or '00000'. */
  readonly pushCode: string;
  /** SAM11: a 1031 of COUNT 0 when the link was quiet for so long; 0 is never. */
  readonly heartbeatMs: number;
  /** SAM11: whether a 1030 of COUNT 0 is answered by a 1031 of COUNT 0. */
  readonly heartbeatAnswer: boolean;
  /** Reports that may wait in all; beyond it requests are refused. */
  readonly reportLimit: number;

  /** A connection is closed when no login came for so long. */
  readonly loginTimeoutMs: number;
  /** A connection is closed when nothing came for so long; 0 is never. */
  readonly idleCloseMs: number;
  /** Connections at a time; further ones are closed at once. */
  readonly connectionLimit: number;

  /**
   * What is remembered of messages. 'full': the last `journalLimit` with all fields, and the ids of the last
   * `idLimit`. 'ids': every id ever taken with its counts, without limit, and no fields. 'off': nothing, and repeated
   * ids go unnoticed.
   */
  readonly journal: 'full' | 'ids' | 'off';
  readonly journalLimit: number;
  readonly idLimit: number;
  readonly complaintLimit: number;
}

export type GatewayOptions = Partial<Omit<GatewaySettings, 'terms' | 'wire'>> & {
  readonly terms?: Partial<AccountTerms>;
  readonly wire?: Partial<GatewaySettings['wire']>;
};

export const defaultTerms: AccountTerms = {
  feeType: '1',
  smsCost: 20,
  lmsCost: 50,
  mmsCost: 250,
  balance: 10_000_000,
  variable: true,
  maxMsgBytes: 3000,
  maxPerRequest: 30,
  service: 'sms',
};

export const defaultSettings: GatewaySettings = {
  wire: { padding: 'space', numberStyle: 'left', userCode: 'omit', charset: 'cp949' },
  strict: true,
  accounts: [],
  terms: defaultTerms,
  allowAddresses: [],
  loginAnswer: 'long',
  loginMesg: null,
  refusalBody: 'empty',
  keepaliveAnswer: 'count0',
  duplicates: 'accept',
  whenEmpty: 'report',
  unknownFile: 'report',
  unknownFileResult: 69,
  fileScope: 'account',
  koreanFileNames: false,
  fileLimitBytes: 300_000,
  fileFolder: null,
  keptFileBytes: 32 * 2 ** 20,
  keptFiles: 1000,
  reports: true,
  reportDelayMs: { min: 1000, max: 3000 },
  reportsPerFrame: 100,
  reportPort: 'service',
  emptyPoll: 'count0',
  pollForget: 'next-poll',
  pushWindow: 1,
  repushMs: 30_000,
  pushTries: 10,
  pushCode: '',
  heartbeatMs: 0,
  heartbeatAnswer: true,
  reportLimit: 1_000_000,
  loginTimeoutMs: 30_000,
  idleCloseMs: 0,
  connectionLimit: 1000,
  journal: 'full',
  journalLimit: 10_000,
  idLimit: 200_000,
  complaintLimit: 1000,
};

/** The options with every gap filled. Throws a `RangeError` for what could not be written into a frame. */
export function readOptions(options: GatewayOptions): GatewaySettings {
  const settings: GatewaySettings = {
    ...defaultSettings,
    ...options,
    terms: { ...defaultTerms, ...options.terms },
    wire: { ...defaultSettings.wire, ...options.wire },
  };
  // COUNT, MAX_MSG_SIZE and the like have four digits.
  const fits = (name: string, value: number): void => {
    if (!Number.isInteger(value) || value < 1 || value > 9999) {
      throw new RangeError(`${name} must be a whole number from 1 to 9999, but it is ${value}`);
    }
  };
  fits('reportsPerFrame', settings.reportsPerFrame);
  fits('pushWindow', settings.pushWindow);
  for (const terms of [settings.terms, ...settings.accounts.map((account) => ({ ...settings.terms, ...account }))]) {
    fits('maxMsgBytes', terms.maxMsgBytes);
    fits('maxPerRequest', terms.maxPerRequest);
  }
  const { min, max } = settings.reportDelayMs;
  if (!(min >= 0 && min <= max)) throw new RangeError(`reportDelayMs must run from min to max, not ${min} to ${max}`);
  if (settings.loginMesg !== null) checkRespMesg(settings.loginMesg);
  if (settings.pushCode !== '') checkRespCode(settings.pushCode);
  return settings;
}

/** Throws a `RangeError` where `text` does not fit RESP_MESG. */
export function checkRespMesg(text: string): void {
  const bytes = charset('cp949');
  const { width } = header.RESP_MESG;
  if (bytes.unencodable(text).length > 0 || bytes.byteLength(text) > width || /[\r\n]/.test(text)) {
    throw new RangeError(`RESP_MESG must be one line of at most ${width} bytes in CP949`);
  }
}

/** Throws a `RangeError` where `code` does not fit RESP_CODE. */
export function checkRespCode(code: string): void {
  if (!/^[\x21-\x7e]{1,5}$/.test(code)) {
    throw new RangeError(`RESP_CODE must be 1 to 5 visible ASCII characters, but it is "${code}"`);
  }
}

/**
 * From what a flow hands over to messages that can be stored: everything that can be wrong with a message is found here,
 * before it is accepted, so that the gateway never refuses a frame for its form.
 *
 * The flow's words (`to`, `from`, `text`) become the store's here and nowhere else. Nothing is truncated: what does not
 * fit is an error that says by how much.
 */
import { hash } from 'node:crypto';
import { UshotError } from '../errors.ts';
import type { FileRef, MessageType, NewMessage, Service } from '../outbox/outbox.ts';
import { type Charset, isoKst, normalizeText, type Terms } from '../protocol/index.ts';
import type { Mint } from './ids.ts';
import { parseReceiver, parseSender } from './numbers.ts';
import type { AgentSettings } from './settings.ts';
import { parseTime } from './times.ts';

/** What a flow asks for, as a node read it from its own fields and from msg.payload. Nothing in it is trusted. */
export interface SendRequest {
  readonly node: 'sms' | 'mms';
  /** A number, a list of numbers, or numbers separated by commas. */
  readonly to?: unknown;
  readonly from?: unknown;
  readonly text?: unknown;
  readonly subject?: unknown;
  readonly files?: unknown;
  readonly url?: unknown;
  /** See `parseTime`. */
  readonly sendAt?: unknown;
  readonly expireAt?: unknown;
  readonly messageId?: unknown;
  readonly groupId?: unknown;
  readonly userCode?: unknown;
  /** What becomes of an SMS text that is too long. */
  readonly overflow: 'reject' | 'lms';
}

export type Prepared =
  /** `draft` may be stored, unless a guard stops it. */
  | { readonly draft: NewMessage; readonly warnings: readonly string[]; readonly givenId: boolean }
  | { readonly error: UshotError; readonly to: string | null; readonly from: string | null };

/** What is known of the account's services. Before the first login nothing is. */
export interface ServiceKnowledge {
  readonly terms: Readonly<Partial<Record<Service, Terms>>>;
  /** The MMS login was refused: no LMS can be sent. */
  readonly mmsRefused: { readonly respCode: string; readonly respMesg: string } | null;
}

export interface RequestContext {
  readonly settings: AgentSettings;
  readonly charset: Charset;
  readonly mint: Mint;
  readonly nowMs: number;
  readonly known: ServiceKnowledge;
  /** See `NewMessage`. */
  readonly carry: string | null;
}

/** Widths of the manual, in bytes. */
const SUBJECT_BYTES = 120;
/** Above this, some phones cut a subject. */
const SUBJECT_SAFE_BYTES = 40;
const URL_BYTES = 80;
const USER_CODE_BYTES = 30;
const ID_BYTES = 20;
/** LMS at most: variable frames, and fixed frames. */
const LMS_VARIABLE_BYTES = 3000;
const LMS_FIXED_BYTES = 2000;

/** TIMEOUT_DT is this far ahead of the moment of sending at least. */
export const LEAST_TIME_LEFT_MS = 60_000;

/** Most receivers and messages of one input. */
export const LARGEST_INPUT = 100_000;

const BETWEEN_RECEIVERS = /[,;\n]/;

/** The receivers that a `to` names, not looked at further. An empty list when it names none. */
export function receiversOf(to: unknown): unknown[] {
  if (to === undefined || to === null) return [];
  if (Array.isArray(to)) return to.flatMap(receiversOf);
  if (typeof to === 'string') {
    const parts = BETWEEN_RECEIVERS.test(to) ? to.split(BETWEEN_RECEIVERS) : [to];
    return parts.map((part) => part.trim()).filter((part) => part !== '');
  }
  return [to];
}

/** One entry for each receiver of the request, in order; an error of the whole request stands for all of them. */
export function prepare(request: SendRequest, files: readonly FileRef[], context: RequestContext): Prepared[] {
  const receivers = receiversOf(request.to);
  const shown = receivers.length === 0 ? [null] : receivers;
  try {
    if (receivers.length === 0) throw new UshotError('USHOT_NO_RECEIVER');
    if (request.node === 'sms' && hasFiles(request.files)) throw new UshotError('USHOT_FILES_WITH_SMS');
    const common = readCommon(request, files, context);
    if (common.messageId !== undefined && receivers.length > 1) {
      throw new UshotError('USHOT_ID_FOR_SEVERAL', { messageId: common.messageId, count: receivers.length });
    }
    return receivers.map((receiver) => forReceiver(receiver, common, context));
  } catch (error) {
    if (!(error instanceof UshotError)) throw error;
    return shown.map((to) => ({ error, to: to === null ? null : clip(String(to)), from: scalarText(request.from) }));
  }
}

/**
 * What the account's terms forbid. Asked when a message is accepted, if the login is known then, and again of the
 * connection that is to carry it.
 */
export function refusalByTerms(
  message: Pick<NewMessage, 'type' | 'url' | 'text'>,
  terms: Terms,
  charset: Charset,
): UshotError | null {
  if (message.type === 'SMS') {
    return terms.service === 'callback-url' && message.url === '' ? new UshotError('USHOT_URL_REQUIRED') : null;
  }
  const bytes = charset.byteLength(message.text);
  const limit = terms.maxMsgBytes;
  return bytes > limit ? new UshotError('USHOT_TEXT_TOO_LONG', { bytes, limit, type: message.type }) : null;
}

/** All that the receivers of one request share. */
interface Common {
  readonly message: Omit<NewMessage, 'messageId' | 'to' | 'contentHash' | 'duplicateKey'>;
  readonly messageId: string | undefined;
  readonly warnings: readonly string[];
  /** What is hashed with each receiver, so that a list of a thousand costs one pass over the text. */
  readonly content: string;
  /** Null when no guard will ask: each key costs the store a write. */
  readonly duplicateContent: string | null;
}

function readCommon(request: SendRequest, files: readonly FileRef[], context: RequestContext): Common {
  const { settings, charset, nowMs } = context;
  const warnings: string[] = [];

  const from = readSender(request.from);
  const url = readUrl(request.url);
  const userCode = readText('userCode', request.userCode, context);
  limitBytes('userCode', userCode, USER_CODE_BYTES, charset);
  const subject = readText('subject', request.subject, context);
  checkSubject(subject, charset, warnings);

  const written = readText('text', request.text, context);
  if (files.length > settings.maxFiles) {
    throw new UshotError('USHOT_TOO_MANY_FILES', { count: files.length, limit: settings.maxFiles });
  }
  // An MMS may be a picture alone, but MSG may not be empty: one blank stands for it.
  const text = written === '' && files.length > 0 ? ' ' : written;
  if (text.trim() === '' && files.length === 0) throw new UshotError('USHOT_NO_TEXT');
  const type = chooseType(request, text, files, url, context);
  if (type !== 'SMS') checkLongText(type, text, context);

  const dueAtMs = readTime('sendAt', request.sendAt) ?? nowMs;
  const expireAtMs =
    readTime('expireAt', request.expireAt) ?? Math.max(dueAtMs, nowMs) + settings.maxAgeMinutes * 60_000;
  if (expireAtMs <= Math.max(nowMs, dueAtMs)) throw new UshotError('USHOT_EXPIRED', { expireAt: isoKst(expireAtMs) });

  // None of what is hashed holds a NUL: texts and addresses with control characters are refused.
  const named = files.length === 0 ? '' : JSON.stringify(files);
  const kept = type === 'SMS' ? { subject: '', url } : { subject: request.node === 'sms' ? '' : subject, url: '' };
  const messageId = readId('messageId', request.messageId);
  const guarded = settings.duplicateSeconds > 0 || settings.cooldownSeconds > 0;
  return {
    message: {
      groupId: readId('groupId', request.groupId) ?? context.mint(),
      type,
      service: type === 'SMS' ? 'sms' : 'mms',
      from,
      text,
      ...kept,
      userCode,
      files,
      frameKey: named === '' ? type : `MMS:${digest(named)}`,
      carry: context.carry,
      createdAtMs: nowMs,
      dueAtMs: Math.max(dueAtMs, nowMs),
      expireAtMs,
      retryOf: null,
      attempt: 0,
      state: 'READY',
      detail: null,
      result: null,
    },
    messageId,
    warnings,
    content: [type, from, kept.subject, kept.url, text, named, userCode, request.sendAt ? dueAtMs : ''].join('\0'),
    duplicateContent: guarded ? [kept.subject, text, named].join('\0') : null,
  };
}

function forReceiver(receiver: unknown, common: Common, context: RequestContext): Prepared {
  const { message, messageId, warnings, content, duplicateContent } = common;
  const shown = typeof receiver === 'string' || typeof receiver === 'number' ? receiver : null;
  const number = shown === null ? ({ ok: false, problem: 'letters' } as const) : parseReceiver(shown);
  if (!number.ok) {
    const code = number.problem === 'lost-zero' ? 'USHOT_RECEIVER_ZERO' : 'USHOT_RECEIVER';
    const to = shown === null ? kindOf(receiver) : clip(String(shown));
    return { error: new UshotError(code, { to }), to, from: message.from };
  }
  const to = number.digits;
  return {
    draft: {
      ...message,
      messageId: messageId ?? context.mint(),
      to,
      contentHash: digest(`${to}\0${content}`),
      duplicateKey: duplicateContent === null ? '' : digest(`${to}\0${duplicateContent}`),
    },
    warnings,
    givenId: messageId !== undefined,
  };
}

/** SMS or LMS by the length of the text, LMS or MMS by the files. */
function chooseType(
  request: SendRequest,
  text: string,
  files: readonly FileRef[],
  url: string,
  { settings, charset, known }: RequestContext,
): MessageType {
  if (request.node === 'mms') return files.length > 0 ? 'MMS' : 'LMS';
  const bytes = charset.byteLength(text);
  const limit = settings.smsLimitBytes;
  if (bytes <= limit) {
    const refusal = known.terms.sms && refusalByTerms({ type: 'SMS', text, url }, known.terms.sms, charset);
    if (refusal) throw refusal;
    return 'SMS';
  }
  if (request.overflow === 'reject') throw new UshotError('USHOT_TEXT_TOO_LONG', { bytes, limit, type: 'SMS' });
  if (url !== '') throw new UshotError('USHOT_URL_WITH_LMS', { bytes, limit });
  if (known.mmsRefused) throw new UshotError('USHOT_NO_LMS', { bytes, limit, ...known.mmsRefused });
  return 'LMS';
}

/** Before the first login the account's limit is unknown: then the widest that the settings leave possible. */
function checkLongText(type: 'LMS' | 'MMS', text: string, { settings, charset, known }: RequestContext): void {
  const widest =
    settings.variable === 'N'
      ? LMS_FIXED_BYTES
      : Math.min(settings.maxMsgBytes ?? LMS_VARIABLE_BYTES, LMS_VARIABLE_BYTES);
  const limit = known.terms.mms?.maxMsgBytes ?? widest;
  const bytes = charset.byteLength(text);
  if (bytes > limit) throw new UshotError('USHOT_TEXT_TOO_LONG', { bytes, limit, type });
}

function readSender(from: unknown): string {
  if (isBlank(from)) throw new UshotError('USHOT_NO_SENDER');
  if (typeof from !== 'string' && typeof from !== 'number') throw wrongKind('from', 'phone', from);
  const number = parseSender(from);
  if (number.ok) return number.digits;
  if (number.problem === 'empty') throw new UshotError('USHOT_NO_SENDER');
  throw new UshotError('USHOT_SENDER', { from: clip(String(from)) });
}

function readUrl(value: unknown): string {
  if (isBlank(value)) return '';
  if (typeof value !== 'string') throw wrongKind('url', 'text', value);
  const url = value.trim();
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(url) || url.length > URL_BYTES) {
    throw new UshotError('USHOT_URL', { limit: URL_BYTES, bytes: Buffer.byteLength(url) });
  }
  return url;
}

/** A text in the account's charset: composed (NFC), without control characters, and with nothing that it lacks. */
function readText(field: string, value: unknown, { settings, charset }: RequestContext): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw wrongKind(field, 'text', value);
  }
  const { text, controls } = normalizeText(String(value));
  const control = controls[0];
  if (control) {
    throw new UshotError('USHOT_CONTROL_CHARACTER', { field, character: control.char, position: control.index + 1 });
  }
  const lacking = charset.unencodable(text);
  if (lacking.length === 0) return text;
  if (settings.unencodable === 'replace') return charset.replace(text);
  throw new UshotError('USHOT_UNENCODABLE', { field, charset: settings.charset, characters: listCharacters(lacking) });
}

const MOST_CHARACTERS_NAMED = 5;

function listCharacters(lacking: ReturnType<Charset['unencodable']>): string {
  const byCharacter = new Map(lacking.map((one) => [one.char, one]));
  const named = [...byCharacter.values()].slice(0, MOST_CHARACTERS_NAMED).map(({ char, suggestion }) => {
    const code = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    return suggestion === undefined ? `${char} (${code})` : `${char} (${code}) → "${suggestion}"`;
  });
  return named.join(', ') + (byCharacter.size > named.length ? ', …' : '');
}

function checkSubject(subject: string, charset: Charset, warnings: string[]): void {
  const lineBreak = /[\r\n]/.exec(subject);
  if (lineBreak) {
    throw new UshotError('USHOT_CONTROL_CHARACTER', {
      field: 'subject',
      character: 'LF',
      position: lineBreak.index + 1,
    });
  }
  const bytes = charset.byteLength(subject);
  if (bytes > SUBJECT_BYTES) throw new UshotError('USHOT_SUBJECT_TOO_LONG', { bytes, limit: SUBJECT_BYTES });
  if (bytes > SUBJECT_SAFE_BYTES) warnings.push(`subject: ${bytes} > ${SUBJECT_SAFE_BYTES} bytes`);
}

function limitBytes(field: string, value: string, limit: number, charset: Charset): void {
  const bytes = charset.byteLength(value);
  if (bytes > limit) {
    throw new UshotError('USHOT_FIELD_TOO_LONG', { field, limit, bytes });
  }
}

function readTime(field: string, value: unknown): number | undefined {
  if (isBlank(value)) return undefined;
  const ms = parseTime(value);
  if (ms === undefined) throw new UshotError('USHOT_TIME', { field, value: scalarText(value) ?? kindOf(value) });
  return ms;
}

function readId(field: 'messageId' | 'groupId', value: unknown): string | undefined {
  if (isBlank(value)) return undefined;
  const id = typeof value === 'number' ? String(value) : value;
  if (typeof id !== 'string' || !/^[\x21-\x7e]+$/.test(id) || id.length > ID_BYTES) {
    throw new UshotError('USHOT_MESSAGE_ID', { field, value: scalarText(value) ?? kindOf(value) });
  }
  return id;
}

const expectations = {
  text: { en: 'a text', ko: '문자열' },
  phone: { en: 'a phone number', ko: '전화번호' },
} as const;

function wrongKind(field: string, expected: keyof typeof expectations, value: unknown): UshotError {
  const { en, ko } = expectations[expected];
  return new UshotError('USHOT_FIELD', {
    field,
    expected: en,
    expectedKo: ko,
    found: kindOf(value),
    foundKo: kindInKorean(value),
  });
}

function scalarText(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? clip(String(value)) : null;
}

/** "an object", "an array": what a reader needs of a value that is of the wrong kind. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (Buffer.isBuffer(value)) return 'a Buffer';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The same in Korean. */
export function kindInKorean(value: unknown): string {
  if (value === undefined || value === null) return '비어 있는 값';
  if (Array.isArray(value)) return '배열';
  if (Buffer.isBuffer(value)) return 'Buffer';
  const kinds: Readonly<Record<string, string>> = {
    object: '객체',
    string: '문자열',
    number: '숫자',
    boolean: '참/거짓 값',
  };
  return kinds[typeof value] ?? typeof value;
}

const MOST_QUOTED = 60;

/** What a flow handed over, as far as an error quotes it. */
export function clip(text: string): string {
  return text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text;
}

/** What a flow leaves out. */
export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

export function hasFiles(files: unknown): boolean {
  return Array.isArray(files) ? files.length > 0 : !isBlank(files);
}

function digest(content: string): string {
  return hash('sha256', content, 'base64url').slice(0, 22);
}

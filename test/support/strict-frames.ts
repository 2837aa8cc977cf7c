/**
 * The bytes of the strict gateway: reads and checks frames, and writes answers, by offsets and widths copied by hand from
 * the manual. It imports nothing of lib/ on purpose: what checks our encoder must not share its mistakes.
 *
 * Every deviation is reported in words through `complain`; reading goes on as well as it can.
 */

import iconv from 'iconv-lite';

export type Padding = 'space' | 'nul';
export type Complain = (problem: string) => void;

/** What of a frame's form is agreed between the two sides. */
export interface FormRules {
  readonly version: 'SAM10' | 'SAM11';
  readonly padding: Padding;
  readonly userCode: 'omit' | 'include';
  readonly numberStyle: 'left' | 'zero';
}

export interface ReceivedFrame {
  readonly command: string;
  readonly respCode: string;
  readonly respMesg: string;
  readonly body: Buffer;
  /** The whole frame from SOH to ETX. */
  readonly raw: Buffer;
}

/** One message of a 1020, 1024, 1044 or 1045. */
export interface ReceivedMessage {
  readonly command: string;
  readonly kind: 'SMS' | 'LMS' | 'MMS';
  readonly groupId: string;
  readonly messageId: string;
  readonly sender: string;
  readonly receiver: string;
  readonly reserveDt: string;
  readonly timeoutDt: string;
  readonly subject: string;
  readonly text: string;
  /** The text as it stood in the frame, without padding. */
  readonly textBytes: Buffer;
  readonly url: string;
  readonly userCode: string;
  readonly files: readonly string[];
}

export interface ReceivedId {
  readonly groupId: string;
  readonly messageId: string;
}

// Section 3.A: SOH 1, VERSION 6, COMMAND 5, LENGTH 8, RESP_CODE 5, RESP_MESG 50, STX 1.
const headerBytes = 76;
const largestBody = 400_000;

/**
 * Takes one frame off the front of what has arrived. `undefined`: not all of it is here yet. `broken`: the bytes are not
 * a frame, and nothing after them can be trusted.
 */
export function takeFrame(
  bytes: Buffer,
  rules: FormRules,
  complain: Complain,
): { frame: ReceivedFrame; rest: Buffer } | 'broken' | undefined {
  if (bytes.length > 0 && bytes[0] !== 0x01) return broken(`byte 0 is ${hex(bytes[0])}, not SOH`);
  if (bytes.length < headerBytes) return undefined;
  if (bytes[75] !== 0x02) return broken(`byte 75 is ${hex(bytes[75])}, not STX`);

  const length = Number(bytes.toString('latin1', 12, 20).replace(/[ \0]+$/, '') || NaN);
  if (!(length >= 0 && length <= largestBody)) return broken(`LENGTH is ${bytes.toString('latin1', 12, 20)}`);
  const end = headerBytes + length;
  if (bytes.length < end + 1) return undefined;
  if (bytes[end] !== 0x03) return broken(`byte ${end} is ${hex(bytes[end])}, not ETX, after LENGTH ${length}`);

  const header = new FieldReader(bytes.subarray(1, 75), rules, complain, 'header');
  const version = header.ascii('VERSION', 6);
  const command = header.ascii('COMMAND', 5);
  header.number('LENGTH', 8);
  const respCode = header.ascii('RESP_CODE', 5);
  const respMesg = header.text('RESP_MESG', 50);
  if (version !== rules.version) complain(`VERSION is "${version}", not ${rules.version}`);

  const body = Buffer.from(bytes.subarray(headerBytes, end));
  const raw = Buffer.from(bytes.subarray(0, end + 1));
  return { frame: { command, respCode, respMesg, body, raw }, rest: bytes.subarray(end + 1) };

  function broken(problem: string): 'broken' {
    complain(problem);
    return 'broken';
  }
}

/** 1010, 40 bytes. */
export function readLogin(body: Buffer, rules: FormRules, complain: Complain): { id: string; password: string } {
  const reader = new FieldReader(body, rules, complain, '1010');
  const login = { id: reader.ascii('ID', 20), password: reader.ascii('PASSWORD', 20) };
  reader.end();
  return login;
}

/** COUNT and the messages of a 1020, 1024, 1044 or 1045; `issued` holds the file names that this connection may use. */
export function readMessages(
  command: string,
  body: Buffer,
  rules: FormRules,
  complain: Complain,
  issued: ReadonlySet<string>,
): ReceivedMessage[] {
  const reader = new FieldReader(body, rules, complain, command);
  const count = reader.number('COUNT', 4) ?? 0;
  const files = command === '1024' || command === '1045' ? readFileNames(reader, issued, complain) : [];
  if (command === '1045' && count > 0 && files.length === 0) complain('1045 without a file: an LMS goes as 1044');

  const messages: ReceivedMessage[] = [];
  for (let n = 0; n < count && reader.more; n++) {
    reader.where = `${command} record ${n}`;
    messages.push(readMessage(command, reader, rules, files));
  }
  if (messages.length !== count) complain(`COUNT is ${count}, but ${messages.length} records are there`);
  reader.end();
  return messages;
}

/** COUNT and ids of a 1030 of SAM11 (4 + 40 n). */
export function readIds(body: Buffer, rules: FormRules, complain: Complain): ReceivedId[] {
  const reader = new FieldReader(body, rules, complain, '1030');
  const count = reader.number('COUNT', 4) ?? 0;
  const ids: ReceivedId[] = [];
  for (let n = 0; n < count && reader.more; n++) {
    ids.push({ groupId: reader.ascii('GRP_ID', 20), messageId: reader.ascii('MSG_ID', 20) });
  }
  if (ids.length !== count) complain(`COUNT is ${count}, but ${ids.length} ids are there`);
  reader.end();
  return ids;
}

/** 2030: 10 + 3 bytes, then the file itself. */
export function readUpload(body: Buffer, rules: FormRules, complain: Complain): { ext: string; data: Buffer } {
  const reader = new FieldReader(body.subarray(0, 13), rules, complain, '2030');
  const size = reader.number('FILE_LENGTH', 10);
  const ext = reader.ascii('FILE_EXT', 3);
  const data = body.subarray(13);
  if (size !== data.length) complain(`FILE_LENGTH is ${size}, but the file has ${data.length} bytes`);
  if (data.length === 0 || data.length > 299_999) complain(`a file of ${data.length} bytes`);
  if (!/^(jpg|sis|bmp|mmf|skm|k3g)$/.test(ext)) complain(`FILE_EXT is "${ext}"`);
  return { ext, data };
}

/** A whole frame; `fields` are pairs of a value and its width, or raw bytes. */
export function writeFrame(
  head: { version: string; command: string; respCode: string; respMesg: string; padding: Padding },
  fields: readonly (readonly [value: string, width: number])[],
): Buffer {
  const pad = (value: string, width: number) => {
    const field = Buffer.alloc(width, head.padding === 'nul' ? 0 : 0x20);
    iconv.encode(value, 'cp949').copy(field);
    return field;
  };
  const body = Buffer.concat(fields.map(([value, width]) => pad(value, width)));
  return Buffer.concat([
    Buffer.of(0x01),
    pad(head.version, 6),
    pad(head.command, 5),
    pad(String(body.length), 8),
    pad(head.respCode, 5),
    pad(head.respMesg, 50),
    Buffer.of(0x02),
    body,
    Buffer.of(0x03),
  ]);
}

/** Korean time as the wire writes it, whatever the zone of this machine. */
export function koreanTime(ms: number): string {
  return new Date(ms + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

function readFileNames(reader: FieldReader, issued: ReadonlySet<string>, complain: Complain): string[] {
  const names = [1, 2, 3, 4].map((n) => reader.text(`FILE_NAME${n}`, 128));
  const files = names.filter((name) => name !== '');
  if (names.slice(0, files.length).includes('')) complain('an empty FILE_NAME before a filled one');
  for (const name of files) if (!issued.has(name)) complain(`FILE_NAME "${name}" was not issued on this connection`);
  return files;
}

function readMessage(
  command: string,
  reader: FieldReader,
  rules: FormRules,
  files: readonly string[],
): ReceivedMessage {
  const variable = command === '1044' || command === '1045';
  const msgLen = variable ? (reader.number('MSG_LEN', 4) ?? 0) : 0;
  const groupId = reader.id('GRP_ID', 20);
  const messageId = reader.id('MSG_ID', 20);
  const sender = reader.digits('SENDER', 12);
  const receiver = reader.digits('RECEIVER', 12);
  const reserveDt = reader.date('RESERVE_DT', 20);
  const timeoutDt = reader.date('TIMEOUT_DT', 20);
  const subject = command === '1020' ? '' : reader.text('SUBJECT', 120, /[^\P{Cc}]/u);
  const textBytes = variable ? reader.exactly('MSG', msgLen) : reader.padded('MSG', command === '1020' ? 100 : 2000);
  const text = reader.decode('MSG', textBytes, /[^\P{Cc}\r\n\t]/u);
  const url = command === '1020' ? reader.ascii('URL', 80) : '';
  const userCode = rules.userCode === 'include' ? reader.text('USERCODE', 30) : '';
  // A fixed frame carries the one blank of an MMS without text as padding.
  if (textBytes.length === 0 && !(command === '1024' && files.length > 0)) reader.complain('MSG is empty');
  if (msgLen > 3000) reader.complain(`MSG_LEN is ${msgLen}`);
  const kind = command === '1020' ? 'SMS' : files.length > 0 ? 'MMS' : 'LMS';
  return {
    ...{ command, kind, groupId, messageId, sender, receiver, reserveDt, timeoutDt, subject },
    ...{ text, textBytes, url, userCode, files },
  };
}

/** Reads the fields of a body (or of the header) one after the other. */
class FieldReader {
  readonly #bytes: Buffer;
  readonly #rules: FormRules;
  readonly #complain: Complain;
  #at = 0;
  where: string;

  constructor(bytes: Buffer, rules: FormRules, complain: Complain, where: string) {
    this.#bytes = bytes;
    this.#rules = rules;
    this.#complain = complain;
    this.where = where;
  }

  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  complain(problem: string): void {
    this.#complain(`${this.where}: ${problem}`);
  }

  /** Nothing may stand behind the last field. */
  end(): void {
    if (this.more) this.complain(`${this.#bytes.length - this.#at} bytes too many`);
  }

  exactly(field: string, width: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + width);
    if (bytes.length < width) this.complain(`${field} has ${bytes.length} of ${width} bytes`);
    this.#at += width;
    return Buffer.from(bytes);
  }

  /** A field of fixed width without its padding, which must be of the agreed kind. */
  padded(field: string, width: number): Buffer {
    const bytes = this.exactly(field, width);
    const blank = this.#rules.padding === 'nul' ? 0x00 : 0x20;
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === blank) end--;
    const content = bytes.subarray(0, end);
    if (content.includes(0x00)) this.complain(`${field} holds a NUL: ${content.toString('hex')}`);
    return content;
  }

  decode(field: string, bytes: Buffer, forbidden: RegExp): string {
    const text = iconv.decode(bytes, 'cp949');
    if (!iconv.encode(text, 'cp949').equals(bytes)) this.complain(`${field} is not CP949: ${bytes.toString('hex')}`);
    if (forbidden.test(text)) this.complain(`${field} holds a control character`);
    return text;
  }

  text(field: string, width: number, forbidden = /\p{Cc}/u): string {
    const text = this.decode(field, this.padded(field, width), forbidden);
    if (text.startsWith(' ')) this.complain(`${field} is not left-aligned`);
    return text;
  }

  ascii(field: string, width: number): string {
    const text = this.padded(field, width).toString('latin1');
    if (!/^([!-~]([ -~]*[!-~])?)?$/.test(text)) this.complain(`${field} is "${text}"`);
    return text;
  }

  id(field: string, width: number): string {
    const text = this.ascii(field, width);
    if (!/^[!-~]+$/.test(text)) this.complain(`${field} is "${text}": an id has no blanks and is not empty`);
    return text;
  }

  digits(field: string, width: number): string {
    const text = this.ascii(field, width);
    if (!/^\d{3,12}$/.test(text)) this.complain(`${field} is "${text}", not digits only`);
    return text;
  }

  number(field: string, width: number): number | undefined {
    const text = this.padded(field, width).toString('latin1');
    const form = this.#rules.numberStyle === 'zero' ? new RegExp(`^\\d{${width}}$`) : /^(0|[1-9]\d*)$/;
    if (form.test(text)) return Number(text);
    this.complain(`${field} is "${text}", not a number`);
    return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  }

  /** YYYY-MM-DD HH:MM:SS, a date that exists; or blank. */
  date(field: string, width: number): string {
    const text = this.ascii(field, width);
    if (text === '') return '';
    const ms = Date.parse(`${text.replace(' ', 'T')}Z`);
    const real = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) && !Number.isNaN(ms);
    if (!real || new Date(ms).toISOString().slice(0, 10) !== text.slice(0, 10)) this.complain(`${field} is "${text}"`);
    return text;
  }
}

const hex = (byte: number | undefined) => `0x${(byte ?? 0).toString(16).padStart(2, '0')}`;

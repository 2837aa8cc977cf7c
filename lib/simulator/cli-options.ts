/**
 * The options of `ushot-simulator`, in one table: parsing and help both walk it. Faults are written
 * `kind[:item,item...]`, an item being a chance (`0.01`), a count (`3x`) or `name=value`.
 */
import { parseArgs } from 'node:util';
import type { Language } from '../errors.ts';
import { type Fault, type FaultKind, faultKindNames, faultKinds } from './faults.ts';
import { type Port, portNames, ports } from './ports.ts';
import type { SimulatorOptions } from './server.ts';
import { type AccountOptions, type AccountTerms, defaultSettings, defaultTerms } from './settings.ts';

interface OptionRow {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly en: string;
  readonly ko: string;
}

const free = `${ports.smsSend.number}-${ports.mmsReport.number}`;
const delay = `${defaultSettings.reportDelayMs.min}-${defaultSettings.reportDelayMs.max}`;

export const cliOptions = {
  host: { type: 'string', value: '127.0.0.1', en: 'address to listen on', ko: '수신 대기 주소' },
  ports: {
    type: 'string',
    value: 'a,b,c,d',
    en: `ports for SMS send, SMS report, MMS send, MMS report (${free}); 0 takes any free one`,
    ko: `SMS 발송, SMS 결과, MMS 발송, MMS 결과 포트(${free}). 0이면 빈 포트`,
  },
  account: {
    type: 'string',
    multiple: true,
    value: 'id:password',
    en: 'an account that may log in; without it, any may',
    ko: '로그인할 수 있는 계정. 없으면 누구나 로그인',
  },
  allow: {
    type: 'string',
    multiple: true,
    value: 'address',
    en: 'an address that may connect; without it, any may',
    ko: '접속을 허용할 주소. 없으면 모두 허용',
  },
  'fee-type': { type: 'string', value: '1|2', en: '1 prepaid, 2 postpaid', ko: '요금제. 1 선불, 2 후불' },
  prices: {
    type: 'string',
    value: 'sms,lms,mms',
    en: `prices (${defaultTerms.smsCost},${defaultTerms.lmsCost},${defaultTerms.mmsCost})`,
    ko: `건당 요금(${defaultTerms.smsCost},${defaultTerms.lmsCost},${defaultTerms.mmsCost})`,
  },
  balance: {
    type: 'string',
    value: 'n',
    en: `balance of a prepaid account (${defaultTerms.balance})`,
    ko: `선불 잔액(${defaultTerms.balance})`,
  },
  'when-empty': {
    type: 'string',
    value: 'report|refuse',
    en: 'without money: result 92, or the frame refused (report)',
    ko: '잔액이 없을 때: 결과 92로 보고하거나 전문을 거부(report)',
  },
  variable: { type: 'string', value: 'Y|N', en: 'VARIABLE_YN (Y)', ko: 'VARIABLE_YN(Y)' },
  'max-msg-size': { type: 'string', value: 'bytes', en: 'MAX_MSG_SIZE (3000)', ko: 'MAX_MSG_SIZE(3000)' },
  'max-per-request': {
    type: 'string',
    value: 'n',
    en: `most messages a request (${defaultTerms.maxPerRequest})`,
    ko: `한 전문의 최대 건수(${defaultTerms.maxPerRequest})`,
  },
  'callback-url-only': {
    type: 'boolean',
    en: 'accounts that send callback URLs only',
    ko: '콜백 URL만 보낼 수 있는 계정',
  },
  'short-login': {
    type: 'boolean',
    en: 'answer logins with 24 bytes instead of 33',
    ko: '로그인 응답을 33 대신 24바이트로',
  },
  duplicates: {
    type: 'string',
    value: 'refuse|accept|report-again',
    en: 'what a repeated MSG_ID brings (accept)',
    ko: '같은 MSG_ID가 다시 올 때(accept)',
  },
  'report-delay': {
    type: 'string',
    value: 'min-max',
    en: `ms until a message is reported (${delay})`,
    ko: `결과가 나올 때까지 밀리초(${delay})`,
  },
  'no-reports': { type: 'boolean', en: 'never report', ko: '결과를 보내지 않음' },
  'empty-poll': {
    type: 'string',
    value: 'count0|empty|silence',
    en: 'SAM10: answer to a poll when nothing is due (count0)',
    ko: 'SAM10: 결과가 없을 때의 응답(count0)',
  },
  'push-window': {
    type: 'string',
    value: 'n',
    en: 'SAM11: unacknowledged pushes at a time (1)',
    ko: 'SAM11: 응답 없이 보낼 수 있는 1031 수(1)',
  },
  heartbeat: {
    type: 'string',
    value: 'seconds',
    en: 'SAM11: a 1031 of COUNT 0 when the report link is quiet for so long (off)',
    ko: 'SAM11: 결과 연결이 이만큼 조용하면 COUNT 0인 1031 전송(끔)',
  },
  'idle-close': {
    type: 'string',
    value: 'seconds',
    en: 'close a connection that sends nothing for so long (never)',
    ko: '이만큼 아무것도 보내지 않는 연결을 끊음(끊지 않음)',
  },
  files: {
    type: 'string',
    value: 'folder',
    en: 'write uploaded files to this folder',
    ko: '업로드된 파일을 이 폴더에 저장',
  },
  padding: {
    type: 'string',
    value: 'space|nul',
    en: 'padding of what it sends (space)',
    ko: '필드를 채우는 값(space)',
  },
  'number-style': {
    type: 'string',
    value: 'left|zero',
    en: 'numbers as 7 or 0007 (left)',
    ko: '숫자를 7 또는 0007로(left)',
  },
  'user-code': {
    type: 'string',
    value: 'omit|include',
    en: 'USERCODE in messages (omit)',
    ko: '메시지의 USERCODE(omit)',
  },
  charset: { type: 'string', value: 'cp949|euc-kr', en: 'charset of texts (cp949)', ko: '문자 코드(cp949)' },
  fault: {
    type: 'string',
    multiple: true,
    value: 'kind[:items]',
    en: 'go wrong on purpose, see below',
    ko: '일부러 오류를 냄. 아래 참고',
  },
  seed: { type: 'string', value: 'n', en: 'decides every chance (1)', ko: '모든 우연을 정하는 값(1)' },
  'show-text': { type: 'boolean', en: 'print message texts too', ko: '메시지 내용도 출력' },
  lang: { type: 'string', value: 'en|ko', en: 'language (by LANG)', ko: '언어(LANG에 따름)' },
  help: { type: 'boolean', short: 'h', en: 'show this help', ko: '이 도움말' },
} as const satisfies Record<string, OptionRow>;

/** What a user typed wrong. */
export class UsageError extends Error {
  readonly ko: string;

  constructor(en: string, ko: string) {
    super(en);
    this.name = 'UsageError';
    this.ko = ko;
  }

  text(language: Language): string {
    return language === 'ko' ? this.ko : this.message;
  }
}

export interface CliSettings {
  readonly simulator: SimulatorOptions;
  readonly faults: readonly Fault[];
  readonly showText: boolean;
  readonly help: boolean;
}

/** The language that `--lang` asks for, or that the environment speaks. */
export function languageOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Language {
  const given =
    args.find((arg) => arg.startsWith('--lang='))?.slice('--lang='.length) ?? args[args.indexOf('--lang') + 1];
  if (args.some((arg) => arg === '--lang' || arg.startsWith('--lang='))) return given === 'ko' ? 'ko' : 'en';
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return locale.startsWith('ko') ? 'ko' : 'en';
}

/** Throws a `UsageError`. */
export function readArguments(args: readonly string[]): CliSettings {
  const values = parse(args);
  const text = (name: keyof typeof cliOptions): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const list = (name: keyof typeof cliOptions): string[] => {
    const value = values[name];
    return Array.isArray(value) ? value.map(String) : [];
  };
  const number = (name: keyof typeof cliOptions): number | undefined => {
    const value = text(name);
    return value === undefined ? undefined : wholeNumber(`--${name}`, value);
  };
  const choice = <T extends string>(name: keyof typeof cliOptions, choices: readonly T[]): T | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const chosen = choices.find((one) => one === value);
    if (chosen === undefined) throw notOneOf(`--${name}`, value, choices);
    return chosen;
  };
  const prices = text('prices')
    ?.split(',')
    .map((value) => amount('--prices', value));
  if (prices && prices.length !== 3) throw wrongValue('--prices', text('prices') ?? '', 'sms,lms,mms');
  choice('lang', ['en', 'ko']);
  const terms = given<AccountTerms>({
    feeType: choice('fee-type', ['1', '2']),
    smsCost: prices?.[0],
    lmsCost: prices?.[1],
    mmsCost: prices?.[2],
    balance: number('balance'),
    variable: text('variable') === undefined ? undefined : choice('variable', ['Y', 'N']) === 'Y',
    maxMsgBytes: number('max-msg-size'),
    maxPerRequest: number('max-per-request'),
    service: values['callback-url-only'] ? 'callback-url' : undefined,
  });
  const wire = given<NonNullable<SimulatorOptions['wire']>>({
    padding: choice('padding', ['space', 'nul']),
    numberStyle: choice('number-style', ['left', 'zero']),
    userCode: choice('user-code', ['omit', 'include']),
    charset: choice('charset', ['cp949', 'euc-kr']),
  });
  const heartbeat = number('heartbeat');
  const idleClose = number('idle-close');
  const simulator: SimulatorOptions = {
    ...given<SimulatorOptions>({
      host: text('host'),
      seed: number('seed'),
      loginAnswer: values['short-login'] ? 'short' : undefined,
      whenEmpty: choice('when-empty', ['report', 'refuse']),
      duplicates: choice('duplicates', ['refuse', 'accept', 'report-again']),
      reportDelayMs: readRange('--report-delay', text('report-delay')),
      reports: values['no-reports'] ? false : undefined,
      emptyPoll: choice('empty-poll', ['count0', 'empty', 'silence']),
      pushWindow: number('push-window'),
      heartbeatMs: heartbeat === undefined ? undefined : heartbeat * 1000,
      idleCloseMs: idleClose === undefined ? undefined : idleClose * 1000,
      fileFolder: text('files'),
    }),
    ports: readPorts(text('ports')),
    accounts: list('account').map(readAccount),
    allowAddresses: list('allow'),
    terms,
    wire,
  };
  return {
    simulator,
    faults: list('fault').map(readFault),
    showText: values['show-text'] === true,
    help: values.help === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: cliOptions, allowPositionals: false }).values;
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(message, `인수를 읽을 수 없습니다: ${message}`);
  }
}

/** `kind[:item,item...]`, for example `late:0.1,delay=5000,port=smsSend`. */
export function readFault(text: string): Fault {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const kind = faultKindNames.find((one) => one === name);
  if (kind === undefined) throw notOneOf('--fault', name, faultKindNames);
  const fault: { -readonly [K in keyof Fault]: Fault[K] } = { kind };
  for (const item of colon < 0 ? [] : text.slice(colon + 1).split(',')) readFaultItem(fault, kind, item.trim());
  return fault;
}

function readFaultItem(fault: { -readonly [K in keyof Fault]: Fault[K] }, kind: FaultKind, item: string): void {
  const equals = item.indexOf('=');
  const name = item.slice(0, equals);
  const value = item.slice(equals + 1);
  const option = `--fault ${kind}`;
  if (equals < 0) {
    if (/^\d+x$/.test(item)) fault.times = Number(item.slice(0, -1));
    else {
      const chance = amount(option, item);
      if (chance > 1) throw wrongValue(option, item, '0.01, 3x');
      fault.probability = chance;
    }
    return;
  }
  switch (name) {
    case 'port': {
      const port = portNames.find((one) => one === value);
      if (port === undefined) throw notOneOf(`${option} port`, value, portNames);
      fault.ports = [...(fault.ports ?? []), port];
      break;
    }
    case 'command':
      fault.commands = [...(fault.commands ?? []), value];
      break;
    case 'receiver':
      fault.receivers = [...(fault.receivers ?? []), value];
      break;
    case 'code':
    case 'text':
      fault[name] = value;
      break;
    case 'delay':
      fault.delayMs = wholeNumber(`${option} delay`, value);
      break;
    case 'result':
    case 'size':
      fault[name] = wholeNumber(`${option} ${name}`, value);
      if (name === 'size' && fault.size === 0) throw wrongValue(`${option} size`, value, '1');
      break;
    default:
      throw notOneOf(option, name, ['port', 'command', 'receiver', 'code', 'text', 'delay', 'result', 'size']);
  }
}

function readPorts(text: string | undefined): Record<Port, number> {
  const [smsSend, smsReport, mmsSend, mmsReport] = text === undefined ? [] : text.split(',');
  if (text !== undefined && text !== '0' && text.split(',').length !== portNames.length) {
    throw wrongValue('--ports', text, '33300,33301,33302,33303');
  }
  const read = (value: string | undefined, port: Port): number => {
    if (text === '0') return 0;
    if (value === undefined) return ports[port].number;
    const number = wholeNumber('--ports', value);
    if (number > 65535) throw wrongValue('--ports', value, '0-65535');
    return number;
  };
  return {
    smsSend: read(smsSend, 'smsSend'),
    smsReport: read(smsReport, 'smsReport'),
    mmsSend: read(mmsSend, 'mmsSend'),
    mmsReport: read(mmsReport, 'mmsReport'),
  };
}

function readAccount(text: string): AccountOptions {
  const colon = text.indexOf(':');
  // The value may hold a password: it is not repeated.
  if (colon < 1 || colon === text.length - 1) throw wrongValue('--account', '...', 'id:password');
  return { id: text.slice(0, colon), password: text.slice(colon + 1) };
}

function readRange(option: string, text: string | undefined): { min: number; max: number } | undefined {
  if (text === undefined) return undefined;
  const [min = '', max = min, ...rest] = text.split('-');
  const range = { min: wholeNumber(option, min), max: wholeNumber(option, max) };
  if (rest.length > 0 || range.max < range.min) throw wrongValue(option, text, '1000-3000');
  return range;
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw wrongValue(option, text, '100');
  return Number(text);
}

function amount(option: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw wrongValue(option, text, '0.5');
  return Number(text);
}

const wrongValue = (option: string, value: string, example: string): UsageError =>
  new UsageError(
    `${option} cannot be "${value}"; it is written like ${example}.`,
    `${option} 값 "${value}"을(를) 쓸 수 없습니다. 예: ${example}`,
  );

const notOneOf = (option: string, value: string, choices: readonly string[]): UsageError =>
  new UsageError(
    `${option} cannot be "${value}"; it is one of: ${choices.join(', ')}.`,
    `${option} 값 "${value}"을(를) 쓸 수 없습니다. 가능한 값: ${choices.join(', ')}`,
  );

/** Only the members that were given. */
function given<T extends object>(values: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const COLUMN = 34;

export function helpText(language: Language): string {
  const korean = language === 'ko';
  const line = (left: string, right: string): string => `  ${left.padEnd(COLUMN)} ${right}`;
  const options = (Object.entries(cliOptions) as [string, OptionRow][]).map(([name, row]) => {
    const short = row.short === undefined ? '' : `-${row.short}, `;
    return line(`${short}--${name}${row.value === undefined ? '' : ` ${row.value}`}`, row[language]);
  });
  const faults = faultKindNames.map((kind) => line(kind, faultKinds[kind][language]));
  return [
    korean
      ? 'UShot 게이트웨이 시뮬레이터. 계정 없이 문자 발송을 시험합니다. 실제로는 아무것도 발송되지 않습니다.'
      : 'A simulated UShot gateway: try sending messages without an account. Nothing is really sent.',
    '',
    korean ? '사용법: npx ushot-simulator [옵션]' : 'Usage: npx ushot-simulator [options]',
    '',
    korean ? '옵션(괄호 안은 기본값):' : 'Options (defaults in parentheses):',
    ...options,
    '',
    korean
      ? '수신번호 010-0000-00NN은 결과 코드 NN으로 끝나고, 나머지는 모두 성공(6)합니다.'
      : 'Receivers 010-0000-00NN end with result NN; all others are delivered (6).',
    '',
    korean
      ? '오류는 --fault 종류[:항목,항목...]으로 냅니다. 항목: 확률(0.01), 횟수(3x), port=, command=, receiver=, code=, text=, delay=, result=, size='
      : 'Faults are written --fault kind[:item,item...]. Items: a chance (0.01), a count (3x), port=, command=, receiver=, code=, text=, delay=, result=, size=',
    korean
      ? 'command=1010을 쓰지 않으면 로그인에는 일어나지 않습니다(refuse-login, cut-at-login 제외).'
      : 'Logins are spared unless command=1010 is given (but for refuse-login and cut-at-login).',
    ...faults,
    '',
    korean ? '예:' : 'Examples:',
    '  npx ushot-simulator --fault cut-before-answer:0.01 --seed 42',
    '  npx ushot-simulator --fault late:2x,delay=5000,port=smsSend --report-delay 0-500',
    '',
  ].join('\n');
}

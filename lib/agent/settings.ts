/**
 * The settings of a session: every property of the config node once, with its default and what it may be. The editor's
 * defaults are tested against this table.
 *
 * Values arrive as the editor stored them (texts, after `${ENV}` was filled in) and leave as what the agent works with.
 */
import { UshotError } from '../errors.ts';

interface Property<T> {
  /** What a new session node holds. */
  readonly initial: string | number;
  /** Reads a value, or throws a sentence fragment that says what would be right. */
  read(value: string): T;
}

/** Thrown by a property, turned into USHOT_SETTINGS with the property's name. */
class Wrong extends Error {}

const text = (initial = ''): Property<string> => ({ initial, read: (value) => value });

const choice = <const T extends string>(options: readonly T[], initial: T): Property<T> => ({
  initial,
  read(value) {
    const found = options.find((option) => option === value);
    if (!found) throw new Wrong(options.join(' | '));
    return found;
  },
});

const number = (initial: number, min: number, max: number, whole = true): Property<number> => ({
  initial,
  read(value) {
    const parsed = Number(value);
    if (value.trim() === '' || !(parsed >= min && parsed <= max) || (whole && !Number.isInteger(parsed))) {
      throw new Wrong(whole ? `${min}, ${min + 1}, … ${max}` : `${min} ~ ${max}`);
    }
    return parsed;
  },
});

/** A number that may be left empty: then the login's own value holds. */
const optionalNumber = (min: number, max: number): Property<number | undefined> => {
  const property = number(min, min, max);
  return { initial: '', read: (value) => (value.trim() === '' ? undefined : property.read(value)) };
};

/** RESP_CODEs and what to do about each, as in "11005=stop, 11009=retry": the manual names none but 00000. */
const respCodes: Property<Readonly<Record<string, LearntAction>>> = {
  initial: '',
  read(value) {
    const learnt: Record<string, LearntAction> = {};
    for (const part of value.split(/[,;\n]/).filter((one) => one.trim() !== '')) {
      const [, code, name] = /^\s*([0-9A-Za-z]{1,5})\s*=\s*(\w+)\s*$/.exec(part) ?? [];
      const action = learntActions.find((known) => known === name);
      if (code === undefined || action === undefined) throw new Wrong(`11005=${learntActions.join(' | ')}, …`);
      learnt[code] = action;
    }
    return learnt;
  },
};

const learntActions = ['retry', 'fail', 'relogin', 'stop'] as const;
type LearntAction = (typeof learntActions)[number];

const port = (initial: number) => number(initial, 1, 65_535);
const seconds = (initial: number, min: number, max: number) => number(initial, min, max, false);

const DAY_SECONDS = 86_400;

export const sessionProperties = {
  name: text(),
  mode: choice(['gateway', 'practice'], 'gateway'),
  host: text('link.unionmc.co.kr'),
  smsSendPort: port(33_300),
  smsReportPort: port(33_301),
  mmsSendPort: port(33_302),
  mmsReportPort: port(33_303),
  protocol: choice(['SAM11', 'SAM10'], 'SAM11'),
  connections: number(1, 1, 16),
  keepaliveSeconds: seconds(30, 0.1, 3600),
  pollSeconds: seconds(5, 0.1, 3600),
  reconnectSeconds: seconds(10, 0.1, 3600),
  timeoutSeconds: seconds(30, 0.1, 600),
  userCode: choice(['omit', 'include'], 'omit'),
  padding: choice(['space', 'nul'], 'space'),
  charset: choice(['cp949', 'euc-kr'], 'cp949'),
  unencodable: choice(['reject', 'replace'], 'reject'),
  localAddress: text(),
  inDoubt: choice(['resend', 'hold'], 'resend'),
  inDoubtSeconds: seconds(60, 0, DAY_SECONDS),
  maxPerMinute: number(0, 0, 1_000_000),
  maxPerDay: number(0, 0, 100_000_000),
  cooldownSeconds: seconds(0, 0, 30 * DAY_SECONDS),
  duplicateSeconds: seconds(0, 0, 30 * DAY_SECONDS),
  maxAgeMinutes: number(1440, 1, 60 * 24 * 30, false),
  resendTries: number(3, 0, 10),
  smsLimitBytes: number(90, 1, 100),
  maxFiles: number(3, 1, 4),
  variable: choice(['auto', 'Y', 'N'], 'auto'),
  maxMsgBytes: optionalNumber(1, 3000),
  maxPerRequest: optionalNumber(1, 9999),
  numberStyle: choice(['left', 'zero'], 'left'),
  ackCode: text('00000'),
  respCodes,
  keepaliveAnswer: choice(['yes', 'no'], 'yes'),
  reportHeartbeat: choice(['auto', 'off'], 'auto'),
  retentionDays: number(30, 1, 3650),
  /** Empty: as long as the message itself. 0: until it has ended. */
  textRetentionDays: optionalNumber(0, 3650),
  /** Pictures are fitted to the strictest carrier's limit, to the gateway's own, or passed as they are. */
  pictures: choice(['strict', 'large', 'as-is'], 'strict'),
  /** The only folder that paths in `files` may name; empty: any. */
  folder: text(),
  /** Practice mode: the result that every message ends with; at 6 (delivered) the receivers 010-0000-00NN end with NN. */
  practiceResult: number(6, 0, 99),
  /** Practice mode: how long a report takes. */
  practiceDelaySeconds: seconds(2, 0, 3600),
  /** Practice mode: what the simulated gateway does wrong, and how many messages go well before. */
  practiceFault: choice(
    ['none', 'reject', 'cut', 'silence', 'no-report', 'report-twice', 'refuse-login', 'refuse-address'],
    'none',
  ),
  practiceFaultAfter: number(0, 0, 1_000_000),
} as const satisfies Record<string, Property<unknown>>;

type Properties = typeof sessionProperties;

/** The account, from the node's credentials. */
interface Account {
  readonly id: string;
  readonly password: string;
}

export type AgentSettings = Account & { readonly [K in keyof Properties]: ReturnType<Properties[K]['read']> };

/** Node-RED leaves `${NAME}` as it is where the variable is not set. */
function refuseUnset(session: string, property: string, value: string): void {
  if (!/\$\{[^}]*\}/.test(value)) return;
  throw new UshotError('USHOT_SETTINGS_ENV', { session, property, value });
}

/** ID and PASSWORD of 1010 are 20 bytes each. */
const CREDENTIAL_BYTES = 20;

/**
 * Reads what a session node holds. A property that is missing takes its default; one that is wrong throws
 * USHOT_SETTINGS, which names it, its value and what would be right.
 */
export function readSettings(raw: Readonly<Record<string, unknown>>): AgentSettings {
  const session = String(raw['name'] || raw['id'] || 'UShot');
  const wrong = (problem: string): never => {
    throw new UshotError('USHOT_SETTINGS', { session, problem });
  };
  const settings: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(sessionProperties)) {
    const given = raw[name];
    const written = given === undefined || given === null ? '' : String(given).trim();
    // What was emptied in the editor is as good as what was never filled in.
    const value =
      written === '' && (name !== 'host' || given === undefined || given === null) ? String(property.initial) : written;
    refuseUnset(session, name, value);
    try {
      settings[name] = property.read(value);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      wrong(`${name} = "${value}" (${error.message})`);
    }
  }
  const practice = settings['mode'] === 'practice';
  for (const name of ['id', 'password'] as const) {
    const value = typeof raw[name] === 'string' ? raw[name] : '';
    refuseUnset(session, name, value);
    if (value === '' && !practice) throw new UshotError('USHOT_SETTINGS_EMPTY', { session, property: name });
    if (!/^[\x21-\x7e]*$/.test(value) || value.length > CREDENTIAL_BYTES) {
      throw new UshotError('USHOT_SETTINGS_CREDENTIAL', { session, property: name, limit: CREDENTIAL_BYTES });
    }
    settings[name] = value || 'practice';
  }
  if (!practice && settings['host'] === '') throw new UshotError('USHOT_SETTINGS_EMPTY', { session, property: 'host' });
  if (!/^[0-9A-Za-z]{0,5}$/.test(String(settings['ackCode'])))
    wrong(`ackCode = "${settings['ackCode']}" (0 ~ 5 ASCII)`);
  return Object.freeze(settings) as unknown as AgentSettings;
}

/**
 * Why a link is down, as a value: a code of the error table, the parameters that fill its sentence in either language,
 * and a short technical detail for the log.
 */
import type { ErrorCode, ErrorParams } from '../errors.ts';
import type { LinkSettings } from './settings.ts';

export interface LinkTrouble {
  /** A `USHOT_LINK_...` row, or `USHOT_STOPPED`. */
  readonly code: ErrorCode;
  /** Fills every hole of that row: `new UshotError(trouble.code, trouble.params)`. */
  readonly params: ErrorParams;
  /** For a log: the system's error code, or a few English words. */
  readonly detail: string;
  /** What the gateway said, where it refused the login. */
  readonly respCode?: string;
  readonly respMesg?: string;
}

/** How a connection ended, as far as the system told. */
export interface ConnectionError {
  readonly code?: string | undefined;
  readonly message: string;
}

type Address = Pick<LinkSettings, 'host' | 'port' | 'localAddress'>;

const at = ({ host, port }: Address) => ({ host, port });

/** Whole seconds, at least 1: "within 0 seconds" reads as nonsense. */
const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000));

/** The system's errors on the way to a connection, by what the reader can do about them. Others: USHOT_LINK_LOST. */
const dialErrors: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'USHOT_LINK_DNS',
  EAI_AGAIN: 'USHOT_LINK_DNS',
  EAI_FAIL: 'USHOT_LINK_DNS',
  EAI_NODATA: 'USHOT_LINK_DNS',
  EAI_NONAME: 'USHOT_LINK_DNS',
  ECONNREFUSED: 'USHOT_LINK_REFUSED',
  ETIMEDOUT: 'USHOT_LINK_TIMEOUT',
  EHOSTUNREACH: 'USHOT_LINK_UNREACHABLE',
  ENETUNREACH: 'USHOT_LINK_UNREACHABLE',
  EHOSTDOWN: 'USHOT_LINK_UNREACHABLE',
  ENETDOWN: 'USHOT_LINK_UNREACHABLE',
  EADDRNOTAVAIL: 'USHOT_LINK_LOCAL_ADDRESS',
  ERR_INVALID_IP_ADDRESS: 'USHOT_LINK_LOCAL_ADDRESS',
};

/** A connection that never opened. */
export function notOpened(address: Address, error: ConnectionError | undefined, elapsedMs: number): LinkTrouble {
  if (!error) return closed(address);
  // Opened and reset in one breath: to the gateway, we were connected.
  if (error.code === 'ECONNRESET') return silentClose(address, error);
  const detail = error.code ?? error.message;
  let code = dialErrors[detail] ?? 'USHOT_LINK_LOST';
  // Without a source address of our own choice, the system had none to give: there is no network.
  if (code === 'USHOT_LINK_LOCAL_ADDRESS' && !address.localAddress) code = 'USHOT_LINK_UNREACHABLE';
  return {
    code,
    params: { ...at(address), detail, seconds: seconds(elapsedMs), localAddress: address.localAddress ?? '' },
    detail,
  };
}

/** Nothing came in time while connecting or logging in. */
export function timedOut(address: Address, limitMs: number): LinkTrouble {
  return {
    code: 'USHOT_LINK_TIMEOUT',
    params: { ...at(address), seconds: seconds(limitMs) },
    detail: `no answer within ${limitMs} ms`,
  };
}

/** A connection that was open is gone. */
export function lost(address: Address, error: ConnectionError | undefined): LinkTrouble {
  if (!error) return closed(address);
  const detail = error.code ?? error.message;
  return { code: 'USHOT_LINK_LOST', params: { ...at(address), detail }, detail };
}

function closed(address: Address): LinkTrouble {
  return { code: 'USHOT_LINK_CLOSED', params: at(address), detail: 'closed by the gateway' };
}

/** The gateway took the login and hung up without a word: what an address that is not allow-listed looks like. */
export function silentClose(address: Address, error: ConnectionError | undefined): LinkTrouble {
  const how = error ? ` (${error.code ?? error.message})` : '';
  return { code: 'USHOT_LINK_SILENT_CLOSE', params: at(address), detail: `closed before the login was answered${how}` };
}

export function loginRefused(respCode: string, respMesg: string): LinkTrouble {
  return {
    code: 'USHOT_LINK_LOGIN_REFUSED',
    // A dash keeps the sentence readable where the gateway left a field blank.
    params: { respCode: respCode || '-', respMesg: respMesg || '-' },
    detail: `login refused: ${respCode || '-'} ${respMesg || '-'}`,
    respCode,
    respMesg,
  };
}

export function unanswered(address: Address, command: string, limitMs: number): LinkTrouble {
  return {
    code: 'USHOT_LINK_NO_ANSWER',
    params: { ...at(address), command, seconds: seconds(limitMs) },
    detail: `${command} unanswered for ${limitMs} ms`,
  };
}

export function unexpected(address: Address, command: string): LinkTrouble {
  return { code: 'USHOT_LINK_UNEXPECTED', params: { ...at(address), command }, detail: `unexpected ${command}` };
}

export function notTheProtocol(address: Address, detail: string): LinkTrouble {
  return { code: 'USHOT_LINK_PROTOCOL', params: { ...at(address), detail }, detail };
}

export function flooded(address: Address, waiting: number): LinkTrouble {
  return {
    code: 'USHOT_LINK_FLOODED',
    params: { ...at(address), waiting },
    detail: `${waiting} reports received and not yet stored`,
  };
}

export function notReady(address: Address): LinkTrouble {
  return { code: 'USHOT_LINK_NOT_READY', params: at(address), detail: 'not logged in yet' };
}

export const stopped: LinkTrouble = { code: 'USHOT_STOPPED', params: {}, detail: 'stopped' };

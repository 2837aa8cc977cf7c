/**
 * What can be wrong with a frame, and whose fault it is: `LocalProtocolError` when we were about to send something that
 * the manual does not allow, `RemoteProtocolError` when the other side did. Code switches on `problem`; people read the
 * sentence. Neither holds a password or a message text.
 */

import type { Language } from '../errors.ts';
import type { RawFrame } from './framer.ts';

type Params = Readonly<Record<string, string | number>>;

interface ProblemRow {
  readonly en: string;
  readonly ko: string;
}

/** What stands before the sentence of a local problem is the place: command, field, number of the record. */
const localProblems = {
  'unknown-command': { en: 'there is no such command', ko: '없는 명령어입니다' },
  'no-body': { en: 'this command needs a body', ko: '본문이 있어야 하는 명령어입니다' },
  'not-a': { en: 'must be {expected}, but is {found}', ko: '{expected}이어야 하는데 {found}입니다' },
  missing: { en: 'must be filled in', ko: '값이 있어야 합니다' },
  'too-wide': {
    en: 'takes {bytes} bytes, but the field has {width}',
    ko: '{bytes}바이트인데 필드 길이는 {width}바이트입니다',
  },
  unencodable: {
    en: 'holds a character that {charset} lacks at position {position}',
    ko: '{position}번째 글자는 {charset}에 없는 글자입니다',
  },
  'bad-character': {
    en: 'holds a character at position {position} that does not belong in {expected}',
    ko: '{position}번째 글자는 {expected}에 쓸 수 없습니다',
  },
  'bad-date': {
    en: 'is not a real time written YYYY-MM-DD HH:MM:SS',
    ko: 'YYYY-MM-DD HH:MM:SS 형식의 올바른 시각이 아닙니다',
  },
} as const satisfies Record<string, ProblemRow>;

const remoteProblems = {
  mark: {
    en: 'expected {expected} but found {found}',
    ko: '{expected}이(가) 와야 하는데 {found}이(가) 왔습니다',
  },
  'not-a-number': { en: '{field} is not a number', ko: '{field} 값이 숫자가 아닙니다' },
  'too-long': {
    en: '{field} announces {bytes} bytes, but at most {limit} are taken',
    ko: '{field} 값이 {bytes}바이트입니다. {limit}바이트까지 받습니다',
  },
  'unknown-command': { en: 'unknown command "{command}"', ko: '알 수 없는 명령어 "{command}"입니다' },
  'body-length': {
    en: 'the body has {found} bytes, but {expected} are needed',
    ko: '본문이 {found}바이트입니다. {expected}바이트여야 합니다',
  },
  form: { en: '{field} {complaint}', ko: '{field} 값이 규격과 다릅니다({complaint})' },
} as const satisfies Record<string, ProblemRow>;

export type LocalProblem = keyof typeof localProblems;
export type RemoteProblem = keyof typeof remoteProblems;

const fill = (template: string, params: Params): string =>
  template.replace(/\{(\w+)\}/g, (hole, name: string) => String(params[name] ?? hole));

/** The place of a value in a frame that we were asked to write. */
export interface Place {
  readonly command: string;
  readonly field?: string;
  /** Index of the record in its group, from 0. */
  readonly record?: number;
}

const describePlace = ({ command, field, record }: Place): string =>
  [command, record === undefined ? '' : `record ${record}`, field ?? ''].filter((part) => part !== '').join(' ');

/** Our own fault: a value that must not go out as it is. Nothing was written anywhere. */
export class LocalProtocolError extends Error {
  readonly problem: LocalProblem;
  readonly command: string;
  readonly field: string | undefined;
  /** Index of the record in its group, from 0. */
  readonly record: number | undefined;
  readonly params: Params;

  constructor(problem: LocalProblem, place: Place, params: Params = {}) {
    super(`${describePlace(place)}: ${fill(localProblems[problem].en, params)}`);
    this.name = 'LocalProtocolError';
    this.problem = problem;
    this.command = place.command;
    this.field = place.field;
    this.record = place.record;
    this.params = params;
  }

  text(language: Language): string {
    const place = describePlace({
      command: this.command,
      ...(this.field === undefined ? {} : { field: this.field }),
      ...(this.record === undefined ? {} : { record: this.record }),
    });
    return `${place}: ${fill(localProblems[this.problem][language], this.params)}`;
  }
}

/** Where in the bytes received a problem stands. */
export interface Spot {
  /** Bytes from the SOH of the frame, from 0. */
  readonly offset: number;
  /** The byte that stands there; undefined where the frame ends before it. */
  readonly byte?: number | undefined;
  readonly field?: string | undefined;
  /** Bytes from the beginning of the stream; only the framer knows it. */
  readonly streamOffset?: number | undefined;
}

export const hexByte = (byte: number): string => `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`;

/** The other side's fault: what arrived is not the protocol. The connection is of no further use. */
export class RemoteProtocolError extends Error {
  readonly problem: RemoteProblem;
  readonly offset: number;
  readonly byte: number | undefined;
  readonly field: string | undefined;
  readonly streamOffset: number | undefined;
  readonly params: Params;
  /** Good frames that came in the same chunk, before the trouble. They are not handed over in any other way. */
  readonly frames: readonly RawFrame[];

  constructor(problem: RemoteProblem, spot: Spot, params: Params = {}, frames: readonly RawFrame[] = []) {
    super(`${fill(remoteProblems[problem].en, params)} (${describeSpot(spot, 'en')})`);
    this.name = 'RemoteProtocolError';
    this.problem = problem;
    this.offset = spot.offset;
    this.byte = spot.byte;
    this.field = spot.field;
    this.streamOffset = spot.streamOffset;
    this.params = params;
    this.frames = frames;
  }

  /** The same error with the frames that came before it. */
  after(frames: readonly RawFrame[]): RemoteProtocolError {
    return new RemoteProtocolError(this.problem, this, this.params, frames);
  }

  text(language: Language): string {
    return `${fill(remoteProblems[this.problem][language], this.params)} (${describeSpot(this, language)})`;
  }
}

function describeSpot({ offset, byte, streamOffset }: Spot, language: Language): string {
  const korean = language === 'ko';
  const parts = [korean ? `프레임 위치 ${offset}` : `at byte ${offset} of the frame`];
  if (streamOffset !== undefined && streamOffset !== offset) {
    parts.push(korean ? `연결 시작부터 ${streamOffset}` : `${streamOffset} of the connection`);
  }
  if (byte !== undefined) {
    parts.push(korean ? `바이트 ${hexByte(byte)}` : `which is ${hexByte(byte)}`);
  }
  return parts.join(', ');
}

/**
 * The words of the session machine: its states, the events that move it, the effects it asks for. What they do is in
 * `machine.ts`. All times are milliseconds of the clock that the driver reads.
 */
import type { ErrorCode, ErrorParams } from '../errors.ts';
import type { BodyInput, BodyRecord, Command, Frame, Terms } from '../protocol/index.ts';
import type { LinkSettings } from './settings.ts';
import type { ConnectionError, LinkTrouble } from './trouble.ts';

/** What outlives a connection. */
export interface History {
  /** Connections lost or not made, one after the other, none of which proved good. */
  readonly failures: number;
  /** Logins refused, one after the other; counted anew from the first one after a login that was accepted. */
  readonly refusals: number;
  /** The last connection was logged in: the gateway may still hold on to it. */
  readonly wasIn: boolean;
  /** The gateway was seen to answer polls that find nothing. */
  readonly answersEmptyPolls: boolean;
  /** Notices given; each is given once. */
  readonly noticed: readonly ErrorCode[];
}

export const noHistory: History = {
  failures: 0,
  refusals: 0,
  wasIn: false,
  answersEmptyPolls: false,
  noticed: [],
};

/** A request of the link's owner, on its way. */
export interface Request {
  readonly ticket: number;
  readonly command: Command;
  readonly bytes: Buffer;
  readonly timeoutMs: number;
}

/** What a send link is doing: at most one frame of ours is ever unanswered. */
export type Exchange =
  | { readonly kind: 'idle'; readonly keepaliveAtMs: number }
  | { readonly kind: 'request'; readonly request: Request; readonly deadlineMs: number }
  /** An empty request is unanswered. `next` came meanwhile and goes out after the answer. */
  | {
      readonly kind: 'keepalive';
      readonly command: Command;
      readonly deadlineMs: number;
      readonly next: Request | undefined;
    };

/** A 1031 that was handed on and waits to be stored, or to be acknowledged in its turn. */
export interface Held {
  readonly ticket: number;
  /** For the acknowledgement; empty for a heartbeat. */
  readonly ids: readonly { readonly GRP_ID: string; readonly MSG_ID: string }[];
  readonly reports: number;
  readonly stored: boolean;
}

/** How a report link talks, by version. */
export type Talk =
  | {
      readonly version: 'SAM10';
      /** When the next poll is due. It waits while anything is held. */
      readonly pollAtMs: number;
      /** A poll went out and nothing came since. */
      readonly awaiting: boolean;
      /** Until when the answer to it is awaited. */
      readonly answerByMs: number;
      readonly silentPolls: number;
    }
  | {
      readonly version: 'SAM11';
      readonly heartbeatAtMs: number;
      /** An empty 1031 until then is the echo of an empty 1030 of ours. */
      readonly echoUntilMs: number;
    };

/** What both kinds of a logged-in connection know. */
interface LoggedIn {
  readonly history: History;
  readonly terms: Terms;
  readonly sinceMs: number;
  /** The gateway said something after the login. */
  readonly proved: boolean;
}

export interface Stopped {
  readonly name: 'stopped';
  readonly history: History;
}

export interface Connecting {
  readonly name: 'connecting';
  readonly history: History;
  readonly sinceMs: number;
  readonly deadlineMs: number;
}

export interface LoggingIn {
  readonly name: 'logging-in';
  readonly history: History;
  readonly deadlineMs: number;
  /** Part of an answer arrived. */
  readonly heard: boolean;
}

export interface Sending extends LoggedIn {
  readonly name: 'sending';
  readonly exchange: Exchange;
  /** `keepaliveAnswer`, until the gateway shows that it does answer. */
  readonly awaitsKeepalive: boolean;
}

export interface Reporting extends LoggedIn {
  readonly name: 'reporting';
  readonly talk: Talk;
  /** In the order of arrival. */
  readonly held: readonly Held[];
  /** Reports in `held` that are not stored. */
  readonly unstored: number;
  readonly nextTicket: number;
}

export interface Waiting {
  readonly name: 'waiting';
  readonly history: History;
  readonly untilMs: number;
  readonly trouble: LinkTrouble;
}

export interface Closing {
  readonly name: 'closing';
  readonly history: History;
  readonly deadlineMs: number;
  /** What it was doing when it was told to stop. */
  readonly last: Sending | Reporting;
}

export type State = Stopped | Connecting | LoggingIn | Sending | Reporting | Waiting | Closing;

export type Event =
  /** The owner wants the link, or no longer. */
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  /** The owner wants `request` sent and answered. */
  | { readonly type: 'request'; readonly request: Request }
  /** The reports handed on under `ticket` are committed. */
  | { readonly type: 'stored'; readonly ticket: number }
  /** The connection is open. */
  | { readonly type: 'opened' }
  /** A whole frame. `more`: further bytes arrived behind it. */
  | { readonly type: 'frame'; readonly frame: Frame; readonly more: boolean }
  /** The bytes received end inside a frame. */
  | { readonly type: 'partial' }
  /** What arrived is not the protocol. */
  | { readonly type: 'broken'; readonly detail: string }
  /** The connection is gone. */
  | { readonly type: 'closed'; readonly error: ConnectionError | undefined }
  /** The time that `deadline(state)` named has come. */
  | { readonly type: 'tick' };

export type Answer =
  /** The gateway answered; its RESP_CODE may say no. */
  | { readonly kind: 'answer'; readonly frame: Frame }
  /** No answer, and none will come. `written: false`: no byte of the request went out. */
  | { readonly kind: 'lost'; readonly written: boolean; readonly trouble: LinkTrouble };

/** A frame that the session makes itself. */
export type Outgoing =
  | { readonly command: '1020'; readonly body: BodyInput<'1020'> }
  | { readonly command: '1024'; readonly body: BodyInput<'1024'> }
  | { readonly command: '1044'; readonly body: BodyInput<'1044'> }
  /** With a `respCode`: an acknowledgement. `null`: a poll. */
  | { readonly command: '1030'; readonly body: BodyInput<'1030'> | null; readonly respCode?: string };

export interface Notice {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
}

export type Effect =
  | { readonly type: 'dial' }
  | { readonly type: 'login' }
  | { readonly type: 'send'; readonly frame: Outgoing }
  | { readonly type: 'write'; readonly bytes: Buffer }
  /** Close the connection, if there is one, and hear nothing more of it. */
  | { readonly type: 'drop' }
  | { readonly type: 'settle'; readonly ticket: number; readonly answer: Answer }
  | { readonly type: 'reports'; readonly ticket: number; readonly records: readonly BodyRecord<'1031'>[] }
  | { readonly type: 'notice'; readonly notice: Notice };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What a step may know of the world. */
export interface Moment {
  readonly nowMs: number;
  /** [0, 1), for jitter. */
  readonly random: number;
}

export interface Context extends Moment {
  readonly settings: LinkSettings;
}

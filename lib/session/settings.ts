/** What one link is told: whom to reach, as whom, and the choices of `protocol.md` that concern a session. */
import type { WireSettings } from '../protocol/index.ts';

/** What a connection is for. The manual (2.B.2) has one port for sending and another for the results. */
export type Role = 'send' | 'report';

/** The two pairs of ports: SMS on the one, LMS and MMS on the other. */
export type Service = 'sms' | 'mms';

export interface LinkSettings {
  readonly role: Role;
  readonly service: Service;
  readonly host: string;
  readonly port: number;
  /** Source address to bind, for a gateway that allow-lists it. */
  readonly localAddress?: string;
  readonly id: string;
  readonly password: string;
  readonly wire: WireSettings;
  /** Send role: an idle link sends an empty request this often. Report role with SAM11: see `pace.ts`. Above 0. */
  readonly keepaliveMs: number;
  /** Report role with SAM10: the pause between polls while nothing is due. Above 0. */
  readonly pollMs: number;
  /** The shortest pause between the loss of a connection and the next try. */
  readonly reconnectMs: number;
  /** How long a connection, a login, an answer and an orderly stop may each take. */
  readonly timeoutMs: number;
  /** Whether the gateway answers an empty send request. `false`: nothing is waited for. */
  readonly keepaliveAnswer: boolean;
  /** Report role with SAM11: `off` sends no empty 1030 of our own accord; one from the gateway is answered either way. */
  readonly reportHeartbeat: 'auto' | 'off';
  /** RESP_CODE of an acknowledgement 1030. */
  readonly ackCode: string;
  /** What to take where the login does not say, and caps where it does. */
  readonly overrides: {
    readonly variable: 'auto' | 'Y' | 'N';
    readonly maxMsgBytes?: number;
    readonly maxPerRequest?: number;
  };
}

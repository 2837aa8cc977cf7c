/** Values that the tests of the session share. */
import { type Body, Codec, type Command, defaultWire, type Frame, type Version } from '../../lib/protocol/index.ts';
import type { LinkSettings } from '../../lib/session/index.ts';

export function linkSettings(changes: Partial<Omit<LinkSettings, 'wire'>> & { version?: Version } = {}): LinkSettings {
  const { version = 'SAM11', ...rest } = changes;
  return {
    role: 'send',
    service: 'sms',
    host: 'gateway.test',
    port: 33300,
    id: 'tester',
    password: 'secret',
    wire: { ...defaultWire, version },
    keepaliveMs: 30_000,
    pollMs: 5_000,
    reconnectMs: 10_000,
    timeoutMs: 20_000,
    keepaliveAnswer: true,
    reportHeartbeat: 'auto',
    ackCode: '00000',
    overrides: { variable: 'auto' },
    ...rest,
  };
}

/** A decoded frame of the gateway, without bytes. */
export function frameOf<C extends Command>(
  command: C,
  body: Body<C> | null = null,
  head: { VERSION?: string; RESP_CODE?: string; RESP_MESG?: string } = {},
): Frame {
  return { COMMAND: command, VERSION: 'SAM11', RESP_CODE: '00000', RESP_MESG: '', body, ...head } as Frame;
}

export function loginAnswer(changes: Body<'1011'> = {}): Frame {
  return frameOf(
    '1011',
    { FEE_TYPE: '1', BALANCE: '100000', VARIABLE_YN: 'Y', MAX_MSG_SIZE: '3000', ...changes },
    { RESP_MESG: '30|1|' },
  );
}

export function report(messageId: string, groupId = 'G'): Body<'1031'>['records'][number] {
  return {
    GRP_ID: groupId,
    MSG_ID: messageId,
    RECEIVER: '01012345678',
    SEND_DT: '2026-01-05 09:00:00',
    RESULT: '6',
    TELECOM: '01190',
  };
}

const codec = new Codec(defaultWire);

/** A 1020 with one message. */
export function smsRequest(messageId = 'M1'): Buffer {
  return codec.encode('1020', {
    records: [{ GRP_ID: 'G', MSG_ID: messageId, SENDER: '0212345678', RECEIVER: '01012345678', MSG: 'alarm' }],
  });
}

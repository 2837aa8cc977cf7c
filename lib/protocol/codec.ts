/**
 * Frames as values and as bytes. One codec serves a session; it is made once from the table and the session's choices,
 * and holds no state of any exchange.
 */

import type { Body, BodyInput, Command, Frame } from './bodies.ts';
import { type Charset, charset } from './charset.ts';
import { decodeBody } from './decoder.ts';
import { Encoder, type Head } from './encoder.ts';
import { RemoteProtocolError } from './errors.ts';
import type { RawFrame } from './framer.ts';
import { type FrameSpec, frames, header, type Version } from './frames.ts';
import { type FrameLayout, headerAt, layFrames, type WireSettings } from './layout.ts';
import { valueEnd } from './padding.ts';
import { inspect } from './strict.ts';

export class Codec {
  readonly settings: WireSettings;
  readonly charset: Charset;
  readonly #layouts: ReadonlyMap<string, FrameLayout>;
  readonly #encoder: Encoder;

  /**
   * `table` may hold commands of the user's own beside those of the manual, for example the KMS ones; the types know
   * only the manual's.
   */
  constructor(settings: WireSettings, table: Readonly<Record<string, FrameSpec>> = frames) {
    this.settings = settings;
    this.charset = charset(settings.charset);
    this.#layouts = layFrames(settings, table);
    this.#encoder = new Encoder(settings, this.#layouts, this.charset);
  }

  /**
   * One frame. Optional fields that are left out become padding; COUNT, LENGTH, MSG_LEN and FILE_LENGTH are worked out.
   * `null` for a body: no body at all (a refusal, a SAM10 poll). Texts must be NFC already.
   *
   * A 1011 whose given fields end within 24 bytes (without BALANCE, VARIABLE_YN and MAX_MSG_SIZE) is written 24 bytes
   * long, otherwise 33.
   *
   * Throws a `LocalProtocolError` that names command, record and field for whatever does not fit or does not belong.
   */
  encode<C extends Command>(
    command: C,
    body: BodyInput<C> | null,
    head: { VERSION?: Version; RESP_CODE?: string; RESP_MESG?: string } = {},
  ): Buffer {
    return this.#encoder.encode(command, body as Readonly<Record<string, unknown>> | null, head satisfies Head);
  }

  /**
   * The values of a frame. Generous by default, and then fails (`RemoteProtocolError`) only where COMMAND is unknown or
   * the fields cannot be told apart; `strict` fails on everything that the manual does not allow.
   */
  decode(raw: RawFrame, { strict = false }: { strict?: boolean } = {}): Frame {
    const command = raw.header.COMMAND;
    const layout = this.#layouts.get(command);
    if (layout === undefined) {
      const offset = headerAt.COMMAND;
      throw new RemoteProtocolError(
        'unknown-command',
        { offset, byte: raw.bytes[offset], field: 'COMMAND' },
        { command },
      );
    }
    if (strict) inspect(raw, layout, this.settings, this.charset);
    const messageAt = headerAt.RESP_MESG;
    return {
      COMMAND: command as Command,
      VERSION: raw.header.VERSION,
      RESP_CODE: raw.header.RESP_CODE,
      RESP_MESG: this.charset.decode(
        raw.bytes,
        messageAt,
        valueEnd(raw.bytes, messageAt, messageAt + header.RESP_MESG.width),
      ),
      body: decodeBody(layout, raw.body, this.charset) as Body<Command> | null,
    } as Frame;
  }
}

/** Frames typed by hand from the manual drive the encoder and, in every slicing, the decoder. */

import assert from 'node:assert/strict';
import { Codec, type Command, defaultWire, type Frame, Framer, frames } from '../../lib/protocol/index.ts';
import { type Golden, goldens } from './golden.ts';

const codecOf = ({ settings }: Golden): Codec => new Codec({ ...defaultWire, ...settings });

/** The decoder gives every field, '' where nothing was given. */
function expected({ command, head, settings, body }: Golden): Frame {
  const spec: { fields: object; records?: object } = frames[command];
  const complete = (fields: object, given: object): object =>
    Object.fromEntries(
      Object.entries(fields as Record<string, { kind: string }>)
        .filter(([, { kind }]) => kind !== 'count' && kind !== 'length')
        .map(([name]) => [name, (given as Record<string, unknown>)[name] ?? '']),
    );
  const given = body as { records?: object[] } | null;
  const whole =
    given === null
      ? null
      : command === '1011'
        ? given
        : {
            ...complete(spec.fields, given),
            ...(spec.records === undefined
              ? {}
              : { records: given.records?.map((record) => complete(spec.records as object, record)) }),
          };
  return {
    COMMAND: command,
    VERSION: settings?.version ?? 'SAM11',
    RESP_CODE: head?.RESP_CODE ?? '',
    RESP_MESG: head?.RESP_MESG ?? (command === '1010' ? 'Protocol' : ''),
    body: whole,
  } as Frame;
}

describe('golden frames', () => {
  it('are there for every command', () => {
    assert.deepEqual(new Set(goldens.map(({ command }) => command)), new Set(Object.keys(frames)));
  });

  for (const golden of goldens) {
    describe(golden.title, () => {
      const codec = codecOf(golden);

      it('is what the encoder writes', () => {
        const bytes = codec.encode<Command>(golden.command, golden.body, golden.head);
        assert.equal(bytes.toString('latin1'), golden.bytes.toString('latin1'));
      });

      it('is what the decoder reads', () => {
        const [raw, ...more] = new Framer().push(golden.bytes);
        assert.ok(raw !== undefined && more.length === 0);
        assert.deepEqual(codec.decode(raw), expected(golden));
        assert.deepEqual(raw.bytes, golden.bytes);
      });

      it('passes the strict decoder', () => {
        const [raw] = new Framer().push(golden.bytes);
        assert.ok(raw !== undefined);
        assert.deepEqual(codec.decode(raw, { strict: true }), expected(golden));
      });

      it('is found when every byte comes alone', () => {
        const framer = new Framer();
        const found = [...golden.bytes].flatMap((byte) => framer.push(Buffer.from([byte])));
        assert.equal(found.length, 1);
        assert.deepEqual(
          found.map((raw) => codec.decode(raw)),
          [expected(golden)],
        );
        assert.equal(framer.bufferedBytes, 0);
      });

      it('is found with bytes behind it', () => {
        const framer = new Framer();
        const found = framer.push(Buffer.concat([golden.bytes, golden.bytes, golden.bytes.subarray(0, 10)]));
        assert.deepEqual(
          found.map((raw) => codec.decode(raw)),
          [expected(golden), expected(golden)],
        );
        assert.equal(framer.bufferedBytes, 10);
        assert.deepEqual(
          framer.push(golden.bytes.subarray(10)).map((raw) => codec.decode(raw)),
          [expected(golden)],
        );
      });
    });
  }
});

/** Whatever can be written is read back the same, by both decoders, with every choice of the wire. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BodyField, Fields, FrameSpec } from '../../lib/protocol/frames.ts';
import {
  type BodyInput,
  Codec,
  type Command,
  charset,
  Framer,
  formatKst,
  frames,
  LocalProtocolError,
  RemoteProtocolError,
  type WireSettings,
} from '../../lib/protocol/index.ts';

const wire: fc.Arbitrary<WireSettings> = fc.record({
  version: fc.constantFrom('SAM10', 'SAM11'),
  padding: fc.constantFrom('space', 'nul'),
  numberStyle: fc.constantFrom('left', 'zero'),
  userCode: fc.constantFrom('omit', 'include'),
  charset: fc.constantFrom('cp949', 'euc-kr'),
});

const textOf = (
  width: number,
  least: number,
  lines: 'one' | 'many',
  name: WireSettings['charset'],
): fc.Arbitrary<string> => {
  const unit = fc.oneof(
    fc.constantFrom(...(name === 'cp949' ? '똠힣뷁' : '똑힘북'), ...'가나다한글 ABC019.,!?~%()'),
    lines === 'many' ? fc.constantFrom('\n', '\r\n', '\t') : fc.constant('-'),
    fc.constantFrom(...'…“”‘’￦★☎①㎡漢字中'),
  );
  const bytes = charset(name);
  return fc
    .string({ unit, minLength: least, maxLength: Math.min(width, 120) })
    .map((text) => text.replace(/ +$/, ''))
    .filter((text) => (least === 0 || text.trim() !== '') && bytes.byteLength(text) <= width);
};

const ascii = (width: number, least: number, characters: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: least, maxLength: width });

const VISIBLE = String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 0x21 + index));

/** Values of a field, without blanks at their ends, which padding would swallow. */
function arbitraryOf(spec: BodyField, from: string, name: WireSettings['charset']): fc.Arbitrary<unknown> {
  const least = spec.required && from === 'agent' ? 1 : 0;
  switch (spec.kind) {
    case 'text':
      return textOf(spec.width, least, spec.lines, name);
    case 'variable-text':
      return textOf(spec.width, 1, 'many', name);
    case 'file':
      return fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    case 'date':
      return fc.oneof(
        fc.constant(''),
        fc.integer({ min: 0, max: 4e12 }).map((ms) => formatKst(ms)),
      );
    case 'digits':
      return ascii(spec.width, least, '0123456789');
    case 'number':
      return ascii(spec.width, least, '0123456789.');
    case 'opaque':
      return ascii(spec.width, least, `${VISIBLE}\u00b7\u00ce\u00ff`);
    case 'ascii':
    case 'id':
      return ascii(spec.width, least, VISIBLE);
    case 'count':
    case 'length':
      return fc.constant(undefined);
  }
}

const group = (fields: Fields, from: string, settings: WireSettings): fc.Arbitrary<Record<string, unknown>> => {
  const values = Object.entries(fields).filter(([, { kind }]) => kind !== 'count' && kind !== 'length');
  const arbitraries = values.map(([name, spec]) => [
    name,
    'optIn' in spec && settings.userCode === 'omit' ? fc.constant('') : arbitraryOf(spec, from, settings.charset),
  ]);
  return fc.record(Object.fromEntries(arbitraries) as Record<string, fc.Arbitrary<unknown>>, { noNullPrototype: true });
};

const bodyOf = (spec: FrameSpec, settings: WireSettings): fc.Arbitrary<Record<string, unknown>> => {
  const once = group(spec.fields, spec.from, settings);
  if (spec.records === undefined) return once;
  const records = fc.array(group(spec.records, spec.from, settings), { maxLength: 6 });
  return fc.tuple(once, records).map(([values, list]) => ({ ...values, records: list }));
};

describe('the codec', () => {
  for (const [command, spec] of Object.entries<FrameSpec>(frames)) {
    if (Object.keys(spec.fields).length === 0) continue;

    it(`reads back any ${command}`, () => {
      const cases = wire.chain((settings) => fc.tuple(fc.constant(settings), bodyOf(spec, settings)));
      fc.assert(
        fc.property(cases, ([settings, body]) => {
          const codec = new Codec(settings);
          const version = spec.versions.includes(settings.version) && command !== '1030' ? settings.version : 'SAM11';
          const bytes = codec.encode(command as Command, body as unknown as BodyInput<Command>, { VERSION: version });
          const [raw] = new Framer().push(bytes);
          assert.ok(raw !== undefined);
          assert.deepEqual(codec.decode(raw).body as unknown, body);
          assert.deepEqual(codec.decode(raw, { strict: true }).body as unknown, body);
        }),
        { numRuns: 150 },
      );
    });
  }

  it('never fails but with its own errors, whatever it reads', () => {
    const codec = new Codec({
      version: 'SAM11',
      padding: 'space',
      numberStyle: 'left',
      userCode: 'omit',
      charset: 'cp949',
    });
    const plausible = fc.oneof(
      fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes)),
      fc
        .string({ unit: fc.constantFrom('0', '1', '2', ' ', '\0', 'x', '\xb0', '\x03'), maxLength: 700 })
        .map((text) => Buffer.from(text, 'latin1')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(frames), '1025'), plausible, fc.boolean(), (command, body, strict) => {
        const head = Buffer.alloc(76, ' ');
        head.write('\x01SAM11', 0, 'latin1');
        head.write(command, 7, 'latin1');
        head.write(String(body.length), 12, 'latin1');
        head[75] = 2;
        const [raw] = new Framer().push(Buffer.concat([head, body, Buffer.from([3])]));
        assert.ok(raw !== undefined);
        try {
          codec.decode(raw, { strict });
        } catch (error) {
          assert.ok(error instanceof RemoteProtocolError, String(error));
          assert.ok(error.offset >= 0 && error.offset < raw.bytes.length);
          assert.equal(error.byte, raw.bytes[error.offset]);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('writes a text whole or not at all', () => {
    const codec = new Codec({
      version: 'SAM11',
      padding: 'space',
      numberStyle: 'left',
      userCode: 'omit',
      charset: 'cp949',
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 110 }), (MSG) => {
        const record = { GRP_ID: 'g', MSG_ID: 'm', RECEIVER: '1', MSG };
        let bytes: Buffer;
        try {
          bytes = codec.encode('1020', { records: [record] });
        } catch (error) {
          assert.ok(error instanceof LocalProtocolError, String(error));
          return;
        }
        const [raw] = new Framer().push(bytes);
        const frame = raw === undefined ? undefined : codec.decode(raw);
        assert.ok(frame?.COMMAND === '1020');
        assert.equal(frame.body?.records[0]?.MSG, MSG.replace(/ +$/, ''));
      }),
      { numRuns: 500 },
    );
  });
});

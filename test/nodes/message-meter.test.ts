/** The meter of the editor and the agent at run time: for any text they must say the same. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { prepare } from '../../lib/agent/request.ts';
import { readSettings } from '../../lib/agent/settings.ts';
import { UshotError } from '../../lib/errors.ts';
import { charset, normalizeText } from '../../lib/protocol/charset.ts';

interface Limits {
  readonly smsBytes: number;
  readonly lmsBytes: number;
  readonly charset: string;
  readonly sure: boolean;
}
interface Reading {
  readonly bytes: number;
  readonly kind: 'SMS' | 'LMS' | 'too-long';
  readonly limit: number;
  readonly lacking: readonly { char: string; index: number; suggestion?: string }[];
  readonly templates: readonly unknown[];
}
/** Browser code, beside what the build generates for it. */
interface Meter {
  limitsOf(session?: object, account?: object): Limits;
  read(text: string, node: { mms?: boolean; overflow?: string }, limits: Limits): Reading;
}

const names = ['cp949', 'euc-kr'] as const;

/** Texts as people write them: Hangul of both charsets and in pieces, Latin, marks, emoji, and long ones. */
const texts = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.string({ unit: fc.integer({ min: 0xac00, max: 0xd7a3 }).map((c) => String.fromCharCode(c)) }),
      },
      { weight: 4, arbitrary: fc.string({ unit: 'grapheme' }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom('가'.normalize('NFD'), '—', '₩', '😀', '⭐️', '1️⃣', '\u0007', 'é', '\n', '👨‍👩‍👧'),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 1600 }).map((count) => '한'.repeat(count)) },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))
  .filter((text) => !text.includes('{{'));

describe('message meter', () => {
  let meter: Meter;
  before(async () => {
    // Made by `npm run build`.
    meter = (await import(new URL('../../resources/message-meter.js', import.meta.url).href)) as Meter;
  });

  it('counts, chooses and refuses as the agent does', () => {
    const property = fc.property(
      texts,
      fc.constantFrom(...names),
      fc.constantFrom('sms', 'mms'),
      fc.constantFrom('lms', 'reject'),
      fc.constantFrom({}, { variable: 'N' }, { maxMsgBytes: '1000' }, { smsLimitBytes: '80' }),
      (text, name, node, overflow, more) => {
        const raw = { id: 'me', password: 'pw', charset: name, ...more };
        const found = meter.read(text, { mms: node === 'mms', overflow }, meter.limitsOf(raw));
        const table = charset(name);
        const composed = normalizeText(text).text;
        assert.deepEqual(found.lacking, table.unencodable(composed));
        assert.equal(found.bytes, table.byteLength(table.replace(composed)));

        const settings = readSettings(raw);
        const context = {
          settings,
          charset: table,
          mint: () => 'ID',
          nowMs: 0,
          known: { terms: {}, mmsRefused: null },
          carry: null,
        };
        const [prepared] = prepare({ node, to: '010-1234-5678', from: '0212345678', text, overflow }, [], context);
        assert.ok(prepared);
        const error = 'error' in prepared ? prepared.error : null;
        if (found.lacking.length > 0) {
          assert.ok(['USHOT_UNENCODABLE', 'USHOT_CONTROL_CHARACTER'].includes(String(error?.code)));
        } else if (text.trim() === '') {
          assert.equal(error?.code, 'USHOT_NO_TEXT');
        } else if (found.kind === 'too-long') {
          assert.equal(error?.code, 'USHOT_TEXT_TOO_LONG');
          assert.deepEqual([error?.params['bytes'], error?.params['limit']], [found.bytes, found.limit]);
        } else {
          assert.ok('draft' in prepared, error?.message);
          assert.equal(prepared.draft.type, found.kind);
        }
      },
    );
    fc.assert(property, { numRuns: 400 });
  });

  it('knows every character as the runtime does', () => {
    const all = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit));
    const whole = all.filter((char) => !/[\p{Cs}\p{M}]/u.test(char) && char.normalize('NFC') === char);
    for (const name of names) {
      const limits = meter.limitsOf({ charset: name });
      const table = charset(name);
      for (const char of whole) {
        assert.equal(meter.read(char, {}, limits).lacking.length, table.unencodable(char).length, `${name} ${char}`);
      }
    }
  });

  it('does not count templates, nor find fault with them', () => {
    const { bytes, kind, templates, lacking } = meter.read('온도 {{payload.값😀}}도', {}, meter.limitsOf());
    assert.deepEqual(
      { bytes, kind, templates: templates.length, lacking },
      {
        ...{ bytes: 7, kind: 'SMS', templates: 1, lacking: [] },
      },
    );
  });

  it('takes the limits from the session, and the defaults where it cannot read them', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Node-RED writes it.
    const unread = { smsLimitBytes: '${LIMIT}', maxMsgBytes: '${MAX}', charset: 'cp949' };
    const of = (session?: object, account?: object) => {
      const { smsBytes, lmsBytes, sure } = meter.limitsOf(session, account);
      return [smsBytes, lmsBytes, sure];
    };
    assert.deepEqual(of(), [90, 3000, false]);
    assert.deepEqual(of(unread), [90, 3000, false]);
    assert.deepEqual(of({ smsLimitBytes: 100, variable: 'N' }), [100, 2000, true]);
    assert.deepEqual(of({ smsLimitBytes: 90 }, { lmsBytes: 2000 }), [90, 2000, true]);
  });

  it('has the sentences of the runtime', async () => {
    const { sentences } = (await import(new URL('../../resources/generated/tables.js', import.meta.url).href)) as {
      sentences: Record<string, { en: string; ko: string }>;
    };
    const { USHOT_TEXT_TOO_LONG } = sentences;
    const error = new UshotError('USHOT_TEXT_TOO_LONG', { bytes: '{bytes}', limit: '{limit}', type: '{type}' });
    assert.deepEqual(USHOT_TEXT_TOO_LONG, { en: error.text('en'), ko: error.text('ko') });
  });
});

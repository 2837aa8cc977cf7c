/** What the codec refuses to write, what it copes with when it reads, and what only the strict decoder minds. */

import assert from 'node:assert/strict';
import {
  type Body,
  type BodyInput,
  Codec,
  type Command,
  defaultWire,
  type Frame,
  type FrameOf,
  Framer,
  type FrameSpec,
  frames,
  LocalProtocolError,
  type RawFrame,
  RemoteProtocolError,
  type WireSettings,
} from '../../lib/protocol/index.ts';

const codec = new Codec(defaultWire);
const codecWith = (settings: Partial<WireSettings>): Codec => new Codec({ ...defaultWire, ...settings });

const message = { GRP_ID: 'g', MSG_ID: 'm', SENDER: '0212345678', RECEIVER: '01012345678', MSG: '안녕' };
const sms = (changes: object, ...others: object[]): BodyInput<'1020'> => ({
  records: [...others.map((other) => ({ ...message, ...other })), { ...message, ...changes }],
});

const rawOf = (bytes: Buffer): RawFrame => {
  const [raw] = new Framer().push(bytes);
  assert.ok(raw !== undefined);
  return raw;
};

/** A frame around a body made by hand. */
function frameOf(
  command: string,
  body: string | Buffer,
  head: { code?: string; mesg?: Buffer; version?: string } = {},
): RawFrame {
  const content = Buffer.from(body as string, 'latin1');
  const header = Buffer.alloc(76, ' ');
  header[0] = 1;
  header.write(head.version ?? 'SAM11', 1, 'latin1');
  header.write(command, 7, 'latin1');
  header.write(String(content.length), 12, 'latin1');
  header.write(head.code ?? '', 20, 'latin1');
  head.mesg?.copy(header, 25);
  header[75] = 2;
  return rawOf(Buffer.concat([header, content, Buffer.from([3])]));
}

const decodeAs = <C extends Command>(command: C, raw: RawFrame, by = codec): Body<C> | null => {
  const frame = by.decode(raw);
  assert.equal(frame.COMMAND, command);
  return (frame as unknown as FrameOf<C>).body;
};

const local = (act: () => unknown): LocalProtocolError => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof LocalProtocolError, String(error));
    return error;
  }
  return assert.fail('no error');
};

const remote = (act: () => unknown): RemoteProtocolError => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RemoteProtocolError, String(error));
    return error;
  }
  return assert.fail('no error');
};

const c = (value: string, width: number): string => value.padEnd(width, ' ');
const REPORT =
  c('g', 20) + c('m', 20) + c('01012345678', 12) + c('2009-01-01 09:30:10', 20) + c('6', 3) + c('01190', 7);

describe('Codec.encode', () => {
  it('refuses what is too wide, and names command, record and field', () => {
    const error = local(() => codec.encode('1020', sms({ MSG_ID: 'x'.repeat(21) }, {})));
    assert.deepEqual([error.problem, error.command, error.record, error.field], ['too-wide', '1020', 1, 'MSG_ID']);
    assert.equal(error.message, '1020 record 1 MSG_ID: takes 21 bytes, but the field has 20');
    assert.equal(error.text('ko'), '1020 record 1 MSG_ID: 21바이트인데 필드 길이는 20바이트입니다');
  });

  it('counts a text in bytes, and takes it up to the last one', () => {
    assert.equal(codec.encode('1020', sms({ MSG: '가'.repeat(50) })).length, 77 + 4 + 284);
    assert.equal(codec.encode('1020', sms({ MSG: `${'가'.repeat(49)}ab` })).length, 77 + 4 + 284);
    for (const MSG of ['가'.repeat(51), `a${'가'.repeat(50)}`, `${'가'.repeat(50)}a`, 'a'.repeat(101)]) {
      const error = local(() => codec.encode('1020', sms({ MSG })));
      assert.equal(error.problem, 'too-wide');
      assert.equal(error.params['width'], 100);
      assert.equal(error.params['bytes'], Buffer.from(MSG.replaceAll('가', '--')).length);
    }
  });

  it('never writes "?" for what the charset lacks', () => {
    const error = local(() => codec.encode('1020', sms({ MSG: '불이야🔥' })));
    assert.deepEqual(
      [error.problem, error.field, error.record, error.params['position']],
      ['unencodable', 'MSG', 0, 3],
    );
    assert.equal(local(() => codec.encode('1020', sms({ MSG: '가나₩' }))).params['position'], 2);
    assert.equal(local(() => codec.encode('1020', sms({ MSG: `${'가'.repeat(49)}—` }))).params['position'], 49);
    assert.equal(
      local(() => codecWith({ charset: 'euc-kr' }).encode('1020', sms({ MSG: '똠' }))).problem,
      'unencodable',
    );
  });

  it('refuses control characters, but for line breaks and tabs, and those in one-line fields', () => {
    assert.equal(local(() => codec.encode('1020', sms({ MSG: 'a\0b' }))).problem, 'unencodable');
    assert.equal(local(() => codec.encode('1020', sms({ MSG: 'a\x03' }))).problem, 'unencodable');
    codec.encode('1020', sms({ MSG: 'a\r\n\tb' }));
    const lms = { FILE_NAME1: '', records: [{ ...message, SUBJECT: '제목\n둘' }] };
    assert.deepEqual(
      [local(() => codec.encode('1024', lms)).problem, local(() => codec.encode('1024', lms)).field],
      ['bad-character', 'SUBJECT'],
    );
  });

  it('refuses what does not belong in a field', () => {
    const cases: [object, string, string][] = [
      [{ RECEIVER: '010-1234' }, 'bad-character', 'RECEIVER'],
      [{ SENDER: '+8210' }, 'bad-character', 'SENDER'],
      [{ RECEIVER: '0101234567٣' }, 'bad-character', 'RECEIVER'],
      [{ MSG_ID: 'a b' }, 'bad-character', 'MSG_ID'],
      [{ MSG_ID: '가' }, 'bad-character', 'MSG_ID'],
      [{ GRP_ID: 'ı' }, 'bad-character', 'GRP_ID'],
      [{ URL: 'http://한글' }, 'bad-character', 'URL'],
      [{ TIMEOUT_DT: '2009-02-30 00:00:00' }, 'bad-date', 'TIMEOUT_DT'],
      [{ TIMEOUT_DT: '2009-01-01T00:00:00' }, 'bad-date', 'TIMEOUT_DT'],
      [{ RESERVE_DT: '2009-01-01' }, 'bad-date', 'RESERVE_DT'],
      [{ RESERVE_DT: '2009-01-01 00:00:000' }, 'bad-date', 'RESERVE_DT'],
      [{ RECEIVER: '' }, 'missing', 'RECEIVER'],
      [{ MSG_ID: undefined }, 'missing', 'MSG_ID'],
      [{ MSG: '' }, 'missing', 'MSG'],
      [{ MSG: '   ' }, 'missing', 'MSG'],
      [{ MSG: 5 }, 'not-a', 'MSG'],
      [{ RECEIVER: 1012345678 }, 'not-a', 'RECEIVER'],
    ];
    for (const [changes, problem, field] of cases) {
      for (const others of [[], [{}]]) {
        const error = local(() => codec.encode('1020', sms(changes, ...others)));
        assert.deepEqual(
          [error.problem, error.field, error.record],
          [problem, field, others.length],
          JSON.stringify(changes),
        );
      }
    }
  });

  it('shows no value in its errors', () => {
    const secret = 'pässword-of-the-account';
    const error = local(() => codec.encode('1010', { ID: 'a', PASSWORD: secret }));
    assert.ok(!error.message.includes('word'));
    assert.ok(!local(() => codec.encode('1020', sms({ MSG: '비밀🔥' }))).message.includes('비밀'));
  });

  it('takes a blank for the text of an MMS, in both forms', () => {
    const records = [{ ...message, MSG: ' ' }];
    assert.equal(codec.encode('1024', { records }).length, 77 + 516 + 2224);
    assert.equal(codec.encode('1045', { records }).length, 77 + 516 + 229);
  });

  it('bounds counts, texts and files by the width of their fields', () => {
    const ids = Array.from({ length: 10_000 }, () => ({ GRP_ID: 'g', MSG_ID: 'm' }));
    assert.deepEqual([local(() => codec.encode('1030', { records: ids })).field], ['COUNT']);
    codec.encode('1030', { records: ids.slice(1) });
    codec.encode('1044', { records: [{ ...message, MSG: '가'.repeat(1500) }] });
    const long = local(() => codec.encode('1044', { records: [{ ...message, MSG: '가'.repeat(1501) }] }));
    assert.deepEqual([long.problem, long.field, long.params['bytes']], ['too-wide', 'MSG', 3002]);
    const file = (bytes: number) => codec.encode('2030', { FILE_EXT: 'jpg', FILE: Buffer.alloc(bytes) });
    assert.equal(file(307_200).length, 77 + 13 + 307_200);
    assert.equal(local(() => file(307_201)).field, 'FILE');
    assert.equal(local(() => file(0)).problem, 'missing');
  });

  it('refuses a body that is none', () => {
    assert.equal(local(() => codec.encode('1020', null)).problem, 'no-body');
    assert.equal(local(() => codec.encode('1020', {} as never)).problem, 'not-a');
    assert.equal(local(() => codec.encode('1020', { records: [null] } as never)).problem, 'not-a');
    assert.equal(local(() => codec.encode('1044', { records: [null] } as never)).problem, 'not-a');
    assert.equal(local(() => codec.encode('2030', { FILE_EXT: 'jpg', FILE: 'text' } as never)).problem, 'not-a');
    assert.equal(local(() => codec.encode('9999' as never, null)).problem, 'unknown-command');
  });

  it('lets a gateway leave fields blank that the manual requires', () => {
    const bytes = codec.encode('1031', {
      records: [{ GRP_ID: '', MSG_ID: 'm', RECEIVER: '', SEND_DT: 'soon', RESULT: '' }],
    });
    assert.equal(decodeAs('1031', rawOf(bytes))?.records[0]?.SEND_DT, 'soon');
  });

  it('writes each record by itself, whatever stood in the first', () => {
    const long = {
      GRP_ID: 'G'.repeat(20),
      SENDER: '021234567890',
      URL: 'http://a',
      TIMEOUT_DT: '2009-01-01 21:00:00',
      MSG: '가'.repeat(50),
    };
    const short = { GRP_ID: 'g', SENDER: '', URL: '', TIMEOUT_DT: undefined, MSG: '나' };
    for (const records of [
      [long, short, long, short, short],
      [short, long, short, short, long],
    ].map((list) => list.map((part, index) => ({ ...message, ...part, MSG_ID: String(index) })))) {
      const decoded = decodeAs('1020', rawOf(codec.encode('1020', { records })));
      const wanted = records.map((record) => ({
        RESERVE_DT: '',
        USERCODE: '',
        ...record,
        TIMEOUT_DT: record.TIMEOUT_DT ?? '',
      }));
      assert.deepEqual(decoded?.records, wanted);
      const alone = records.map((record) => codec.encode('1020', { records: [record] }).subarray(80, -1));
      assert.deepEqual(codec.encode('1020', { records }).subarray(80, -1), Buffer.concat(alone));
    }
  });

  it('writes the short 1011 only while nothing beyond it is given', () => {
    const lengthOf = (body: BodyInput<'1011'>) => codec.encode('1011', body).length - 77;
    assert.equal(lengthOf({}), 24);
    assert.equal(lengthOf({ FEE_TYPE: '1', MMS_COST: '1' }), 24);
    assert.equal(lengthOf({ BALANCE: '1' }), 33);
    assert.equal(lengthOf({ VARIABLE_YN: '' }), 33);
    assert.equal(lengthOf({ MAX_MSG_SIZE: '2000' }), 33);
  });

  it('gives every frame memory of its own', () => {
    const first = codec.encode('1020', sms({}));
    const copy = Buffer.from(first);
    codec.encode('1020', sms({ MSG: '다른 글' }));
    assert.deepEqual(first, copy);
  });

  it('writes commands of a table of the user', () => {
    const own: FrameSpec = {
      ko: '알림톡',
      en: 'Kakao',
      versions: ['SAM11'],
      from: 'agent',
      answeredBy: ['1021'],
      printed: '?',
      fields: { COUNT: frames['1020'].fields.COUNT },
      records: { MSG_ID: frames['1020'].records.MSG_ID },
    };
    const kakao = new Codec(defaultWire, { ...frames, '1060': own });
    const bytes = kakao.encode('1060' as Command, { records: [{ MSG_ID: 'k1' }] } as never);
    assert.deepEqual(kakao.decode(rawOf(bytes), { strict: true }).body as unknown, { records: [{ MSG_ID: 'k1' }] });
    assert.equal(remote(() => codec.decode(rawOf(bytes))).problem, 'unknown-command');
  });
});

describe('Codec.decode', () => {
  it('takes both kinds of padding, even mixed, and numbers however aligned', () => {
    for (const count of ['1   ', '   1', '0001', ' 01 ', '1\0\0\0', '\0\0\x001']) {
      assert.equal(decodeAs('1031', frameOf('1031', count + REPORT))?.records.length, 1, JSON.stringify(count));
    }
    const [record] = decodeAs('1031', frameOf('1031', `1   ${REPORT.replaceAll(' ', '\0')}`))?.records ?? [];
    assert.equal(record?.GRP_ID, 'g');
    const odd = `${c('g\0', 20)}${c('m', 20)} 01012345678${c('', 20)}  6${c('', 7)}`;
    assert.deepEqual(decodeAs('1031', frameOf('1031', `1   ${odd}`))?.records, [
      { GRP_ID: 'g', MSG_ID: 'm', RECEIVER: '01012345678', SEND_DT: '', RESULT: '6', TELECOM: '' },
    ]);
  });

  it('keeps ids as text, byte for byte', () => {
    const [record] = decodeAs('1021', frameOf('1021', `1   ${c('0007', 20)}${c(' 007', 20)}`))?.records ?? [];
    assert.deepEqual(record, { GRP_ID: '0007', MSG_ID: ' 007' });
  });

  it('gives null for an empty body of any command', () => {
    for (const command of Object.keys(frames)) assert.equal(codec.decode(frameOf(command, '')).body, null, command);
  });

  it('reads COUNT 0 and a blank COUNT as no records', () => {
    for (const command of ['1020', '1021', '1030', '1031', '1044'] as const) {
      assert.deepEqual(decodeAs(command, frameOf(command, '0   '))?.records, []);
      assert.deepEqual(decodeAs(command, frameOf(command, '    '))?.records, []);
    }
    assert.deepEqual(decodeAs('1024', frameOf('1024', c('0', 516)))?.records, []);
  });

  it('reads a 1011 of every length', () => {
    const whole = '1 20.0  50.0  250.0 100000  Y2000';
    const names = Object.keys(frames['1011'].fields);
    const ends = [2, 8, 14, 20, 28, 29, 33];
    for (let length = 1; length <= 40; length += 1) {
      const body = decodeAs('1011', frameOf('1011', whole.padEnd(40, 'z').slice(0, length)));
      assert.deepEqual(
        Object.keys(body ?? {}),
        names.filter((_, index) => (ends[index] as number) <= length),
        String(length),
      );
    }
    assert.equal(decodeAs('1011', frameOf('1011', whole))?.MAX_MSG_SIZE, '2000');
  });

  it('reads a 2040 and a 1026 of every length', () => {
    assert.deepEqual(decodeAs('2040', frameOf('2040', c('', 128))), { FILE_NAME: '' });
    assert.deepEqual(decodeAs('2040', frameOf('2040', 'abc.jpg')), { FILE_NAME: 'abc.jpg' });
    assert.deepEqual(decodeAs('2040', frameOf('2040', `${c('abc.jpg', 128)}more`)), { FILE_NAME: 'abc.jpg' });
    assert.deepEqual(decodeAs('1026', frameOf('1026', '    ')), {});
  });

  it('gives a FILE_NAME back as the bytes that came', () => {
    const every = Buffer.from(Array.from({ length: 100 }, (_, index) => index * 2 + 56));
    const name = decodeAs('2040', frameOf('2040', every))?.FILE_NAME ?? '';
    assert.deepEqual(Buffer.from(name, 'latin1'), every);
    const again = codec.encode('1024', { FILE_NAME1: name, records: [] });
    assert.deepEqual(again.subarray(80, 180), every);
  });

  it('survives a RESP_MESG that is cut inside a character', () => {
    const long = Buffer.from(`a${'\xb0\xa1'.repeat(25)}`, 'latin1').subarray(0, 50);
    assert.equal(codec.decode(frameOf('1026', '', { mesg: long })).RESP_MESG, `a${'가'.repeat(24)}`);
    const padded = Buffer.from([0xb0, 0xa1, 0xb0]);
    assert.equal(codec.decode(frameOf('1026', '', { mesg: padded })).RESP_MESG, '가');
    const broken = Buffer.from([0xb0, 0xa1, 0xff, 0x41, 0xb0]);
    assert.equal(codec.decode(frameOf('1026', '', { mesg: broken })).RESP_MESG, '가\ufffdA');
  });

  it('reads texts of CP949 in a session of EUC-KR', () => {
    const text = decodeAs('1020', rawOf(codec.encode('1020', sms({ MSG: '똠' }))), codecWith({ charset: 'euc-kr' }));
    assert.equal(text?.records[0]?.MSG, '똠');
  });

  it('names where a body is no longer what it says', () => {
    const cases: [string, string, string, number, string | undefined][] = [
      ['1031', `2   ${REPORT}`, 'body-length', 76 + 4 + 82, 'LENGTH'],
      ['1031', `1   ${REPORT} `, 'body-length', 76 + 4 + 82, 'LENGTH'],
      ['1031', `0   ${REPORT}`, 'body-length', 76 + 4, 'LENGTH'],
      ['1031', `1x  ${REPORT}`, 'not-a-number', 77, 'COUNT'],
      ['1031', `-1  ${REPORT}`, 'not-a-number', 76, 'COUNT'],
      ['1031', '1', 'body-length', 77, 'LENGTH'],
      ['1031', '9999', 'body-length', 80, 'LENGTH'],
      ['1010', 'a', 'body-length', 77, 'LENGTH'],
      ['1010', c('a', 41), 'body-length', 76 + 40, 'LENGTH'],
      ['1044', `1   5   ${c('', 224)}abc`, 'body-length', 76 + 235, 'LENGTH'],
      ['1044', `1   2   ${c('', 224)}abc`, 'body-length', 76 + 234, 'LENGTH'],
      ['1044', `1   z   ${c('', 224)}abc`, 'not-a-number', 80, 'MSG_LEN'],
      ['1044', `2   3   ${c('', 224)}abc`, 'body-length', 76 + 235, 'LENGTH'],
      ['2030', '4         jpgabc', 'body-length', 76 + 16, 'LENGTH'],
      ['2030', '2         jpgabc', 'body-length', 76 + 15, 'LENGTH'],
      ['2030', '9999999999jpgabc', 'body-length', 76 + 16, 'LENGTH'],
      ['2030', '3  4      jpgabc', 'not-a-number', 77, 'FILE_LENGTH'],
    ];
    for (const [command, body, problem, offset, field] of cases) {
      const error = remote(() => codec.decode(frameOf(command, body)));
      assert.deepEqual(
        [error.problem, error.offset, error.field],
        [problem, offset, field],
        `${command} ${body.slice(0, 16)}`,
      );
    }
  });

  it('does not know 1025, nor any other command', () => {
    for (const command of ['1025', '', '0', 'ABCDE', '__pro']) {
      const error = remote(() => codec.decode(frameOf(command, '')));
      assert.deepEqual([error.problem, error.offset], ['unknown-command', 7]);
    }
  });

  it('does not mind the version', () => {
    assert.equal(codec.decode(frameOf('1021', '', { version: 'SAM99' })).VERSION, 'SAM99');
  });

  it('narrows by COMMAND', () => {
    const frame: Frame = codec.decode(frameOf('1031', `1   ${REPORT}`));
    assert.ok(frame.COMMAND === '1031');
    const result: string | undefined = frame.body?.records[0]?.RESULT;
    assert.equal(result, '6');
    // @ts-expect-error: a report has no text
    assert.equal(frame.body?.records[0]?.MSG, undefined);
  });
});

describe('strict decoding', () => {
  const strict = (raw: RawFrame, settings: Partial<WireSettings> = {}) =>
    codecWith(settings).decode(raw, { strict: true });
  const good = codec.encode('1020', sms({}, {}));
  const FIRST = 80;
  const patched = (offset: number, text: string, bytes = good): RawFrame => {
    const copy = Buffer.from(bytes);
    copy.write(text, offset, 'latin1');
    return rawOf(copy);
  };

  it('takes what the encoder writes', () => {
    assert.equal(strict(rawOf(good)).COMMAND, '1020');
    assert.equal(strict(rawOf(codecWith({ padding: 'nul' }).encode('1020', sms({})))).COMMAND, '1020');
    const zero = codecWith({ numberStyle: 'zero' }).encode('1044', { records: [message] });
    assert.equal(strict(rawOf(zero), { numberStyle: 'zero' }).COMMAND, '1044');
  });

  it('minds what the generous one takes', () => {
    const cases: [string, RawFrame, string, number][] = [
      ['COUNT with zeros', patched(76, '0002'), 'COUNT', 76],
      ['COUNT at the right', patched(76, '   2'), 'COUNT', 76],
      ['LENGTH with zeros', patched(12, '00000572'), 'LENGTH', 12],
      ['a NUL among blanks', patched(FIRST + 19, '\0'), 'GRP_ID', FIRST + 19],
      ['an id with a blank', patched(FIRST + 20, 'a b'), 'MSG_ID', FIRST + 21],
      ['an id at the right', patched(FIRST + 20, ' m'), 'MSG_ID', FIRST + 20],
      ['a blank id', patched(FIRST + 20, '  '), 'MSG_ID', FIRST + 20],
      ['a letter in a number', patched(FIRST + 52 + 3, 'x'), 'RECEIVER', FIRST + 55],
      ['a hyphen in a number', patched(FIRST + 40 + 2, '-'), 'SENDER', FIRST + 42],
      ['no date', patched(FIRST + 64, 'now'), 'RESERVE_DT', FIRST + 64],
      ['a false date', patched(FIRST + 84, '2009-02-29 00:00:00'), 'TIMEOUT_DT', FIRST + 84],
      ['half a character', patched(FIRST + 104, '\xb0\xa1\xb0  '), 'MSG', FIRST + 106],
      ['no character', patched(FIRST + 104, '\xff\xff'), 'MSG', FIRST + 104],
      ['a control character', patched(FIRST + 104, 'a\x07'), 'MSG', FIRST + 105],
      ['a blank text', patched(FIRST + 104, '    '), 'MSG', FIRST + 104],
      ['the wrong COUNT', patched(76, '1   '), 'LENGTH', 76 + 4 + 284],
      ['too high a COUNT', patched(76, '3   '), 'GRP_ID', 76 + 4 + 568],
      ['a RESP_CODE in a request', patched(20, '00000'), 'RESP_CODE', 20],
      ['a RESP_MESG in a request', patched(25, 'OK'), 'RESP_MESG', 25],
      ['another version', patched(1, 'SAM12'), 'VERSION', 1],
      [
        'no Protocol in a login',
        patched(25, 'protocol', codec.encode('1010', { ID: 'a', PASSWORD: 'b' })),
        'RESP_MESG',
        25,
      ],
      ['1021 in SAM10', rawOf(codec.encode('1021', { records: [] }, { VERSION: 'SAM10' })), 'VERSION', 1],
      ['a poll with a body', rawOf(codec.encode('1030', { records: [] }, { VERSION: 'SAM10' })), 'LENGTH', 12],
      ['an acknowledgement without', rawOf(codec.encode('1030', null)), 'LENGTH', 12],
      ['a request without', frameOf('1020', ''), 'LENGTH', 12],
      [
        'MSG_LEN 0',
        frameOf('1044', `1   0   ${c('g', 20)}${c('m', 20)}${c('', 12)}${c('1', 12)}${c('', 160)}`),
        'MSG',
        76 + 232,
      ],
      [
        'a MSG_LEN too high',
        frameOf('1044', `1   3   ${c('g', 20)}${c('m', 20)}${c('', 12)}${c('1', 12)}${c('', 160)}ab`),
        'MSG',
        76 + 234,
      ],
      [
        'a text beyond 3000',
        frameOf('1044', `1   3001${c('g', 20)}${c('m', 20)}${c('', 12)}${c('1', 12)}${c('', 160)}${'a'.repeat(3001)}`),
        'MSG',
        76 + 232,
      ],
    ];
    for (const [title, raw, field, offset] of cases) {
      const error = remote(() => strict(raw));
      assert.deepEqual([error.field, error.offset], [field, offset], `${title}: ${error.message}`);
    }
  });

  it('minds a line break in a SUBJECT, and EUC-KR where it is agreed', () => {
    const lms = codec.encode('1024', { records: [{ ...message, SUBJECT: '제목' }] });
    assert.equal(remote(() => strict(patched(76 + 516 + 104, 'a\nb', lms))).field, 'SUBJECT');
    const rare = codec.encode('1020', sms({ MSG: '똠' }));
    assert.equal(strict(rawOf(rare)).COMMAND, '1020');
    assert.equal(remote(() => strict(rawOf(rare), { charset: 'euc-kr' })).field, 'MSG');
  });

  it('lets the text of an MMS be blank', () => {
    const records = [{ ...message, MSG: ' ' }];
    strict(rawOf(codec.encode('1024', { FILE_NAME1: 'a.jpg', records })));
    strict(rawOf(codec.encode('1045', { FILE_NAME1: 'a.jpg', records })));
  });

  it('says it in both languages', () => {
    const error = remote(() => strict(patched(76, '0002')));
    assert.equal(error.message, 'COUNT must be written 2 (at byte 76 of the frame, which is 0x30)');
    assert.match(error.text('ko'), /^COUNT 값이 규격과 다릅니다\(.+\) \(프레임 위치 76, 바이트 0x30\)$/);
  });
});

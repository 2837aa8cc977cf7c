/**
 * Frames typed by hand from the manual: each cell is a value and the width that the manual's table gives it. Nothing here
 * knows the tables of lib/protocol, and the Korean texts are bytes looked up in a CP949 chart.
 */

import type { BodyInput, Command, Version } from '../../lib/protocol/index.ts';
import type { WireSettings } from '../../lib/protocol/layout.ts';

/** A left-aligned value in a field of so many bytes. */
const c = (value: string, width: number): string => value.padEnd(width, ' ');
/** Bytes written as hex, padded with blanks. */
const h = (hex: string, width: number): string =>
  c(Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1'), width);

/** 안녕하세요 */
const HELLO = 'BE C8 B3 E7 C7 CF BC BC BF E4';
/** 똠방각하: the first syllable is not in KS X 1001. */
const RARE = '8C 63 B9 E6 B0 A2 C7 CF';
/** 한글 제목 */
const SUBJECT = 'C7 D1 B1 DB 20 C1 A6 B8 F1';
/** 장문 메시지입니다. (18 bytes) */
const LONG = 'C0 E5 B9 AE 20 B8 DE BD C3 C1 F6 C0 D4 B4 CF B4 D9 2E';

export interface Golden<C extends Command = Command> {
  readonly title: string;
  readonly command: C;
  readonly head?: { VERSION?: Version; RESP_CODE?: string; RESP_MESG?: string };
  readonly settings?: Partial<WireSettings>;
  /** What the encoder is given. */
  readonly body: BodyInput<C> | null;
  /** What the decoder gives, where it differs by the fields that were left out. */
  readonly decoded?: unknown;
  readonly bytes: Buffer;
}

const golden = <C extends Command>(frame: Omit<Golden<C>, 'bytes'> & { bytes: string }): Golden<C> => ({
  ...frame,
  bytes: Buffer.from(frame.bytes, 'latin1'),
});

const BLANK_FILES = c('', 128) + c('', 128) + c('', 128) + c('', 128);

export const goldens: readonly Golden[] = [
  golden({
    title: '1010 login',
    command: '1010',
    body: { ID: 'testid', PASSWORD: 'pass!word' },
    bytes:
      '\x01SAM11 1010 40           Protocol                                          \x02' +
      'testid              pass!word           \x03',
  }),
  golden({
    title: '1010 login in SAM10',
    command: '1010',
    settings: { version: 'SAM10' },
    body: { ID: 'a', PASSWORD: 'b' },
    bytes: `\x01SAM10 1010 40      ${c('', 5)}${c('Protocol', 50)}\x02${c('a', 20)}${c('b', 20)}\x03`,
  }),
  golden({
    title: '1011 with all seven fields, 33 bytes',
    command: '1011',
    head: { RESP_CODE: '00000', RESP_MESG: '30|1|' },
    body: {
      FEE_TYPE: '1',
      SMS_COST: '20.0',
      LMS_COST: '50.0',
      MMS_COST: '250.0',
      BALANCE: '100000',
      VARIABLE_YN: 'Y',
      MAX_MSG_SIZE: '2000',
    },
    bytes: `\x01SAM11 1011 33      00000${c('30|1|', 50)}\x021 20.0  50.0  250.0 100000  Y2000\x03`,
  }),
  golden({
    title: '1011 of the printed 24 bytes',
    command: '1011',
    head: { RESP_CODE: '00000', RESP_MESG: '30|1|' },
    body: { FEE_TYPE: '2', SMS_COST: '9.9', LMS_COST: '25', MMS_COST: '100' },
    bytes: `\x01SAM11 1011 24      00000${c('30|1|', 50)}\x022 9.9   25    100       \x03`,
  }),
  golden({
    title: '1011 that refuses, without a body',
    command: '1011',
    head: { RESP_CODE: '11001', RESP_MESG: '로그인 실패' },
    body: null,
    bytes: `\x01SAM11 1011 0       11001${h('B7 CE B1 D7 C0 CE 20 BD C7 C6 D0', 50)}\x02\x03`,
  }),
  golden({
    title: '1020 with two messages',
    command: '1020',
    body: {
      records: [
        {
          GRP_ID: '20090101093000',
          MSG_ID: '0001',
          SENDER: '0212345678',
          RECEIVER: '01012345678',
          RESERVE_DT: '2009-01-01 09:30:00',
          TIMEOUT_DT: '2009-01-01 21:00:00',
          MSG: '안녕하세요',
          URL: 'http://xxx.xxx.com',
        },
        { GRP_ID: '20090101093000', MSG_ID: '0002', RECEIVER: '01098765432', MSG: '똠방각하' },
      ],
    },
    bytes: [
      `\x01SAM11 1020 572     ${c('', 55)}\x02`,
      '2   ',
      c('20090101093000', 20),
      c('0001', 20),
      c('0212345678', 12),
      c('01012345678', 12),
      c('2009-01-01 09:30:00', 20),
      c('2009-01-01 21:00:00', 20),
      h(HELLO, 100),
      c('http://xxx.xxx.com', 80),
      c('20090101093000', 20),
      c('0002', 20),
      c('', 12),
      c('01098765432', 12),
      c('', 20),
      c('', 20),
      h(RARE, 100),
      c('', 80),
      '\x03',
    ].join(''),
  }),
  golden({
    title: '1020 with USERCODE, zeros in front of numbers and NULs for padding',
    command: '1020',
    settings: { userCode: 'include', numberStyle: 'zero', padding: 'nul' },
    body: { records: [{ GRP_ID: 'g', MSG_ID: 'm', RECEIVER: '01012345678', MSG: 'ok', USERCODE: '1234567890' }] },
    bytes: [
      '\x01SAM11 1020 00000318',
      c('', 55),
      '\x02',
      '0001',
      c('g', 20),
      c('m', 20),
      c('', 12),
      c('01012345678', 12),
      c('', 20),
      c('', 20),
      c('ok', 100),
      c('', 80),
      c('1234567890', 30),
      '\x03',
    ]
      .join('')
      .replaceAll(' ', '\0'),
  }),
  golden({
    title: '1020 as a keep-alive',
    command: '1020',
    body: { records: [] },
    bytes: `\x01SAM11 1020 4       ${c('', 55)}\x020   \x03`,
  }),
  golden({
    title: '1021 with two ids',
    command: '1021',
    head: { RESP_CODE: '00000', RESP_MESG: 'OK' },
    body: {
      records: [
        { GRP_ID: '20090101093000', MSG_ID: '0001' },
        { GRP_ID: '20090101093000', MSG_ID: '0002' },
      ],
    },
    bytes: [
      `\x01SAM11 1021 84      00000${c('OK', 50)}\x02`,
      '2   ',
      c('20090101093000', 20),
      c('0001', 20),
      c('20090101093000', 20),
      c('0002', 20),
      '\x03',
    ].join(''),
  }),
  golden({
    title: '1021 without a body',
    command: '1021',
    head: { RESP_CODE: '00000' },
    body: null,
    bytes: `\x01SAM11 1021 0       00000${c('', 50)}\x02\x03`,
  }),
  golden({
    title: '1024 with a picture',
    command: '1024',
    body: {
      // The manual's example of a name holds a Korean character, whatever its charset: here 로 in CP949.
      FILE_NAME1: 'F89y3h4f\xb7\xce.jpg',
      records: [{ GRP_ID: 'g', MSG_ID: 'm', RECEIVER: '01012345678', SUBJECT: '한글 제목', MSG: '안녕하세요' }],
    },
    bytes: [
      `\x01SAM11 1024 2740    ${c('', 55)}\x02`,
      '1   ',
      c('F89y3h4f\xb7\xce.jpg', 128),
      c('', 128),
      c('', 128),
      c('', 128),
      c('g', 20),
      c('m', 20),
      c('', 12),
      c('01012345678', 12),
      c('', 20),
      c('', 20),
      h(SUBJECT, 120),
      h(HELLO, 2000),
      '\x03',
    ].join(''),
  }),
  golden({
    title: '1024 as a keep-alive',
    command: '1024',
    body: { records: [] },
    bytes: `\x01SAM11 1024 516     ${c('', 55)}\x020   ${BLANK_FILES}\x03`,
  }),
  golden({
    title: '1026',
    command: '1026',
    settings: { version: 'SAM10' },
    head: { RESP_CODE: '00000', RESP_MESG: 'OK' },
    body: null,
    bytes: `\x01SAM10 1026 0       00000${c('OK', 50)}\x02\x03`,
  }),
  golden({
    title: '1030 as a poll',
    command: '1030',
    settings: { version: 'SAM10' },
    body: null,
    bytes: `\x01SAM10 1030 0       ${c('', 55)}\x02\x03`,
  }),
  golden({
    title: '1030 as an acknowledgement',
    command: '1030',
    head: { RESP_CODE: '00000', RESP_MESG: 'OK' },
    body: { records: [{ GRP_ID: '20090101093000', MSG_ID: '0001' }] },
    bytes: `\x01SAM11 1030 44      00000${c('OK', 50)}\x021   ${c('20090101093000', 20)}${c('0001', 20)}\x03`,
  }),
  golden({
    title: '1031 with two reports',
    command: '1031',
    body: {
      records: [
        {
          GRP_ID: '20090101093000',
          MSG_ID: '0001',
          RECEIVER: '01012345678',
          SEND_DT: '2009-01-01 09:30:10',
          RESULT: '6',
          TELECOM: '01190',
        },
        { GRP_ID: 'g', MSG_ID: '0002', RECEIVER: '0111234567', SEND_DT: '2009-01-01 09:30:11', RESULT: '10' },
      ],
    },
    bytes: [
      `\x01SAM11 1031 168     ${c('', 55)}\x02`,
      '2   ',
      c('20090101093000', 20),
      c('0001', 20),
      '01012345678 ',
      '2009-01-01 09:30:10 ',
      '6  ',
      '01190  ',
      c('g', 20),
      c('0002', 20),
      '0111234567  ',
      '2009-01-01 09:30:11 ',
      '10 ',
      '       ',
      '\x03',
    ].join(''),
  }),
  golden({
    title: '1044 with two texts of different length',
    command: '1044',
    body: {
      records: [
        {
          GRP_ID: 'g',
          MSG_ID: 'm1',
          SENDER: '15881234',
          RECEIVER: '01012345678',
          TIMEOUT_DT: '2009-01-01 21:00:00',
          SUBJECT: '한글 제목',
          MSG: '장문 메시지입니다.',
        },
        { GRP_ID: 'g', MSG_ID: 'm2', RECEIVER: '01098765432', MSG: 'a' },
      ],
    },
    bytes: [
      `\x01SAM11 1044 479     ${c('', 55)}\x02`,
      '2   ',
      '18  ',
      c('g', 20),
      c('m1', 20),
      '15881234    ',
      '01012345678 ',
      c('', 20),
      '2009-01-01 21:00:00 ',
      h(SUBJECT, 120),
      h(LONG, 18),
      '1   ',
      c('g', 20),
      c('m2', 20),
      c('', 12),
      '01098765432 ',
      c('', 20),
      c('', 20),
      c('', 120),
      'a',
      '\x03',
    ].join(''),
  }),
  golden({
    title: '1044 as a keep-alive',
    command: '1044',
    body: { records: [] },
    bytes: `\x01SAM11 1044 4       ${c('', 55)}\x020   \x03`,
  }),
  golden({
    title: '1045 without a text, with USERCODE',
    command: '1045',
    settings: { userCode: 'include' },
    body: {
      FILE_NAME1: 'aaa.jpg',
      FILE_NAME2: 'bbb.jpg',
      records: [{ GRP_ID: 'g', MSG_ID: 'm', RECEIVER: '01012345678', MSG: ' ', USERCODE: 'U1' }],
    },
    bytes: [
      `\x01SAM11 1045 775     ${c('', 55)}\x02`,
      '1   ',
      c('aaa.jpg', 128),
      c('bbb.jpg', 128),
      c('', 128),
      c('', 128),
      '1   ',
      c('g', 20),
      c('m', 20),
      c('', 12),
      '01012345678 ',
      c('', 20),
      c('', 20),
      c('', 120),
      ' ',
      c('U1', 30),
      '\x03',
    ].join(''),
  }),
  golden({
    title: '2030 with a file that holds the marks',
    command: '2030',
    body: { FILE_EXT: 'jpg', FILE: Buffer.from([0x03, 0x01, 0x02, 0x00, 0x20, 0xff, 0x03]) },
    bytes: `\x01SAM11 2030 20      ${c('', 55)}\x027         jpg\x03\x01\x02\x00\x20\xff\x03\x03`,
  }),
  golden({
    title: '2040',
    command: '2040',
    head: { RESP_CODE: '00000', RESP_MESG: 'OK' },
    body: { FILE_NAME: 'Dohfhe123.jpg' },
    bytes: `\x01SAM11 2040 128     00000${c('OK', 50)}\x02${c('Dohfhe123.jpg', 128)}\x03`,
  }),
];

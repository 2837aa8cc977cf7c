import assert from 'node:assert/strict';
import fc from 'fast-check';
import { complaintKinds, describeFinding, type Port } from '../../lib/simulator/index.ts';
import { Client, codecs, gatewayOf, lms, sms } from './client.ts';

/** A 1020 of two messages in which `change` put something wrong. */
function bad(change: (bytes: Buffer) => void): Buffer {
  const bytes = codecs.SAM11.encode('1020', { records: [sms('m1'), sms('m2')] });
  change(bytes);
  return bytes;
}

const BODY = 76;
/** Where the fields of the first message stand: manual, 3.B, 1020. */
const at = {
  COUNT: BODY,
  GRP_ID: BODY + 4,
  MSG_ID: BODY + 24,
  SENDER: BODY + 44,
  RECEIVER: BODY + 56,
  RESERVE_DT: BODY + 68,
  MSG: BODY + 108,
};

describe('simulator: strictness', () => {
  const wrong: Record<string, (bytes: Buffer) => void> = {
    'a receiver with a hyphen': (b) => b.write('010-1234', at.RECEIVER, 'latin1'),
    'a blank receiver': (b) => b.fill(0x20, at.RECEIVER, at.RECEIVER + 12),
    'a sender with letters': (b) => b.write('02abc', at.SENDER, 'latin1'),
    'NUL among blanks': (b) => b.fill(0, at.GRP_ID + 10, at.GRP_ID + 12),
    'a right-aligned id': (b) => b.write('                  m1', at.MSG_ID, 'latin1'),
    'a blank id': (b) => b.fill(0x20, at.MSG_ID, at.MSG_ID + 20),
    'a COUNT that is too small': (b) => b.write('1   ', at.COUNT, 'latin1'),
    'a COUNT that is too large': (b) => b.write('3   ', at.COUNT, 'latin1'),
    'a COUNT filled up with zeros': (b) => b.write('0002', at.COUNT, 'latin1'),
    'half a Korean character': (b) => b.fill(0x20, at.MSG + 9, at.MSG + 10),
    'a control character': (b) => b.fill(0x07, at.MSG, at.MSG + 1),
    'an empty text': (b) => b.fill(0x20, at.MSG, at.MSG + 100),
    'a date that is none': (b) => b.write('2026-02-30 09:00:00', at.RESERVE_DT, 'latin1'),
    'a date in another form': (b) => b.write('20260228090000     ', at.RESERVE_DT, 'latin1'),
  };
  for (const [name, change] of Object.entries(wrong)) {
    it(`refuses ${name} with a sentence, and goes on`, () => {
      const { gateway } = gatewayOf();
      const heard: string[] = [];
      gateway.onComplaint(({ text }) => heard.push(text));
      const client = Client.in(gateway, 'smsSend');
      client.write(bad(change));
      const answer = client.take();
      assert.deepEqual([answer?.COMMAND, answer?.RESP_CODE], ['1021', '20002']);
      assert.equal(heard.length, 1);
      assert.match(heard[0] ?? '', /^The 1020 does not follow the manual: /);
      const complaint = gateway.journal.complaints[0];
      assert.match(complaint ? describeFinding(complaint, 'ko') : '', /^1020 전문이 매뉴얼 규격과 다릅니다: /);
      assert.equal(gateway.journal.counters.messages, 0);
      assert.equal(client.ask('1020', { records: [sms('m1')] })?.RESP_CODE, '00000');
    });
  }

  it('refuses a VERSION other than the login’s, and codes in requests', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'smsSend');
    assert.equal(client.ask('1020', { records: [] }, { VERSION: 'SAM10' })?.RESP_CODE, '20003');
    assert.equal(client.ask('1020', { records: [] }, { RESP_CODE: '00000' })?.RESP_CODE, '20004');
    assert.equal(client.ask('1020', { records: [] }, { RESP_MESG: 'Protocol' })?.RESP_CODE, '20004');
  });

  it('refuses a request that came before the answer to the last', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'smsSend');
    const [one, two] = ['m1', 'm2'].map((id) => codecs.SAM11.encode('1020', { records: [sms(id)] })) as [
      Buffer,
      Buffer,
    ];
    client.write(Buffer.concat([one, two]));
    assert.deepEqual([client.take()?.RESP_CODE, client.take()?.RESP_CODE], ['00000', '20006']);
    // The beginning of the second came with the first.
    const third = codecs.SAM11.encode('1020', { records: [sms('m3')] });
    client.write(Buffer.concat([third, two.subarray(0, 1)]));
    client.write(two.subarray(1));
    assert.deepEqual([client.take()?.RESP_CODE, client.take()?.RESP_CODE], ['00000', '20006']);
    assert.equal(gateway.journal.counters.messages, 2);
    // Behind a login too.
    const hasty = new Client(gateway, 'smsSend');
    hasty.write(Buffer.concat([codecs.SAM11.encode('1010', { ID: 'a', PASSWORD: 'b' }), two]));
    assert.deepEqual([hasty.take()?.RESP_CODE, hasty.take()?.RESP_CODE], ['00000', '20006']);
  });

  it('takes any slicing of a request, and several acknowledgements at once', async () => {
    const { gateway, clock } = gatewayOf({ reportsPerFrame: 1, pushWindow: 2, reportDelayMs: { min: 0, max: 0 } });
    const client = Client.in(gateway, 'smsSend');
    for (const byte of codecs.SAM11.encode('1020', { records: [sms('m1'), sms('m2')] })) client.write(Buffer.of(byte));
    assert.equal(client.take()?.RESP_CODE, '00000');
    const reports = Client.in(gateway, 'smsReport');
    await clock.advance(0);
    const acks = [reports.takeReport(), reports.takeReport()].map((frame) =>
      codecs.SAM11.encode('1030', {
        records: (frame?.body?.records ?? []).map(({ GRP_ID, MSG_ID }) => ({ GRP_ID, MSG_ID })),
      }),
    );
    reports.write(Buffer.concat(acks));
    assert.equal(gateway.reportsWaiting, 0);
    assert.equal(gateway.journal.counters.complaints, 0);
  });

  it('closes when the bytes are no frames, after what came whole before', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'smsSend');
    const good = codecs.SAM11.encode('1020', { records: [sms('m1')] });
    client.write(Buffer.concat([good, Buffer.from('GET / HTTP/1.1\r\n')]));
    assert.equal(client.take()?.RESP_CODE, '00000');
    assert.equal(client.closed, true);
    assert.equal(gateway.journal.complaints.at(-1)?.kind, 'framing');
    client.write(good);
    assert.equal(client.take(), undefined);
    assert.deepEqual(gateway.connections, []);
  });

  it('counts connections that end within a frame', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'smsSend');
    client.write(codecs.SAM11.encode('1020', { records: [sms('m1')] }).subarray(0, 100));
    client.hangUp();
    assert.equal(gateway.journal.counters.brokenFrames, 1);
    assert.equal(gateway.journal.counters.messages, 0);
  });

  it('reads what is merely readable when told not to be strict', () => {
    const { gateway } = gatewayOf({ strict: false });
    const client = Client.in(gateway, 'smsSend');
    client.write(bad((bytes) => bytes.write('0002', at.COUNT, 'latin1')));
    assert.equal(client.take()?.RESP_CODE, '00000');
  });

  it('survives whatever bytes come in, strict or not', async () => {
    const records = [sms('m1'), sms('m2')];
    const requests: [Port, Buffer][] = [
      ['smsSend', codecs.SAM11.encode('1020', { records })],
      ['mmsSend', codecs.SAM11.encode('1044', { records: [lms('m3')] })],
      ['mmsSend', codecs.SAM11.encode('1045', { FILE_NAME1: 'x.jpg', records: [lms('m4')] })],
      ['mmsSend', codecs.SAM11.encode('2030', { FILE_EXT: 'jpg', FILE: Buffer.from('x') })],
      ['smsReport', codecs.SAM11.encode('1030', { records: [{ GRP_ID: 'g', MSG_ID: 'm1' }] })],
    ];
    const hits = fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.nat(requests.length - 1), hits, async (strict, index, changes) => {
        const { gateway, clock } = gatewayOf({ strict });
        const [port, request] = requests[index] as [Port, Buffer];
        const client = Client.in(gateway, port);
        const bytes = Buffer.from(request);
        for (const [offset, byte] of changes) bytes[offset % bytes.length] = byte;
        client.write(bytes);
        const reports = [Client.in(gateway, 'smsReport'), Client.in(gateway, 'mmsReport')];
        await clock.advance(3000);
        for (const report of reports) report.hangUp();
        const { frames, complaints, requests: taken } = gateway.journal.counters;
        if (strict && frames > 3 && taken === 0 && port === 'smsSend') assert.ok(complaints > 0);
        gateway.stop();
      }),
      { numRuns: 300 },
    );
  });

  it('includes USERCODE by option', () => {
    const { gateway } = gatewayOf({ wire: { userCode: 'include' } });
    const client = Client.in(gateway, 'smsSend');
    assert.equal(client.ask('1020', { records: [sms('m1')] })?.RESP_CODE, '20002');
  });

  it('has complaints that fit their fields and say the same in both languages', () => {
    const codes = new Set<string>();
    for (const [kind, { code, mesg, en, ko }] of Object.entries(complaintKinds)) {
      assert.match(code, /^\d{5}$/, kind);
      assert.match(mesg, /^[\x20-\x7e]{1,50}$/, kind);
      const names = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
      assert.deepEqual(names(en), names(ko), kind);
      assert.match(ko, /[가-힣]/, kind);
      assert.ok(!codes.has(code), code);
      codes.add(code);
    }
  });
});

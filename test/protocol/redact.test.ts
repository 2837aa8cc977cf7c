/** Logs show what happened, and no secret, no text and no whole number. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FrameSpec } from '../../lib/protocol/frames.ts';
import { type Describable, describeFrame, frames, maskNumber } from '../../lib/protocol/index.ts';

const message = {
  GRP_ID: 'g1',
  MSG_ID: 'm1',
  SENDER: '0212345678',
  RECEIVER: '01012345678',
  MSG: '비밀번호는 1234입니다',
  SUBJECT: '비밀 제목',
  URL: 'http://a/?token=SECRET',
};

describe('describeFrame', () => {
  it('hides the password', () => {
    const line = describeFrame({ COMMAND: '1010', VERSION: 'SAM11', body: { ID: 'test', PASSWORD: 'hunter2' } });
    assert.equal(line, '1010 login SAM11 ID=test PASSWORD=***');
  });

  it('shows texts by their length, and numbers masked', () => {
    assert.equal(
      describeFrame({ COMMAND: '1020', body: { records: [message] } }),
      '1020 send SMS 1 record [GRP_ID=g1 MSG_ID=m1 SENDER=021****5678 RECEIVER=010****5678 MSG=(13 characters) URL=(22 characters)]',
    );
    const lms = describeFrame({ COMMAND: '1044', body: { records: [message] } });
    assert.match(lms, /SUBJECT=\(5 characters\) MSG=\(13 characters\)\]$/);
  });

  it('shows a file by its size', () => {
    const line = describeFrame({ COMMAND: '2030', body: { FILE_EXT: 'jpg', FILE: Buffer.from('raw bytes') } });
    assert.equal(line, '2030 upload a file FILE_EXT=jpg FILE=(9 bytes)');
  });

  it('shows a few records of many', () => {
    const records = Array.from({ length: 30 }, (_, index) => ({ GRP_ID: 'g', MSG_ID: `m${index}` }));
    assert.equal(
      describeFrame({ COMMAND: '1021', VERSION: 'SAM11', RESP_CODE: '00000', RESP_MESG: 'OK', body: { records } }),
      '1021 answer to a send request SAM11 RESP_CODE=00000 RESP_MESG=OK 30 records [GRP_ID=g MSG_ID=m0] [GRP_ID=g MSG_ID=m1] [GRP_ID=g MSG_ID=m2] ...',
    );
  });

  it('is one line whatever came', () => {
    const frame = { COMMAND: '1026', RESP_CODE: '9\n9', RESP_MESG: 'x\r\n[error] forged \u2028', body: null };
    const line = describeFrame(frame);
    assert.equal(line.split(/[\r\n\u2028]/).length, 1, line);
    assert.match(describeFrame({ COMMAND: '10\n25', body: null }), /^"10\\n25" unknown command$/);
  });

  it('shows nothing private of any frame', () => {
    const secret = fc.stringMatching(/^[A-Z]{12}$/);
    for (const [command, spec] of Object.entries<FrameSpec>(frames)) {
      const fields = { ...spec.fields, ...spec.records };
      const hidden = Object.entries(fields).filter(([, field]) => 'privacy' in field);
      fc.assert(
        fc.property(secret, (value) => {
          const values = Object.fromEntries(hidden.map(([name]) => [name, value]));
          const frame: Describable = { COMMAND: command, body: { ...values, records: [values] } };
          assert.ok(!describeFrame(frame).includes(value));
        }),
        { numRuns: 5 },
      );
    }
  });

  it('keeps private what must be', () => {
    for (const [command, spec] of Object.entries<FrameSpec>(frames)) {
      for (const [name, field] of Object.entries({ ...spec.fields, ...spec.records })) {
        const wanted = {
          PASSWORD: 'secret',
          MSG: 'text',
          SUBJECT: 'text',
          URL: 'text',
          SENDER: 'number',
          RECEIVER: 'number',
        };
        const privacy = 'privacy' in field ? field.privacy : undefined;
        assert.equal(privacy, (wanted as Record<string, string>)[name], `${command} ${name}`);
      }
    }
  });
});

describe('maskNumber', () => {
  it('leaves the ends of a number', () => {
    assert.equal(maskNumber('01012345678'), '010****5678');
    assert.equal(maskNumber('0212345678'), '021****5678');
    assert.equal(maskNumber('15881234'), '1****34');
    assert.equal(maskNumber('119'), '****');
    assert.equal(maskNumber(''), '****');
  });
});

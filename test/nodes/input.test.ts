import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Node, NodeMessageInFlow } from 'node-red';
import { parseTime } from '../../lib/agent/times.ts';
import { UshotError } from '../../lib/errors.ts';
import { carriedNames, collectCarried, evaluateFields, type PropertyReader, readRequests } from '../../nodes/input.ts';

const { util } = createRequire(import.meta.url)('@node-red/util') as { util: PropertyReader };
const node = { id: 'n' } as Node;
const msgOf = (more: object) => ({ _msgid: '1', ...more }) as NodeMessageInFlow;

const code = (expected: string) => (error: unknown) => error instanceof UshotError && error.code === expected;

describe('nodes/input', () => {
  describe('readRequests', () => {
    const read = (payload: unknown, fields = {}) => readRequests(payload, fields, 'sms', 'lms');

    it('lets an object override the fields, member by member', () => {
      const { requests, list } = read(
        { to: '2', text: 'b', messageId: 'X', unknown: 1 },
        { to: '1', from: '3', text: 'a' },
      );
      assert.deepEqual(requests, [{ node: 'sms', overflow: 'lms', to: '2', from: '3', text: 'b', messageId: 'X' }]);
      assert.equal(list, false);
    });

    it('takes a member that is null or undefined for one that is not there', () => {
      assert.equal(read({ to: null, from: undefined }, { to: '1', from: '3' }).requests[0]?.to, '1');
    });

    it('makes one request of each object of an array', () => {
      const { requests, list } = read([{ to: '1' }, { to: '2', from: '9' }], { from: '3', text: 'a' });
      assert.deepEqual(
        requests.map(({ to, from, text }) => [to, from, text]),
        [
          ['1', '3', 'a'],
          ['2', '9', 'a'],
        ],
      );
      assert.equal(list, true);
      assert.deepEqual(read([]), { requests: [], list: true });
    });

    it('does not take a payload of messages for the value of a field that points at it', () => {
      const payload = { to: '1' };
      assert.deepEqual(read(payload, { text: payload }).requests, [{ node: 'sms', overflow: 'lms', to: '1' }]);
    });

    it('takes a text or a number for the text, unless the node has its own', () => {
      assert.equal(read('hello', { to: '1' }).requests[0]?.text, 'hello');
      assert.equal(read(23.5, { to: '1' }).requests[0]?.text, 23.5);
      assert.equal(read('hello', { to: '1', text: 'own' }).requests[0]?.text, 'own');
    });

    it('ignores a payload that only triggers', () => {
      for (const payload of [true, Buffer.from('x'), ['a'], new Date(), null, undefined]) {
        assert.equal(read(payload, { to: '1', text: 'own' }).requests[0]?.text, 'own');
      }
    });

    it('refuses a payload that is to be the text and is none', () => {
      for (const payload of [true, Buffer.from('x'), ['a', 1], [{ to: '1' }, 'x']]) {
        assert.throws(() => read(payload, { text: payload }), code('USHOT_PAYLOAD'));
      }
    });

    it('lets another field have the payload', () => {
      const numbers = ['1', '2'];
      assert.deepEqual(read(numbers, { to: numbers, text: 'own' }).requests[0]?.to, numbers);
      const picture = Buffer.from('x');
      assert.deepEqual(read(picture, { files: picture, text: picture }).requests[0], {
        node: 'sms',
        overflow: 'lms',
        files: picture,
      });
      assert.deepEqual(read('1', { to: '1' }).requests[0], { node: 'sms', overflow: 'lms', to: '1' });
    });

    it('never throws anything but USHOT_PAYLOAD, and gives one request for what is no list', () => {
      fc.assert(
        fc.property(fc.anything(), fc.boolean(), (payload, pointed) => {
          try {
            const { requests, list } = read(payload, pointed ? { text: payload } : { to: '1' });
            assert.ok(list || requests.length === 1);
          } catch (error) {
            assert.ok(code('USHOT_PAYLOAD')(error));
          }
        }),
      );
    });
  });

  describe('evaluateFields', () => {
    const evaluate = (properties: Record<string, unknown>, msg: object, kind: 'sms' | 'mms' = 'sms') =>
      evaluateFields(util, node, kind, properties, msgOf(msg));

    it('takes a timestamp as a time to send at, in each of its forms', async () => {
      const before = Date.now();
      for (const form of ['', 'iso', 'object']) {
        const { sendAt } = await evaluate({ sendAt: form, sendAtType: 'date' }, {});
        const ms = parseTime(sendAt) ?? 0;
        assert.ok(ms >= before && ms <= Date.now(), `${form}: ${sendAt}`);
      }
    });

    it('takes the text from msg.payload, and files from msg.files, where a flow was saved without them', async () => {
      assert.deepEqual(await evaluate({}, { payload: 'hello' }), { text: 'hello' });
      assert.deepEqual(await evaluate({}, { payload: 'hello', files: ['a'] }, 'mms'), { text: 'hello', files: ['a'] });
    });

    it('reads literals, properties, JSONata and environment variables', async () => {
      process.env['USHOT_TEST_FROM'] = '0212345678';
      const properties = {
        to: 'who.phone',
        toType: 'msg',
        from: 'USHOT_TEST_FROM',
        fromType: 'env',
        text: '"T " & payload',
        textType: 'jsonata',
        url: 'https://x.kr',
        urlType: 'str',
        sendAt: '',
        sendAtType: 'str',
      };
      assert.deepEqual(await evaluate(properties, { payload: 7, who: { phone: '010' } }), {
        to: '010',
        from: '0212345678',
        text: 'T 7',
        url: 'https://x.kr',
      });
    });

    it('fills in templates in the text and the subject that are written on the node, and nowhere else', async () => {
      const own = { text: '{{topic}} {{payload.v}}', textType: 'str', subject: '{{topic}}', subjectType: 'str' };
      const msg = { topic: 'T', payload: { v: 7 } };
      assert.deepEqual(await evaluate({ ...own, from: '{{topic}}', fromType: 'str', files: '' }, msg, 'mms'), {
        text: 'T 7',
        subject: 'T',
        from: '{{topic}}',
      });
      const fromPayload = await evaluate({ text: 'payload', textType: 'msg' }, { payload: '{{topic}}', topic: 'T' });
      assert.deepEqual(fromPayload, { text: '{{topic}}' });
    });

    it('keeps a text of which nothing came: msg.payload does not take its place', async () => {
      const fields = await evaluate({ text: '{{none}}', textType: 'str' }, { payload: 'hello' });
      assert.deepEqual(fields, { text: '' });
      assert.equal(readRequests('hello', fields, 'sms', 'lms').requests[0]?.text, '');
    });

    it('says which template is malformed', async () => {
      await assert.rejects(evaluate({ text: '{{payload', textType: 'str' }, {}), (error: unknown) => {
        assert.ok(error instanceof UshotError && error.code === 'USHOT_EXPRESSION');
        return error.params['field'] === 'text';
      });
    });

    it('leaves out what is empty, and what a property does not hold', async () => {
      assert.deepEqual(await evaluate({ to: '', toType: 'msg', from: 'a.b', fromType: 'msg' }, {}), {});
    });

    it('says which field cannot be evaluated', async () => {
      await assert.rejects(evaluate({ to: '$$(', toType: 'jsonata' }, {}), (error: unknown) => {
        assert.ok(error instanceof UshotError && error.code === 'USHOT_EXPRESSION');
        return error.params['field'] === 'to';
      });
    });
  });

  describe('carried properties', () => {
    it('reads their names', () => {
      assert.deepEqual(carriedNames('topic, msg.order.id  payload'), ['topic', 'order.id']);
      assert.deepEqual(carriedNames(''), []);
    });

    it('keeps what JSON can hold, and names what it cannot', () => {
      const loop: Record<string, unknown> = {};
      loop['loop'] = loop;
      const msg = msgOf({ topic: 'a', order: { id: 7 }, req: loop, fn: () => 1 });
      assert.deepEqual(collectCarried(util, ['topic', 'order.id', 'req', 'fn', 'none', 'none.at.all'], msg), {
        carried: { topic: 'a', 'order.id': 7 },
        lost: ['req', 'fn'],
      });
    });
  });
});

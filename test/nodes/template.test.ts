/** Texts with places to be filled in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fillTemplate, isTemplate, type LookUp } from '../../nodes/template.ts';

const beyond: Readonly<Record<string, unknown>> = { 'flow.limit': 80, 'global.site': '서울', 'env.PLANT': 'A' };
const lookUp: LookUp = (scope, name, store) =>
  Promise.resolve(beyond[`${scope}${store === undefined ? '' : `[${store}]`}.${name}`]);
const fill = (template: string, msg: object) => fillTemplate(template, msg, lookUp);

describe('nodes/template', () => {
  it('fills in properties of the msg, and escapes nothing', async () => {
    const msg = { topic: 'pump & <3>', payload: { sensor: 'T1', value: 98.5, list: ['a', 'b'] } };
    assert.equal(await fill('{{topic}}: {{payload.sensor}} {{payload.value}}℃', msg), 'pump & <3>: T1 98.5℃');
    assert.equal(await fill('{{{topic}}} {{&topic}}', msg), 'pump & <3> pump & <3>');
    assert.equal(await fill('{{#payload.list}}{{.}};{{/payload.list}}', msg), 'a;b;');
    assert.equal(await fill('{{^payload.none}}none{{/payload.none}}', msg), 'none');
  });

  it('reaches the contexts and the environment, also inside sections', async () => {
    const msg = { payload: { on: true } };
    assert.equal(await fill('{{flow.limit}} {{global.site}} {{env.PLANT}}', msg), '80 서울 A');
    assert.equal(await fill('{{#payload}}{{global.site}}{{/payload}}', msg), '서울');
    assert.equal(await fill('{{flow.limit}}', { flow: { limit: 1 } }), '1');
  });

  it('leaves a hole where nothing is, and writes an object as JSON', async () => {
    assert.equal(await fill('[{{payload.none}}{{none.at.all}}]', { payload: 1 }), '[]');
    assert.equal(await fill('{{payload}}', { payload: { a: 1 } }), '{"a":1}');
    assert.equal(await fill('{{payload}}', { payload: 0 }), '0');
  });

  it('refuses what is malformed', async () => {
    await assert.rejects(fill('{{payload', { payload: 1 }));
    await assert.rejects(fill('{{#payload}}', { payload: 1 }));
  });

  it('does not look into what was filled in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
        assert.equal(await fill('<{{payload}}>', { payload: text }), `<${text}>`);
        assert.equal(await fill('{{payload}}', { payload: '{{topic}}', topic: 'x' }), '{{topic}}');
      }),
      { numRuns: 50 },
    );
  });

  it('is only what holds {{', () => {
    assert.deepEqual(['a {b} }}', '{{x', '', 7, undefined].map(isTemplate), [false, true, false, false, false]);
  });
});

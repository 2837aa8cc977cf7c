/**
 * The editor as people meet it: Node-RED and the built package, in Chromium, in two languages and two themes. What is on
 * the screen is kept in test-output/browser/.
 */
import assert from 'node:assert/strict';
import type { Browser, Locator } from 'playwright-core';
import { type Simulator, startSimulator } from '../../lib/simulator/index.ts';
import type { FlowNode } from '../packed/running-node-red.ts';
import { chromiumPath, Editor, type EditorServer, type Look, startBrowser, startServer } from './editor.ts';

describe('editor in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let server: EditorServer;
  let simulator: Simulator;
  let editor: Editor;
  let opened: Editor | undefined;

  before(async function () {
    if (!chromiumPath) {
      console.log('    There is no Chromium here: .ci/run installs it. The tests in the browser are left out.');
      this.skip();
    }
    const accounts = [{ id: 'me', password: 'secret', balance: 54_321 }];
    [server, browser, simulator] = await Promise.all([startServer(), startBrowser(), startSimulator({ accounts })]);
  });
  after(async () => {
    await browser?.close();
    await Promise.all([server?.stop(), simulator?.stop()]);
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await opened?.shot('failed');
    const complaints = opened?.complaints ?? [];
    await opened?.close();
    opened = undefined;
    assert.deepEqual(complaints, []);
  });

  const open = async (look: Look) => {
    editor = await Editor.open(browser, server.nodeRed.address, look);
    opened = editor;
    return editor;
  };
  const field = (name: string): Locator => editor.page.locator(`#node-config-input-${name}`);
  const typed = (name: string): Locator =>
    editor.page
      .locator(
        `#node-input-${name} + .red-ui-typedInput-container input.red-ui-typedInput-input, #node-input-${name} ~ .red-ui-typedInput-container input`,
      )
      .first();
  const textBody = () => editor.page.locator('#ushot-text-body');

  /** Ids of the nodes that the first test adds. */
  const ids = { inject: '', sms: '', mms: '', upload: '', report: '', debug: '' };

  it('sends the first message: every node dragged in, filled in, deployed; practice shows', async () => {
    const { page } = await open({ language: 'en-US', scheme: 'light' });
    ids.sms = await editor.drag('ushot-send-sms', 360, 80);
    await editor.edit(ids.sms);
    await editor.shot('send-sms-new-en-light');
    await editor.editSession();
    await editor.shot('session-new-en-light');
    await page.locator('#ushot-practice').check();
    await page.locator('#ushot-practising > summary').click();
    await field('practiceDelaySeconds').fill('0');
    await page.locator('#ushot-practice-result option[value="7"]').waitFor({ state: 'attached' });
    await editor.shot('session-practice-en-light');
    await editor.done();
    await typed('to').fill('010-1234-5678');
    await editor.chooseType('ushot-text-source', 'str');
    await textBody().fill('Boiler {{topic}} at {{payload}}');
    await editor.done();

    ids.inject = await editor.drag('inject', 150, 80);
    ids.debug = await editor.drag('debug', 580, 80);
    ids.mms = await editor.drag('ushot-send-mms', 360, 160);
    ids.upload = await editor.drag('ushot-upload-file', 360, 240);
    ids.report = await editor.drag('ushot-report-in', 360, 320);
    await editor.edit(ids.mms);
    await typed('to').fill('010-0000-0007');
    await editor.shot('send-mms-en-light');
    await editor.done();
    for (const id of [ids.upload, ids.report]) {
      await editor.edit(id);
      assert.match(await page.locator('#node-input-session option:checked').innerText(), /practice mode/);
      await editor.done();
    }
    await editor.wire(ids.inject, ids.sms);
    await editor.wire(ids.inject, ids.mms);
    await editor.wire(ids.sms, ids.debug);
    await editor.wire(ids.report, ids.debug);
    for (const id of [ids.sms, ids.mms, ids.upload, ids.report]) {
      await editor.node(id).locator('.ushot-practising').waitFor();
    }
    await editor.deploy();
    await editor.status(ids.sms).filter({ hasText: 'practising' }).waitFor();
    await editor.status(ids.mms).filter({ hasText: 'practising' }).waitFor();
    await editor.inject(ids.inject);
    const told = page.locator('.red-ui-debug-content .red-ui-debug-msg');
    // What the node sent on, and the two reports.
    for (const words of [/from:\s*"0212345678"/, /status:\s*"delivered"/, /status:\s*"failed"/]) {
      await told.filter({ hasText: words }).first().waitFor();
    }
    await editor.shot('practising-en-light');
  });

  it('measures a text while it is typed', async () => {
    const { page } = await open({ language: 'ko', scheme: 'dark' });
    await editor.status(ids.sms).filter({ hasText: '연습 중' }).waitFor();
    await editor.shot('practising-ko-dark');
    await editor.edit(ids.sms);
    const bytes = page.locator('.ushot-bytes');
    const kind = page.locator('.ushot-kind');
    const chips = page.locator('.ushot-lacking button');
    const warning = page.locator('.ushot-warning');
    const note = page.locator('.ushot-meter-note');

    await textBody().fill('안녕');
    assert.equal(await bytes.innerText(), '4 / 90바이트');
    assert.equal(await kind.innerText(), 'SMS');
    assert.equal(await chips.count(), 0);

    await textBody().fill('보일러 온도 — {{payload}}℃ ⭐ 값 ₩3,000 확인');
    assert.deepEqual(await chips.allInnerTexts(), ['— → -', '⭐ → ★', '₩ → ￦']);
    assert.match(await warning.innerText(), /CP949/);
    assert.match(await note.innerText(), /\{\{…\}\}/);
    assert.equal(await page.locator('.ushot-marks mark').count(), 3);
    await page.locator('.ushot-phone > summary').click();
    await page.locator('.ushot-bubble mark').first().waitFor();
    await editor.shot('meter-ko-dark');
    await chips.nth(0).click();
    await chips.nth(0).click();
    assert.equal(await textBody().inputValue(), '보일러 온도 - {{payload}}℃ ★ 값 ₩3,000 확인');
    await chips.first().press('Enter');
    assert.equal(await chips.count(), 0);
    assert.equal(await warning.innerText(), '');

    await textBody().fill('온도 {{payload');
    assert.match(await warning.innerText(), /\}\}가 없어/);
    await textBody().fill('가'.repeat(46));
    assert.equal(await kind.innerText(), 'LMS');
    assert.match(await note.innerText(), /LMS로 발송/);
    await textBody().fill('가'.repeat(1501));
    assert.match(await warning.innerText(), /3002바이트입니다\. LMS는 3000바이트까지/);
    await page.locator('#ushot-options > summary').click();
    await page.locator('#node-input-overflow').selectOption('reject');
    await textBody().fill('가'.repeat(46));
    assert.match(await warning.innerText(), /92바이트입니다\. SMS는 90바이트까지/);
    await editor.shot('meter-too-long-ko-dark');

    await editor.chooseType('ushot-text-source', 'msg');
    assert.match(await note.innerText(), /발송할 때 확인/);
    assert.equal(await textBody().isVisible(), false);
    await editor.cancel();
  });

  it('tests a connection before it is deployed, and says what is wrong', async () => {
    const { page } = await open({ language: 'en-US', scheme: 'light' });
    await editor.edit(ids.sms);
    await editor.editSession();
    await page.locator('#ushot-practice').uncheck();
    await field('host').fill('127.0.0.1');
    for (const [name, port] of Object.entries(simulator.ports)) await field(`${name}Port`).fill(String(port));
    await field('id').fill('me');
    await field('password').fill('wrong');
    const good = page.locator('#ushot-test-result .ushot-good');
    const bad = page.locator('#ushot-test-result .ushot-bad');
    await page.locator('#ushot-test').click();
    await bad.nth(3).waitFor();
    assert.match(
      await bad.first().innerText(),
      /SMS send: The gateway refused the login .* Check the ID and the password/s,
    );
    await editor.shot('test-wrong-password-en-light');

    await field('password').fill('secret');
    await field('mmsReportPort').fill('1');
    await page.locator('#ushot-test').click();
    await good.nth(2).waitFor();
    assert.match(await bad.innerText(), /LMS\/MMS report: 127\.0\.0\.1:1 refused the connection/);
    const terms = await page.locator('.ushot-test-terms').innerText();
    for (const word of ['prepaid', '54,321', 'SMS 20', '3,000 bytes', 'SMS 30']) assert.ok(terms.includes(word), terms);
    await editor.shot('test-one-port-en-light');

    await field('mmsReportPort').fill(String(simulator.ports.mmsReport));
    await editor.done();
    await typed('from').fill('02-123-4567');
    await editor.done();
    await editor.deploy();
    await editor.status(ids.sms).filter({ hasText: 'ready' }).waitFor();
    assert.equal(await editor.node(ids.sms).locator('.ushot-practising').isVisible(), false);
  });

  it('tests it again with the password that is stored, without a second login', async () => {
    const { page } = await open({ language: 'ko', scheme: 'dark' });
    await editor.status(ids.sms).filter({ hasText: '준비됨' }).waitFor();
    const { logins } = simulator.gateway.journal.counters;
    await editor.edit(ids.sms);
    await editor.editSession();
    assert.equal(await field('password').inputValue(), '__PWRD__');
    await page.locator('#ushot-test').click();
    await page.locator('#ushot-test-result .ushot-good').nth(3).waitFor();
    assert.match(await page.locator('#ushot-test-result').innerText(), /이미 로그인.*잔액/s);
    await page.locator('.ushot-test-terms').scrollIntoViewIfNeeded();
    await editor.shot('test-running-ko-dark');
    assert.equal(simulator.gateway.journal.counters.logins, logins);
    await editor.cancel();
    await editor.cancel();
  });

  it('shows the tour, step by step', async () => {
    const { page } = await open({ language: 'ko', scheme: 'light' });
    await editor.evaluate(`RED.actions.invoke('ushot:show-tour')`);
    const description = page.locator('.red-ui-tourGuide-popover-description');
    for (const words of ['첫 문자', '끌어오기', '연습 모드', '배포', '결과']) {
      await description.filter({ hasText: words }).waitFor();
      if (words === '끌어오기') await editor.shot('tour-ko-light');
      // The tour puts the focus there once it has found its place.
      await page.locator('.red-ui-tourGuide-toolbar button:focus').click();
    }
    await description.waitFor({ state: 'hidden' });
  });

  describe('messages on hold', () => {
    let forgetful: Simulator;
    before(async () => {
      const accounts = [{ id: 'other', password: 'secret' }];
      forgetful = await startSimulator({ accounts, reports: false });
      const { smsSend, smsReport, mmsSend, mmsReport } = forgetful.ports;
      const numbers = ['010-1234-5678', '010-2345-6789', '010-3456-7890', '010-4567-8901'];
      const flow: FlowNode[] = [
        { id: 'held', type: 'tab', label: 'held' },
        {
          ...{ id: 'held-session', type: 'ushot-session', name: 'Boiler room', host: '127.0.0.1' },
          ...{ smsSendPort: smsSend, smsReportPort: smsReport, mmsSendPort: mmsSend, mmsReportPort: mmsReport },
          ...{ inDoubt: 'hold', inDoubtSeconds: 0.1, reconnectSeconds: 0.2, duplicateSeconds: 0 },
          credentials: { id: 'other', password: 'secret' },
        },
        {
          ...{ id: 'held-inject', type: 'inject', z: 'held', x: 150, y: 80, wires: [['held-sms']] },
          props: [{ p: 'payload' }],
          payload: JSON.stringify(numbers.map((to) => ({ to, from: '02-123-4567', text: '보일러 과열' }))),
          payloadType: 'json',
        },
        {
          ...{ id: 'held-sms', type: 'ushot-send-sms', z: 'held', x: 360, y: 80, wires: [[]] },
          ...{ session: 'held-session', settle: 'stored' },
        },
      ];
      await server.nodeRed.deploy([...(await server.nodeRed.json<FlowNode[]>('/flows')), ...flow]);
    });
    after(() => forgetful?.stop());

    const taken = () => forgetful.gateway.journal.counters.messages;
    const section = () => editor.page.locator('#ushot-held');
    const rows = () => section().locator('li');
    const result = () => section().locator('#ushot-held-result');
    /** Opens the dialog of the session, and waits until the list was asked for. */
    const openSession = async () => {
      await editor.evaluate(`RED.workspaces.show('held')`);
      await editor.edit('held-sms');
      const listed = editor.page.waitForResponse((response) => /held-session\/held$/.test(response.url()));
      await editor.editSession();
      await listed;
    };

    it('shows nothing where there are none', async () => {
      await open({ language: 'en-US', scheme: 'light' });
      await openSession();
      assert.equal(await section().isVisible(), false);
      await editor.cancel();
      await editor.cancel();
    });

    it('lists them, and does with them what is decided', async () => {
      const { page } = await open({ language: 'ko', scheme: 'light' });
      await editor.evaluate(`RED.workspaces.show('held')`);
      await editor.status('held-sms').filter({ hasText: '준비됨' }).waitFor();
      // The gateway takes the messages, and is gone before it answers.
      forgetful.gateway.faults.add({ kind: 'cut-before-answer', ports: ['smsSend'], times: 4 });
      await editor.inject('held-inject');
      await editor.status('held-sms').filter({ hasText: '보류 4건' }).waitFor();
      forgetful.gateway.faults.clear();
      assert.equal(taken(), 4);

      await openSession();
      await rows().nth(3).waitFor();
      assert.match(await section().innerText(), /010\*{4}5678\s*SMS/);
      assert.match(await section().locator('.ushot-note').innerText(), /두 번 도착/);
      await editor.shot('held-ko-light');

      // With the keyboard: the focus goes on to the next message.
      const again = page.getByRole('button', { name: /^다시 보내기: SMS 010\*{4}5678, / });
      await again.press('Enter');
      await result().filter({ hasText: '1건을 다시 보냅니다.' }).waitFor();
      assert.equal(await rows().count(), 3);
      assert.match(await editor.evaluate<string>('document.activeElement.ariaLabel'), /^다시 보내기: .*6789/);
      await page.getByRole('button', { name: /^버리기: SMS 010\*{4}6789, / }).click();
      await result().filter({ hasText: '1건을 버렸습니다.' }).waitFor();
      assert.equal(await rows().count(), 2);
      await editor.shot('held-decided-ko-light');
      await editor.cancel();
      await editor.cancel();
      await editor.status('held-sms').filter({ hasText: '보류 2건' }).waitFor();
      assert.equal(taken(), 5);
    });

    it('asks before it does so with all of them', async () => {
      const { page } = await open({ language: 'en-US', scheme: 'dark' });
      await openSession();
      await rows().nth(1).waitFor();
      await editor.shot('held-en-dark');
      const question = page.locator('.red-ui-notification').filter({ hasText: /Send 2 messages again/ });
      await page.getByRole('button', { name: 'Send all again' }).click();
      // The keyboard goes there, to what changes nothing, and comes back.
      await question.locator('button:focus').filter({ hasText: 'Cancel' }).press('Enter');
      await question.waitFor({ state: 'hidden' });
      assert.equal(await rows().count(), 2);
      await section().locator('button:focus').filter({ hasText: 'Send all again' }).press('Enter');
      const sure = question.getByRole('button', { name: 'Send all again' });
      // Playwright clicks only what stands still.
      await sure.click({ trial: true });
      await editor.shot('held-all-en-dark');
      await sure.click();
      await result().filter({ hasText: 'Being sent again: 2.' }).waitFor();
      assert.equal(await rows().count(), 0);
      await editor.shot('held-none-left-en-dark');
      await editor.cancel();
      await editor.cancel();
      await editor.status('held-sms').filter({ hasText: 'ready' }).waitFor();
      assert.equal(taken(), 7);
    });
  });

  // Node-RED remembers that the sidebars are closed.
  describe('on a narrow screen', () => {
    it('fits, with the same meter for an MMS', async () => {
      const { page } = await open({ language: 'en-US', scheme: 'dark', width: 560 });
      for (const side of ['left', 'right'])
        await editor.evaluate(`RED.actions.invoke('core:toggle-${side}-sidebar', false)`);
      await editor.evaluate(`RED.editor.edit(RED.nodes.node('${ids.mms}'))`);
      await editor.settled();
      await editor.chooseType('ushot-text-source', 'str');
      await textBody().fill('See the picture 😀');
      await page.locator('.ushot-lacking button').waitFor();
      assert.equal(await page.locator('.ushot-kind').innerText(), 'LMS / MMS');
      assert.match(await page.locator('.ushot-bytes').innerText(), /of 3,000 bytes/);
      const overflow =
        'document.querySelector(".red-ui-tray-body").scrollWidth - document.querySelector(".red-ui-tray-body").clientWidth';
      assert.ok((await editor.evaluate<number>(overflow)) <= 0);
      await editor.shot('send-mms-narrow-en-dark');
      await editor.editSession();
      await editor.shot('session-narrow-en-dark');
      assert.ok((await editor.evaluate<number>(overflow)) <= 0);
      await editor.cancel();
      await editor.cancel();
    });
  });
});

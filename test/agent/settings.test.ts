import assert from 'node:assert/strict';
import { readSettings } from '../../lib/agent/index.ts';
import { UshotError } from '../../lib/errors.ts';

const account = { id: 'tester', password: 'secret' };

describe('settings', () => {
  it('take the defaults of the contract', () => {
    const { id, password, ...settings } = readSettings(account);
    assert.deepEqual([id, password], ['tester', 'secret']);
    assert.deepEqual(settings, {
      name: '',
      mode: 'gateway',
      host: 'link.unionmc.co.kr',
      smsSendPort: 33300,
      smsReportPort: 33301,
      mmsSendPort: 33302,
      mmsReportPort: 33303,
      protocol: 'SAM11',
      connections: 1,
      keepaliveSeconds: 30,
      pollSeconds: 5,
      reconnectSeconds: 10,
      timeoutSeconds: 30,
      userCode: 'omit',
      padding: 'space',
      charset: 'cp949',
      unencodable: 'reject',
      localAddress: '',
      inDoubt: 'resend',
      inDoubtSeconds: 60,
      maxPerMinute: 0,
      maxPerDay: 0,
      cooldownSeconds: 0,
      duplicateSeconds: 0,
      maxAgeMinutes: 1440,
      resendTries: 3,
      smsLimitBytes: 90,
      maxFiles: 3,
      variable: 'auto',
      maxMsgBytes: undefined,
      maxPerRequest: undefined,
      numberStyle: 'left',
      ackCode: '00000',
      respCodes: {},
      keepaliveAnswer: 'yes',
      reportHeartbeat: 'auto',
      retentionDays: 30,
      textRetentionDays: undefined,
      pictures: 'strict',
      folder: '',
      practiceResult: 6,
      practiceDelaySeconds: 2,
      practiceFault: 'none',
      practiceFaultAfter: 0,
    });
  });

  it('read the texts that an editor or an environment variable gives', () => {
    const settings = readSettings({
      ...account,
      smsSendPort: ' 4000 ',
      pollSeconds: '0.5',
      maxMsgBytes: '2000',
      mode: 'practice',
    });
    assert.equal(settings.smsSendPort, 4000);
    assert.equal(settings.pollSeconds, 0.5);
    assert.equal(settings.maxMsgBytes, 2000);
  });

  it('take the default for what was emptied', () => {
    assert.equal(readSettings({ ...account, keepaliveSeconds: '', smsSendPort: ' ' }).keepaliveSeconds, 30);
  });

  it('need no account in practice mode', () => {
    assert.equal(readSettings({ mode: 'practice' }).id, 'practice');
  });

  const wrong: [Record<string, unknown>, RegExp][] = [
    [{}, /no id/],
    [{ id: 'tester' }, /no password/],
    [{ ...account, host: '' }, /no host/],
    [{ ...account, id: 'has blank' }, /id.*20 visible ASCII/],
    [{ ...account, password: 'x'.repeat(21) }, /password.*20/],
    [{ ...account, smsSendPort: '0' }, /smsSendPort = "0" \(1, 2, … 65535\)/],
    [{ ...account, smsSendPort: 'abc' }, /smsSendPort = "abc"/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what Node-RED leaves of a variable that is not set.
    [{ ...account, host: '${GATEWAY}' }, /host is "\$\{GATEWAY\}", but the environment variable is not set/],
    [{ ...account, connections: '1.5' }, /connections = "1.5" \(1, 2, … 16\)/],
    [{ ...account, textRetentionDays: '-1' }, /textRetentionDays = "-1" \(0, 1, … 3650\)/],
    [{ ...account, protocol: 'SAM12' }, /protocol = "SAM12" \(SAM11 \| SAM10\)/],
    [{ ...account, smsLimitBytes: 101 }, /smsLimitBytes/],
    [{ ...account, ackCode: '하나' }, /ackCode/],
    [{ ...account, respCodes: '11005=panic' }, /respCodes = "11005=panic" \(11005=retry \| fail \| relogin \| stop/],
  ];
  for (const [raw, message] of wrong) {
    it(`say what is wrong with ${JSON.stringify(raw)}`, () => {
      assert.throws(
        () => readSettings({ name: 'factory', ...raw }),
        (error: unknown) => {
          assert.ok(error instanceof UshotError);
          assert.match(error.message, message);
          assert.match(error.message, /"factory"/);
          assert.doesNotMatch(error.message, /x{21}/);
          return true;
        },
      );
    });
  }
});

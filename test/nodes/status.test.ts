import assert from 'node:assert/strict';
import { errors, UshotError } from '../../lib/errors.ts';
import en from '../../nodes/locales/en-US/ushot-session.json' with { type: 'json' };
import ko from '../../nodes/locales/ko/ushot-session.json' with { type: 'json' };
import { agentBadge, type Badge, badges, troubleBadge } from '../../nodes/status.ts';
import { linkStates, quiet } from './fake-agent.ts';

const now = 1_000_000;
const withLink = (state: (typeof quiet.links)[number]['state'], service: 'sms' | 'mms' = 'sms') => ({
  ...quiet,
  links: [...quiet.links, { service, role: 'report' as const, index: 0, state }],
});
const textOf = ({ fill, shape, text }: Badge) => `${fill} ${shape} ${text}`;
/** As resources/editor.js finds the words of a badge. */
const keyOf = (state: string) =>
  state
    .replace(/[^a-z]+/g, ' ')
    .trim()
    .replace(/ /g, '-');

describe('nodes/status', () => {
  it('says the gravest thing first', () => {
    const told: [string, Badge][] = [
      ['green dot ready', agentBadge(quiet, now)],
      ['blue ring practising', agentBadge({ ...quiet, practice: true }, now)],
      ['blue dot waiting (12)', agentBadge({ ...quiet, waiting: 12 }, now)],
      ['yellow dot 3 in doubt', agentBadge({ ...quiet, waiting: 12, inDoubt: 3 }, now)],
      ['yellow dot 2 on hold', agentBadge({ ...quiet, inDoubt: 3, held: 2 }, now)],
      ['yellow dot limit reached', agentBadge({ ...quiet, guard: 'USHOT_RATE' }, now)],
      ['yellow dot duplicate stopped', agentBadge({ ...quiet, guard: 'USHOT_COOLDOWN' }, now)],
      ['yellow ring connecting', agentBadge({ ...withLink(linkStates.connecting), inDoubt: 3 }, now)],
      ['yellow ring connecting', agentBadge({ ...quiet, links: [] }, now)],
      ['red ring retry in 8 s', agentBadge(withLink(linkStates.waiting('USHOT_LINK_DNS', now + 7_500)), now)],
      ['red ring retry in 60 s', agentBadge(withLink(linkStates.waiting('USHOT_LINK_DNS', now + 52_000)), now)],
      ['red ring login refused', agentBadge(withLink(linkStates.waiting('USHOT_LINK_LOGIN_REFUSED', now)), now)],
      ['red ring address refused', agentBadge(withLink(linkStates.waiting('USHOT_LINK_SILENT_CLOSE', now)), now)],
      ['red ring store failed', agentBadge({ ...quiet, problem: new UshotError('USHOT_STORE') }, now)],
      ['red ring no session', troubleBadge('USHOT_NO_SESSION')],
      ['red ring session conflict', troubleBadge('USHOT_SESSION_CONFLICT')],
      ['red ring settings wrong', troubleBadge('USHOT_SETTINGS')],
    ];
    for (const [expected, badge] of told) assert.equal(textOf(badge), expected);
  });

  it('looks at the links that concern the node', () => {
    const status = withLink(linkStates.waiting('USHOT_LINK_LOGIN_REFUSED', now), 'mms');
    assert.equal(agentBadge(status, now, ['sms']).text, 'ready');
    assert.equal(agentBadge(status, now, ['mms']).text, 'login refused');
    assert.equal(agentBadge(status, now).text, 'login refused');
  });

  it('gives Status nodes the numbers and the code', () => {
    const badge = agentBadge({ ...withLink(linkStates.waiting('USHOT_LINK_DNS', now)), waiting: 4 }, now);
    assert.deepEqual([badge.state, badge.code, badge.waiting], ['retry in # s', 'USHOT_LINK_DNS', 4]);
  });

  it('stays below 20 characters, whatever the numbers', () => {
    const huge = { ...quiet, waiting: 1e12, inDoubt: 0 };
    for (const badge of [agentBadge(huge, now), agentBadge({ ...huge, inDoubt: 1e12 }, now)]) {
      assert.ok(badge.text.length < 20, badge.text);
    }
    for (const catalogue of [en, ko]) {
      for (const text of Object.values(catalogue.status)) assert.ok(text.replace('__n__', '9999999').length < 20, text);
    }
  });

  it('has words for each in both languages', () => {
    const keys = Object.keys(badges).map(keyOf).sort();
    for (const catalogue of [en, ko]) assert.deepEqual(Object.keys(catalogue.status).sort(), keys);
    for (const state of Object.keys(badges)) {
      assert.equal(en.status[keyOf(state) as keyof typeof en.status].replace('__n__', '#'), state);
    }
  });

  it('knows a badge for every error of the table', () => {
    for (const code of Object.keys(errors) as (keyof typeof errors)[]) assert.ok(troubleBadge(code).text.length < 20);
  });
});

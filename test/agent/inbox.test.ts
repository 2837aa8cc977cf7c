/** The way back of reports, against a store in memory. What needs a gateway is in agent.test.ts. */
import assert from 'node:assert/strict';
import { Inbox } from '../../lib/agent/inbox.ts';
import { MemoryOutbox } from '../../lib/outbox/memory.ts';
import { DAY_MS, newMessage, START_MS, sweepRequest } from '../outbox/messages.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('the inbox', () => {
  const nothing = (): void => {};

  /** A message that waited in vain for its report, with its texts dropped or not; then the gateway says to send it again. */
  async function afterLateReport(dropTexts: boolean): Promise<{ ready: number; retryOf: (string | null)[] }> {
    const outbox = new MemoryOutbox();
    await outbox.open(START_MS);
    await outbox.accept([newMessage('A', { expireAtMs: START_MS + 1000 * DAY_MS })]);
    await outbox.exchange([], { service: 'sms', max: 1 }, START_MS);
    await outbox.exchange([{ messageIds: ['A'], to: 'ACCEPTED' }], null, START_MS);
    await outbox.sweep(sweepRequest({ unreportedBeforeMs: { SMS: START_MS + 1, LMS: 0, MMS: 0 } }));
    if (dropTexts) assert.equal(await outbox.dropTexts(START_MS + 1, 10), 1);
    const retryOf: (string | null)[] = [];
    const inbox = new Inbox(
      { clock: new VirtualClock(), outbox, language: 'en', resendTries: 3 },
      { ended: nothing, resent: (_, again) => retryOf.push(again.retryOf), storeTrouble: nothing },
    );
    inbox.listen(nothing);
    const came = { GRP_ID: 'G1', MSG_ID: 'A', RECEIVER: '01012345678', SEND_DT: '', RESULT: '97', TELECOM: '' };
    await inbox.take([came], nothing);
    await inbox.stop();
    const { READY } = await outbox.counts();
    return { ready: READY, retryOf };
  }

  it('sends again what a late report says to', async () => {
    assert.deepEqual(await afterLateReport(false), { ready: 1, retryOf: ['A'] });
  });

  it('sends nothing again of which the texts are gone', async () => {
    assert.deepEqual(await afterLateReport(true), { ready: 0, retryOf: [] });
  });
});

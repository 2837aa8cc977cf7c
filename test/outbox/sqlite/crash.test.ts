/**
 * `kill -9` at random moments: what a process was told is kept must be there, and nothing else may have happened. A child
 * works on a store and says what it was told; it is killed, the store is opened and compared, and the next child goes on.
 *
 * USHOT_CRASH_ROUNDS sets how often (30); USHOT_CRASH_SEED repeats a run as far as scheduling allows.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Outbox } from '../../../lib/outbox/outbox.ts';
import { newReport, START_MS } from '../messages.ts';
import { Child } from './children.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';
import { check, checkFile, rank, Told } from './told.ts';

const rounds = Number(process.env['USHOT_CRASH_ROUNDS'] ?? 30);
const seed = Number(process.env['USHOT_CRASH_SEED'] ?? randomInt(1_000_000));

/** Ends what the crash left open, so that the next round can tell its own from it. */
async function finish(outbox: Outbox, told: Told): Promise<void> {
  await outbox.takeReports(
    [...told.asked.keys()].map((id) => newReport(id)),
    START_MS,
  );
  await outbox.cancel([...told.asked.keys()], START_MS);
  for (;;) {
    const pending = await outbox.pendingReports(1000);
    if (pending.length === 0) return;
    await outbox.reportsEmitted(pending.map(({ seq }) => seq));
  }
}

describe('kill -9', () => {
  it(`loses nothing that was said to be kept (seed ${seed}, ${rounds} rounds)`, async function () {
    this.timeout(10_000 + rounds * 5_000);
    const folder = makeFolder();
    const file = path.join(folder, 'account.db');
    const figures = { kept: 0, neverAnswered: 0, attachments: 0, inDoubt: 0, delivered: 0 };
    try {
      for (let round = 0; round < rounds; round++) {
        const told = new Told();
        const child = new Child('work', file, seed + round);
        // A moment that is somewhere within the work, whatever the speed of the machine: after so many lines.
        for (let lines = 1 + ((seed + round * 7919) % 97); lines > 0; lines--) {
          const line = await child.next();
          assert.ok(line, 'the child ended by itself');
          told.take(line);
        }
        await child.kill();
        for (let line = await child.next(); line !== undefined; line = await child.next()) told.take(line);

        const outbox = inProcessOutbox({ file });
        await outbox.open(START_MS);
        try {
          const { neverAnswered, attachments } = await check(outbox, told);
          figures.neverAnswered += neverAnswered;
          figures.attachments += attachments;
          figures.kept += told.done.size;
          const { IN_DOUBT } = await outbox.counts();
          figures.inDoubt += IN_DOUBT;
          await finish(outbox, told);
          const { openByService } = await outbox.counts();
          assert.deepEqual(openByService, { sms: 0, mms: 0 }, 'a message that nobody asked for');
          const left = fs.existsSync(`${file}-attachments`) ? fs.readdirSync(`${file}-attachments`) : [];
          assert.deepEqual(left, [], 'attachments of messages that have ended');
          figures.delivered += [...told.done.values()].filter((step) => rank(step) >= rank('report')).length;
        } finally {
          await outbox.close();
        }
        checkFile(file);
      }
    } finally {
      removeFolder(folder);
    }
    console.log(
      `      ${rounds} kills: ${figures.kept} messages said to be kept, 0 lost; ${figures.neverAnswered} never answered ` +
        `and not kept; ${figures.inDoubt} in doubt; ${figures.delivered} reports taken; ` +
        `${figures.attachments} attachments, all whole`,
    );
    assert.ok(figures.kept > rounds);
  });
});

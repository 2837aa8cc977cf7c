/**
 * A process of its own that opens a store, for tests of the lock and of `kill -9`. It says what it does on its standard
 * output, one JSON line each, written at once: a line that the parent has read was true when the child was killed.
 *
 *     node child.ts hold <file>          opens the store and waits
 *     node child.ts once <file>          opens the store and closes it
 *     node child.ts work <file> <seed> [<checkpoint pages>]
 *                                        puts attachments, accepts, claims, settles and takes reports until it is killed
 *     node child.ts answer <file>        does what its parent asks (remote.ts)
 */
import fs from 'node:fs';
import { troubleOf } from '../../../lib/outbox/sqlite/calls.ts';
import { SqliteOutbox } from '../../../lib/outbox/sqlite/outbox.ts';
import { newMessage, newReport } from '../messages.ts';
import { filesOf, nobodysPicture, pictureNames, pictureOf } from './pictures.ts';
import type { Answer, Question } from './remote.ts';

/** What the child says. `done` false: it is about to ask; true: it was told that it is kept. */
export type Line =
  | { readonly op: 'open' }
  | { readonly op: 'refused'; readonly code: string; readonly message: string }
  | {
      readonly op: 'accept' | 'claim' | 'settle' | 'report' | 'emit';
      readonly done: boolean;
      readonly ids: readonly string[];
    };

const [task = '', file = '', seed = '0', checkpointPages, mostUnwritten] = process.argv.slice(2);

function say(line: Line): void {
  const text = `${JSON.stringify(line)}\n`;
  for (;;) {
    try {
      // So short a line goes whole or not at all.
      fs.writeSync(1, text);
      return;
    } catch (error) {
      // The parent has not read yet, and the pipe is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** Small and even enough; Math.random cannot be seeded. */
function random(seedNumber: number): (below: number) => number {
  let state = seedNumber >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function work(outbox: SqliteOutbox): Promise<never> {
  const below = random(Number(seed));
  let count = 0;
  /** Says what is to be done, does it, and says that it was. */
  const told = async <T>(
    op: 'accept' | 'settle' | 'report' | 'emit',
    ids: readonly string[],
    ask: () => Promise<T>,
  ) => {
    say({ op, done: false, ids });
    const answer = await ask();
    say({ op, done: true, ids });
    return answer;
  };
  const put = (name: string): Promise<string> => outbox.putAttachment(pictureOf(name));
  const lane = async (): Promise<never> => {
    for (;;) {
      const ids = Array.from({ length: 1 + below(20) }, () => `${seed}.${count++}`);
      const service = below(2) === 0 ? 'sms' : 'mms';
      if (service === 'mms') {
        // What was put last is not always accepted.
        if (below(3) === 0) await put(nobodysPicture(ids[0] ?? ''));
        await Promise.all(pictureNames(ids).map(put));
      }
      const accepted = told('accept', ids, () =>
        outbox.accept(
          ids.map((id) =>
            newMessage(id, service === 'mms' ? { service, type: 'MMS', files: filesOf(id) } : { service }),
          ),
        ),
      );
      if (below(2) === 0) await accepted;
      const frame = await outbox.exchange([], { service, max: 1 + below(30) }, newMessage('').createdAtMs);
      const claimed = frame.map(({ messageId }) => messageId);
      say({ op: 'claim', done: true, ids: claimed });
      await accepted;
      // The next claim rides on the settlement, as it does in the agent; here it asks for nothing.
      await told('settle', claimed, () => outbox.exchange([{ messageIds: claimed, to: 'ACCEPTED' }], null, 0));
      // Few are left without an end for ever, lest every picture be needed for ever.
      const left = (): number => (service === 'sms' ? below(3) : below(8) === 0 ? 1 : 0);
      const delivered = claimed.slice(left());
      const { fresh } = await told('report', delivered, () =>
        outbox.takeReports(
          delivered.map((id) => newReport(id)),
          newMessage('').createdAtMs,
        ),
      );
      const seqs = fresh.slice(left());
      await told(
        'emit',
        seqs.map(({ messageId }) => messageId),
        () => outbox.reportsEmitted(seqs.map(({ seq }) => seq)),
      );
    }
  };
  return (await Promise.all([lane(), lane(), lane()]))[0];
}

function answer(outbox: SqliteOutbox): void {
  process.on('message', async ({ id, op, args }: Question) => {
    const reply = (answered: Answer): unknown => process.send?.(answered);
    try {
      const ask = outbox[op] as (...args: unknown[]) => Promise<unknown>;
      reply({ id, value: await ask.apply(outbox, args) });
    } catch (error) {
      reply({ id, trouble: troubleOf(error) });
    }
  });
}

if (task === 'answer') answer(new SqliteOutbox({ file }));
else if (task !== '') {
  const outbox = new SqliteOutbox({
    file,
    ...(checkpointPages === undefined ? {} : { checkpointPages: Number(checkpointPages) }),
    ...(mostUnwritten === undefined ? {} : { mostUnwritten: Number(mostUnwritten) }),
  });
  try {
    await outbox.open(newMessage('').createdAtMs);
    say({ op: 'open' });
    if (task === 'work') await work(outbox);
    if (task === 'hold') setInterval(() => undefined, 60_000);
    else await outbox.close();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    say({ op: 'refused', code, message });
  }
}

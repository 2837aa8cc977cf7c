/** What a process said of its store before it was stopped, and whether the store agrees. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { UshotError } from '../../../lib/errors.ts';
import type { Outbox, StoredMessage } from '../../../lib/outbox/outbox.ts';
import { isEnd } from '../../../lib/outbox/states.ts';
import type { Line } from './child.ts';
import { filesOf, hashOf, nobodysPicture, pictureNames, pictureOf } from './pictures.ts';

/** How far a message has come, by what the child said. */
const STEPS = ['accept', 'claim', 'settle', 'report', 'emit'] as const;
type Step = (typeof STEPS)[number];

/** The state that each step leads to. */
const stepOf = (message: StoredMessage): Step => {
  switch (message.state) {
    case 'READY':
      return 'accept';
    // In flight when it was killed.
    case 'IN_DOUBT':
      return 'claim';
    case 'ACCEPTED':
      return 'settle';
    default:
      assert.equal(message.state, 'DELIVERED', message.messageId);
      return 'report';
  }
};

export class Told {
  /** By message, the last step that was acknowledged, and the last that was asked for. */
  readonly done = new Map<string, Step>();
  readonly asked = new Map<string, Step>();

  take(line: Line): void {
    if (line.op === 'open' || line.op === 'refused') {
      assert.equal(line.op, 'open', JSON.stringify(line));
      return;
    }
    for (const id of line.ids) (line.done ? this.done : this.asked).set(id, line.op);
  }
}

export const rank = (step: Step | undefined): number => (step === undefined ? -1 : STEPS.indexOf(step));

export interface Checked {
  /** Messages that were asked for, never answered, and are not kept. */
  readonly neverAnswered: number;
  /** Attachments that some message needs, each read. */
  readonly attachments: number;
}

/** Compares a store that was just opened with what was told. */
export async function check(outbox: Outbox, told: Told): Promise<Checked> {
  const ids = [...told.asked.keys()];
  const found = new Map((await outbox.get(ids)).map((message) => [message.messageId, message]));
  const pending = await outbox.pendingReports(100_000);
  const pendingIds = new Set(pending.map(({ messageId }) => messageId));
  const needed = new Set<string>();
  let neverAnswered = 0;
  for (const id of ids) {
    const message = found.get(id);
    const done = rank(told.done.get(id));
    // A claim is answered, not announced: any message that was asked for may have been claimed.
    const asked = Math.max(rank(told.asked.get(id)), rank('claim'));
    if (message === undefined) {
      assert.equal(done, -1, `${id} was said to be kept, and is lost`);
      neverAnswered++;
      continue;
    }
    const step = rank(stepOf(message));
    assert.ok(step >= Math.min(done, rank('report')), `${id} is ${message.state} after ${told.done.get(id)}`);
    assert.ok(step <= asked, `${id} is ${message.state}, though only ${told.asked.get(id)} was asked for`);
    assert.ok(message.claims <= 1, `${id} was claimed ${message.claims} times`);
    assert.equal(message.text, `경보 ${id}`);
    assert.deepEqual(message.files, message.service === 'mms' ? filesOf(id) : [], id);
    if (!isEnd(message.state) || pendingIds.has(id)) {
      for (const file of message.files) if (file.kind === 'attachment') needed.add(file.hash);
    }
    if (done === rank('report') && told.asked.get(id) !== 'emit') {
      assert.ok(pendingIds.has(id), `the report of ${id} was taken, and will not be emitted`);
    }
    if (done === rank('emit')) assert.ok(!pendingIds.has(id), `the report of ${id} was emitted, and would be again`);
  }
  await checkAttachments(outbox, ids, needed);
  return { neverAnswered, attachments: needed.size };
}

/** Whole where a message needs it, or not there at all. */
async function checkAttachments(outbox: Outbox, ids: readonly string[], needed: ReadonlySet<string>): Promise<void> {
  const names = [...pictureNames(ids), ...ids.map(nobodysPicture)];
  await Promise.all(
    names.map(async (name) => {
      const hash = hashOf(pictureOf(name));
      const found = await outbox.readAttachment(hash).catch((error: unknown) => {
        assert.ok(error instanceof UshotError && error.code === 'USHOT_FILE_MISSING', String(error));
        return null;
      });
      if (found !== null) assert.equal(hashOf(found), hash, `the picture ${name} is not whole`);
      assert.equal(found !== null, needed.has(hash), `the picture ${name} is ${found === null ? 'lost' : 'left over'}`);
    }),
  );
}

/** What the store remembers of its own numbers, against a count of the rows. */
export function checkFile(file: string): void {
  const db = new DatabaseSync(file);
  try {
    assert.deepEqual(Object.values(db.prepare('PRAGMA integrity_check').get() ?? {}), ['ok']);
    const counted = [0, 1].map((service) =>
      [0, 1, 2, 3, 4].map((state) =>
        Number(
          Object.values(
            db.prepare('SELECT count(*) FROM messages WHERE service = ? AND state = ?').get(service, state) ?? {},
          )[0],
        ),
      ),
    );
    const { open } = db.prepare('SELECT open FROM tally').get() as { open: string };
    assert.deepEqual(JSON.parse(open), counted);
  } finally {
    db.close();
  }
}

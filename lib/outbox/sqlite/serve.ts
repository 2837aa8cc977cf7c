/**
 * The worker's side of the conversation of calls.ts: opens the store, says whether it is open, then keeps batches,
 * all that have arrived with one sync, and answers questions, until it is told to close.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { AttachmentFolder } from './attachments.ts';
import {
  type Batch,
  type FromWorker,
  type Opened,
  type Question,
  type StoreOptions,
  type ToWorker,
  troubleOf,
} from './calls.ts';
import { Commits } from './commits.ts';
import { Database } from './database.ts';
import type { Tally } from './entry.ts';
import { asStoreError, openFile } from './file.ts';
import { Questions } from './questions.ts';
import { SQL } from './statements.ts';

interface Store {
  readonly commits: Commits;
  readonly questions: Questions;
  readonly opened: Opened;
  close(): void;
}

export function serve(port: MessagePort, settings: StoreOptions): void {
  const { file, commitDelayMs = 0 } = settings;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const say = (message: FromWorker): void => port.postMessage(message);
  const trouble = (error: unknown) => troubleOf(asStoreError(error, file));

  let store: Store;
  try {
    store = open(settings);
  } catch (error) {
    say({ refused: trouble(error) });
    port.close();
    return;
  }
  const { commits, questions, opened, close } = store;

  let timesSunk = 0;
  const keep = (batches: readonly Batch[]): void => {
    // Not those that count on one that sank.
    const valid = batches.filter(({ sunkBefore }) => sunkBefore === timesSunk);
    if (valid.length === 0) return;
    try {
      commits.keep(valid);
      if (commitDelayMs > 0) Atomics.wait(pause, 0, 0, commitDelayMs);
      say({ kept: valid.length });
    } catch (error) {
      timesSunk++;
      say({ sunk: trouble(error) });
    }
  };
  /** When all is done that has arrived; what arrives meanwhile comes first. */
  let ahead: NodeJS.Immediate | undefined;
  const planAhead = (): void => {
    ahead ??= setImmediate(() => {
      ahead = undefined;
      if (commits.writeAhead()) planAhead();
    });
  };
  const answer = ({ ask, of }: Question): void => {
    try {
      say({ answer: (questions[ask] as (...params: unknown[]) => unknown).apply(questions, [...of]) });
    } catch (error) {
      say({ unanswered: trouble(error) });
    }
  };
  const end = (): void => {
    clearImmediate(ahead);
    try {
      close();
      say({ closed: null });
    } catch (error) {
      say({ closed: trouble(error) });
    }
    port.close();
  };

  port.on('message', (first: ToWorker) => {
    const batches: Batch[] = [];
    for (let message: ToWorker | undefined = first; message !== undefined; message = nextMessage(port)) {
      if ('entry' in message) {
        batches.push(message);
        continue;
      }
      keep(batches.splice(0));
      if ('close' in message) return end();
      answer(message);
    }
    keep(batches);
    planAhead();
  });
  say({ opened });
}

function nextMessage(port: MessagePort): ToWorker | undefined {
  return (receiveMessageOnPort(port) as { message: ToWorker } | undefined)?.message;
}

function open(settings: StoreOptions): Store {
  const { db: file, log, close } = openFile(settings);
  try {
    const db = new Database(file);
    const attachments = new AttachmentFolder(`${settings.file}-attachments`);
    const commits = new Commits(db, log, attachments, settings);
    commits.recover();
    return {
      commits,
      questions: new Questions(db, commits, attachments),
      opened: openedStore(db),
      close() {
        try {
          commits.writeRows();
        } catch {
          // What cannot be written now is in the log, and found at the next opening.
        }
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

function openedStore(db: Database): Opened {
  const tally = db.get<{ open: string; last_seq: number; last_report_seq: number }>(SQL.tally);
  if (tally === undefined) throw new Error('bug: the store has no tally');
  return {
    tally: [JSON.parse(tally.open) as Tally[0], tally.last_seq, tally.last_report_seq],
    greatestId: db.get<{ id: string }>(SQL.greatestId)?.id ?? '',
    anyUnmatched: db.get(SQL.anyUnmatched) !== undefined,
  };
}

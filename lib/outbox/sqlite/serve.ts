/**
 * The worker's side of the conversation of calls.ts: opens the store, says whether it is open, and then answers lists of
 * calls, all that have arrived in one commit, until it is told to close.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { AttachmentFolder } from './attachments.ts';
import { type Call, type FromWorker, type ToWorker, troubleOf, type WorkerSettings } from './calls.ts';
import { Commits } from './commits.ts';
import { asStoreError, openFile } from './file.ts';
import { Store } from './store.ts';

/** Calls that one transaction takes at most: those at the back of a long queue do not keep the front waiting. */
const LARGEST_GROUP = 500;

/** Calls that write nothing, whose transaction needs no sync. */
const QUESTIONS: ReadonlySet<Call['op']> = new Set([
  ...([
    'pendingReports',
    'nextDueMs',
    'listHeld',
    'get',
    'counts',
    'recentDuplicates',
    'createdSince',
    'readAttachment',
  ] as const),
]);

export function serve(port: MessagePort, settings: WorkerSettings): void {
  const { file, commitDelayMs = 0 } = settings;
  const say = (message: FromWorker): void => port.postMessage(message);

  let opened: ReturnType<typeof open>;
  try {
    opened = open(settings);
  } catch (error) {
    say({ refused: troubleOf(asStoreError(error, file)) });
    port.close();
    return;
  }
  const { commits, close } = opened;
  const pause = new Int32Array(new SharedArrayBuffer(4));

  const answer = (calls: readonly Call[]): void => {
    const replies = commits.run(calls);
    if (commitDelayMs > 0 && !calls.every(({ op }) => QUESTIONS.has(op))) Atomics.wait(pause, 0, 0, commitDelayMs);
    say({ replies });
  };
  const end = (): void => {
    try {
      close();
      say({ closed: null });
    } catch (error) {
      say({ closed: troubleOf(asStoreError(error, file)) });
    }
    port.close();
  };

  port.on('message', (first: ToWorker) => {
    let message: ToWorker | undefined = first;
    while (message !== undefined) {
      if ('close' in message) return end();
      const calls = [...message.calls];
      message = undefined;
      while (calls.length < LARGEST_GROUP) {
        const next = receiveMessageOnPort(port) as { message: ToWorker } | undefined;
        if (next === undefined) break;
        if ('close' in next.message) {
          message = next.message;
          break;
        }
        calls.push(...next.message.calls);
      }
      answer(calls);
    }
  });
  say({ opened: true });
}

function open(settings: WorkerSettings): { commits: Commits; close(): void } {
  const { db, log, close } = openFile(settings);
  try {
    const store = new Store(db, new AttachmentFolder(`${settings.file}-attachments`), settings);
    const commits = new Commits(db, log, store, settings);
    commits.recover(settings.nowMs);
    return {
      commits,
      close() {
        commits.end();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

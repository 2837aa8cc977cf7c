/**
 * The durable engine without a thread of its own: the same code on both ends of a channel, in this process. Starting a
 * thread costs more than most tests do.
 */
import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import type { StoreOptions } from '../../../lib/outbox/sqlite/calls.ts';
import { SqliteOutbox, type SqliteOutboxOptions, type StoreThread } from '../../../lib/outbox/sqlite/outbox.ts';
import { serve } from '../../../lib/outbox/sqlite/serve.ts';

export function inProcessOutbox(options: SqliteOutboxOptions): SqliteOutbox {
  return new SqliteOutbox(options, startInProcess);
}

function startInProcess(settings: StoreOptions): StoreThread {
  const { port1, port2 } = new MessageChannel();
  const events = new EventEmitter();
  port1.on('message', (message) => events.emit('message', message));
  port1.on('close', () => events.emit('exit', 0));
  setImmediate(() => serve(port2, settings));
  return Object.assign(events, {
    postMessage: port1.postMessage.bind(port1),
    ref: () => port1.ref(),
    unref: () => port1.unref(),
  }) as unknown as StoreThread;
}

/** What the worker thread of the store runs: it owns the database, so that a sync never stalls the caller's event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerSettings } from './calls.ts';
import { serve } from './serve.ts';

if (parentPort === null) throw new Error('bug: this is the thread of the store, not a program');
serve(parentPort, workerData as WorkerSettings);

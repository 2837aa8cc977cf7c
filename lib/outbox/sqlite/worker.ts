/** What the worker thread of the store runs: it owns the database, so that a sync never stalls the caller's event loop. */
import './quiet.ts';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreOptions } from './calls.ts';

if (parentPort === null) throw new Error('bug: this is the thread of the store, not a program');

const { serve } = await import('./serve.ts');
serve(parentPort, workerData as StoreOptions);

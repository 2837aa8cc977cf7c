/** What the worker thread of the store runs: it owns the database, so that a sync never stalls the caller's event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreOptions } from './calls.ts';

if (parentPort === null) throw new Error('bug: this is the thread of the store, not a program');

// node:sqlite warns of being experimental at every start, in nobody's interest. (An option of Node.js could say so too, but
// a thread that is given options refuses to start under some that its process was given, such as --max-old-space-size.)
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

// Only now, since the warning comes with the import.
const { serve } = await import('./serve.ts');
serve(parentPort, workerData as StoreOptions);

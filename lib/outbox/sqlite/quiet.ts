/**
 * Imported first by what a thread runs. node:sqlite warns of being experimental at every start, in nobody's interest. (An
 * option of Node.js could say so too, but a thread that is given options refuses to start under some that its process was
 * given, such as --max-old-space-size.) The warning comes with the import of node:sqlite: that has to be a later one.
 */
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`);
});

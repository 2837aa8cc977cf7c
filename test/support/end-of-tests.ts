/**
 * What a failed test leaves open (a store, a socket) keeps the process alive, and the runner waits for that in silence. A
 * moment after the last test it is named, and the run fails.
 */
const PATIENCE_MS = 20_000;

export const mochaHooks = {
  afterAll(): void {
    setTimeout(() => {
      console.error(`Something is still open after the tests: ${process.getActiveResourcesInfo().join(', ')}`);
      process.exit(1);
    }, PATIENCE_MS).unref();
  },
};

/** The durable engine, against the contract. */
import path from 'node:path';
import { outboxContract } from '../contract.ts';
import { makeFolder, removeFolder } from './folder.ts';
import { inProcessOutbox } from './in-process.ts';

outboxContract('SQLite', async () => {
  const folder = makeFolder();
  const make = () => inProcessOutbox({ file: path.join(folder, 'account.db') });
  let outbox = make();
  return {
    outbox,
    async restart() {
      await outbox.close();
      outbox = make();
      return outbox;
    },
    async dispose() {
      await outbox.close();
      removeFolder(folder);
    },
  };
});

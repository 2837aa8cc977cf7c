/** The simulated gateway as a child: reports on, without delay; it remembers nothing and does not insist on the form. */
import { startSimulator } from '../../lib/simulator/index.ts';
import { tellParent } from './child.ts';

/** An account for each agent that will come: what is left of one's reports does not go to the next. */
const ACCOUNTS = 20;

const accounts = [30, 100].flatMap((maxPerRequest) =>
  Array.from({ length: ACCOUNTS }, (_, i) => ({
    ...{ id: `bench${maxPerRequest}.${i}`, password: 'bench', balance: 1e9, maxPerRequest },
  })),
);

const { ports } = await startSimulator({
  accounts,
  strict: false,
  journal: 'off',
  reportDelayMs: { min: 0, max: 0 },
  // Where the round trip is long, a gateway that waits for each acknowledgement would be what is measured.
  pushWindow: 10,
  reportLimit: 10_000_000,
});
tellParent(ports);

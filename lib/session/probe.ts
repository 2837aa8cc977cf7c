/** One login, to test a connection: are host, port, address, id and password right, and what are the terms? */
import type { Terms } from '../protocol/index.ts';
import { Link, type LinkDeps } from './link.ts';
import type { LinkSettings } from './settings.ts';
import type { LinkTrouble } from './trouble.ts';

export type ProbeResult =
  | { readonly kind: 'ok'; readonly terms: Terms }
  | { readonly kind: 'trouble'; readonly trouble: LinkTrouble };

/**
 * Logs in once and closes, without a request or a poll: nothing is sent and no report is taken. Rejects only when id or
 * password cannot be written into a login frame. A gateway that allows one login an account may refuse it while a
 * link of the same role is up.
 */
export function probe(settings: LinkSettings, deps: LinkDeps): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const link = new Link(settings, deps, {
      state(state) {
        if (state.name !== 'ready' && state.name !== 'waiting') return;
        // Stopped from within, the link does nothing after the login, and does not try again.
        void link.stop();
        resolve(
          state.name === 'ready' ? { kind: 'ok', terms: state.terms } : { kind: 'trouble', trouble: state.trouble },
        );
      },
      reports: () => {},
      notice: () => {},
    });
    link.start();
  });
}

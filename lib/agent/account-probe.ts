/**
 * Whether an account can be used with these settings: one login on each port, which is closed again at once. A link that
 * a running agent has up with the same settings is asked instead, since a gateway may end it for a second login.
 */
import type { Clock } from '../clock.ts';
import type { Dial } from '../network.ts';
import type { Service } from '../outbox/outbox.ts';
import type { Terms } from '../protocol/index.ts';
import { type LinkSettings, type LinkTrouble, probe } from '../session/index.ts';
import type { AgentStatus } from './agent.ts';
import { linkSettings } from './links.ts';
import type { AgentSettings } from './settings.ts';

export interface ProbeDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly dial: Dial;
}

export type LinkProbe = {
  readonly service: Service;
  readonly role: LinkSettings['role'];
} & (
  | {
      readonly kind: 'ok';
      readonly terms: Terms;
      /** Known from a link that is up; nobody logged in for it. */
      readonly running: boolean;
    }
  | { readonly kind: 'trouble'; readonly trouble: LinkTrouble }
);

/** Somebody is looking at a button meanwhile. */
const PATIENCE_MS = 8_000;

const LINKS = [
  ['sms', 'send'],
  ['sms', 'report'],
  ['mms', 'send'],
  ['mms', 'report'],
] as const;

/**
 * Takes at most twice `PATIENCE_MS`: once for the connections, once for the logins.
 * @param running how the agent fares that runs with the same settings
 */
export function probeAccount(
  settings: AgentSettings,
  deps: ProbeDeps,
  running: AgentStatus | null = null,
): Promise<LinkProbe[]> {
  return Promise.all(
    LINKS.map(async ([service, role]): Promise<LinkProbe> => {
      for (const link of running?.links ?? []) {
        if (link.service !== service || link.role !== role || link.state.name !== 'ready') continue;
        return { service, role, kind: 'ok', terms: link.state.terms, running: true };
      }
      const whole = linkSettings(settings, service, role);
      const result = await probe({ ...whole, timeoutMs: Math.min(whole.timeoutMs, PATIENCE_MS) }, deps);
      return result.kind === 'ok' ? { service, role, ...result, running: false } : { service, role, ...result };
    }),
  );
}

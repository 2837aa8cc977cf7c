/**
 * What goes wrong on purpose in practice mode, as the session node says: a result for every message, or a gateway that
 * misbehaves, from the start or after so many messages.
 */
import type { AgentSettings } from '../lib/agent/index.ts';
import type { Fault, Gateway } from '../lib/simulator/index.ts';

/** Where messages go in: a fault there leaves the reports alone. */
const ports = ['smsSend', 'mmsSend'] as const;

/** The same in the simulator's words. That no reports come is an option of the simulator, not a fault. */
const faults: Readonly<Record<Exclude<AgentSettings['practiceFault'], 'none' | 'no-report'>, Fault>> = {
  reject: { kind: 'reject', ports },
  cut: { kind: 'cut-before-answer', ports },
  silence: { kind: 'silence', ports },
  'report-twice': { kind: 'report-twice' },
  'refuse-login': { kind: 'refuse-login' },
  'refuse-address': { kind: 'cut-at-login' },
};

const DELIVERED = 6;

export function misbehave(gateway: Gateway, settings: AgentSettings): void {
  const { practiceResult: result, practiceFault: fault, practiceFaultAfter: after } = settings;
  if (result !== DELIVERED) gateway.faults.add({ kind: 'result', result });
  if (fault === 'none' || fault === 'no-report') return;
  const strike = faults[fault];
  if (after === 0) {
    gateway.faults.add(strike);
    return;
  }
  const seen = new Set<string>();
  const stopCounting = gateway.onMessage(({ MSG_ID }) => {
    seen.add(MSG_ID);
    if (seen.size < after) return;
    stopCounting();
    gateway.faults.add(strike);
    // A login goes wrong only when there is one. The answer to this message goes out first.
    if (fault === 'refuse-login' || fault === 'refuse-address') setImmediate(() => gateway.cut());
  });
}

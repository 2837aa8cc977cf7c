/** The login session with the gateway: what the agent may use of this room. */
export {
  Link,
  type LinkDeps,
  type LinkEvents,
  type LinkState,
  type RequestOptions,
} from './link.ts';
export { type ProbeResult, probe } from './probe.ts';
export type { LinkSettings, Role, Service } from './settings.ts';
export type { Answer, Notice } from './states.ts';
export { dialTcp } from './tcp.ts';
export type { LinkTrouble } from './trouble.ts';

/** The agent's public face: what the nodes use. */
export { type LinkProbe, type ProbeDeps, probeAccount } from './account-probe.ts';
export {
  Agent,
  type AgentDeps,
  type AgentStatus,
  type HeldMessage,
  type LogLevel,
  type SendOptions,
  type UploadedFile,
} from './agent.ts';
export type { ReportListener } from './inbox.ts';
export type { LinkStatus } from './links.ts';
export type { SendOutcome, SendStatus } from './outcome.ts';
export type { FlowReport } from './reports.ts';
export type { SendRequest } from './request.ts';
export { type AgentSettings, readSettings, sessionProperties } from './settings.ts';
export type { Settle } from './waiters.ts';

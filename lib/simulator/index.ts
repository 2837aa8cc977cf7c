/** The gateway's side: behaviour (`Gateway`) and a TCP server around it (`startSimulator`). */
export { type Complaint, type ComplaintKind, complaintKinds, describeFinding } from './complaints.ts';
export type { Peer } from './connection.ts';
export { type Fault, type FaultKind, type Faults, faultKindNames, faultKinds } from './faults.ts';
export { type Attached, Gateway, type GatewayDeps } from './gateway.ts';
export type { LoginEvent, ReportEvent, UploadEvent } from './house.ts';
export type { SeenId } from './ids.ts';
export type { Counters, TakenMessage } from './journal.ts';
export { type Port, portNames, ports, type Service } from './ports.ts';
export { type Random, seededRandom } from './random.ts';
export type { ReportRecord } from './reports.ts';
export { type Simulator, type SimulatorOptions, startSimulator } from './server.ts';
export {
  type AccountOptions,
  type AccountTerms,
  defaultSettings,
  defaultTerms,
  type GatewayOptions,
  type GatewaySettings,
} from './settings.ts';

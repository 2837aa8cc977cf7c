/** The one registry of this process. Tests put another in its place. */
import { Agents } from './agents.ts';
import { startAgent } from './start-agent.ts';

let agents = new Agents(startAgent);

export function processAgents(): Agents {
  return agents;
}

/** For tests: session nodes made from now on use `next`. Returns the former. */
export function replaceAgents(next: Agents): Agents {
  const former = agents;
  agents = next;
  return former;
}

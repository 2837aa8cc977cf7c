/** ushot-session: the config node that holds an account. What it does is in `session.ts`. */
import type { NodeAPI, NodeDef } from 'node-red';
import { serveAdmin } from './admin.ts';
import { processAgents } from './process-agents.ts';
import { Session, type SessionNode } from './session.ts';
import { tellOfUnusedStores } from './unused-stores.ts';

export default function ushotSession(RED: NodeAPI): void {
  function UshotSession(this: SessionNode, config: NodeDef): void {
    RED.nodes.createNode(this, config);
    this.users = {};
    this.ushot = new Session(RED, this, { ...config }, processAgents());
    this.on('close', (removed: boolean, done: () => void) => {
      this.ushot.close(removed).then(done, done);
    });
  }

  serveAdmin(RED, processAgents);
  tellOfUnusedStores(RED, processAgents());

  RED.nodes.registerType<SessionNode, NodeDef, object, SessionNode['credentials']>('ushot-session', UshotSession, {
    credentials: {
      id: { type: 'text' },
      password: { type: 'password' },
    },
  });
}

// Node-RED 4.1 loads nodes with require(), which returns what is exported under this name.
export { ushotSession as 'module.exports' };

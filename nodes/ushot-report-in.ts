/** ushot-report-in: a msg for each delivery report, with the properties that were carried by the message it is about. */
import type { Node, NodeAPI, NodeDef, NodeMessage } from 'node-red';
import type { FlowReport } from '../lib/agent/index.ts';
import { joinSession } from './flow-node.ts';

interface ReportNodeDef extends NodeDef {
  session: string;
  filter?: string;
}

export default function ushotReportIn(RED: NodeAPI): void {
  function UshotReportIn(this: Node, config: ReportNodeDef): void {
    RED.nodes.createNode(this, config);
    const { filter } = config;
    const wanted = ({ status }: FlowReport) =>
      filter === 'delivered' || filter === 'failed' ? status === filter : true;

    const report = (payload: FlowReport, carried: Readonly<Record<string, unknown>>) => {
      if (!wanted(payload)) return;
      const msg: NodeMessage = {};
      // Each listener gets its own, as flows may change what they are given.
      for (const [name, value] of Object.entries(RED.util.cloneMessage({ ...carried }))) {
        RED.util.setMessageProperty(msg, name, value, true);
      }
      msg.payload = { ...payload };
      this.send(msg);
    };
    joinSession(RED, this, config.session, { services: [], report });
  }

  RED.nodes.registerType('ushot-report-in', UshotReportIn, {});
}

// Node-RED 4.1 loads nodes with require(), which returns what is exported under this name.
export { ushotReportIn as 'module.exports' };

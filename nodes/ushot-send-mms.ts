/** ushot-send-mms: pictures and long texts out of a flow. What it shares with its sibling is in `send-node.ts`. */
import type { Node, NodeAPI } from 'node-red';
import { type SendNodeDef, setUpSendNode } from './send-node.ts';

export default function ushotSendMms(RED: NodeAPI): void {
  function UshotSendMms(this: Node, config: SendNodeDef): void {
    RED.nodes.createNode(this, config);
    setUpSendNode(RED, this, config, 'mms');
  }

  RED.nodes.registerType('ushot-send-mms', UshotSendMms, {});
}

// Node-RED 4.1 loads nodes with require(), which returns what is exported under this name.
export { ushotSendMms as 'module.exports' };

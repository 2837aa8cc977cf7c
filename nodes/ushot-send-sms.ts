/** ushot-send-sms: text messages out of a flow. What it shares with its sibling is in `send-node.ts`. */
import type { Node, NodeAPI } from 'node-red';
import { type SendNodeDef, setUpSendNode } from './send-node.ts';

export default function ushotSendSms(RED: NodeAPI): void {
  function UshotSendSms(this: Node, config: SendNodeDef): void {
    RED.nodes.createNode(this, config);
    setUpSendNode(RED, this, config, 'sms');
  }

  RED.nodes.registerType('ushot-send-sms', UshotSendSms, {});
}

// Node-RED 4.1 loads nodes with require(), which returns what is exported under this name.
export { ushotSendSms as 'module.exports' };

/** ushot-upload-file: a file to the gateway's server, its name there into the flow. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { joinSession } from './flow-node.ts';

interface UploadNodeDef extends NodeDef {
  session: string;
}

export default function ushotUploadFile(RED: NodeAPI): void {
  function UshotUploadFile(this: Node, config: UploadNodeDef): void {
    RED.nodes.createNode(this, config);
    const { onInput } = joinSession(RED, this, config.session, { services: ['mms'] });
    onInput(async (msg, agent) => {
      const uploaded = await agent.upload(
        msg.payload,
        typeof msg['filename'] === 'string' ? msg['filename'] : undefined,
      );
      msg.payload = uploaded;
      msg['files'] = [...filesOf(msg['files']), uploaded.fileName];
      return msg;
    });
  }

  RED.nodes.registerType('ushot-upload-file', UshotUploadFile, {});
}

function filesOf(files: unknown): readonly unknown[] {
  if (files === undefined || files === null || files === '') return [];
  return Array.isArray(files) ? files : [files];
}

// Node-RED 4.1 loads nodes with require(), which returns what is exported under this name.
export { ushotUploadFile as 'module.exports' };

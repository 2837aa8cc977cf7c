/**
 * Where an agent gets its surroundings: the clock, the network and the store of this machine, and in practice a gateway
 * of its own. The one place that wires the rooms of lib/ together.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Agent, type AgentSettings } from '../lib/agent/index.ts';
import { systemClock } from '../lib/clock.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { MemoryOutbox } from '../lib/outbox/memory.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import type { Outbox } from '../lib/outbox/outbox.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { SqliteOutbox } from '../lib/outbox/sqlite/outbox.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { dialTcp } from '../lib/session/index.ts';
import type { StartAgent } from './agents.ts';

export const startAgent: StartAgent = async (settings, key, { log, language, userDir }) => {
  const practice = settings.mode === 'practice' ? await startPractice(settings) : null;
  const agent = new Agent(practice?.settings ?? settings, {
    clock: systemClock,
    random: Math.random,
    dial: dialTcp,
    outbox: openOutbox(userDir, key),
    log,
    language,
  });
  agent.start();
  return {
    agent,
    async stop() {
      await agent.stop();
      await practice?.stop();
    },
  };
};

function openOutbox(userDir: string | undefined, key: string): Outbox {
  return userDir === undefined ? new MemoryOutbox() : new SqliteOutbox({ file: join(userDir, 'ushot', fileName(key)) });
}

/** A name that says whose store it is, and that no other account can have. */
function fileName(key: string): string {
  const readable = key.replace(/[^A-Za-z0-9.]+/g, '-').slice(0, 80);
  return `${readable}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}.db`;
}

/** A gateway in this process, through real sockets, and the settings that lead there. */
async function startPractice(settings: AgentSettings): Promise<{ settings: AgentSettings; stop(): Promise<void> }> {
  const { startSimulator } = await import('../lib/simulator/index.ts');
  const { padding, numberStyle, userCode, charset } = settings;
  const { ports, stop } = await startSimulator({ unref: true, wire: { padding, numberStyle, userCode, charset } });
  return {
    settings: {
      ...settings,
      host: '127.0.0.1',
      localAddress: '',
      smsSendPort: ports.smsSend,
      smsReportPort: ports.smsReport,
      mmsSendPort: ports.mmsSend,
      mmsReportPort: ports.mmsReport,
    },
    stop,
  };
}

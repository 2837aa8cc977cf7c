/**
 * Where an agent gets its surroundings: the clock, the network and the store of this machine, and in practice a gateway
 * of its own. The one place that wires the rooms of lib/ together.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, type AgentSettings, type LogLevel } from '../lib/agent/index.ts';
import { systemClock } from '../lib/clock.ts';
import type { Language } from '../lib/errors.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { MemoryOutbox } from '../lib/outbox/memory.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import type { Outbox } from '../lib/outbox/outbox.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { SqliteOutbox } from '../lib/outbox/sqlite/outbox.ts';
// biome-ignore lint/style/noRestrictedImports: the rooms are joined here.
import { dialTcp } from '../lib/session/index.ts';
import type { StartAgent } from './agents.ts';
import { misbehave } from './practice.ts';

export const startAgent: StartAgent = async (settings, key, { log, language, userDir }) => {
  if (userDir === undefined && settings.mode !== 'practice') log('warn', keptInMemory[language]);
  const practice =
    settings.mode === 'practice' ? await startPractice(settings, filesOf(userDir, key), log, language) : null;
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

/** As in tests of flows. */
const keptInMemory: Readonly<Record<Language, string>> = {
  en: 'Node-RED has no user directory (userDir in its settings): messages that wait are in memory only, and lost at a restart.',
  ko: 'Node-RED에 사용자 폴더(설정의 userDir)가 없습니다. 대기 중인 메시지는 메모리에만 있으며 다시 시작하면 사라집니다.',
};

function openOutbox(userDir: string | undefined, key: string): Outbox {
  if (userDir === undefined) return new MemoryOutbox();
  return new SqliteOutbox({ file: storeFile(userDir, key) });
}

/** Where the stores of all keys are. */
export function storeFolder(userDir: string): string {
  return join(userDir, 'ushot');
}

export function storeFile(userDir: string, key: string): string {
  return join(storeFolder(userDir), `${fileName(key)}.db`);
}

/** Where a user finds what the practice gateway was sent: pictures as they would arrive. */
function filesOf(userDir: string | undefined, key: string): string | null {
  return userDir === undefined ? null : join(storeFolder(userDir), 'practice-files', fileName(key));
}

/** A name that says whose store it is, and that no other account can have. */
function fileName(key: string): string {
  const readable = key.replace(/[^A-Za-z0-9.]+/g, '-').slice(0, 80);
  return `${readable}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

const filesKept: Readonly<Record<Language, (folder: string) => string>> = {
  en: (folder) => `Practice: uploaded files are kept in ${folder} until the next start.`,
  ko: (folder) => `연습 모드: 올린 파일은 다음에 시작할 때까지 ${folder} 폴더에 있습니다.`,
};

/** A gateway in this process, through real sockets, and the settings that lead there. */
async function startPractice(
  settings: AgentSettings,
  fileFolder: string | null,
  log: (level: LogLevel, text: string) => void,
  language: Language,
): Promise<{ settings: AgentSettings; stop(): Promise<void> }> {
  const { startSimulator } = await import('../lib/simulator/index.ts');
  const { padding, numberStyle, userCode, charset } = settings;
  const delayMs = settings.practiceDelaySeconds * 1000;
  // What the gateway before this one was sent: this one knows nothing of it, and each start would leave more.
  if (fileFolder !== null) await rm(fileFolder, { recursive: true, force: true });
  const { ports, gateway, stop } = await startSimulator({
    unref: true,
    fileFolder,
    wire: { padding, numberStyle, userCode, charset },
    reports: settings.practiceFault !== 'no-report',
    reportDelayMs: { min: delayMs, max: delayMs },
  });
  misbehave(gateway, settings);
  const end = gateway.onUpload(() => {
    end();
    if (fileFolder !== null) log('info', filesKept[language](fileFolder));
  });
  gateway.onTrouble((error) => log('warn', error.message));
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

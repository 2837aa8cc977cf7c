/** Where an agent gets its store from. */
import assert from 'node:assert/strict';
import { readSettings } from '../../lib/agent/index.ts';
import type { Language } from '../../lib/errors.ts';
import { startAgent } from '../../nodes/start-agent.ts';

describe('an agent in a Node-RED without a user directory', () => {
  async function linesOf(mode: string, language: Language): Promise<string[]> {
    const settings = readSettings({ mode, host: '127.0.0.1', id: 'me', password: 'secret' });
    const lines: string[] = [];
    const log = (level: string, line: string) => void lines.push(`${level} ${line}`);
    const running = await startAgent(settings, 'key', { log, language, userDir: undefined });
    await running.stop();
    return lines;
  }

  it('says that messages are kept in memory only', async () => {
    assert.match((await linesOf('gateway', 'en')).join(), /^warn .*no user directory.*in memory only/);
    assert.match((await linesOf('gateway', 'ko')).join(), /^warn .*사용자 폴더.*메모리에만/);
  });

  it('says nothing in practice, where nothing can be lost', async () => {
    assert.deepEqual(await linesOf('practice', 'en'), []);
  });
});

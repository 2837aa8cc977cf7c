/**
 * Messages that wait where nobody sends them. A store belongs to an account: when its session is deleted, or given another
 * host or account, what was accepted stays in the store, and goes out when a session uses it again. Until then the log
 * says that it does not: once a store, and again when the number has changed or it was in use meanwhile.
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { NodeAPI } from 'node-red';
import type { Language } from '../lib/errors.ts';
// biome-ignore lint/style/noRestrictedImports: stores that have no agent to ask.
import { type Waiting, waitingInEach } from '../lib/outbox/sqlite/waiting.ts';
import type { Agents } from './agents.ts';
import { serverLanguage } from './language.ts';
import { storeFile, storeFolder } from './start-agent.ts';

/** Stores of accounts. What was practised need not be sent. */
const ACCOUNT_STORE = /^gateway-.*\.db$/;

export function tellOfUnusedStores(RED: NodeAPI, agents: Agents): void {
  const { lang, userDir } = RED.settings as { lang?: unknown; userDir?: string };
  if (userDir === undefined) return;
  const stores = new UnusedStores(userDir, agents, (file, waiting) => {
    RED.log.warn(`[ushot-session] ${lines[serverLanguage({ lang })](file, waiting)}`);
  });
  // Where there is no session node any more, nobody else does.
  agents.watch(RED.events);
  agents.onSettled(userDir, () => stores.look());
}

class UnusedStores {
  readonly #userDir: string;
  readonly #agents: Agents;
  readonly #tell: (file: string, waiting: Waiting) => void;
  /** Files that were told of, with the number of their messages. */
  readonly #told = new Map<string, number>();
  /** One look after the other. */
  #looking = Promise.resolve();

  constructor(userDir: string, agents: Agents, tell: (file: string, waiting: Waiting) => void) {
    this.#userDir = userDir;
    this.#agents = agents;
    this.#tell = tell;
  }

  /** Never throws: there may be no folder, or no memory for a thread, and nothing that works depends on it. */
  look(): void {
    this.#looking = this.#looking.then(() => this.#look()).catch(() => {});
  }

  async #look(): Promise<void> {
    const folder = storeFolder(this.#userDir);
    const names = (await readdir(folder)).filter((name) => ACCOUNT_STORE.test(name)).toSorted();
    const used = this.#used();
    const unused = names.map((name) => join(folder, name)).filter((file) => !used.has(file));
    for (const file of this.#told.keys()) if (!unused.includes(file)) this.#told.delete(file);
    if (unused.length === 0) return;
    const found = await waitingInEach(unused);
    const usedMeanwhile = this.#used();
    for (const [i, file] of unused.entries()) {
      const waiting = found[i];
      if (!waiting?.messages || usedMeanwhile.has(file)) this.#told.delete(file);
      else if (this.#told.get(file) !== waiting.messages) {
        this.#told.set(file, waiting.messages);
        this.#tell(file, waiting);
      }
    }
  }

  #used(): Set<string> {
    return new Set(this.#agents.keys.map((key) => storeFile(this.#userDir, key)));
  }
}

const lines: Readonly<Record<Language, (file: string, waiting: Waiting) => string>> = {
  en: (file, { messages, isExact }) =>
    `${isExact ? '' : 'About '}${messages} ${messages === 1 ? 'message waits' : 'messages wait'} in ${file}, which no session uses: nothing in it is sent. To have it sent, give a session the host, SMS send port and ID that are in the file's name, practice mode off (what has expired is not sent). Otherwise delete all files and folders whose names begin with ${basename(file)}.`,
  ko: (file, { messages, isExact }) =>
    `${file} 파일에서 메시지 ${isExact ? '' : '약 '}${messages}건이 대기 중이지만 이 파일을 쓰는 세션이 없어 발송하지 않습니다. 보내려면 연습 모드를 끈 세션에 파일 이름에 있는 호스트, SMS 발송 포트, 아이디를 다시 입력하세요(제한 시간이 지난 메시지는 보내지 않습니다). 보내지 않으려면 이름이 ${basename(file)}(으)로 시작하는 파일과 폴더를 모두 지우세요.`,
};

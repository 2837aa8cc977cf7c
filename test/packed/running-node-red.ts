/** A Node-RED in a process of its own, on a free port of 127.0.0.1, with what its admin interface and its console say. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeRedInstallation } from './installation.ts';

/** A node of a flow file. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly [property: string]: unknown;
}

/** No request takes longer, unless something is wrong. */
const answerMs = 20_000;

export class RunningNodeRed {
  readonly address: string;
  readonly #process: ChildProcess;
  #output = '';

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Starts it with these flows and (plain) credentials; resolves when the flows run. */
  static async start(
    { node, nodeRed }: NodeRedInstallation,
    userDir: string,
    flows: readonly FlowNode[],
    credentials: Record<string, Record<string, string>>,
  ): Promise<RunningNodeRed> {
    const port = await freePort();
    const settings = {
      ...{ uiHost: '127.0.0.1', flowFile: 'flows.json', credentialSecret: false },
      telemetry: { enabled: false, updateNotification: false },
      editorTheme: { tours: false },
    };
    writeFileSync(join(userDir, 'settings.js'), `module.exports = ${JSON.stringify(settings)};\n`);
    writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flows));
    writeFileSync(join(userDir, 'flows_cred.json'), JSON.stringify(credentials));
    const args = [nodeRed, '--userDir', userDir, '--port', String(port)];
    const child = spawn(node, args, { cwd: userDir, env: { ...process.env, LANG: 'en_US.UTF-8' } });
    const running = new RunningNodeRed(`http://127.0.0.1:${port}`, child);
    try {
      await running.until(() => running.#output.includes('Started flows'), 'the flows to start', 60_000);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }

  /** Everything printed so far. */
  get output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exit;
  }

  /** Asks again and again, since another process cannot be awaited otherwise, until `check` holds. */
  async until(check: () => boolean | Promise<boolean>, what: string, deadlineMs = 15_000): Promise<void> {
    for (const end = Date.now() + deadlineMs; Date.now() < end; await delay(50)) {
      if (await check()) return;
      if (this.#process.exitCode !== null) break;
    }
    throw new Error(`Waited in vain for ${what}. Node-RED printed:\n${this.#output}`);
  }

  /** Deploys other flows; resolves when they run, which is after the admin interface has answered. */
  async deploy(flows: readonly FlowNode[]): Promise<void> {
    const before = this.#output.length;
    const { status, body } = await this.post('/flows', flows);
    if (status !== 204) throw new Error(`POST /flows: ${status} ${JSON.stringify(body)}`);
    await this.until(() => this.#output.slice(before).includes('Started flows'), 'the deployed flows to start');
  }

  /** GET, as text. */
  async text(path: string, headers: Record<string, string> = {}): Promise<string> {
    const response = await fetch(this.address + path, { headers, signal: AbortSignal.timeout(answerMs) });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return response.text();
  }

  /** GET, as JSON. */
  async json<T>(path: string): Promise<T> {
    return JSON.parse(await this.text(path, { accept: 'application/json' })) as T;
  }

  async post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const signal = AbortSignal.timeout(answerMs);
    const response = await fetch(this.address + path, { method: 'POST', headers, body: JSON.stringify(body), signal });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

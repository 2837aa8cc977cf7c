/**
 * `npm start`: Node-RED on 127.0.0.1 with this package in it and an example flow that sends messages in practice mode,
 * so that the product can be seen at work without an account and without a settings file.
 *
 * The user directory, .node-red-demo/ in the project, is kept from start to start: what is changed in the editor stays.
 * Delete the folder to begin afresh. Node-RED runs in this process, so that ending it ends everything.
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say } from './say.js';

/** What we use of Node-RED's embedding interface; its own typings leave the two web applications out. */
interface NodeRed {
  init(server: unknown, settings: Record<string, unknown>): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly log: { _(key: string): string };
  readonly httpAdmin: WebApp;
  readonly httpNode: WebApp;
}
type WebApp = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** A node of a flow file, as far as the demonstration changes it. */
interface FlowNode {
  type: string;
  [property: string]: unknown;
}

interface LogEntry {
  /** Fatal 10, error 20, warning 30, information 40. */
  readonly level: number;
  readonly type?: string;
  readonly name?: string;
  readonly msg: unknown;
}

/** How often the demonstration's inject node fires. */
const repeatSeconds = 5;

/** Warnings of Node-RED about what is as it should be in a fresh user directory. */
const harmless = ['nodes.credentials.encryptedNotFound', 'storage.localfilesystem.projects.disabledNoFlag'];

const root = fileURLToPath(new URL('..', import.meta.url));
const userDir = join(root, '.node-red-demo');
const host = '127.0.0.1';
const port = Number(process.env['PORT'] || 1880);
const address = `http://${host}:${port}/`;

const RED = createRequire(import.meta.url)('node-red') as NodeRed;
let ready = false;
const server = createServer((request, response) => {
  const nobody = (status: number) => () => response.writeHead(status).end();
  if (ready) RED.httpAdmin(request, response, () => RED.httpNode(request, response, nobody(404)));
  else nobody(503)();
});
server.once('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error;
  say(
    `Port ${port} is taken, perhaps by another Node-RED. Stop that one, or choose another port: PORT=1881 npm start`,
    `${port}번 포트를 이미 다른 프로그램(다른 Node-RED일 수 있습니다)이 쓰고 있습니다. 그 프로그램을 끝내거나 다른 포트로 시작하세요: PORT=1881 npm start`,
  );
  process.exit(1);
});
server.listen(port, host, () => void startNodeRed());

async function startNodeRed(): Promise<void> {
  prepareUserDir();
  RED.init(server, {
    userDir,
    flowFile: 'flows.json',
    credentialSecret: secret(),
    uiHost: host,
    uiPort: port,
    httpAdminRoot: '/',
    httpNodeRoot: '/',
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, page: { title: 'UShot · Node-RED' }, header: { title: 'UShot · Node-RED' } },
    logging: {
      console: { level: 'off', metrics: false, audit: false },
      oneLine: { level: 'info', metrics: false, audit: false, handler: () => printEntry },
    },
  });
  await RED.start();
  ready = true;
  say(
    `\nNode-RED is ready: ${address}   (Ctrl+C ends it)\n`,
    `\nNode-RED가 준비되었습니다: ${address}   (끝내기: Ctrl+C)\n`,
  );
}

/**
 * One line for each message sent and each report (the flow's debug nodes), for what the UShot nodes log, and for any
 * trouble of Node-RED's own.
 */
function printEntry({ level, type = '', name, msg }: LogEntry): void {
  const text = String(msg).replace(/\s+/g, ' ').trim();
  const trouble = level < 40 && !harmless.some((key) => text === RED.log._(key));
  if (!trouble && (level !== 40 || (type !== 'debug' && !type.startsWith('ushot-')))) return;
  const time = new Date().toTimeString().slice(0, 8);
  console.log(`${time}  ${[name || type, text].filter(Boolean).join(': ')}`);
}

/** Installs this package into the user directory as a link, and puts the example flow there the first time. */
function prepareUserDir(): void {
  const scope = join(userDir, 'node_modules', '@ushot');
  mkdirSync(scope, { recursive: true });
  rmSync(join(scope, 'node-red'), { force: true, recursive: true });
  symlinkSync(root, join(scope, 'node-red'), 'junction');
  const dependencies = { '@ushot/node-red': 'file:..' };
  writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'ushot-demo', private: true, dependencies }));

  const flows = join(userDir, 'flows.json');
  if (!existsSync(flows)) writeFileSync(flows, JSON.stringify(demoFlow(), null, 2));
}

/** The first example, sending by itself and telling the console as well as the editor. */
function demoFlow(): FlowNode[] {
  const folder = join(root, 'examples');
  const [first] = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort();
  if (first === undefined) return [];
  const nodes = JSON.parse(readFileSync(join(folder, first), 'utf8')) as FlowNode[];
  return nodes.map((node) => {
    if (node.type === 'debug') return { ...node, console: true };
    if (node.type === 'inject') return { ...node, once: true, onceDelay: 1, repeat: String(repeatSeconds) };
    return node;
  });
}

/** The key of the credentials in the flow file: made once for this user directory, readable by its owner only. */
function secret(): string {
  const file = join(userDir, 'credential-secret');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  say('\nStopping ...', '\n끝내는 중입니다 ...');
  if (ready) await RED.stop();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());

// A shell between npm and us may die of a signal without passing it on; we would keep the port for ever.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void stop();
}, 1000).unref();

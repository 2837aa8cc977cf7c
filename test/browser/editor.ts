/**
 * Node-RED's editor in a real browser, driven as a person drives it: with the mouse and the keyboard. The Node-RED is a
 * process of its own with the built package in its user directory.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { currentNodeRed, root } from '../packed/installation.ts';
import { type FlowNode, RunningNodeRed } from '../packed/running-node-red.ts';

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is on this machine, if it is. */
export const chromiumPath: string | undefined = places.find((path) => path && existsSync(path));

export function startBrowser(): Promise<Browser> {
  if (!chromiumPath) throw new Error('There is no Chromium on this machine');
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
}

export interface EditorServer {
  readonly nodeRed: RunningNodeRed;
  stop(): Promise<void>;
}

/** A Node-RED with this package, as it was built. */
export async function startServer(
  flows: readonly FlowNode[] = [],
  credentials: Record<string, Record<string, string>> = {},
): Promise<EditorServer> {
  const userDir = mkdtempSync(join(tmpdir(), 'ushot-browser-'));
  const scope = join(userDir, 'node_modules', '@ushot');
  mkdirSync(scope, { recursive: true });
  symlinkSync(root, join(scope, 'node-red'), 'junction');
  const dependencies = { '@ushot/node-red': `file:${root}` };
  writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'browser-test', private: true, dependencies }));
  const nodeRed = await RunningNodeRed.start(currentNodeRed(), userDir, flows, credentials);
  return {
    nodeRed,
    async stop() {
      await nodeRed.stop();
      rmSync(userDir, { recursive: true, force: true });
    },
  };
}

export interface Look {
  readonly language: 'en-US' | 'ko';
  readonly scheme: 'light' | 'dark';
  readonly width?: number;
}

/** A tab with the editor in it. */
export class Editor {
  readonly page: Page;
  readonly #context: BrowserContext;
  /** What the page complained of: errors of its scripts, files that are missing. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('response', (response) => {
      if (response.status() >= 400) this.complaints.push(`${response.status()} ${response.url()}`);
    });
  }

  static async open(browser: Browser, address: string, { language, scheme, width = 1280 }: Look): Promise<Editor> {
    const viewport = { width, height: 900 };
    const context = await browser.newContext({ locale: language, colorScheme: scheme, viewport });
    context.setDefaultTimeout(20_000);
    // Node-RED's own switch, in the user settings.
    await context.addInitScript(`localStorage.setItem('view-dark-theme', '${scheme}')`);
    const editor = new Editor(context, await context.newPage());
    await editor.page.goto(address, { waitUntil: 'commit' });
    await editor.page.locator('#red-ui-palette .red-ui-palette-node[data-palette-type="ushot-send-sms"]').waitFor();
    await editor.page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' });
    return editor;
  }

  close(): Promise<void> {
    return this.#context.close();
  }

  /** Keeps what is on the screen, for people to look at. */
  async shot(name: string): Promise<void> {
    const folder = join(root, 'test-output', 'browser');
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: join(folder, `${name}.png`) });
  }

  /** Drags a node from the palette to a place on the canvas. Gives its id. */
  async drag(type: string, x: number, y: number): Promise<string> {
    const before = new Set(await this.#ids());
    const source = this.page.locator(`#red-ui-palette .red-ui-palette-node[data-palette-type="${type}"]`);
    await source.scrollIntoViewIfNeeded();
    const from = await boxOf(source);
    const to = await boxOf(this.page.locator('#red-ui-workspace-chart'));
    await this.page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await this.page.mouse.down();
    await this.page.mouse.move(to.x + x - 40, to.y + y, { steps: 4 });
    await this.page.mouse.move(to.x + x, to.y + y, { steps: 4 });
    await this.page.mouse.up();
    const [id] = (await this.#ids()).filter((one) => !before.has(one));
    if (!id) throw new Error(`${type} did not land on the canvas`);
    return id;
  }

  /** Draws a wire from the output of one node to the input of another. */
  async wire(from: string, to: string): Promise<void> {
    const start = await boxOf(this.node(from).locator('.red-ui-flow-port-output'));
    const end = await boxOf(this.node(to).locator('.red-ui-flow-port-input'));
    await this.page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
    await this.page.mouse.down();
    await this.page.mouse.move(end.x, end.y + end.height / 2, { steps: 4 });
    await this.page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 2 });
    await this.page.mouse.up();
  }

  node(id: string): Locator {
    return this.page.locator(`[id="${id}"]`);
  }

  /** What the canvas shows below a node. */
  status(id: string): Locator {
    return this.node(id).locator('.red-ui-flow-node-status-label');
  }

  async edit(id: string): Promise<void> {
    await this.node(id).locator('.red-ui-flow-node').dblclick();
    await this.settled();
  }

  /** Opens the dialog of the session node that is chosen, or of a new one. */
  async editSession(): Promise<void> {
    const edit = this.page.locator('#node-input-btn-session-edit:not(.disabled)');
    const button = (await edit.count()) > 0 ? edit : this.page.locator('#node-input-btn-session-add');
    await button.click();
    await this.page.locator('#ushot-practice').waitFor();
    await this.settled();
  }

  /** Done, Add or Update: the dialog goes. */
  async done(): Promise<void> {
    const button = await this.page.locator('.red-ui-tray-toolbar button.primary').elementHandle();
    await button?.click();
    await button?.waitForElementState('hidden');
    await this.settled();
  }

  /** Leaves the dialog as if it had not been opened. */
  async cancel(): Promise<void> {
    const button = await this.page
      .locator('.red-ui-tray-toolbar button')
      .filter({ hasText: /^(Cancel|취소)$/ })
      .elementHandle();
    await button?.click();
    await button?.waitForElementState('hidden');
    await this.settled();
  }

  /** Chooses where a typed input takes its value from. */
  async chooseType(input: string, type: string): Promise<void> {
    const container = this.page.locator(`.ushot-control:has(#${input}) .red-ui-typedInput-container`).first();
    await container.locator('.red-ui-typedInput-type-select').click();
    await this.page.locator(`.red-ui-typedInput-options a[value="${type}"]:visible`).click();
  }

  async deploy(): Promise<void> {
    const answered = this.page.waitForResponse((response) => /\/flows$/.test(response.url()) && response.ok());
    await this.page.locator('#red-ui-header-button-deploy').click();
    await answered;
  }

  /** Presses the button of an inject node. */
  async inject(id: string): Promise<void> {
    await this.node(id).locator('.red-ui-flow-node-button-button').click();
  }

  /** Runs in the page, with Node-RED's editor API at hand. */
  evaluate<T>(body: string): Promise<T> {
    return this.page.evaluate(body) as Promise<T>;
  }

  #ids(): Promise<string[]> {
    return this.evaluate<string[]>('RED.nodes.filterNodes({}).map((node) => node.id)');
  }

  /** A dialog slides in and out, and what is inside moves with it: resolves when two frames show it in one place. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(
      () => {
        const trays = [...document.querySelectorAll('.red-ui-tray')];
        const now = JSON.stringify(trays.map((tray) => tray.getBoundingClientRect().left));
        const seen = document.body.dataset;
        const still = seen['trays'] === now;
        seen['trays'] = now;
        return still;
      },
      undefined,
      { polling: 100 },
    );
  }
}

async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await locator.boundingBox();
  if (!box) throw new Error(`${String(locator)} is nowhere to be seen`);
  return box;
}

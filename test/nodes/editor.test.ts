/**
 * The editor's side as far as it can be checked without a browser: properties and defaults are the contract's, every
 * word is there in both languages, and the packaging rules for nodes hold.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { sessionProperties } from '../../lib/agent/index.ts';
import { sendFields } from '../../nodes/input.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const types = ['ushot-session', 'ushot-send-sms', 'ushot-send-mms', 'ushot-upload-file', 'ushot-report-in'] as const;
const languages = ['en-US', 'ko'] as const;

interface Definition {
  readonly category: string;
  readonly color: string;
  readonly icon?: string;
  readonly inputs?: number;
  readonly outputs?: number;
  readonly credentials?: Record<string, { type: string }>;
  readonly defaults: Record<string, { value?: unknown; type?: string; required?: boolean; validate?: Validate }>;
}
type Validate = (this: object, value: unknown, opt?: object) => unknown;

/** Just enough of a browser to register the nodes and call their validators. */
function loadEditor(): Map<string, Definition> {
  const definitions = new Map<string, Definition>();
  const window: Record<string, unknown> = {};
  const RED = {
    _: (key: string) => key,
    i18n: { lang: () => 'en-US' },
    nodes: { registerType: (type: string, definition: Definition) => definitions.set(type, definition) },
    comms: { subscribe: () => {} },
    validators: { typedInput: () => (value: unknown) => value !== 'bad' },
  };
  Object.assign(window, { RED, jQuery: () => ({ val: () => undefined, append: () => {} }) });
  const document = { baseURI: 'http://localhost/' };
  const context = vm.createContext({ window, RED, $: window['jQuery'], document, URL });
  vm.runInContext(read('resources/editor.js'), context);
  for (const type of types) {
    const [, script = ''] =
      /<script type="text\/javascript">([\s\S]*?)<\/script>/.exec(read(`nodes/${type}.html`)) ?? [];
    vm.runInContext(script, context);
  }
  return definitions;
}

const editor = loadEditor();
const definitionOf = (type: string) => editor.get(type) ?? assert.fail(`${type} is not registered`);
const catalogueOf = (language: string, type: string) =>
  JSON.parse(read(`nodes/locales/${language}/${type}.json`)) as Record<string, unknown>;
const leaves = (value: unknown, path = ''): [string, string][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
    : [[path, String(value)]];

describe('nodes in the editor', () => {
  it('has the properties and defaults of the session', () => {
    const { defaults, credentials } = definitionOf('ushot-session');
    const shown = Object.entries(defaults).map(([name, { value }]) => [name, value]);
    const known = Object.entries(sessionProperties).map(([name, { initial }]) => [name, initial]);
    assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(known));
    assert.deepEqual(
      Object.entries(credentials ?? {}).map(([name, { type }]) => [name, type]),
      [
        ['id', 'text'],
        ['password', 'password'],
      ],
    );
  });

  it('has typed inputs whose defaults are those of the runtime', () => {
    for (const kind of ['sms', 'mms'] as const) {
      const { defaults } = definitionOf(`ushot-send-${kind}`);
      for (const [name, { type, value }] of Object.entries(sendFields[kind])) {
        assert.deepEqual([defaults[name]?.value, defaults[`${name}Type`]?.value], [value, type], `${kind} ${name}`);
      }
      assert.deepEqual([defaults['settle']?.value, defaults['carry']?.value], ['accepted', 'topic']);
      assert.equal(defaults['overflow']?.value, kind === 'sms' ? 'lms' : undefined);
    }
    assert.equal(definitionOf('ushot-report-in').defaults['filter']?.value, 'all');
  });

  it('has a session on every node, one category, one colour, and a field for each property', () => {
    for (const type of types) {
      const { category, color, defaults, icon } = definitionOf(type);
      const html = read(`nodes/${type}.html`);
      const prefix = type === 'ushot-session' ? 'node-config-input' : 'node-input';
      for (const name of Object.keys(defaults)) assert.ok(html.includes(`id="${prefix}-${name}"`), `${type} ${name}`);
      assert.equal(color, definitionOf('ushot-session').color);
      if (type === 'ushot-session') continue;
      assert.equal(category, 'UShot');
      assert.deepEqual([defaults['session']?.type, defaults['session']?.required], ['ushot-session', true]);
      assert.ok(existsSync(new URL(`icons/${icon}`, root)), String(icon));
    }
  });

  it('accepts its own defaults, environment variables, and what is missing', () => {
    for (const type of types) {
      const { defaults } = definitionOf(type);
      const node = Object.fromEntries(Object.entries(defaults).map(([name, { value }]) => [name, value]));
      for (const [name, { value, validate }] of Object.entries(defaults)) {
        if (!validate) continue;
        // biome-ignore lint/suspicious/noTemplateCurlyInString: that is how Node-RED writes it.
        for (const good of [value, '${ENV}', undefined])
          assert.equal(validate.call(node, good, {}), true, `${name} ${good}`);
      }
    }
  });

  it('names what is wrong', () => {
    const sms = definitionOf('ushot-send-sms').defaults;
    const session = definitionOf('ushot-session').defaults;
    const judge = (property: Definition['defaults'][string] | undefined, value: unknown, node: object = {}) =>
      property?.validate?.call(node, value, {});
    const wrong: [unknown, string][] = [
      [judge(session['smsSendPort'], '99999'), 'whole-number'],
      [judge(session['resendTries'], '1.5'), 'whole-number'],
      [judge(session['timeoutSeconds'], 'x'), 'number'],
      [judge(session['host'], '', { mode: 'gateway' }), 'empty'],
      [judge(sms['to'], '010-abc'), 'phone'],
      [judge(sms['url'], 'ftp://x'), 'url'],
      [judge(sms['sendAt'], 'tomorrow'), 'time'],
    ];
    for (const [verdict, key] of wrong) assert.equal(verdict, `@ushot/node-red/ushot-session:errors.${key}`);
    for (const good of ['010-1234-5678', '+82 10 1234 5678, 01012345678', ''])
      assert.equal(judge(sms['to'], good), true);
    for (const good of ['2026-01-31 09:00', '2026-01-31T09:00:00+09:00', '1767225600000']) {
      assert.equal(judge(sms['sendAt'], good), true);
    }
    assert.equal(judge(session['host'], '', { mode: 'practice' }), true);
    assert.equal(judge(session['timeoutSeconds'], '0.5'), true);
  });

  for (const type of types) {
    it(`${type}: every word is there in both languages`, () => {
      const [english, korean] = languages.map((language) => catalogueOf(language, type));
      const keys = leaves(english).map(([key]) => key);
      assert.deepEqual(
        leaves(korean).map(([key]) => key),
        keys,
      );
      for (const [key, text] of [...leaves(english), ...leaves(korean)]) assert.ok(text.trim() !== '', key);
      const html = read(`nodes/${type}.html`);
      const used = [...html.matchAll(/data-i18n="([^"]*)"/g)]
        .flatMap(([, names = '']) => names.split(';'))
        .map((name) => name.replace(/^\[[^\]]*\]/, ''))
        .filter((name) => !name.includes(':'));
      for (const name of [...used, ...[...html.matchAll(/this\._\('([^']+)'\)/g)].map(([, name]) => name)]) {
        assert.ok(keys.includes(String(name)), `${type}: ${name}`);
      }
      for (const { validate, ...more } of Object.values(definitionOf(type).defaults) as {
        validate?: Validate;
        label?: string;
      }[]) {
        const label = more.label?.replace(/^[^:]*:/, '');
        if (label) assert.ok(keys.includes(label), label);
      }
    });

    it(`${type}: the help follows the style guide`, () => {
      for (const language of languages) {
        const help = read(`nodes/locales/${language}/${type}.html`);
        assert.ok(help.startsWith(`<script type="text/html" data-help-name="${type}">\n<p>`), language);
        const headings = [...help.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, heading]) => heading);
        const [inputs, outputs, details, references] =
          language === 'ko' ? ['입력', '출력', '상세', '참고'] : ['Inputs', 'Outputs', 'Details', 'References'];
        const { inputs: ins, outputs: outs } = definitionOf(type);
        assert.deepEqual(headings, [...(ins ? [inputs] : []), ...(outs ? [outputs] : []), details, references]);
      }
    });
  }

  it('uses the colours of the editor only, light or dark', () => {
    for (const type of types) assert.doesNotMatch(read(`nodes/${type}.html`), /<style/);
    const painted = /(?:color|background|border|outline|fill|stroke)(?:-color)?:\s*([^;]+);/g;
    const values = [...read('resources/editor.css').matchAll(painted)].map(([, value = '']) => value);
    assert.ok(values.length > 20);
    for (const value of values) {
      assert.match(value, /^(\d+px (solid )?)?(var\(--red-ui-[a-z-]+\)|transparent|none|inherit|\d+)$/);
    }
  });

  it('has icons that are white on nothing, two to three, and 40 by 60', () => {
    for (const file of readdirSync(new URL('icons/', root))) {
      const svg = read(`icons/${file}`);
      assert.match(svg, /<svg [^>]*width="40" height="60" viewBox="0 0 40 60"/);
      for (const [, fill] of svg.matchAll(/(?:fill|stroke)="([^"]+)"/g))
        assert.ok(['#fff', 'none'].includes(String(fill)));
    }
  });

  describe('examples', () => {
    const folder = new URL('examples/', root);
    const examples = readdirSync(folder).map((file) => ({
      file,
      nodes: JSON.parse(readFileSync(new URL(encodeURIComponent(file), folder), 'utf8')) as Record<string, unknown>[],
    }));
    const coreFolder = new URL(
      'core/',
      `file://${createRequire(import.meta.url).resolve('@node-red/nodes/package.json')}`,
    );
    const core = readdirSync(coreFolder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.html'))
      .flatMap((file) => [...readFileSync(new URL(file, coreFolder), 'utf8').matchAll(/data-template-name="([^"]+)"/g)])
      .map(([, type]) => type);

    for (const { file, nodes } of examples) {
      it(`"${file}" is short, explained, and made of our nodes and core ones`, () => {
        assert.match(file, /^\d+ /);
        assert.ok(nodes.length <= 14, `${nodes.length} nodes`);
        assert.ok(nodes.some(({ type, info }) => type === 'comment' && info !== ''));
        const ids = new Set(nodes.map(({ id }) => id));
        assert.equal(ids.size, nodes.length);
        for (const { type, wires, session } of nodes as { type: string; wires?: string[][]; session?: string }[]) {
          assert.ok(type === 'tab' || core.includes(type) || types.some((ours) => ours === type), type);
          for (const id of [...(wires ?? []).flat(), ...(session ? [session] : [])]) assert.ok(ids.has(id), id);
        }
        assert.ok(nodes.every(({ type, mode }) => type !== 'ushot-session' || mode === 'practice'));
      });
    }

    it('shows each node in one', () => {
      const shown = new Set(examples.flatMap(({ nodes }) => nodes.map(({ type }) => type)));
      for (const type of types) assert.ok(shown.has(type), type);
    });
  });

  it('loads as Node-RED 4.1 does, by require(), and as 5 does, by import()', async () => {
    for (const type of types) {
      const url = new URL(`nodes/${type}.ts`, root);
      const required: unknown = createRequire(import.meta.url)(url.pathname);
      const imported = (await import(url.href)) as { default: unknown };
      assert.equal(typeof required, 'function');
      assert.equal(imported.default, required);
    }
  });
});

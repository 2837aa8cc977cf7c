/**
 * The rules by which the Node-RED community judges a package (its public scorecard), and the editor's own style, checked
 * on the sources without a network. What the packed tarball holds is checked in test/packed/.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const files = (folder: string, ext: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ext))
    .map((file) => join(folder, file));

interface Manifest {
  readonly name: string;
  readonly license: string;
  readonly keywords: string[];
  readonly repository: { url: string };
  readonly bugs: { url: string };
  readonly engines: { node: string };
  readonly bin: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly 'node-red': { version: string; nodes: Record<string, string> };
}
interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly mode?: string;
  readonly session?: string;
  readonly credentials?: unknown;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const types = Object.keys(manifest['node-red'].nodes);
const html = (type: string) => read('nodes', `${type}.html`);
const isConfig = (type: string) => /category:\s*['"]config['"]/.test(html(type));
const examples = files('examples', '.json').map((file) => ({
  file,
  nodes: JSON.parse(read(file)) as FlowNode[],
}));

/** Types of Node-RED's own palette that an example may use. */
const coreTypes = new Set(
  (
    'tab group comment inject debug complete catch status link_in link_out link_call junction function switch change ' +
    'range template delay trigger exec rbe http_in http_response http_request split join sort batch csv json file ' +
    'file_in watch unknown global-config'
  )
    .split(' ')
    .map((type) => type.replace('_', ' ')),
);

/** https://nodered.org/docs/creating-nodes/appearance: the palette's own colours. */
const mutedColours = new Set(
  (
    '#3FADB5 #87A980 #A6BBCF #AAAA66 #C0C0C0 #C0DEED #C7E9C0 #D7D7A0 #D8BFD8 #DAC4B4 #DEB887 #DEBD5C #E2D96E #E6E0F8 ' +
    '#E7E7AE #E9967A #F3B567 #FDD0A2 #FDF0C2 #FFAAAA #FFCC66 #FFF0F0 #FFFFFF'
  ).split(' '),
);

describe('package.json', () => {
  it('says what the scorecard asks for', () => {
    assert.match(manifest.name, /^@[a-z-]+\/[a-z-]+$/);
    assert.ok(manifest.keywords.includes('node-red'));
    assert.equal(manifest.license, 'Apache-2.0');
    assert.match(read('LICENSE'), /Apache License\s+Version 2\.0/);
    assert.match(manifest.repository.url, /^git\+https:\/\//);
    assert.match(manifest.bugs.url, /^https:\/\//);
    assert.equal(manifest['node-red'].version, '>=4.1.0');
    assert.equal(manifest.engines.node, '>=22.13');
  });

  it('names sources that exist', () => {
    for (const file of [...Object.values(manifest['node-red'].nodes), ...Object.values(manifest.bin)]) {
      const source = file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      assert.ok(existsSync(join(root, source)), source);
    }
  });

  it('has at most six dependencies', () => {
    const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies };
    assert.ok(Object.keys(dependencies).length <= 6, Object.keys(dependencies).join());
  });
});

describe('lock files', () => {
  for (const file of ['package-lock.json', 'test/packed/node-red-4/package-lock.json']) {
    it(`${file} pins by hash, not by download address`, () => {
      const lock = read(file);
      assert.doesNotMatch(lock, /"resolved"/);
      assert.doesNotMatch(lock, /registry\.|\.tgz/);
    });
  }

  it('package-lock.json belongs to package.json', () => {
    type Lock = { packages: { '': Record<string, unknown> } };
    const locked = (JSON.parse(read('package-lock.json')) as Lock).packages[''];
    const wanted = JSON.parse(read('package.json')) as Record<string, unknown>;
    for (const part of ['name', 'version', 'dependencies', 'optionalDependencies', 'devDependencies']) {
      assert.deepEqual(locked[part], wanted[part], part);
    }
  });
});

describe('nodes', () => {
  for (const type of types) {
    it(`${type} is registered by its prefixed, literal name on both sides`, () => {
      assert.match(type, /^ushot-/);
      assert.match(read('nodes', `${type}.ts`), new RegExp(`registerType(?:<.*>)?\\(\\s*'${type}'`));
      assert.match(html(type), new RegExp(`registerType\\(\\s*['"]${type}['"],\\s*\\{`));
      assert.match(html(type), new RegExp(`data-template-name="${type}"`));
    });

    it(`${type} looks like a node of Node-RED`, () => {
      const page = html(type);
      if (isConfig(type)) return;
      assert.match(page, /category:\s*['"]UShot['"]/);
      const colour = /color:\s*['"](#[0-9A-Fa-f]{6})['"]/.exec(page)?.[1] ?? '';
      assert.ok(mutedColours.has(colour.toUpperCase()), `colour ${colour}`);
      const icon = /icon:\s*['"]([^'"]+)['"]/.exec(page)?.[1] ?? '';
      assert.ok(existsSync(join(root, 'icons', icon)), `icon ${icon}`);
    });

    it(`${type} takes its colours from the theme`, () => {
      const outsideRegistration = html(type).replace(/^\s*color: '.*$/m, '');
      assert.deepEqual(outsideRegistration.match(/#[0-9a-f]{3,8}\b(?=[\s;"'])|\brgba?\(|\bhsla?\(/gi), null);
    });

    for (const language of ['en-US', 'ko']) {
      it(`${type} has help in ${language}: an introduction and the usual sections`, () => {
        const help = helpOf(type, language);
        assert.match(help.replace(/<script[^>]*>/, '').trim(), /^<p>/);
        const sections = [...help.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title = '']) => title.trim());
        const [inputs, outputs] = [count(type, 'inputs'), count(type, 'outputs')];
        const wanted =
          language === 'ko' ? ['입력', '출력', '상세', '참고'] : ['Inputs', 'Outputs', 'Details', 'References'];
        const asked = wanted.filter((_, n) => (n === 0 ? inputs > 0 : n === 1 ? outputs > 0 : true));
        const found = sections.filter((title) => asked.includes(title));
        assert.deepEqual(found, asked, `sections: ${sections.join(', ')}`);
      });
    }
  }

  /** Help stands in a file of its own for each language; English may stand in the node's own page. */
  function helpOf(type: string, language: string): string {
    const own = join('nodes', 'locales', language, `${type}.html`);
    const page = existsSync(join(root, own)) ? read(own) : html(type);
    const begin = page.indexOf(`data-help-name="${type}"`);
    assert.notEqual(begin, -1, `no help in ${own}`);
    return page.slice(page.indexOf('>', begin) + 1, page.indexOf('</script>', begin));
  }

  function count(type: string, ends: 'inputs' | 'outputs'): number {
    return Number(new RegExp(`\\b${ends}:\\s*(\\d+)`).exec(html(type))?.[1] ?? 0);
  }
});

describe('locales', () => {
  it('have the same keys in both languages, and no empty text', () => {
    const catalogs = files('nodes/locales/en-US', '.json');
    assert.notEqual(catalogs.length, 0);
    for (const file of catalogs) {
      const [en, ko] = [file, file.replace('en-US', 'ko')].map((path) => flatten(JSON.parse(read(path))));
      assert.deepEqual(Object.keys(ko ?? {}).sort(), Object.keys(en ?? {}).sort(), file);
      for (const [key, text] of Object.entries({ ...en, ...ko })) assert.notEqual(text, '', `${file} ${key}`);
    }
  });

  it('keep status texts under 20 characters', () => {
    for (const file of files('nodes/locales', '.json')) {
      for (const [key, text] of Object.entries(flatten(JSON.parse(read(file))))) {
        // A placeholder stands for a number of at most four digits.
        if (/(^|\.)status\./.test(key))
          assert.ok(text.replace(/\{+\w+\}+/g, '0000').length <= 20, `${file} ${key}: ${text}`);
      }
    }
  });

  function flatten(tree: unknown, path = ''): Record<string, string> {
    if (typeof tree !== 'object' || tree === null) return { [path]: String(tree) };
    const parts = Object.entries(tree).map(([key, value]) => flatten(value, path === '' ? key : `${path}.${key}`));
    return Object.assign({}, ...parts) as Record<string, string>;
  }
});

describe('icons', () => {
  for (const file of existsSync(join(root, 'icons')) ? files('icons', '.svg') : []) {
    it(`${file} is 2:3, at least 40 x 60, and white on transparent`, () => {
      const svg = read(file);
      const [width = 0, height = 0] = ['width', 'height'].map((side) =>
        Number(new RegExp(`<svg[^>]* ${side}="(\\d+)`).exec(svg)?.[1]),
      );
      assert.ok(width >= 40 && height >= 60 && width * 3 === height * 2, `${width} x ${height}`);
      const colours = new Set([...svg.matchAll(/(?:fill|stroke)[=:]\s*"?([^";]+)/g)].map(([, colour]) => colour));
      for (const colour of ['none', '#fff', '#FFF', '#ffffff', '#FFFFFF', 'white']) colours.delete(colour);
      assert.deepEqual([...colours], []);
    });
  }
});

describe('examples', () => {
  for (const { file, nodes } of examples) {
    it(`${file} is short, explained, and works as it is`, () => {
      assert.ok(nodes.length <= 25, `${nodes.length} nodes`);
      assert.ok(
        nodes.some(({ type }) => type === 'comment'),
        'no comment node',
      );
      for (const { type } of nodes)
        assert.ok(coreTypes.has(type) || types.includes(type), `${type} is not a core node`);
      for (const node of nodes) {
        assert.equal(node.credentials, undefined, 'credentials in an example');
        if (node.type === 'ushot-session') assert.equal(node.mode, 'practice');
        if (node.session !== undefined) assert.ok(nodes.some(({ id }) => id === node.session));
      }
    });
  }

  it('show every node', () => {
    const shown = new Set(examples.flatMap(({ nodes }) => nodes.map(({ type }) => type)));
    assert.deepEqual(
      types.filter((type) => !isConfig(type) && !shown.has(type)),
      [],
    );
  });
});

describe('tests', () => {
  it('are all run', () => {
    const focus = /\b(?:describe|context|it|specify)\.(?:only|skip)\b|\bx(?:it|describe)\(/;
    const focused = files('test', '.test.ts').filter((file) => focus.test(read(file)));
    assert.deepEqual(focused, []);
  });
});

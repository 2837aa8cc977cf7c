/**
 * Writes docs/protocol-reference.md from the tables of lib/protocol. A test compares the two, so run this after every
 * change of a table: `node scripts/generate-protocol-reference.ts`.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Field, FrameSpec } from '../lib/protocol/frames.ts';
import { ENVELOPE_BYTES, frames, HEADER_BYTES, header, layFrame, results, trailer } from '../lib/protocol/index.ts';
import type { GroupLayout } from '../lib/protocol/layout.ts';

export const REFERENCE_FILE = join(import.meta.dirname, '..', 'docs', 'protocol-reference.md');

const kinds: Readonly<Record<Field['kind'], string>> = {
  text: 'text',
  'variable-text': 'text, unpadded',
  ascii: 'ASCII',
  id: 'ASCII without blanks',
  digits: 'digits',
  number: 'number',
  date: '`YYYY-MM-DD HH:MM:SS`, Korean time',
  opaque: 'bytes as they are',
  count: 'number of records',
  length: 'length',
  file: 'raw bytes',
  mark: 'mark',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [titles, titles.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const describeKind = (field: Field): string =>
  field.kind === 'mark'
    ? `0x${field.byte.toString(16).padStart(2, '0')}`
    : field.kind === 'length'
      ? `${kinds.length} of ${field.of}`
      : kinds[field.kind];

const describeWidth = (field: Field): string =>
  field.kind === 'variable-text' || field.kind === 'file' ? `up to ${field.width}` : String(field.width);

const notes = (field: Field): string =>
  [
    'optIn' in field ? `Only with \`${field.optIn}: include\`.` : '',
    'privacy' in field && field.privacy === 'secret' ? 'Never logged.' : '',
    'privacy' in field && field.privacy === 'text' ? 'Logged by its length only.' : '',
    'privacy' in field && field.privacy === 'number' ? 'Masked in logs.' : '',
  ]
    .filter((note) => note !== '')
    .join(' ');

const fieldTable = (fields: Readonly<Record<string, Field>>): string =>
  table(
    ['Field', 'Manual', 'Kind', 'Bytes', 'Required', 'Meaning'],
    Object.entries(fields).map(([name, field]) => [
      `\`${name}\``,
      field.ko,
      describeKind(field),
      describeWidth(field),
      field.required ? 'yes' : '',
      [field.en, notes(field)].filter((part) => part !== '').join(' '),
    ]),
  );

function frameSection(command: string, spec: FrameSpec): string {
  const layout = layFrame(command, spec);
  const facts = [
    `- Manual: ${spec.ko}`,
    `- Sent by: the ${spec.from}, in ${spec.versions.join(' and ')}`,
    spec.answeredBy.length === 0 ? '' : `- Followed by: ${spec.answeredBy.join(' or ')}`,
    `- Body as the manual prints it: ${spec.printed}`,
    `- Body as laid out without options: ${describeGroup(layout.once)}${describeRecord(layout.repeated)}`,
    spec.anyLength === undefined ? '' : '- A body of any length is taken when it is received.',
    spec.shortBytes === undefined ? '' : `- Also written ${spec.shortBytes} bytes long, when nothing beyond is given.`,
    spec.mayBeEmpty === true ? '- May have no body.' : '',
  ].filter((fact) => fact !== '');
  const parts = [`### ${command} ${spec.en}`, facts.join('\n')];
  if (Object.keys(spec.fields).length > 0) parts.push(fieldTable(spec.fields));
  if (spec.records !== undefined) parts.push('Repeated COUNT times:', fieldTable(spec.records));
  return parts.join('\n\n');
}

const describeGroup = ({ bytes, variable }: GroupLayout): string =>
  variable === undefined ? `${bytes}` : `${bytes} + ${variable.name}`;

const describeRecord = (group: GroupLayout | undefined): string =>
  group === undefined ? '' : `, then ${describeGroup(group)} for each record`;

/** The whole page. */
export function protocolReference(): string {
  const sections = [
    '# Protocol reference',
    'Generated from the tables in `lib/protocol` by `scripts/generate-protocol-reference.ts`. Do not edit. The source is the\nmanual of the gateway (UShot Mobile Messaging MMS); field names and Korean names are its own.',
    '## Frame',
    `Header ${HEADER_BYTES} bytes, body, trailer: ${ENVELOPE_BYTES} bytes and the body.`,
    fieldTable({ ...header, ...trailer }),
    '## Commands',
    ...Object.entries<FrameSpec>(frames).map(([command, spec]) => frameSection(command, spec)),
    '## Result codes',
    'RESULT of 1031, section C of the manual. 73 to 79 are given by the agent itself.',
    table(
      ['Code', 'Category', 'Meaning', 'Manual', 'Sent again'],
      Object.entries(results).map(([code, row]) => [
        code,
        row.category,
        row.en,
        row.ko,
        'retryable' in row ? 'yes' : '',
      ]),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}

if (import.meta.main) {
  writeFileSync(REFERENCE_FILE, protocolReference());
  console.log(`wrote ${REFERENCE_FILE}`);
}

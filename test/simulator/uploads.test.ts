import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayOptions } from '../../lib/simulator/index.ts';
import { Client, gatewayOf, lms } from './client.ts';

const at = { min: 1000, max: 1000 };

function upload(client: Client, FILE: Buffer, FILE_EXT = 'jpg'): string {
  const answer = client.ask('2030', { FILE_EXT, FILE });
  assert.equal(answer?.COMMAND, '2040');
  assert.equal(answer?.RESP_CODE, '00000');
  return answer?.COMMAND === '2040' ? (answer.body?.FILE_NAME ?? '') : '';
}

async function resultOf(options: GatewayOptions, names: (client: Client) => string[]): Promise<string | undefined> {
  const { gateway, clock } = gatewayOf({ reportDelayMs: at, ...options });
  const client = Client.in(gateway, 'mmsSend');
  const [FILE_NAME1, FILE_NAME2] = names(client);
  const answer = client.ask('1045', { FILE_NAME1, FILE_NAME2, records: [lms('m')] });
  if (answer?.RESP_CODE !== '00000') return answer?.RESP_CODE;
  const reports = Client.in(gateway, 'mmsReport');
  await clock.advance(1000);
  return reports.takeReport()?.body?.records[0]?.RESULT;
}

describe('simulator: uploads', () => {
  it('names a file, keeps its bytes, and lets an MMS carry it', async () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'mmsSend');
    const bytes = Buffer.from([0x01, 0x02, 0x03, 0x00, 0x20, 0xff, 0x03]);
    const name = upload(client, bytes);
    assert.match(name, /^[0-9a-f]{32}\.jpg$/);
    assert.deepEqual(gateway.files.data(name), bytes);
    assert.equal(client.ask('1045', { FILE_NAME1: name, records: [lms('m')] })?.RESP_CODE, '00000');
    assert.deepEqual(
      gateway.journal.messages.map(({ kind, files }) => [kind, files]),
      [['MMS', [name]]],
    );
    assert.equal(gateway.balance('practice'), 10_000_000 - 250);
    assert.notEqual(upload(client, bytes), name);
    assert.equal(await resultOf({}, (c) => [upload(c, bytes), upload(c, bytes, 'sis')]), '6');
  });

  it('gives names that are bytes, not text, by option', async () => {
    const { gateway } = gatewayOf({ koreanFileNames: true });
    assert.match(upload(Client.in(gateway, 'mmsSend'), Buffer.from('x')), /^[0-9a-f]{32}\xb7\xce\.jpg$/);
    assert.equal(await resultOf({ koreanFileNames: true }, (c) => [upload(c, Buffer.from('x'))]), '6');
  });

  it('refuses what is too large, and what it does not know', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'mmsSend');
    upload(client, Buffer.alloc(299_999));
    const answer = client.ask('2030', { FILE_EXT: 'jpg', FILE: Buffer.alloc(300_000) });
    assert.deepEqual([answer?.COMMAND, answer?.RESP_CODE, answer?.body], ['2040', '22001', null]);
    assert.equal(client.ask('2030', { FILE_EXT: 'png', FILE: Buffer.from('x') })?.RESP_CODE, '22002');
    assert.equal(gateway.journal.counters.uploads, 1);
  });

  it('reports an unknown name as 69, or refuses it', async () => {
    assert.equal(await resultOf({}, () => ['nothing.jpg']), '69');
    assert.equal(await resultOf({ unknownFileResult: 50 }, () => ['nothing.jpg']), '50');
    assert.equal(await resultOf({ unknownFile: 'refuse' }, () => ['nothing.jpg']), '22003');
    assert.equal(await resultOf({}, (c) => [upload(c, Buffer.from('x')), 'nothing.jpg']), '69');
  });

  it('knows a name within its account, or within its connection', () => {
    for (const [fileScope, code] of [
      ['account', '00000'],
      ['connection', '22003'],
    ] as const) {
      const { gateway } = gatewayOf({ fileScope, unknownFile: 'refuse' });
      const name = upload(Client.in(gateway, 'mmsSend'), Buffer.from('x'));
      const same = Client.in(gateway, 'mmsSend');
      assert.equal(same.ask('1045', { FILE_NAME1: name, records: [lms('m')] })?.RESP_CODE, code);
      const other = Client.in(gateway, 'mmsSend', 'SAM11', 'other');
      assert.equal(other.ask('1045', { FILE_NAME1: name, records: [lms('m')] })?.RESP_CODE, '22003');
    }
  });

  it('wants names where they belong', () => {
    const { gateway } = gatewayOf();
    const client = Client.in(gateway, 'mmsSend');
    assert.equal(client.ask('1045', { records: [lms('m')] })?.RESP_CODE, '22004');
    assert.equal(client.ask('1045', { FILE_NAME2: 'a.jpg', records: [lms('m')] })?.RESP_CODE, '22004');
  });

  it('takes an MMS whose text is one blank, but no such LMS', () => {
    const variable = Client.in(gatewayOf().gateway, 'mmsSend');
    const name = upload(variable, Buffer.from('x'));
    assert.equal(variable.ask('1045', { FILE_NAME1: name, records: [lms('a', { MSG: ' ' })] })?.RESP_CODE, '00000');
    assert.equal(variable.ask('1044', { records: [lms('b', { MSG: ' ' })] })?.RESP_CODE, '21003');
    const fixed = Client.in(gatewayOf({ terms: { variable: false } }).gateway, 'mmsSend');
    const other = upload(fixed, Buffer.from('x'));
    assert.equal(fixed.ask('1024', { FILE_NAME1: other, records: [lms('a', { MSG: ' ' })] })?.RESP_CODE, '00000');
    assert.equal(fixed.ask('1024', { records: [lms('b', { MSG: ' ' })] })?.RESP_CODE, '21003');
  });

  it('keeps no more in memory than it may; names outlive the bytes', () => {
    const { gateway } = gatewayOf({ keptFileBytes: 1000, unknownFile: 'refuse' });
    const client = Client.in(gateway, 'mmsSend');
    const names = Array.from({ length: 5 }, () => upload(client, Buffer.alloc(400)));
    assert.deepEqual(gateway.files.names, names.slice(-2));
    assert.equal(gateway.files.data(names[0] ?? ''), undefined);
    assert.equal(client.ask('1045', { FILE_NAME1: names[0], records: [lms('m')] })?.RESP_CODE, '00000');
  });

  it('writes to a folder, where the oldest go first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ushot-files-'));
    try {
      const { gateway } = gatewayOf({ fileFolder: join(folder, 'new'), keptFiles: 2, koreanFileNames: true });
      const client = Client.in(gateway, 'mmsSend');
      const names = ['one', 'two', 'three'].map((text) => upload(client, Buffer.from(text)));
      await gateway.files.settled();
      const paths = names.slice(1).map((name) => gateway.files.path(name) ?? '');
      assert.deepEqual(
        (await readdir(join(folder, 'new'))).map((name) => join(folder, 'new', name)).sort(),
        paths.sort(),
      );
      assert.deepEqual((await Promise.all(paths.map((path) => readFile(path, 'latin1')))).sort(), ['three', 'two']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('tells of a folder that it cannot write to', async () => {
    const { gateway } = gatewayOf({ fileFolder: '/dev/null/files' });
    const troubles: Error[] = [];
    gateway.onTrouble((error) => troubles.push(error));
    upload(Client.in(gateway, 'mmsSend'), Buffer.from('x'));
    await gateway.files.settled();
    assert.equal(troubles.length, 1);
  });
});

import { describe, expect, test } from 'vitest';
import { openGoSumDatabase } from '../../../lib/fetch/go-sum-database.ts';
import { parseGoProxies } from '../../../lib/fetch/go-proxies.ts';
import { goServersOf } from '../../../lib/fetch/go-servers.ts';
import { failureOf } from '../tools/go-fixtures.ts';
import { FakeSumDatabase, fetchContext, serve } from './go-rig.ts';

const MODULE = 'golang.org/toolchain';
const VERSION = 'v0.0.1-go1.26.8.linux-amd64';
const H1 = 'h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=';
const { signal } = new AbortController();

function filled(): FakeSumDatabase {
  const database = new FakeSumDatabase().fill(300);
  database.add(MODULE, VERSION, H1);
  return database.fill(20);
}

const open = (setting: string, goproxy = 'off') => {
  const servers = goServersOf(fetchContext({}));
  return openGoSumDatabase(setting, parseGoProxies(goproxy), servers)!;
};

describe('openGoSumDatabase', () => {
  test('a checksum that is signed and in the log', async () => {
    const database = filled();
    const { url, requests } = await serve((path) => database.answer(path));
    const opened = open(`${database.key} ${url}`);
    expect(await opened.lookup(MODULE, VERSION, signal)).toBe(H1);
    const asked = requests.length;
    expect(await opened.lookup(MODULE, VERSION, signal)).toBe(H1);
    // Parts of the log are read once.
    expect(requests).toHaveLength(asked + 1);
    expect(new Set(requests).size).toBe(asked);
  });

  test('a module that it does not know', async () => {
    const database = filled();
    const { url } = await serve((path) => database.answer(path));
    expect(await open(`${database.key} ${url}`).lookup(MODULE, 'v0.0.1-go1.99.0.linux-amd64', signal)).toBeUndefined();
  });

  test('is asked through the first proxy that passes it on', async () => {
    const database = filled();
    const none = await serve(() => undefined);
    const proxy = await serve((path) => database.answer(path.replace(/^sumdb\/sum\.example\.org\//, '')));
    const opened = open(database.key, `${none.url},${proxy.url},direct`);
    expect(await opened.lookup(MODULE, VERSION, signal)).toBe(H1);
    expect(none.requests).toEqual(['sumdb/sum.example.org/supported']);
    expect(proxy.requests.slice(0, 2)).toEqual(['sumdb/sum.example.org/supported', `sumdb/sum.example.org/lookup/${MODULE}@${VERSION}`]);
  });

  test('tiles that were not full when the tree was signed, and are now', async () => {
    const database = filled();
    const before = database.answer(`lookup/${MODULE}@${VERSION}`);
    database.fill(300);
    const { url, requests } = await serve((path) => {
      if (path.startsWith('lookup/')) return before;
      return path.startsWith('tile/8/0/001.p') ? undefined : database.answer(path);
    });
    expect(await open(`${database.key} ${url}`).lookup(MODULE, VERSION, signal)).toBe(H1);
    expect(requests).toContain('tile/8/0/001');
  });

  test.each([
    ['another checksum', (text: string) => text.replace(H1, `h1:${'A'.repeat(43)}=`), 'not in its log'],
    ['another number', (text: string) => text.replace(/^300\n/, '299\n'), 'not in its log'],
    ['a number beyond the log', (text: string) => text.replace(/^300\n/, '5000\n'), 'not in its log'],
    ['another tree', (text: string) => text.replace('\n321\n', '\n320\n'), 'not signed'],
    ['no signature', (text: string) => text.slice(0, text.indexOf('\n—')), 'not signed'],
    [
      'the signature of another key',
      (text: string) => text.replace(/\ngo\.sum database tree[^]*/, new FakeSumDatabase().fill(321).note()),
      'not signed',
    ],
    ['a web page', () => '<html></html>', 'not signed'],
  ])('%s is an integrity error', async (_, change, says) => {
    const database = filled();
    const { url } = await serve((path) => {
      const answer = database.answer(path);
      return path.startsWith('lookup/') ? change(answer as string) : answer;
    });
    const failure = await failureOf(open(`${database.key} ${url}`).lookup(MODULE, VERSION, signal));
    expect(failure).toMatchObject({ code: 'OCIDSL_GO_SUM_INTEGRITY', kind: 'integrity', message: expect.stringContaining(says) as string });
  });

  test('the record of another module is one too, though it is signed', async () => {
    const database = filled();
    const { url } = await serve((path) =>
      path.startsWith('lookup/') ? `5\n${database.records[5]!}\n${database.note()}` : database.answer(path),
    );
    expect(await failureOf(open(`${database.key} ${url}`).lookup(MODULE, VERSION, signal))).toMatchObject({
      code: 'OCIDSL_GO_SUM_INTEGRITY',
      message: expect.stringContaining('about something else') as string,
    });
  });

  test('parts of the log that are missing or wrong prove nothing', async () => {
    const database = filled();
    for (const tile of [undefined, Buffer.alloc(32 * 256)]) {
      const { url } = await serve((path) => (path.startsWith('tile/8/0/') ? tile : database.answer(path)));
      expect(await failureOf(open(`${database.key} ${url}`).lookup(MODULE, VERSION, signal))).toMatchObject({
        code: 'OCIDSL_GO_SUM_INTEGRITY',
      });
    }
  });

  test('a proxy that fails is not passed over', async () => {
    const database = filled();
    const broken = await serve(() => (_, response) => void response.writeHead(418).end());
    expect(await failureOf(open(database.key, `${broken.url},direct`).lookup(MODULE, VERSION, signal))).toMatchObject({
      code: 'OCIDSL_GO_SERVER',
      kind: 'network',
    });
  });

  test.each([
    '',
    'sum.example.org',
    'a+b+c',
    `${new FakeSumDatabase().key} ftp://x`,
    `${new FakeSumDatabase().key} https://x y`,
    new FakeSumDatabase('../x').key,
  ])('GOSUMDB %j names none', (setting) => {
    expect(() => open(setting)).toThrow(expect.objectContaining({ code: 'OCIDSL_GO_SUM_DATABASE', kind: 'environment' }) as Error);
  });

  test('GOSUMDB=off is none, and names that the go command knows are known', () => {
    expect(open('off')).toBeUndefined();
    expect(open('sum.golang.org')).toBeDefined();
    expect(open('sum.golang.google.cn')).toBeDefined();
  });
});

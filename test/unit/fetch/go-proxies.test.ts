import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { netrcAuthorization } from '../../../lib/fetch/go-netrc.ts';
import { goProxiesOf, parseGoProxies, tryGoProxies } from '../../../lib/fetch/go-proxies.ts';
import { goSetting } from '../../../lib/fetch/go-settings.ts';
import { failureOf, tree } from '../tools/go-fixtures.ts';
import { fetchContext } from './go-rig.ts';

describe('parseGoProxies', () => {
  const shown = (value: string) => parseGoProxies(value).map(({ url, fallsBackOnError }) => `${url.href}${fallsBackOnError ? ' |' : ''}`);

  test.each([
    ['https://proxy.golang.org,direct', ['https://proxy.golang.org/', 'https://go.dev/dl/mod/']],
    ['https://a.example|https://b.example/go,off', ['https://a.example/ |', 'https://b.example/go/']],
    ['a.example/x , file:///srv/go', ['https://a.example/x/', 'file:///srv/go/']],
    [',,https://a.example,direct,https://never.example', ['https://a.example/', 'https://go.dev/dl/mod/']],
    ['http://127.0.0.1:3000|off', ['http://127.0.0.1:3000/ |']],
    ['off', []],
  ])('%s', (value, proxies) => {
    expect(shown(value)).toEqual(proxies);
  });

  test.each([',', 'sometimes', 'ftp://a.example', 'https://user:hunter2@', 'https://a.example,nope'])('%s is no list', (value) => {
    expect(() => parseGoProxies(value)).toThrow(expect.objectContaining({ code: 'OCIDSL_GO_PROXY', kind: 'environment' }) as Error);
    expect(() => parseGoProxies(value)).not.toThrow(/hunter2/);
  });

  test('GOPROXY=off is a failure of the network that says so', () => {
    expect(() => goProxiesOf(fetchContext({ GOPROXY: 'off' }))).toThrow(
      expect.objectContaining({ code: 'OCIDSL_GO_PROXY_OFF', kind: 'network' }) as Error,
    );
  });
});

describe('tryGoProxies', () => {
  const ask = (answers: Readonly<Record<string, string | Error>>) => async (base: URL) => {
    const answer = answers[base.hostname];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const down = new Error('down');

  test('goes on where something is not there, and after a failure only with |', async () => {
    expect(await tryGoProxies(parseGoProxies('https://x.a,https://x.b'), ask({ 'x.b': 'found' }))).toBe('found');
    expect(await tryGoProxies(parseGoProxies('https://x.a|https://x.b'), ask({ 'x.a': down, 'x.b': 'found' }))).toBe('found');
    expect(await failureOf(tryGoProxies(parseGoProxies('https://x.a,https://x.b'), ask({ 'x.a': down, 'x.b': 'found' })))).toBe(down);
    expect(await failureOf(tryGoProxies(parseGoProxies('https://x.a|https://x.b'), ask({ 'x.a': down })))).toBe(down);
    expect(await tryGoProxies(parseGoProxies('https://x.a,https://x.b'), ask({}))).toBeUndefined();
  });
});

describe('goSetting', () => {
  test('is the variable, else what go env -w has saved, else the default of Go', () => {
    const home = tree({ '.config/go/env': 'GOFLAGS=-x\nGOPROXY=https://saved.example\n', 'other/go/env': 'GOPROXY=https://xdg.example\n' });
    expect(goSetting('GOPROXY', { HOME: home, GOPROXY: 'https://set.example' })).toBe('https://set.example');
    expect(goSetting('GOPROXY', { HOME: home, GOPROXY: '' })).toBe('https://saved.example');
    expect(goSetting('GOPROXY', { HOME: home, XDG_CONFIG_HOME: join(home, 'other') })).toBe('https://xdg.example');
    expect(goSetting('GOPROXY', { HOME: home, GOENV: join(home, 'other/go/env') })).toBe('https://xdg.example');
    expect(goSetting('GOPROXY', { HOME: home, GOENV: 'off' })).toBe('https://proxy.golang.org,direct');
    expect(goSetting('GOSUMDB', { HOME: home })).toBe('sum.golang.org');
    expect(goSetting('GOSUMDB', {})).toBe('sum.golang.org');
  });
});

describe('netrcAuthorization', () => {
  const header = (text: string, hostname: string) => netrcAuthorization(hostname, { HOME: tree({ '.netrc': text }) })?.reveal();
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  test('finds the machine, written in any way', () => {
    const text =
      'machine a.example login u password p\nmachine b.example\n  login v\n  account x\n  password q\ndefault login d password d\n';
    expect(header(text, 'a.example')).toBe(basic('u:p'));
    expect(header(text, 'b.example')).toBe(basic('v:q'));
    expect(header(text, 'c.example')).toBeUndefined();
    expect(header('macdef m\nmachine a.example login no password no\n\nmachine a.example login u password p', 'a.example')).toBe(
      basic('u:p'),
    );
    expect(header('machine a.example login u', 'a.example')).toBeUndefined();
    expect(netrcAuthorization('a.example', { NETRC: join(tree({ x: text }), 'x') })?.reveal()).toBe(basic('u:p'));
    expect(netrcAuthorization('a.example', { HOME: tree() })).toBeUndefined();
  });
});

// Which hosts are asked, over what, and which never.
import { describe, expect, it } from 'vitest';
import { isPrivateAddress, whyNotFollow } from '../../../lib/registry/address-rules.ts';
import { printableUrl } from '../../../lib/registry/printable-url.ts';
import { proxyFor } from '../../../lib/registry/proxy-settings.ts';
import { isTrustedRealm, parseTrustedRealms } from '../../../lib/registry/realm-trust.ts';
import { originOfRegistry } from '../../../lib/registry/registry-host.ts';

describe('originOfRegistry()', () => {
  it.each([
    ['docker.io', 'https://registry-1.docker.io'],
    ['ghcr.io', 'https://ghcr.io'],
    ['ghcr.io:8443', 'https://ghcr.io:8443'],
    ['localhost', 'http://localhost'],
    ['localhost:5000', 'http://localhost:5000'],
    ['localhost:443', 'https://localhost'],
    ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
    ['127.8.9.10', 'http://127.8.9.10'],
    ['[::1]:5000', 'http://[::1]:5000'],
    ['10.0.0.5:5000', 'https://10.0.0.5:5000'],
    ['172.16.0.1', 'https://172.16.0.1'],
    ['192.168.1.1', 'https://192.168.1.1'],
    ['0.0.0.0:5000', 'https://0.0.0.0:5000'],
  ])('N36 reaches %s at %s', (registry, origin) => {
    expect(originOfRegistry(registry, new Set()).origin).toBe(origin);
  });

  it.each(['127.0.0.1.evil.com', 'localhost.evil.com', 'xlocalhost', '127.0.0.1evil.com', 'a.localhost:5000', '[::2]:5000'])(
    'N36 ggcr#2314 reaches %s by https only',
    (registry) => {
      expect(originOfRegistry(registry, new Set(['evil.com'])).protocol).toBe('https:');
    },
  );

  it('N36 compares insecure registries exactly, with their port', () => {
    const insecure = new Set(['reg.example:5000']);
    expect(originOfRegistry('reg.example:5000', insecure).protocol).toBe('http:');
    for (const other of ['reg.example', 'reg.example:5001', 'x.reg.example:5000']) {
      expect(originOfRegistry(other, insecure).protocol).toBe('https:');
    }
  });
});

describe('isPrivateAddress()', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '100.64.0.1',
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
    '[::1]',
    '224.0.0.1',
  ])('N21 ggcr#2285 is true for %s', (address) => expect(isPrivateAddress(address)).toBe(true));
  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1', '::ffff:8.8.8.8', 'example.com'])('N21 is false for %s', (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  );
});

describe('whyNotFollow()', () => {
  const resolve = async (host: string) =>
    ({ 'inside.example': ['10.0.0.1'], 'mixed.example': ['8.8.8.8', '127.0.0.1'] })[host] ?? ['8.8.8.8'];
  it.each([
    ['https://ghcr.io', 'https://cdn.example/x', undefined],
    ['https://ghcr.io', 'http://cdn.example/x', 'plain http'],
    ['https://ghcr.io', 'http://ghcr.io/x', 'plain http'],
    ['https://ghcr.io', 'ftp://ghcr.io/x', 'scheme is "ftp:"'],
    ['https://ghcr.io', 'file:///etc/passwd', 'scheme is "file:"'],
    ['https://ghcr.io', 'data:,x', 'scheme is "data:"'],
    ['https://ghcr.io', 'https://169.254.169.254/latest/meta-data', 'private address'],
    ['https://ghcr.io', 'https://0.0.0.0/', 'private address'],
    ['https://ghcr.io', 'https://[::1]/', 'private address'],
    ['https://ghcr.io', 'https://[::ffff:a9fe:a9fe]/', 'private address'],
    ['https://ghcr.io', 'https://localhost/', 'private address'],
    ['https://ghcr.io', 'https://2130706433/', 'private address'], // 127.0.0.1 in decimal
    ['https://ghcr.io', 'https://inside.example/', 'private address'],
    ['https://ghcr.io', 'https://mixed.example/', 'private address'],
    ['https://inside.example', 'https://10.0.0.9/', undefined],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:6000/', undefined],
  ])('N20 N21 from %s to %s', async (from, to, why) => {
    const answer = await whyNotFollow(new URL(from), new URL(to), resolve);
    if (why === undefined) expect(answer).toBeUndefined();
    else expect(answer).toContain(why);
  });
});

describe('isTrustedRealm()', () => {
  it.each([
    ['https://ghcr.io', 'https://ghcr.io/token', true],
    ['https://registry-1.docker.io', 'https://auth.docker.io/token', true],
    ['https://dhi.io', 'https://auth.docker.io/token', true],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth', true],
    ['https://quay.io', 'https://auth.quay.io/x', true],
    ['https://registry.example.com:5000', 'https://auth.example.com/x', true],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5001/token', true],
    ['https://ghcr.io', 'http://ghcr.io/token', false],
    ['https://ghcr.io', 'https://ghcr.io.evil.com/token', false],
    ['https://ghcr.io', 'https://evilghcr.io/token', false],
    ['https://ghcr.io', 'https://evil.com/token', false],
    ['https://acme.azurecr.io', 'https://evil.azurecr.io/token', false],
    ['https://acme.azurecr.io', 'https://acme.azurecr.io/oauth2/token', true],
    ['https://1234.dkr.ecr.eu-west-1.amazonaws.com', 'https://evil.dkr.ecr.eu-west-1.amazonaws.com/t', false],
    ['https://registry.co.uk', 'https://evil.co.uk/t', false],
    ['https://10.0.0.5', 'https://10.0.0.6/t', false],
    ['https://registry.com', 'https://com/t', false],
  ])('A11 from %s to %s: %s', (registry, realm, trusted) => {
    expect(isTrustedRealm(new URL(registry), new URL(realm))).toBe(trusted);
  });

  it('A11 takes what the user lists, for that registry only', () => {
    const text = 'a.example=auth.other, b.example=auth.third';
    expect(parseTrustedRealms(text, 'a.example')).toEqual(['auth.other']);
    expect(isTrustedRealm(new URL('https://a.example'), new URL('https://auth.other/t'), ['auth.other'])).toBe(true);
    expect(isTrustedRealm(new URL('https://a.example'), new URL('http://auth.other/t'), ['auth.other'])).toBe(false);
  });
});

describe('proxyFor()', () => {
  const https = new URL('https://ghcr.io/v2/');
  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:1' }, 'http://lower:1/'],
    [{ HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTP_PROXY: 'http://proxy:3128' }, undefined],
    [{ ALL_PROXY: 'http://all:1' }, 'http://all:1/'],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, undefined],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: 'ghcr.io' }, undefined],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: 'x, .io' }, undefined],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: 'ghcr.io:443' }, undefined],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: 'ghcr.io:80' }, 'http://p/'],
    [{ HTTPS_PROXY: 'http://p', NO_PROXY: 'hcr.io' }, 'http://p/'],
    [{ HTTPS_PROXY: '' }, undefined],
  ])('N37 with %j', (environment, proxy) => {
    expect(proxyFor(https, environment)?.href).toBe(proxy);
  });

  it('N37 never sends loopback hosts to a proxy, and takes networks in NO_PROXY', () => {
    expect(proxyFor(new URL('http://localhost:5000/'), { HTTP_PROXY: 'http://p' })).toBeUndefined();
    expect(proxyFor(new URL('https://10.1.2.3/'), { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' })).toBeUndefined();
    expect(proxyFor(new URL('https://11.1.2.3/'), { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' })?.href).toBe('http://p/');
  });

  it('N37 A10 does not show the password of a malformed proxy', () => {
    expect(() => proxyFor(https, { HTTPS_PROXY: 'ftp://user:hunter2@proxy' })).toThrow(/^(?!.*hunter2).*HTTPS_PROXY/);
  });
});

describe('printableUrl()', () => {
  it('A10 leaves out user info, fragments and every query value that may be a secret', () => {
    const url = new URL('https://u:p4ss@h.io/v2/a?scope=repository:a:pull&X-Amz-Signature=c4nary&token=c4nary#c4nary');
    const text = printableUrl(url);
    expect(text).toBe('https://h.io/v2/a?scope=repository:a:pull&X-Amz-Signature=REDACTED&token=REDACTED');
  });
});

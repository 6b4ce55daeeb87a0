// TLS, proxies and silence.
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { readCertificates } from '../../../lib/registry/certificates.ts';
import type { Repository } from '../../../lib/registry/client.ts';
import { createDispatchers } from '../../../lib/registry/dispatcher.ts';
import { resolveHost } from '../../../lib/registry/address-rules.ts';
import { createWireTransport } from '../../../lib/registry/wire-transport.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { selfSigned, signedBy } from '../../conformance/certificates.ts';
import type { Validity } from '../../conformance/certificates.ts';
import { blobOf, collect, failureOf, rawServer, tcpServer, temporaryFolder, testClient } from './rig.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI }));

/** A certificate authority and a certificate signed by it. */
async function certificates(folder: string, names = 'DNS:localhost', validity?: Validity) {
  const ca = selfSigned(folder, 'ca');
  const { cert, key } = signedBy(ca, folder, names, validity);
  return { ca: ca.cert, key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}

const greet: RequestListener = (request, response) => {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate();
  response.end(subject ? `hello ${String(subject.CN)}` : 'hello');
};

async function tlsServer(tls: object, handler = greet) {
  const server = createHttpsServer(tls, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: new URL(`https://localhost:${(server.address() as AddressInfo).port}/`), [Symbol.asyncDispose]: close };
}

/** A proxy that leads every CONNECT to one port of this machine, whatever host it names. */
async function tunnel(port: string) {
  const server = createServer((client) => {
    client
      .on('error', () => undefined)
      .once('data', () => {
        const upstream = connect(Number(port), '127.0.0.1');
        upstream.on('error', () => undefined);
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(upstream).pipe(client);
        client.once('close', () => upstream.destroy());
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

async function get(url: URL, environment: Record<string, string> = {}) {
  const dispatchers = createDispatchers(environment);
  try {
    const response = await createWireTransport(dispatchers, 'test', resolveHost)({ method: 'GET', url });
    return (await collect(response.body)).toString();
  } finally {
    await dispatchers.close();
  }
}

describe('N35 TLS', () => {
  it('trusts what SSL_CERT_FILE holds, and nobody without it', { timeout: 20_000 }, async () => {
    await using folder = await temporaryFolder();
    const { ca, ...tls } = await certificates(folder.path);
    await using server = await tlsServer(tls);
    expect(await get(server.url, { SSL_CERT_FILE: ca })).toBe('hello');
    const failure = await failureOf(get(server.url));
    expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
    expect(failure.message).toContain('signed by an unknown authority');
    expect(failure.hint).toContain('SSL_CERT_FILE');
  });

  it.each([
    ['has expired', 'DNS:localhost', { from: '20200101000000Z', to: '20210101000000Z' }],
    ['is not valid yet', 'DNS:localhost', { from: '20480101000000Z', to: '20490101000000Z' }],
    ['is for another host name', 'DNS:other.example', undefined],
  ])('says that a certificate %s', { timeout: 20_000 }, async (why, names, validity) => {
    await using folder = await temporaryFolder();
    const { ca, ...tls } = await certificates(folder.path, names, validity);
    await using server = await tlsServer(tls);
    const failure = await failureOf(get(server.url, { SSL_CERT_FILE: ca }));
    expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
    expect(failure.message).toContain(why);
  });

  it('says that a certificate is self-signed', { timeout: 20_000 }, async () => {
    await using folder = await temporaryFolder();
    await certificates(folder.path);
    const read = (name: string) => readFile(join(folder.path, name), 'utf8');
    await using server = await tlsServer({ key: await read('ca.key'), cert: await read('ca.crt') });
    expect((await failureOf(get(server.url))).message).toContain('self-signed');
  });

  it('reads certificate folders of docker and containers, with client certificates', { timeout: 20_000 }, async () => {
    await using folder = await temporaryFolder();
    const { ca, ...tls } = await certificates(folder.path);
    await using server = await tlsServer({ ...tls, requestCert: true, rejectUnauthorized: true, ca: await readFile(ca, 'utf8') });
    const certs = join(folder.path, '.docker/certs.d', server.url.host);
    await mkdir(certs, { recursive: true });
    await writeFile(join(certs, 'ca.crt'), await readFile(ca));
    expect((await failureOf(get(server.url, { HOME: folder.path }))).kind).toBe('network');
    await writeFile(join(certs, 'client.cert'), tls.cert);
    await writeFile(join(certs, 'client.key'), tls.key);
    expect(await get(server.url, { HOME: folder.path })).toBe('hello server');
    const root = join(folder.path, 'root');
    await mkdir(join(root, 'etc/containers/certs.d/h.io:5000'), { recursive: true });
    await writeFile(join(root, 'etc/containers/certs.d/h.io:5000/x.crt'), 'PEM');
    expect((await readCertificates('h.io:5000', {}, root)).ca?.at(-1)).toBe('PEM');
    expect(await readCertificates('h.io', {}, root)).toEqual({});
  });

  it('says that a server knows only a TLS version that is too old', { timeout: 20_000 }, async () => {
    await using folder = await temporaryFolder();
    const { ca, ...tls } = await certificates(folder.path);
    await using server = await tlsServer({ ...tls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
    const failure = await failureOf(get(server.url, { SSL_CERT_FILE: ca }));
    expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
    expect(failure.message).toContain('TLS version is too old');
  });

  it.each([
    ['N20 a redirect', 'OCIDSL_REDIRECT_REFUSED', (repository: Repository) => repository.getManifest('v1'), 307],
    ['N22 a Location', 'OCIDSL_UPLOAD_LOCATION_REFUSED', (repository: Repository) => repository.putBlob(blobOf(Buffer.from('x'))), 202],
  ] as const)('%s from https to plain http is refused, and nothing is sent there', { timeout: 20_000 }, async (_, code, act, status) => {
    await using folder = await temporaryFolder();
    const { ca, ...tls } = await certificates(folder.path, 'DNS:ocidsl.test');
    await using plain = await rawServer((_request, response) => response.end('in the clear'));
    await using secure = await tlsServer(tls, (_request, response) => response.writeHead(status, { location: `${plain.origin}/x` }).end());
    await using proxy = await tunnel(secure.url.port);
    const environment = { SSL_CERT_FILE: ca, HTTPS_PROXY: proxy.url };
    await using client = testClient({ environment, resolveHost: async () => ['8.8.8.8'] });
    const failure = await failureOf(act(client.repository({ registry: 'ocidsl.test', repository: 'a' })));
    expect(failure).toMatchObject({ code, kind: 'network' });
    expect(failure.message).toContain('plain http');
    expect(plain.requests).toEqual([]);
  });

  it('says so where a server does not speak TLS, and sends nothing in the clear', async () => {
    await using server = await rawServer((_, response) => response.end('plain'));
    const failure = await failureOf(get(new URL(`https://${server.host}/`)));
    expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
    expect(failure.message).toContain('does not speak TLS');
    expect(failure.hint).toContain('list it as insecure');
    expect(server.requests).toEqual([]);
  }, 10_000);

  it('P4 is interrupted while it waits for a connection', { timeout: 10_000 }, async () => {
    // It takes the connection and never answers the handshake.
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const dispatchers = createDispatchers({});
    try {
      const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const stop = new AbortController();
      const pending = createWireTransport(dispatchers, 'test', resolveHost)({ method: 'GET', url, signal: stop.signal });
      server.once('connection', () => stop.abort(new Error('enough')));
      await expect(pending).rejects.toThrow('enough');
    } finally {
      await dispatchers.close();
      server.close();
    }
  });

  it('names a certificate file that cannot be read', async () => {
    expect(await failureOf(readCertificates('h.io', { SSL_CERT_FILE: '/no/such.pem' }))).toMatchObject({ kind: 'environment' });
  });
});

describe('N37 a proxy', () => {
  it('is given every connection, its password, and is not named with it', async () => {
    await using registry = await startFakeRegistry();
    registry.storage.putManifest('a', OCI, MANIFEST, 't');
    const seen: string[] = [];
    const proxy = createServer((client) => {
      client
        .on('error', () => undefined)
        .once('data', (head) => {
          seen.push(head.toString('latin1'));
          if (!seen.at(-1)!.includes('Basic')) return client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
          const upstream = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
          upstream.on('error', () => undefined);
          client.write('HTTP/1.1 200 OK\r\n\r\n');
          client.pipe(upstream).pipe(client);
          return client.once('close', () => upstream.destroy());
        });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const at = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      const name = { registry: 'registry.test:5000', repository: 'a' };
      await using client = testClient({ environment: { HTTP_PROXY: `http://user:c4nary@${at}` }, insecure: ['registry.test:5000'] });
      expect(await client.repository(name).getManifest('t')).toBeDefined();
      expect(seen[0]).toMatch(/^CONNECT registry\.test:5000 HTTP\/1\.1/);
      expect(seen[0]).toContain(Buffer.from('user:c4nary').toString('base64'));
      await using refused = testClient({ environment: { HTTP_PROXY: `http://${at}` }, insecure: ['registry.test:5000'] });
      const failure = await failureOf(refused.repository(name).getManifest('t'));
      expect(failure).toMatchObject({ kind: 'network' });
      expect(failure.message).toContain('407');
    } finally {
      proxy.close();
    }
  });
});

describe('N45 no way to a host', () => {
  const bare = ['unshare', '--user', '--map-root-user', '--net'];
  const hasNamespaces = spawnSync(bare[0]!, [...bare.slice(1), 'true']).status === 0;
  it.skipIf(!hasNamespaces).each([
    ['a name', 'registry.example.com', 'registry.example.com'],
    ['an IPv4 address', '192.0.2.1:5000', '192.0.2.1:5000'],
    ['an IPv6 address', '[2001:db8::1]:5000', '[2001:db8::1]:5000'],
  ])(`is said of %s, with the host${hasNamespaces ? '' : ' (needs unshare --net)'}`, { timeout: 60_000 }, (_, registry, named) => {
    const child = join(import.meta.dirname, '../../conformance/head-manifest-child.ts');
    const run = spawnSync(bare[0]!, [...bare.slice(1), process.execPath, '--import', 'tsx', child, registry], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect(run.stdout).toMatch(/^OCIDSL_(?:CONNECTION_FAILED|HOST_UNKNOWN) /);
    expect(run.stdout).toContain(named);
    expect(run.stdout).toMatch(/unreachable|no route|could not be resolved|no host named/);
  });

  it('is found by IPv4 where a name has an IPv6 address too on which nothing listens', async () => {
    await using server = await rawServer((_, response) => response.end('hello'));
    expect(await get(new URL(server.origin.replace('127.0.0.1', 'localhost')))).toBe('hello');
  });
});

// undici's timers have a resolution of about a second.
describe('N11 silence', () => {
  const timeouts = { headersMs: 500, bodyMs: 500 };
  const retry = { attempts: 1 };

  it('before the headers ends a request', { timeout: 10_000 }, async () => {
    await using server = await tcpServer((socket) => void socket.write('HTTP/1.1 200 OK\r\n'));
    await using client = testClient({ timeouts, retry });
    const failure = await failureOf(client.repository({ registry: server.host, repository: 'a' }).getManifest('t'));
    expect(failure).toMatchObject({ code: 'OCIDSL_CONNECTION_TIMEOUT', kind: 'network' });
  });

  it('in a body ends it, but slowness does not', { timeout: 20_000 }, async () => {
    const bytes = Buffer.from('slow');
    let isSilent = true;
    await using server = await rawServer((_, response) => {
      response.writeHead(200, { 'content-length': '4' }).write(bytes.subarray(0, 1));
      if (isSilent) return;
      [1, 2, 3].forEach((at) => setTimeout(() => response.write(bytes.subarray(at, at + 1)), at * 700));
    });
    const read = async (bodyMs: number) => {
      await using client = testClient({ timeouts: { ...timeouts, bodyMs }, retry });
      return await collect(client.repository({ registry: server.host, repository: 'a' }).readBlob({ ...blobOf(bytes) }));
    };
    expect(await failureOf(read(500))).toMatchObject({ code: 'OCIDSL_CONNECTION_TIMEOUT' });
    isSilent = false;
    expect((await read(1500)).toString()).toBe('slow');
  });
});

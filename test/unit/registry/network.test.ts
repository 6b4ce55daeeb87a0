// TLS, proxies and silence.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCertificates } from '../../../lib/registry/certificates.ts';
import { createDispatchers } from '../../../lib/registry/dispatcher.ts';
import { resolveHost } from '../../../lib/registry/address-rules.ts';
import { createWireTransport } from '../../../lib/registry/wire-transport.ts';
import { startFakeRegistry } from '../../../lib/testing/fake-registry.ts';
import { blobOf, collect, failureOf, rawServer, tcpServer, temporaryFolder, testClient } from './rig.ts';

const OCI = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI }));

/** A certificate authority and a certificate signed by it. */
async function certificates(folder: string, options: { name?: string; days?: number } = {}) {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '30',
    '-subj',
    '/CN=test authority',
  );
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=server');
  await writeFile(join(folder, 'ext'), `subjectAltName=${options.name ?? 'DNS:localhost'}`);
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'server.crt',
    '-days',
    String(options.days ?? 30),
    '-extfile',
    'ext',
  );
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return { ca: join(folder, 'ca.crt'), key: await read('server.key'), cert: await read('server.crt') };
}

async function tlsServer(tls: object) {
  const server = createHttpsServer(tls, (request, response) => {
    const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate();
    response.end(subject ? `hello ${String(subject.CN)}` : 'hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: new URL(`https://localhost:${(server.address() as AddressInfo).port}/`), [Symbol.asyncDispose]: close };
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

  it('names an expired certificate, one of another host and a self-signed one', { timeout: 20_000 }, async () => {
    for (const [options, why] of [
      [{ days: -1 }, 'has expired'],
      [{ name: 'DNS:other.example' }, 'for another host name'],
    ] as const) {
      await using folder = await temporaryFolder();
      const { ca, ...tls } = await certificates(folder.path, options).catch(() => ({ ca: '', key: '', cert: '' }));
      if (ca === '') continue; // OpenSSL 3.2 and later refuse negative days
      await using server = await tlsServer(tls);
      expect((await failureOf(get(server.url, { SSL_CERT_FILE: ca }))).message).toContain(why);
    }
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

  it('says so where a server does not speak TLS, and sends nothing in the clear', async () => {
    await using server = await rawServer((_, response) => response.end('plain'));
    const failure = await failureOf(get(new URL(`https://${server.host}/`)));
    expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
    expect(failure.message).toContain('does not speak TLS');
    expect(failure.hint).toContain('list it as insecure');
    expect(server.requests).toEqual([]);
  }, 10_000);

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

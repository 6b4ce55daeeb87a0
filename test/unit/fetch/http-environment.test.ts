// Downloads by TLS and through proxies, as the environment says.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { failureOf } from '../registry/rig.ts';
import { temporaryFolder } from '../store/rig.ts';
import { digestText, downloadRig, fileServer, sampleBytes } from './http-rig.ts';

const FILE = sampleBytes(100_000);
const DIGEST = digestText(FILE);

/** An https server with a certificate that nobody signed. */
async function tlsServer(handler: RequestListener) {
  const folder = temporaryFolder();
  const certificate = join(folder, 'ca.crt');
  const key = join(folder, 'ca.key');
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '30', ...names], {
    stdio: 'ignore',
  });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}/f.bin`, certificate };
}

it('an authority of one’s own is trusted where the environment names it, and nowhere else', async () => {
  const { url, certificate } = await tlsServer((_, response) => response.writeHead(200, { 'content-length': FILE.length }).end(FILE));
  const trusting = downloadRig({ environment: { SSL_CERT_FILE: certificate } });
  expect(await trusting.download({ urls: [url] })).toEqual(digestOf(FILE));
  const failure = await failureOf(downloadRig().download({ urls: [url], digest: DIGEST }));
  expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network', hint: expect.stringContaining('SSL_CERT_FILE') as string });
});

it('no redirect leads from https to http, also for a file whose digest is known', async () => {
  const plain = await fileServer(FILE);
  const { url, certificate } = await tlsServer((_, response) => response.writeHead(302, { location: plain.url }).end());
  const rig = downloadRig({ environment: { SSL_CERT_FILE: certificate } });
  expect(await failureOf(rig.download({ urls: [url], digest: DIGEST }))).toMatchObject({
    code: 'OCIDSL_REDIRECT_REFUSED',
    kind: 'network',
  });
  expect(plain.requests).toEqual([]);
});

it('a proxy of the environment is used, and its password is in no message', async () => {
  const server = await fileServer(FILE);
  const asked: string[] = [];
  const proxy = createTcpServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (head) => {
      asked.push(head.toString('latin1').split('\r\n', 1)[0]!);
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1');
      upstream.on('error', () => client.destroy());
      client.on('close', () => upstream.destroy());
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  const at = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const environment = { http_proxy: `http://me:canary@${at}`, no_proxy: 'direct.invalid' };
  const rig = downloadRig({ environment, retry: { attempts: 1 } });
  await rig.download({ urls: ['http://files.invalid/f.bin'], digest: DIGEST });
  expect(asked).toEqual(['CONNECT files.invalid:80 HTTP/1.1']);
  const failure = await failureOf(rig.download({ urls: ['http://direct.invalid/x'], digest: digestText(Buffer.from('x')) }));
  expect(failure.code).toBe('OCIDSL_HOST_UNKNOWN');
  expect(JSON.stringify([failure, failure.message, rig.events])).not.toContain('canary');
});

// Real registries as they are run: with passwords, tokens and certificates, and behind nginx.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistryClient } from '../../lib/registry/client.ts';
import type { RegistryClient } from '../../lib/registry/client.ts';
import { pushImages } from '../../lib/sinks/push.ts';
import { blobOf, collect, failureOf } from '../unit/registry/rig.ts';
import { multiPlatformImage } from '../unit/sinks/push-rig.ts';
import { selfSigned, signedBy } from './certificates.ts';
import { startNginx } from './nginx.ts';
import { startChaosProxy } from '../chaos-proxy.ts';
import { environment, freePort, isInstalled, REAL_REGISTRIES, type RegistryProcess } from './real-registries.ts';
import type { RunningRegistry } from './registry.ts';
import { startTokenServer, tokenAuth } from './token-server.ts';

const USER = 'tester';
const PASSWORD = 'c4nary';
// bcrypt of the password, which is the only form that the registry takes.
const HTPASSWD = `${USER}:$2b$05$abcdefghijklmnopqrstuu2QYBkDnvN248z42ufHvo6DCoNPHlt6C\n`;
const BASIC = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');

const MAY_SERVE_443 = await new Promise<boolean>((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen(443, `127.${randomInt(1, 255)}.1.1`, () => server.close(() => resolve(true)));
});

/** A client with these environment variables and the password for `host`, for the time of `run`. */
async function withClient<T>(
  host: string,
  { password = PASSWORD, ...environment }: { readonly password?: string | undefined } & Readonly<Record<string, string | undefined>>,
  run: (client: RegistryClient) => Promise<T>,
): Promise<T> {
  const auths = { [host]: { auth: Buffer.from(`${USER}:${password}`).toString('base64') } };
  const login = password === '' ? {} : { DOCKER_AUTH_CONFIG: JSON.stringify({ auths }) };
  const client = createRegistryClient({ environment: { ...login, ...environment }, limits: { resumeFromBytes: 1 } });
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

async function pushAndPull(client: RegistryClient, registry: string, repository = 'team/app'): Promise<void> {
  const { root, source, shared } = await multiPlatformImage();
  const name = { registry, repository };
  await pushImages({ client, images: [{ root, source, destinations: [{ repository: name, tags: ['v1'] }] }] });
  const stored = client.repository(name);
  expect((await stored.getManifest('v1'))!.digest).toBe(root.digest);
  const bytes = await collect(stored.readBlob(shared));
  expect(bytes.equals(await source.readBytes({ hash: shared.digest.slice(7), sizeBytes: shared.size }))).toBe(true);
}

for (const real of REAL_REGISTRIES.filter(({ program }) => program !== 'crane')) {
  const has = isInstalled(real.program);
  describe.skipIf(!has)(`${real.name}${has ? '' : ` (skipped: ${real.program} is not installed)`}`, () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ocidsl-access-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    describe('with htpasswd', () => {
      let registry: RunningRegistry;
      beforeAll(async () => {
        await writeFile(join(folder, 'htpasswd'), HTPASSWD);
        registry = await real.start({ auth: `htpasswd:\n  realm: tests\n  path: ${folder}/htpasswd` });
      });
      afterAll(() => registry?.close());

      it('takes pushes and gives pulls to who has the password', () =>
        withClient(registry.host, {}, (client) => pushAndPull(client, registry.host)));

      it.each([
        ['a wrong password', 'wrong', 'OCIDSL_CREDENTIALS_REFUSED'],
        ['no password', '', 'OCIDSL_CREDENTIALS_MISSING'],
      ])('N1 A13 refuses %s, which the error says without it', async (_, password, code) => {
        const failure = await withClient(registry.host, { password }, (client) => failureOf(pushAndPull(client, registry.host)));
        expect(failure).toMatchObject({ code, kind: 'credentials' });
        if (password !== '') expect(failure.message).not.toContain(password);
      });

      const hasNginx = isInstalled('nginx');
      it.skipIf(!hasNginx)(
        `N18 behind nginx sends no password where blobs are redirected to${hasNginx ? '' : ' (needs nginx)'}`,
        async () => {
          await using nginx = await startNginx({ upstream: registry.host, redirectBlobs: { authorization: `Basic ${BASIC}` } });
          await withClient(nginx.host, {}, (client) => pushAndPull(client, nginx.host, 'redirected/app'));
          const log = await nginx.log();
          const ofBlobs = log.filter((line) => line.startsWith(`${nginx.blobHost} `));
          expect(ofBlobs).toEqual([`${nginx.blobHost} GET 200 -`]);
          expect(log.filter((line) => line.includes(`GET 307 Basic ${BASIC}`))).toHaveLength(1);
        },
      );
    });

    describe.each(['RS256', 'ES256'] as const)('with tokens signed by %s', (algorithm) => {
      it('N1 gives a token server the password, and the registry its tokens', async () => {
        const certificate = selfSigned(folder, `token-${algorithm}`, algorithm === 'RS256' ? 'rsa' : 'ec');
        await using server = await startTokenServer({ certificate, algorithm, username: USER, password: PASSWORD, anonymousPull: true });
        const registry = await real.start({ auth: tokenAuth(server, certificate) });
        try {
          await withClient(registry.host, {}, (client) => pushAndPull(client, registry.host));
          expect(server.requests.every(({ hasPassword }) => hasPassword)).toBe(true);
          expect(server.requests.map(({ scopes }) => scopes[0])).toContain('repository:team/app:pull,push');
          // One for each set of scopes, however many requests want it.
          expect(server.requests.length).toBeLessThan(4);
          await withClient(registry.host, { password: '' }, async (client) => {
            const repository = client.repository({ registry: registry.host, repository: 'team/app' });
            expect(await repository.getManifest('v1')).toBeDefined();
            const failure = await failureOf(repository.putBlob(blobOf(randomBytes(10))));
            expect(failure).toMatchObject({ kind: 'credentials' });
          });
          const wrong = await withClient(registry.host, { password: 'wrong' }, (client) => failureOf(pushAndPull(client, registry.host)));
          expect(wrong).toMatchObject({ code: 'OCIDSL_REGISTRY_UNAUTHORIZED', kind: 'credentials' });
        } finally {
          await registry.close();
        }
      });
    });

    describe.skipIf(!MAY_SERVE_443)(
      `with a certificate of a private authority${MAY_SERVE_443 ? '' : ' (needs the right to listen on port 443)'}`,
      () => {
        let registry: RunningRegistry;
        let authority: string;
        beforeAll(async () => {
          const ca = selfSigned(folder, 'authority');
          authority = ca.cert;
          // This machine's own registries are asked by plain HTTP unless their port is that of HTTPS.
          const address = `127.${[1, 2, 3].map(() => randomInt(1, 255)).join('.')}`;
          registry = await real.start({ tls: signedBy(ca, folder, `IP:${address}`), address: `${address}:443` });
        });
        afterAll(() => registry?.close());

        it('N35 is refused, with what to do, where nothing says that it is trusted', async () => {
          const failure = await withClient(registry.host, {}, (client) => failureOf(pushAndPull(client, registry.host)));
          expect(failure).toMatchObject({ code: 'OCIDSL_TLS_REJECTED', kind: 'network' });
          expect(failure.message).toContain('unknown authority');
          expect(failure.hint).toContain('SSL_CERT_FILE');
        });

        it('N35 is trusted by SSL_CERT_FILE', () =>
          withClient(registry.host, { SSL_CERT_FILE: authority }, (client) => pushAndPull(client, registry.host)));

        it('N35 is trusted by certs.d', async () => {
          const certs = join(folder, '.docker/certs.d', registry.host.replace(':443', ''));
          await mkdir(certs, { recursive: true });
          await copyFile(authority, join(certs, 'ca.crt'));
          await withClient(registry.host, { HOME: folder }, (client) => pushAndPull(client, registry.host));
        });

        it('N35 is trusted by NODE_EXTRA_CA_CERTS, by itself and with another authority', async () => {
          const other = selfSigned(folder, 'other').cert;
          for (const more of [{}, { SSL_CERT_FILE: other }]) {
            const env = { PATH: environment['PATH'], NODE_EXTRA_CA_CERTS: authority, ...more };
            const program = join(import.meta.dirname, 'head-manifest-child.ts');
            const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, registry.host], { env });
            expect(stdout).toBe('no such manifest\n');
          }
        });
      },
    );
  });
}

const hasBoth = isInstalled('nginx') && isInstalled('docker-registry');
describe.skipIf(!hasBoth)(`docker-registry behind nginx${hasBoth ? '' : ' (needs nginx and docker-registry)'}`, () => {
  let registry: RunningRegistry;
  beforeAll(async () => {
    registry = await REAL_REGISTRIES.find(({ program }) => program === 'docker-registry')!.start();
  });
  afterAll(() => registry?.close());

  it('N25 gets a blob in chunks that fit its client_max_body_size', async () => {
    await using nginx = await startNginx({ upstream: registry.host, maxBody: '1m' });
    const blob = blobOf(randomBytes(5_000_000));
    await withClient(nginx.host, {}, async (client) => {
      const repository = client.repository({ registry: nginx.host, repository: 'chunked' });
      await repository.putBlob(blob);
      expect(await repository.hasBlob(blob)).toBe(true);
    });
    const log = await nginx.log();
    expect(log.filter((line) => / PUT 413/.test(line))).toHaveLength(1);
    expect(log.filter((line) => / PATCH 202/.test(line)).length).toBeGreaterThanOrEqual(5);
  });

  it('N25 says what to do where not even small chunks fit', async () => {
    await using nginx = await startNginx({ upstream: registry.host, maxBody: '100k' });
    const failure = await withClient(nginx.host, {}, (client) =>
      failureOf(client.repository({ registry: nginx.host, repository: 'small' }).putBlob(blobOf(randomBytes(3_000_000)))),
    );
    expect(failure).toMatchObject({ code: 'OCIDSL_REGISTRY_HTTP_413', kind: 'network' });
    expect(failure.hint).toContain('size limit');
  });

  it('N44 is not disturbed by connections that are closed after every third request', async () => {
    await using nginx = await startNginx({ upstream: registry.host, requestsPerConnection: 3 });
    const blobs = Array.from({ length: 100 }, () => blobOf(randomBytes(1000)));
    await withClient(nginx.host, {}, async (client) => {
      const repository = client.repository({ registry: nginx.host, repository: 'many' });
      const left = [...blobs];
      const work = async () => {
        for (let blob = left.pop(); blob !== undefined; blob = left.pop()) {
          if (!(await repository.hasBlob(blob))) await repository.putBlob(blob);
        }
      };
      await Promise.all(Array.from({ length: 20 }, work));
      for (const blob of blobs) expect(await repository.hasBlob(blob)).toBe(true);
    });
  });
});

for (const real of REAL_REGISTRIES.filter(({ program }) => program !== 'crane')) {
  const has = isInstalled(real.program);
  it.skipIf(!has)(`N23 an upload survives that ${real.name} is killed in the middle of it${has ? '' : ' (not installed)'}`, async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const folder = await mkdtemp(join(tmpdir(), 'ocidsl-restart-'));
    let registry = await real.start({ address, folder });
    // In front of it, so that a registry that is just starting is a connection that breaks.
    await using proxy = await startChaosProxy(address, () => undefined);
    let restarted: Promise<RegistryProcess> | undefined;
    const blob = {
      ...blobOf(randomBytes(8 << 20)),
      onSent: (position: number) => {
        if (position > 4 << 20) restarted ??= registry.kill().then(() => real.start({ address, folder }));
      },
    };
    try {
      await withClient(proxy.host, {}, (client) => client.repository({ registry: proxy.host, repository: 'a' }).putBlob(blob));
      registry = await restarted!;
      await withClient(address, {}, async (client) => {
        const stored = await collect(client.repository({ registry: address, repository: 'a' }).readBlob(blob));
        expect(stored.byteLength).toBe(blob.size);
      });
    } finally {
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

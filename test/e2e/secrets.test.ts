// A10: a canary of every kind of secret, through runs that succeed and runs that fail. None of it may be in what is printed, in caches,
// states, outputs and temporary files, in the arguments of started programs or in events.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BuildEvent } from '../../lib/base/events.ts';
import { createRegistryClient } from '../../lib/registry/client.ts';
import { startFakeRegistry, type FakeRegistry, type FakeRegistryOptions } from '../../lib/testing/fake-registry.ts';
import { filesBelow } from './machine.ts';
import { has, workspace, type Run, type Workspace } from './rig.ts';

const CANARY = 'c4nary-5ecret-0123456789';
const USER = 'me';

/** What a secret may look like on its way: as it is, in a URL, in Basic. The middle of a base64 text is the same at any offset of three. */
function formsOf(secret: string): string[] {
  const inBase64 = [0, 1, 2].map((offset) =>
    Buffer.from(`${'x'.repeat(offset)}${secret}`)
      .toString('base64')
      .slice(4, -4),
  );
  return [secret, encodeURIComponent(secret), ...inBase64];
}

const CONFIG = (host: string) => `
import { ociImage, ociPush, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['hello.txt'] });
const image = ociImage({ name: 'image', tars: [layer], os: 'linux', architecture: 'amd64' });
ociPush({ name: 'push', image, repository: '${host}/acme/app', remoteTags: ['t'] });
`;

/** A workspace whose helpers and `go` note how they were started. */
class Scene {
  readonly ws: Workspace;
  readonly registry: FakeRegistry;
  readonly #bin: string;
  readonly #runs: Run[] = [];
  readonly #secretFiles = new Set<string>();

  constructor(registry: FakeRegistry, files: Readonly<Record<string, string>> = {}) {
    this.registry = registry;
    this.ws = workspace({ 'build.config.ts': CONFIG(registry.host), 'hello.txt': 'hello\n', ...files });
    this.#bin = join(this.ws.folder, 'bin');
    mkdirSync(this.#bin);
  }

  /** A file of the user's that has a secret. */
  writeSecret(path: string, content: unknown): string {
    const file = join(this.ws.home, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    this.#secretFiles.add(file);
    return file;
  }

  /** A program on PATH that notes its own and its parent's arguments. */
  program(name: string, body: string): void {
    const file = join(this.#bin, name);
    const note = `printf '%s\\n' "$0" "$@" >>"${this.ws.folder}/arguments"; /usr/bin/tr '\\0' '\\n' </proc/$PPID/cmdline >>"${this.ws.folder}/arguments"`;
    writeFileSync(file, `#!/bin/sh\n${note}\n${body}\n`);
    chmodSync(file, 0o755);
    this.#secretFiles.add(file);
  }

  /** `ocidsl ARGS` with --debug, which prints more than anything else. */
  async run(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Promise<Run> {
    const PATH = `${this.#bin}:${process.env['PATH']}`;
    const run = await this.ws.ocidsl([...args, '--debug'], { env: { PATH, XDG_RUNTIME_DIR: '/nowhere', ...env } });
    this.#runs.push(run);
    return run;
  }

  /** Fails with the places where a form of a secret is. */
  expectNowhere(secrets: readonly string[] = [CANARY]): void {
    const forms = secrets.flatMap(formsOf);
    const files = filesBelow(this.ws.folder).filter((file) => !this.#secretFiles.has(file));
    expect(files.length).toBeGreaterThan(3);
    const places = [
      ...files.map((file) => [relative(this.ws.folder, file), readBytes(file)] as const),
      ...this.#runs.flatMap(({ stdout, stderr }, i) => [[`stdout of run ${i}`, stdout] as const, [`stderr of run ${i}`, stderr] as const]),
    ];
    expect(
      places.filter(([place, text]) => forms.some((form) => text.includes(form) || place.includes(form))).map(([place]) => place),
    ).toEqual([]);
  }
}

function readBytes(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // a link to nowhere
  }
}

async function scene(options: FakeRegistryOptions, files: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const registry = await startFakeRegistry(options);
  onTestFinished(() => registry.close());
  return new Scene(registry, files);
}

async function serve(handler: RequestListener): Promise<{ host: string; server: Server }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function serveTls(folder: string, handler: RequestListener): Promise<{ host: string; certificate: string }> {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', ...names], {
    stdio: 'pipe',
  });
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections()));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, certificate };
}

const basic = (password: string = CANARY) => ({ auth: Buffer.from(`${USER}:${password}`).toString('base64') });
const account = { username: USER, password: CANARY } as const;

it('would be found: the search sees a canary in a file, in Basic and in what is printed', async () => {
  for (const text of [CANARY, `x${Buffer.from(`${USER}:${CANARY}`).toString('base64')}`, Buffer.from(`a:${CANARY}!`).toString('base64')]) {
    const test = await scene({});
    await test.run(['build']);
    test.expectNowhere();
    writeFileSync(join(test.ws.temporary, 'leak'), text);
    expect(() => test.expectNowhere()).toThrow('tmp/leak');
  }
});

describe('A10 nowhere is', () => {
  it('a password of a docker config, for Basic', async () => {
    const test = await scene({ auth: { type: 'basic', ...account } });
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: basic() } });
    expect((await test.run(['push', 'push', '--json'])).code).toBe(0);
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: basic(`${CANARY}-wrong`) } });
    expect((await test.run(['push', 'push'])).code).toBe(4);
    test.writeSecret('.docker/config.json', `{ "auths": { "${test.registry.host}": { "auth": "${CANARY}!" } } }`);
    expect((await test.run(['push', 'push'])).code).toBe(4);
    test.expectNowhere();
  });

  it('a password for a token server, and the tokens that it gives', async () => {
    const test = await scene({ auth: { type: 'token', ...account } });
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: basic() } });
    expect((await test.run(['push', 'push'])).code).toBe(0);
    test.registry.failNext('PUT /v2/acme/app/manifests', { status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' });
    expect((await test.run(['push', 'push', '--tag', 'other'])).code).not.toBe(0);
    test.registry.failNext('/token', { status: 200, body: `{"refresh_token":"${CANARY}"}` }, 9);
    expect((await test.run(['push', 'push', '--tag', 'third'])).code).toBe(3);
    expect(test.registry.tokens.length).toBeGreaterThan(0);
    test.expectNowhere([CANARY, ...test.registry.tokens]);
  });

  it('an identity token', async () => {
    const test = await scene({ auth: { type: 'token', ...account, identityToken: CANARY } });
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: { identitytoken: CANARY } } });
    expect((await test.run(['push', 'push'])).code).toBe(0);
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: { identitytoken: `${CANARY}-old` } } });
    expect((await test.run(['push', 'push'])).code).toBe(4);
    test.expectNowhere();
  });

  it('a registry token', async () => {
    const test = await scene({ auth: { type: 'token', ...account } });
    test.writeSecret('.docker/config.json', { auths: { [test.registry.host]: { registrytoken: CANARY } } });
    expect((await test.run(['push', 'push'])).code).not.toBe(0);
    test.expectNowhere();
  });

  it.each([
    ['an answer', `echo '{"Username":"${USER}","Secret":"${CANARY}"}'`, 0],
    ['a failure that prints it', `echo '${CANARY}'; echo locked >&2; exit 1`, 4],
    ['no JSON', `echo 'Secret: ${CANARY}'`, 4],
    ['half of the JSON', `printf '{"Username":"${USER}","Secret":"${CANARY}'`, 4],
  ])("a helper's secret, with %s", async (_, body, code) => {
    const test = await scene({ auth: { type: 'basic', ...account } });
    test.writeSecret('.docker/config.json', { credHelpers: { [test.registry.host]: 'x' } });
    test.program('docker-credential-x', body);
    expect((await test.run(['push', 'push'])).code).toBe(code);
    expect((await test.run(['auth', 'explain', `${test.registry.host}/acme/app`])).code).toBe(0);
    expect((await test.run(['auth', 'setup', test.registry.host, '--helper', 'x', '--json'])).code).toBe(0);
    expect(readFileSync(join(test.ws.folder, 'arguments'), 'utf8')).toMatch(/docker-credential-x\nget\n/);
    test.expectNowhere();
  });

  it('the token of gh', async () => {
    const test = await scene({ auth: { type: 'basic', ...account } });
    test.program('gh', `echo ${CANARY}`);
    test.writeSecret('.docker/config.json', '{"credHelpers":{"ghcr.io":"ocidsl-gh"}}');
    expect((await test.run(['auth', 'explain', 'ghcr.io/acme/app'])).stdout).toContain('docker-credential-ocidsl-gh gave');
    test.program('gh', `echo ${CANARY}; exit 1`);
    expect((await test.run(['auth', 'explain', 'ghcr.io/acme/app', '--json'])).code).toBe(0);
    test.expectNowhere();
  });

  it('what DOCKER_AUTH_CONFIG holds', async () => {
    const test = await scene({ auth: { type: 'basic', ...account } });
    const text = JSON.stringify({ auths: { [test.registry.host]: basic() } });
    expect((await test.run(['push', 'push'], { DOCKER_AUTH_CONFIG: text })).code).toBe(0);
    expect((await test.run(['push', 'push'], { DOCKER_AUTH_CONFIG: text.replace('{', `{"${CANARY}"`) })).code).toBe(4);
    test.expectNowhere();
  });

  it('a password of a proxy', async () => {
    const proxy = await serve((_, response) => response.writeHead(407, { 'proxy-authenticate': 'Basic realm="p"' }).end());
    proxy.server.on('connect', (_, socket) => {
      // A socket of CONNECT is no longer the server's: nobody else hears that the client reset it.
      socket.on('error', () => undefined).end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    });
    const test = await scene({});
    const push = ['push', 'push', '--repository', 'registry.example.com/acme/app'];
    const run = await test.run(push, { HTTPS_PROXY: `http://${USER}:${CANARY}@${proxy.host}` });
    expect(run.code).toBe(3);
    expect((await test.run(push, { HTTPS_PROXY: `ftp://${USER}:${CANARY}@${proxy.host}` })).code).toBe(6);
    expect((await test.run(push, { HTTPS_PROXY: `http://${USER}:${CANARY}@:0` })).code).not.toBe(0);
    test.expectNowhere();
  });

  it.each([`https://${USER}:${CANARY}@h.io/acme/app`, `${USER}:${CANARY}@h.io/acme/app`, `${CANARY}@h.io/acme/app`])(
    'a password in a reference: %s',
    async (reference) => {
      const test = await scene({});
      expect((await test.run(['push', 'push', '--repository', reference])).code).toBe(2);
      expect((await test.run(['auth', 'explain', reference])).code).toBe(2);
      expect((await test.run(['auth', 'setup', reference, '--helper', 'ocidsl-gh'])).code).toBe(2);
      test.expectNowhere();
      // An excerpt of the config shows passwords of URLs only in part; others cannot be told from text.
      if (!reference.startsWith('https:')) return;
      test.ws.write({ 'build.config.ts': CONFIG(reference.replace('/acme/app', '')) });
      expect((await test.run(['push', 'push'])).code).toBe(2);
      test.ws.write({ 'build.config.ts': '' });
      // The config and its bundle are the user's own text.
      const quoted = /^(cache|ws)\//;
      const own = filesBelow(test.ws.folder).filter(
        (file) => quoted.test(relative(test.ws.folder, file)) && readBytes(file).includes(CANARY),
      );
      for (const file of own) writeFileSync(file, '');
      test.expectNowhere();
    },
  );

  it('a secret in an address that the registry names: realm, upload, redirect', async () => {
    const elsewhere = await serve((_, response) => response.writeHead(403).end());
    const secretUrl = `http://${USER}:${CANARY}@${elsewhere.host}/x?X-Signature=${CANARY}&token=${CANARY}#${CANARY}`;
    const realm = await scene({ auth: { type: 'token', ...account, realm: secretUrl } });
    expect((await realm.run(['push', 'push'])).code).not.toBe(0);
    realm.expectNowhere();
    const upload = await scene({});
    upload.registry.failNext('POST /v2/acme/app/blobs/uploads', { status: 202, headers: { location: secretUrl } }, 99);
    expect((await upload.run(['push', 'push'])).code).not.toBe(0);
    upload.expectNowhere();
    const redirect = await scene({});
    redirect.registry.failNext('HEAD /v2/acme/app/', { status: 307, headers: { location: secretUrl } }, 99);
    expect((await redirect.run(['push', 'push'])).code).not.toBe(0);
    redirect.expectNowhere();
  });

  it.skipIf(!has('go') || !has('openssl'))(
    "passwords of Go's module proxy and of netrc (needs go, openssl)",
    { timeout: 120_000 },
    async () => {
      const test = await scene(
        {},
        {
          'build.config.ts': "import { goBinary } from 'ocidsl';\ngoBinary({ name: 'bin', package: './cmd' });\n",
          'go.mod': 'module example.com/m\n\ngo 1.21\n\nrequire example.org/dep v1.0.0\n',
          'go.sum': `example.org/dep v1.0.0 h1:${'A'.repeat(43)}=\nexample.org/dep v1.0.0/go.mod h1:${'A'.repeat(43)}=\n`,
          'cmd/main.go': 'package main\n\nimport _ "example.org/dep"\n\nfunc main() {}\n',
        },
      );
      const asked: (string | undefined)[] = [];
      const { host, certificate } = await serveTls(test.ws.home, (request, response) => {
        asked.push(request.headers.authorization);
        response.writeHead(404).end('not found');
      });
      // What the first proxy lacks is asked of the second, whose password is that of netrc.
      const netrc = `${CANARY}-netrc`;
      test.writeSecret('.netrc', `machine ${host} login ${USER} password ${netrc}\n`);
      const folders = process.env['PATH']!.split(':');
      test.program('go', `exec ${folders.map((folder) => join(folder, 'go')).find((file) => existsSync(file))} "$@"`);
      const env = {
        GOPROXY: `https://${USER}:${CANARY}@${host},https://${host}`,
        GOMODCACHE: join(test.ws.temporary, 'modules'),
        SSL_CERT_FILE: certificate,
        GONOSUMDB: '*',
      };
      expect((await test.run(['build'], env)).code).toBe(2);
      // Once more, with what the first run left behind.
      expect((await test.run(['build', '--json'], env)).code).toBe(2);
      const sent = asked.map((header) => Buffer.from(header?.replace('Basic ', '') ?? '', 'base64').toString());
      expect(new Set(sent)).toEqual(new Set([`${USER}:${CANARY}`, `${USER}:${netrc}`]));
      expect(readFileSync(join(test.ws.folder, 'arguments'), 'utf8')).toContain('mod\ndownload\n');
      test.expectNowhere();
    },
  );

  it('any of it in events', async () => {
    const registry = await startFakeRegistry({ auth: { type: 'token', ...account } });
    onTestFinished(() => registry.close());
    const events: BuildEvent[] = [];
    const outcomes: unknown[] = [];
    const name = { registry: registry.host, repository: 'acme/app' };
    for (const password of [CANARY, `${CANARY}-wrong`]) {
      const environment = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [registry.host]: basic(password) } }) };
      const client = createRegistryClient({ environment, events: (event) => void events.push(event) });
      registry.failNext('GET /v2/acme/app/manifests/t', {
        change: (response) => ({ ...response, headers: { warning: '299 - "soon gone"' } }),
      });
      outcomes.push(
        await client
          .repository(name)
          .getManifest('t')
          .catch((error: unknown) => error),
      );
      outcomes.push(await client.explainCredentials(name), client);
      await client.close();
    }
    const text = inspect([events, outcomes], { depth: 20, showHidden: true, maxStringLength: null });
    expect([CANARY, ...registry.tokens].flatMap(formsOf).filter((form) => text.includes(form))).toEqual([]);
    expect(registry.tokens.length).toBe(1);
  });
});

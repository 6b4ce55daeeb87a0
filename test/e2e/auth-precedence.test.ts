// A8: which credentials docker's and podman's own programs take from the same files as `ocidsl auth explain`. Where the three differ, the
// table says what each does.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { has, temporaryFolder } from './machine.ts';
import { workspace } from './rig.ts';
import { runProgram } from './run-program.ts';

/** `HOST` stands for the registry in keys. */
interface Row {
  readonly title: string;
  /** Below the home folder: JSON, or the text of a program in bin/. */
  readonly files: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The user of each; null is anonymous. */
  readonly docker?: string | null;
  readonly podman?: string | null;
  readonly ocidsl: string | null;
}

const auth = (user: string) => ({ auth: Buffer.from(`${user}:secret`).toString('base64') });
const helper = (user: string) =>
  `#!/bin/sh\nread -r server\necho "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"${user}\\",\\"Secret\\":\\"s\\"}"\n`;
const NOTHING = '#!/bin/sh\necho "credentials not found in native keychain"; exit 1\n';
const CONFIG = '.docker/config.json';
const PODMAN = 'run/containers/auth.json';

const ROWS: readonly Row[] = [
  { title: 'an entry of the host', files: { [CONFIG]: { auths: { HOST: auth('u') } } }, docker: 'u', podman: 'u', ocidsl: 'u' },
  { title: 'an old key', files: { [CONFIG]: { auths: { 'http://HOST/v1/': auth('u') } } }, docker: 'u', podman: 'u', ocidsl: 'u' },
  {
    title: 'a path beside a host',
    files: { [CONFIG]: { auths: { HOST: auth('host'), 'HOST/a': auth('path') } } },
    docker: 'host',
    podman: 'path',
    ocidsl: 'path',
  },
  // Docker takes the host out of any key, and so gives one team's password to another's repository.
  { title: 'another path', files: { [CONFIG]: { auths: { 'HOST/other': auth('u') } } }, docker: 'u', podman: null, ocidsl: null },
  {
    title: 'a helper of the host before entries',
    files: { [CONFIG]: { auths: { HOST: auth('u') }, credHelpers: { HOST: 'one' } }, 'bin/docker-credential-one': helper('one') },
    docker: 'one',
    podman: 'one',
    ocidsl: 'one',
  },
  {
    title: 'a store, which podman does not use',
    files: { [CONFIG]: { auths: { HOST: auth('u') }, credsStore: 'all' }, 'bin/docker-credential-all': helper('all') },
    docker: 'all',
    podman: 'u',
    ocidsl: 'all',
  },
  {
    title: 'a helper before the store',
    files: {
      [CONFIG]: { credsStore: 'all', credHelpers: { HOST: 'one' } },
      'bin/docker-credential-all': helper('all'),
      'bin/docker-credential-one': helper('one'),
    },
    docker: 'one',
    podman: 'one',
    ocidsl: 'one',
  },
  {
    title: 'an empty helper, which turns the store off',
    files: {
      [CONFIG]: { auths: { HOST: auth('u') }, credsStore: 'all', credHelpers: { HOST: '' } },
      'bin/docker-credential-all': helper('all'),
    },
    docker: 'u',
    ocidsl: 'u',
  },
  {
    title: 'a helper that has nothing: entries are no fallback',
    files: { [CONFIG]: { auths: { HOST: auth('u') }, credHelpers: { HOST: 'none' } }, 'bin/docker-credential-none': NOTHING },
    docker: null,
    ocidsl: null,
  },
  {
    title: 'DOCKER_CONFIG',
    files: { [CONFIG]: { auths: { HOST: auth('home') } }, 'other/config.json': { auths: { HOST: auth('other') } } },
    env: { DOCKER_CONFIG: 'HOME/other' },
    docker: 'other',
    podman: 'other',
    ocidsl: 'other',
  },
  {
    title: "both files: each program's own first, and docker's for us",
    files: { [CONFIG]: { auths: { HOST: auth('docker') } }, [PODMAN]: { auths: { HOST: auth('podman') } } },
    docker: 'docker',
    podman: 'podman',
    ocidsl: 'docker',
  },
  { title: "podman's file alone", files: { [PODMAN]: { auths: { HOST: auth('u') } } }, docker: null, podman: 'u', ocidsl: 'u' },
  {
    title: "podman's file under .config",
    files: { '.config/containers/auth.json': { auths: { HOST: auth('u') } } },
    docker: null,
    podman: 'u',
    ocidsl: 'u',
  },
  {
    title: 'REGISTRY_AUTH_FILE',
    files: { 'mine.json': { auths: { HOST: auth('mine') } }, [CONFIG]: { auths: { HOST: auth('docker') } } },
    env: { REGISTRY_AUTH_FILE: 'HOME/mine.json' },
    docker: 'docker',
    podman: 'mine',
    ocidsl: 'mine',
  },
  {
    title: "docker's default store, without a config",
    files: { 'bin/docker-credential-secretservice': helper('store') },
    docker: 'store',
    podman: null,
    ocidsl: 'store',
  },
  {
    title: "docker's default store where pass is installed",
    files: {
      [CONFIG]: { auths: {} },
      'bin/pass': '#!/bin/sh\n',
      'bin/docker-credential-pass': helper('pass'),
      'bin/docker-credential-secretservice': helper('store'),
    },
    docker: 'pass',
    podman: null,
    ocidsl: 'pass',
  },
  {
    title: "docker's default store, not asked where the config has any credentials",
    files: { [CONFIG]: { auths: { 'other.example.com': auth('u') } }, 'bin/docker-credential-secretservice': helper('store') },
    docker: null,
    podman: null,
    ocidsl: null,
  },
];

const users: (string | null)[] = [];
const server = createServer((request, response) => {
  const { authorization } = request.headers;
  response.setHeader('docker-distribution-api-version', 'registry/2.0'); // docker 20 insists on it
  if (authorization === undefined) return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  users.push(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString().split(':', 1)[0]!);
  return response.writeHead(404).end();
});
let host: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));

// A home with the row's files, and a PATH with nothing but the row's programs and those that are asked.
function prepare({ files, env = {} }: Row) {
  const home = temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const text = (typeof content === 'string' ? content : JSON.stringify(content)).replaceAll('HOST', host);
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
    if (path.startsWith('bin/')) chmodSync(join(home, path), 0o755);
  }
  mkdirSync(join(home, 'bin'), { recursive: true });
  const variables = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('HOME', home)]));
  return { HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), PATH: join(home, 'bin'), ...variables };
}

async function userOf(program: string, args: readonly string[], row: Row): Promise<string | null> {
  const environment = prepare(row);
  symlinkSync(execFileSync('which', [program], { encoding: 'utf8' }).trim(), join(environment.PATH, program));
  users.length = 0;
  await runProgram(join(environment.PATH, program), args, { env: environment });
  return users.at(-1) || null; // without credentials skopeo sends an empty name
}

describe.skipIf(process.platform !== 'linux').each(ROWS)('A8 $title (needs Linux)', (row) => {
  it.skipIf(!has('docker') || row.docker === undefined)('in docker (needs docker)', async () => {
    expect(await userOf('docker', ['manifest', 'inspect', '--insecure', `${host}/a/b:t`], row)).toBe(row.docker);
  });

  it.skipIf(!has('skopeo') || row.podman === undefined)('in podman, whose library skopeo uses (needs skopeo)', async () => {
    expect(await userOf('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${host}/a/b:t`], row)).toBe(row.podman);
  });

  it('in ocidsl', async () => {
    const { code, stdout } = await workspace({}).ocidsl(['auth', 'explain', '--json', `${host}/a/b:t`], { env: prepare(row) });
    expect(code).toBe(0);
    const { steps } = JSON.parse(stdout) as { steps: { result: string; outcome: string }[] };
    const used = steps.find(({ result }) => result === 'used');
    expect(/user "(\w+)"/.exec(used?.outcome ?? '')?.[1] ?? null).toBe(row.ocidsl);
  });
});

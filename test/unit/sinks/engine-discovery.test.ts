import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { isOcidslError, type OcidslError } from '../../../lib/base/errors.ts';
import { engineCandidates } from '../../../lib/sinks/engine-candidates.ts';
import { findEngine } from '../../../lib/sinks/engine-discovery.ts';
import { loadImage } from '../../../lib/sinks/load.ts';
import { addImage, MemorySource } from './load-rig.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocidsl-test-discovery-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// A home without sockets, and a PATH with nothing but the shell's own commands and what a test puts there.
const search = (environment: Record<string, string> = {}, engine?: string) => ({
  engine,
  environment: { PATH: [join(folder, 'bin'), '/bin', '/usr/bin'].join(delimiter), TMPDIR: folder, ...environment },
  homeDirectory: folder,
});

function program(name: string, script: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
}

function context(name: string, host: string): void {
  const meta = join(folder, '.docker/contexts/meta', sha256Hex(name));
  mkdirSync(meta, { recursive: true });
  writeFileSync(join(meta, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
}

const displays = async (...args: Parameters<typeof search>) =>
  (await engineCandidates(search(...args))).map((candidate) => candidate.display);

async function failure(promise: Promise<unknown>): Promise<OcidslError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isOcidslError(error)) throw new Error('expected an OcidslError', { cause: error });
  return error;
}

describe('engineCandidates()', () => {
  it('looks for sockets first, then for commands', async () => {
    expect(await displays({ XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual([
      'unix:///var/run/docker.sock',
      'unix:///run/user/1000/docker.sock',
      `unix://${folder}/.docker/run/docker.sock`,
      `unix://${folder}/.docker/desktop/docker.sock`,
      `unix://${folder}/.colima/default/docker.sock`,
      `unix://${folder}/.rd/docker.sock`,
      `unix://${folder}/.orbstack/run/docker.sock`,
      'unix:///run/user/1000/podman/podman.sock',
      'unix:///run/podman/podman.sock',
      'docker command',
      'podman command',
      'nerdctl command',
    ]);
  });

  it('starts with the context that the docker client uses', async () => {
    mkdirSync(join(folder, '.docker'));
    writeFileSync(join(folder, '.docker/config.json'), '{"currentContext": "colima"}');
    context('colima', 'unix:///colima.sock');
    const all = await displays();
    expect(all.slice(0, 2)).toEqual(['unix:///colima.sock (docker context "colima")', 'unix:///var/run/docker.sock']);
    expect(all).toContain('podman command');
  });

  it.each([
    [{ DOCKER_HOST: 'tcp://10.0.0.1:2375', DOCKER_CONTEXT: 'x' }, ['tcp://10.0.0.1:2375 (DOCKER_HOST)']],
    [{ CONTAINER_HOST: 'unix:///p.sock' }, ['unix:///p.sock (CONTAINER_HOST)']],
    [{ DOCKER_CONTEXT: 'remote' }, ['ssh://build@host (docker context "remote")']],
    [{ DOCKER_CONTEXT: 'gone' }, ['docker context "gone"']],
  ])('tries only what the environment chose: %j', async (environment, expected) => {
    context('remote', 'ssh://build@host');
    expect(await displays(environment)).toEqual(expected);
  });

  it.each([
    ['nerdctl', ['nerdctl command']],
    ['podman', ['unix:///run/podman/podman.sock', 'podman command']],
    ['kind:dev', ['kind command']],
    ['unix:///my.sock', ['unix:///my.sock']],
  ])('tries only the engine that was asked for: %s', async (engine, expected) => {
    expect(await displays({}, engine)).toEqual(expected);
  });

  it.each([
    ['moby', 'OCIDSL_ENGINE_OPTION', 'Cannot use engine "moby": it is not known'],
    ['http+unix://x', 'OCIDSL_ENGINE_ADDRESS', 'it has no scheme'],
    ['unix://relative', 'OCIDSL_ENGINE_ADDRESS', 'its path is not absolute'],
    ['gopher://x', 'OCIDSL_ENGINE_ADDRESS', 'its scheme is "gopher"'],
  ])('refuses %s', async (engine, code, message) => {
    expect(await failure(engineCandidates(search({}, engine)))).toMatchObject({
      code,
      kind: 'config',
      message: expect.stringContaining(message),
    });
  });
});

describe('findEngine()', () => {
  it('lists every place that it tried, with its reason', async () => {
    program('docker', 'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1');
    program('podman', 'echo "Error: cannot set up storage" >&2; exit 125');
    program('nerdctl', 'echo "cannot access containerd socket" >&2; exit 1');
    // The sockets of this machine's own engines are not part of the test.
    for (const engine of ['docker', 'podman', 'nerdctl']) {
      if (engine === 'docker' && existsSync('/var/run/docker.sock')) continue;
      if (engine === 'podman' && existsSync('/run/podman/podman.sock')) continue;
      const error = await failure(findEngine(search({}, engine)));
      expect(error).toMatchObject({ code: 'OCIDSL_ENGINE_NOT_FOUND', kind: 'environment', hint: expect.stringContaining('podman') });
      expect(error.output).toMatch(
        new RegExp(`^  ${engine} command: .*(Is the docker daemon running|cannot set up storage|containerd socket)`, 'm'),
      );
      if (engine === 'docker') expect(error.output).toContain('  unix:///var/run/docker.sock: there is no such socket\n');
    }
  });

  it.skipIf(existsSync('/var/run/docker.sock') || existsSync('/run/podman/podman.sock'))(
    'goes on to podman where docker has a command and no daemon (needs a machine without engine sockets)',
    async () => {
      program('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
      program('podman', `echo '{"host":{"os":"linux","arch":"arm64"}}'`);
      expect(await findEngine(search())).toMatchObject({
        name: 'podman',
        description: 'podman command',
        info: { platform: { os: 'linux', architecture: 'arm64' }, store: 'layers' },
        command: { argv: ['podman'] },
      });
    },
  );

  it('says what is wrong with a socket that nobody listens on, and with one that is forbidden', async () => {
    writeFileSync(join(folder, 'dead.sock'), '');
    const error = await failure(findEngine(search({ DOCKER_HOST: `unix://${folder}/dead.sock` })));
    expect(error.output).toContain('dead.sock (DOCKER_HOST): connection refused: nothing listens there');
  });

  it.skipIf(process.getuid?.() === 0)('advises about a socket that is forbidden (needs a user other than root)', async () => {
    const server = createServer();
    const socket = join(folder, 'forbidden.sock');
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    chmodSync(socket, 0);
    const error = await failure(findEngine(search({ DOCKER_HOST: `unix://${socket}` })));
    server.close();
    expect(error.hint).toContain('usermod -aG docker');
  });

  it('names the missing context', async () => {
    const error = await failure(findEngine(search({ DOCKER_CONTEXT: 'gone' })));
    expect(error.output).toContain('Cannot use docker context "gone": there is no such context');
  });

  it('uses the docker command for an engine behind ssh', async () => {
    program('docker', `echo "$@" > ${folder}/args; echo '{"OSType":"linux","Architecture":"aarch64","DriverStatus":null}'`);
    context('remote', 'ssh://build@host');
    const engine = await findEngine(search({ DOCKER_CONTEXT: 'remote' }));
    expect(engine.info).toEqual({ platform: { os: 'linux', architecture: 'arm64' }, store: 'layers' });
    expect(readFileSync(join(folder, 'args'), 'utf8')).toContain('--context remote info');
  });

  it('stops when it is interrupted', async () => {
    program('nerdctl', 'sleep 60');
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('interrupted')), 200);
    const before = Date.now();
    await expect(findEngine(search({}, 'nerdctl'), controller.signal)).rejects.toThrow('interrupted');
    expect(Date.now() - before).toBeLessThan(3_000);
  });
});

describe('engines that are commands only', () => {
  it('nerdctl: loads from stdin, all platforms, and finds the image by its manifest', async () => {
    const source = new MemorySource();
    const image = await addImage(source, { layers: [{ a: '1' }] });
    program(
      'nerdctl',
      `case "$1 $2" in
        "info --format") echo '{"OSType":"linux","Architecture":"x86_64"}';;
        "load --all-platforms") cat > ${folder}/image.tar;;
        "image inspect") if [ -e ${folder}/image.tar ]; then echo '[{"Id":"${image.manifest.digest}","Os":"linux","Architecture":"amd64"}]'; else echo '[]'; exit 1; fi;;
        *) echo "unexpected $@" >&2; exit 1;;
      esac`,
    );
    const engine = await findEngine(search({}, 'nerdctl'));
    const loaded = await loadImage({ manifest: image.manifest, source, engine, repoTags: ['hello'] });
    expect(loaded).toEqual({
      imageId: image.manifest.digest,
      engine: 'nerdctl command',
      names: ['docker.io/library/hello:latest'],
      outcome: 'sent',
    });
    expect(readFileSync(join(folder, 'image.tar')).length).toBeGreaterThan(4_096);
  });

  it('kind: loads a file into the named cluster, and leaves no file behind', async () => {
    program(
      'kind',
      `case "$1 $2" in
        "get clusters") printf 'kind\\ndev\\n';;
        "load image-archive") cp "$3" ${folder}/loaded.tar; echo "$4 $5" > ${folder}/args;;
        *) exit 1;;
      esac`,
    );
    const source = new MemorySource();
    const image = await addImage(source, { layers: [{ a: '1' }] });
    const engine = await findEngine(search({}, 'kind:dev'));
    expect(await loadImage({ manifest: image.manifest, source, engine, repoTags: ['hello'] })).toMatchObject({
      engine: 'kind cluster "dev"',
      imageId: image.config.digest,
      outcome: 'sent',
    });
    expect(readFileSync(join(folder, 'args'), 'utf8')).toBe('--name dev\n');
    expect(readFileSync(join(folder, 'loaded.tar')).subarray(-1024)).toEqual(Buffer.alloc(1024));
    const error = await failure(findEngine(search({}, 'kind:gone')));
    expect(error.output).toContain('it has the clusters: kind, dev');
  });

  it('refuses an engine that takes the archive and then has another image', async () => {
    program(
      'podman',
      `case "$1 $2" in
        "info --format") echo '{"host":{"os":"linux","arch":"amd64"}}';;
        "load --quiet") cat > /dev/null;;
        "image inspect") echo '[{"Id":"${'2'.repeat(64)}","Os":"linux","Architecture":"amd64"}]';;
      esac`,
    );
    const source = new MemorySource();
    const image = await addImage(source, { layers: [{ a: '1' }] });
    const engine = (await engineCandidates(search({}, 'podman'))).at(-1)!;
    const error = await failure(
      engine
        .connect()
        .then((podman) => loadImage({ manifest: image.manifest, source, engine: podman, repoTags: ['hello'], label: 'hello_load' })),
    );
    expect(error).toMatchObject({ code: 'OCIDSL_LOAD_WRONG_IMAGE', kind: 'integrity', label: 'hello_load' });
  });

  it('survives a command that does not read the archive to its end', async () => {
    program(
      'nerdctl',
      `case "$1" in info) echo '{"OSType":"linux","Architecture":"x86_64"}';; image) echo '[]'; exit 1;; *) echo "disk is full" >&2; exit 1;; esac`,
    );
    const source = new MemorySource();
    const image = await addImage(source, { layers: [{ a: Buffer.alloc(4_000_000, 'x') }] });
    const engine = await findEngine(search({}, 'nerdctl'));
    const endless = async function* () {
      for (let i = 0; i < 1_000; i++) yield Buffer.alloc(65_536);
    };
    await expect(engine.load(endless())).rejects.toThrow('it said "disk is full"');
    const error = await failure(loadImage({ manifest: image.manifest, source, engine, repoTags: ['hello'] }));
    expect(error).toMatchObject({ code: 'OCIDSL_ENGINE_FAILED', kind: 'environment' });
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { digestOf, formatDigest } from '../../../lib/base/digest.ts';
import type { FetchContext } from '../../../lib/fetch/fetch-context.ts';
import { installGoToolchain, type Exclusively } from '../../../lib/fetch/go-toolchain.ts';
import { lockGoToolchain } from '../../../lib/fetch/lock-go-toolchain.ts';
import type { GoToolchainRequest } from '../../../lib/go/go-toolchain.ts';
import { failureOf, tree } from '../tools/go-fixtures.ts';
import {
  FakeSumDatabase,
  fetchContext,
  HOST,
  MODULE_VERSION,
  moduleZip,
  PREFIX,
  request,
  serve,
  TINY_GO,
  VERSION,
  zip,
  ZIP_PATH,
  type Answer,
} from './go-rig.ts';

// One after the other, as the lock file does it.
function exclusive(): Exclusively {
  let last: Promise<unknown> = Promise.resolve();
  return (_, __, task) => {
    const running = last.then(task);
    last = running.catch(() => undefined);
    return running;
  };
}

const { signal } = new AbortController();
const install = (wanted: GoToolchainRequest, context: FetchContext, exclusively = exclusive()) =>
  installGoToolchain({ request: wanted, host: HOST, context, exclusively, signal });

// A proxy that has the tiny Go, or something else in its place.
async function proxy(bytes: Answer = moduleZip().bytes) {
  return await serve((path) => (path === ZIP_PATH ? bytes : undefined));
}

const toolchainsOf = ({ cacheDirectory }: FetchContext): string[] => readdirSync(join(cacheDirectory, 'toolchains')).sort();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('installGoToolchain, from a module proxy', () => {
  test('unpacks the pinned zip once: read-only files, programs that run, and the go.mod files that a module cannot have', async () => {
    const { url, requests } = await proxy();
    const context = fetchContext({ GOPROXY: url });
    const { goRoot, goBinary } = await install(request(), context);
    expect(goBinary).toBe(join(goRoot, 'bin/go'));
    expect(execFileSync(goBinary, { encoding: 'utf8' })).toBe('go version go1.26.8 linux/amd64\n');
    for (const [path, content] of Object.entries(TINY_GO)) expect(readFileSync(join(goRoot, path), 'utf8')).toBe(content);
    expect(readFileSync(join(goRoot, 'src/go.mod'), 'utf8')).toBe('module std\n');
    const programs = ['bin/go', 'bin/gofmt', 'lib/wasm/go_js_wasm_exec', 'pkg/tool/linux_amd64/compile'];
    expect(programs.map((path) => modeOf(join(goRoot, path)))).toEqual(programs.map(() => '555'));
    expect(['VERSION', 'lib/wasm/wasm_exec.js', 'src/go.mod'].map((path) => modeOf(join(goRoot, path)))).toEqual(['444', '444', '444']);
    expect(requests).toEqual([ZIP_PATH]);
    expect(await install(request(), fetchContext({ GOPROXY: 'off' }, context.cacheDirectory))).toEqual({ goRoot, goBinary });
    expect(toolchainsOf(context)).toEqual([goRoot.slice(dirname(goRoot).length + 1)]);
    expect(context.events.map(({ type }) => type)).toEqual(['transfer-started', 'transfer-finished']);
  });

  test('from a folder, as GOPROXY=file://… names it', async () => {
    const folder = tree({ [ZIP_PATH]: moduleZip().bytes });
    const context = fetchContext({ GOPROXY: `file://${tree()},file://${folder}` });
    expect(existsSync((await install(request(), context)).goBinary)).toBe(true);
  });

  test('asked for at the same time it is downloaded once', async () => {
    const { url, requests } = await proxy();
    const context = fetchContext({ GOPROXY: url });
    const exclusively = exclusive();
    const all = await Promise.all([1, 2, 3].map(() => install(request(), context, exclusively)));
    expect(new Set(all.map(({ goRoot }) => goRoot)).size).toBe(1);
    expect(requests).toHaveLength(1);
  });

  test('what a killed process left is replaced, and a toolchain that has lost its go', async () => {
    const { url } = await proxy();
    const context = fetchContext({ GOPROXY: url });
    const { goRoot } = await install(request(), context);
    rmSync(join(goRoot, 'bin'), { recursive: true });
    writeFileSync(join(goRoot, 'garbage'), '');
    mkdirSync(`${goRoot}.tmp/bin`, { recursive: true });
    writeFileSync(`${goRoot}.tmp/bin/go`, 'half');
    await install(request(), context);
    expect(existsSync(join(goRoot, 'garbage'))).toBe(false);
    expect(readFileSync(join(goRoot, 'bin/go'), 'utf8')).toBe(TINY_GO['bin/go']);
    expect(toolchainsOf(context)).toHaveLength(1);
  });

  test('goes on where a killed process stopped', async () => {
    const { bytes } = moduleZip();
    const ranges: (string | undefined)[] = [];
    const { url } = await proxy((incoming, response) => {
      const { range } = incoming.headers;
      ranges.push(range);
      const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      const headers = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`, 'content-length': bytes.length - start };
      if (start >= bytes.length) response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      else response.writeHead(start > 0 ? 206 : 200, headers).end(bytes.subarray(start));
    });
    for (const [left, asked] of [
      [bytes.subarray(0, 300), ['bytes=300-']],
      [bytes, [`bytes=${bytes.length}-`]],
      [Buffer.alloc(300), ['bytes=300-', undefined]],
      [Buffer.alloc(bytes.length + 1), [`bytes=${bytes.length + 1}-`, undefined]],
    ] as const) {
      const context = fetchContext({ GOPROXY: url });
      const { goRoot } = await install(request(), context);
      rmSync(goRoot, { recursive: true });
      writeFileSync(`${goRoot}.zip`, left);
      ranges.length = 0;
      await install(request(), context);
      expect(ranges).toEqual(asked);
      expect(toolchainsOf(context)).toHaveLength(1);
    }
  });

  test('a connection that breaks off is made again, for the rest', async () => {
    const { bytes } = moduleZip();
    let count = 0;
    const { url } = await proxy((incoming, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
      const range = { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
      response.writeHead(start > 0 ? 206 : 200, { ...range, 'content-length': bytes.length - start });
      if (++count > 2) response.end(bytes.subarray(start));
      else response.write(bytes.subarray(start, start + 100), () => response.destroy());
    });
    expect(existsSync((await install(request(), fetchContext({ GOPROXY: url }))).goBinary)).toBe(true);
    expect(count).toBe(3);
  });

  test.each([
    ['other content', { ...TINY_GO, 'bin/go': '#!/bin/sh\necho evil\n' }, PREFIX, 'its checksum is h1:'],
    ['one more file', { ...TINY_GO, 'bin/evil': '' }, PREFIX, 'its checksum is h1:'],
    ['another version', TINY_GO, PREFIX.replace('1.26.8', '1.26.7'), 'is no path of a file below'],
    ['a path that leads out', { ...TINY_GO, '../../evil': '' }, PREFIX, 'is no path of a file below'],
    ['an absolute path', { ...TINY_GO, '/tmp/evil': '' }, PREFIX, 'is no path of a file below'],
    ['a path with a backslash', { ...TINY_GO, 'bin\\evil': '' }, PREFIX, 'is no path of a file below'],
    ['no VERSION', { 'bin/go': '' }, PREFIX, 'it is no Go'],
    ['the VERSION of another', { ...TINY_GO, VERSION: 'go1.26.7\n' }, PREFIX, 'it is "go1.26.7"'],
  ])('a zip with %s is an integrity error, and nothing stays', async (_, files, prefix, says) => {
    const { bytes } = moduleZip(files, prefix);
    const { url, requests } = await proxy(bytes);
    const context = fetchContext({ GOPROXY: url });
    expect(await failureOf(install(request(), context))).toMatchObject({
      code: 'OCIDSL_GO_TOOLCHAIN_INTEGRITY',
      kind: 'integrity',
      message: expect.stringContaining(says) as string,
    });
    expect(toolchainsOf(context)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  test('what is no zip is one too, also after an interrupted download', async () => {
    const { url, requests } = await proxy('<html>please log in</html>');
    const context = fetchContext({ GOPROXY: url });
    expect(await failureOf(install(request(), context))).toMatchObject({ code: 'OCIDSL_GO_TOOLCHAIN_INTEGRITY' });
    expect(toolchainsOf(context)).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  test('a folder and a file of the same name are one as well', async () => {
    const { url } = await proxy(zip([[`${PREFIX}bin`, ''], [`${PREFIX}bin/go`, '']])); // prettier-ignore
    const context = fetchContext({ GOPROXY: url });
    expect((await failureOf(install(request(), context))).kind).toBe('integrity');
    expect(toolchainsOf(context)).toEqual([]);
  });

  test.each([
    ['no proxy has it', (): Answer => undefined, { code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN', kind: 'config' }],
    [
      'the proxy asks for a password',
      status(401),
      { code: 'OCIDSL_GO_SERVER', kind: 'credentials', hint: expect.stringContaining('.netrc') as string },
    ],
    ['the proxy is broken', status(418), { code: 'OCIDSL_GO_SERVER', kind: 'network' }],
  ] as const)('%s', async (_, answer, failure) => {
    const { url } = await serve(answer);
    const context = fetchContext({ GOPROXY: url });
    expect(await failureOf(install(request(), context))).toMatchObject(failure);
    expect(toolchainsOf(context).filter((name) => !name.endsWith('.zip'))).toEqual([]);
  });

  test('a password in GOPROXY goes to that server and into no message', async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await serve(() => (incoming, response) => {
      seen.push(incoming.headers.authorization);
      response.writeHead(418).end();
    });
    const failure = await failureOf(install(request(), fetchContext({ GOPROXY: url.replace('//', '//user:hunter2@') })));
    expect(seen).toEqual([`Basic ${Buffer.from('user:hunter2').toString('base64')}`]);
    expect(JSON.stringify(failure) + failure.message).not.toContain('hunter2');
    const plain = await failureOf(install(request(), fetchContext({ GOPROXY: 'http://user:hunter2@proxy.example' })));
    expect(plain).toMatchObject({ code: 'OCIDSL_CREDENTIALS_INSECURE', kind: 'credentials' });
    expect(plain.message).not.toContain('hunter2');
  });

  test('GOPROXY=off', async () => {
    expect(await failureOf(install(request(), fetchContext({ GOPROXY: 'off' })))).toMatchObject({ code: 'OCIDSL_GO_PROXY_OFF' });
  });

  test('a cache that cannot be written', async () => {
    const { url } = await proxy();
    const failure = await failureOf(install(request(), fetchContext({ GOPROXY: url }, join(tree({ file: '' }), 'file/cache'))));
    expect(failure).toMatchObject({ code: 'OCIDSL_SYSTEM_ENOTDIR', kind: 'environment' });
  });

  test('a cancelled build ends it', async () => {
    const controller = new AbortController();
    const { url } = await proxy((_, response) => {
      response.writeHead(200).write('PK');
      controller.abort(new Error('stop'));
    });
    const context = fetchContext({ GOPROXY: url });
    const running = installGoToolchain({ request: request(), host: HOST, context, exclusively: exclusive(), signal: controller.signal });
    await expect(running).rejects.toThrow('stop');
  });
});

describe('installGoToolchain, without a pin', () => {
  async function servers(h1 = moduleZip().h1) {
    const database = new FakeSumDatabase().fill(5);
    database.add('golang.org/toolchain', MODULE_VERSION, h1);
    const { url, requests } = await serve((path) =>
      path === ZIP_PATH ? moduleZip().bytes : database.answer(path.replace('sumdb/sum.example.org/', '')),
    );
    return { environment: { GOPROXY: url, GOSUMDB: database.key }, requests };
  }

  test('believes the checksum database, and asks it once', async () => {
    const { environment, requests } = await servers();
    const context = fetchContext(environment);
    const installed = await install(request({}), context);
    expect(existsSync(installed.goBinary)).toBe(true);
    expect(requests).toContain(`sumdb/sum.example.org/lookup/golang.org/toolchain@${MODULE_VERSION}`);
    requests.length = 0;
    expect(await install(request({}), fetchContext({ ...environment }, context.cacheDirectory))).toEqual(installed);
    // The same with a pin: it is the same Go.
    expect(await install(request(), fetchContext({ ...environment }, context.cacheDirectory))).toEqual(installed);
    expect(requests).toEqual([]);
  });

  test('a zip that the database does not know is an integrity error', async () => {
    const { environment } = await servers(`h1:${'A'.repeat(43)}=`);
    expect(await failureOf(install(request({}), fetchContext(environment)))).toMatchObject({ code: 'OCIDSL_GO_TOOLCHAIN_INTEGRITY' });
  });

  test('GOSUMDB=off is an error that asks for a pin', async () => {
    const { url, requests } = await proxy();
    const failure = await failureOf(install(request({}), fetchContext({ GOPROXY: url, GOSUMDB: 'off' })));
    expect(failure).toMatchObject({
      code: 'OCIDSL_GO_TOOLCHAIN_UNPINNED',
      kind: 'config',
      hint: expect.stringContaining('ocidsl lock') as string,
    });
    expect(requests).toEqual([]);
  });

  test('a version that was never released', async () => {
    const { environment } = await servers();
    expect(await failureOf(install({ ...request({}), version: '1.26.99' }, fetchContext(environment)))).toMatchObject({
      code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN',
      kind: 'config',
      message: expect.stringContaining('1.26.99') as string,
    });
  });
});

describe('installGoToolchain, from URLs', () => {
  async function archive(files: Readonly<Record<string, string>>, prefix = 'go/', type: 'file' | 'symlink' = 'file'): Promise<Buffer> {
    const tar = pack();
    tar.entry({ name: 'go/', type: 'directory' });
    for (const [path, content] of Object.entries(files)) {
      const mode = path.startsWith('bin/') ? 0o755 : 0o644;
      if (type === 'file') tar.entry({ name: prefix + path, mode }, content);
      else tar.entry({ name: prefix + path, type, linkname: '/etc/passwd' });
    }
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    return gzipSync(Buffer.concat(chunks));
  }

  async function from(bytes: Buffer, pin: string = formatDigest(digestOf(bytes))) {
    const { url, requests } = await serve((path) => (path === 'go.tar.gz' ? bytes : undefined));
    const urls = { [HOST]: [`${url}/missing.tar.gz`, `${url}/go.tar.gz`] };
    return { wanted: request({ [HOST]: { digest: pin } }, { urls }), requests, urls };
  }

  test('unpacks the archive with the pinned digest', async () => {
    const { 'src/_go.mod': std, ...files } = TINY_GO;
    const { wanted, requests } = await from(await archive({ ...files, 'src/go.mod': std! }));
    const context = fetchContext({ GOPROXY: 'off' });
    const { goRoot, goBinary } = await install(wanted, context);
    expect(execFileSync(goBinary, { encoding: 'utf8' })).toContain('go1.26.8');
    expect(modeOf(join(goRoot, 'VERSION'))).toBe('444');
    expect(readFileSync(join(goRoot, 'src/go.mod'), 'utf8')).toBe('module std\n');
    expect(requests).toEqual(['missing.tar.gz', 'go.tar.gz']);
  });

  test('other bytes are an integrity error', async () => {
    const { wanted } = await from(await archive(TINY_GO), `sha256:${'0'.repeat(64)}`);
    const context = fetchContext({});
    expect((await failureOf(install(wanted, context))).kind).toBe('integrity');
    expect(toolchainsOf(context)).toEqual([]);
  });

  test.each([
    ['another version', { ...TINY_GO, VERSION: 'go1.26.7' }, 'go/', 'file', 'it is "go1.26.7"'],
    ['no distribution', TINY_GO, 'src/', 'file', 'is no path of a file below'],
    ['a path that leads out', { '../evil': '' }, 'go/', 'file', 'is no path of a file below'],
    ['links', TINY_GO, 'go/', 'symlink', 'neither a file nor a folder'],
  ] as const)('an archive with %s is refused', async (_, files, prefix, type, says) => {
    const { wanted } = await from(await archive(files, prefix, type));
    const context = fetchContext({});
    expect(await failureOf(install(wanted, context))).toMatchObject({
      code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN',
      message: expect.stringContaining(says) as string,
    });
    expect(toolchainsOf(context)).toEqual([]);
  });

  test('without a pin, and with the pin of a module zip, it asks for one', async () => {
    const { wanted } = await from(await archive(TINY_GO));
    for (const pin of [{}, { [HOST]: { h1: moduleZip().h1 } }]) {
      expect(await failureOf(install({ ...wanted, archives: pin }, fetchContext({})))).toMatchObject({
        code: 'OCIDSL_GO_TOOLCHAIN_UNPINNED',
      });
    }
  });

  test('lockGoToolchain downloads them, and asks the database for the other platforms', async () => {
    const bytes = await archive(TINY_GO);
    const { urls } = await from(bytes);
    const database = new FakeSumDatabase();
    for (const host of ['darwin-amd64', 'darwin-arm64', 'linux-arm64']) {
      database.add('golang.org/toolchain', `v0.0.1-go${VERSION}.${host}`, `h1:${host.padEnd(43, 'A').replaceAll('-', '/')}=`);
    }
    const { url, requests } = await serve((path) => database.answer(path));
    const context = fetchContext({ GOSUMDB: `${database.key} ${url}`, GOPROXY: 'off' });
    const only = { [HOST]: urls[HOST].slice(1) };
    expect(await lockGoToolchain(VERSION, context, signal, only)).toEqual({
      'darwin/amd64': { h1: `h1:darwin/amd64${'A'.repeat(31)}=` },
      'darwin/arm64': { h1: `h1:darwin/arm64${'A'.repeat(31)}=` },
      'linux/amd64': { digest: formatDigest(digestOf(bytes)) },
      'linux/arm64': { h1: `h1:linux/arm64${'A'.repeat(32)}=` },
    });
    expect(requests.filter((path) => path.startsWith('lookup/'))).toHaveLength(3);
  });
});

describe('lockGoToolchain', () => {
  test('with GOSUMDB=off pins what the proxy has now', async () => {
    const hosts = ['darwin/amd64', 'darwin/arm64', 'linux/amd64', 'linux/arm64'];
    const zips = new Map(
      hosts.map((host) => {
        const version = `v0.0.1-go${VERSION}.${host.replace('/', '-')}`;
        const path: string = `golang.org/toolchain/@v/${version}.zip`;
        return [path, moduleZip(TINY_GO, `golang.org/toolchain@${version}/`)] as const;
      }),
    );
    const { url } = await serve((path) => zips.get(path)?.bytes);
    const context = fetchContext({ GOPROXY: url, GOSUMDB: 'off' });
    const sums = [...zips.values()].map(({ h1 }) => ({ h1 }));
    expect(await lockGoToolchain(VERSION, context, signal)).toEqual(Object.fromEntries(hosts.map((host, i) => [host, sums[i]])));
    expect(toolchainsOf(context)).toEqual([]);
  });

  test('fails for a version that was never released', async () => {
    const database = new FakeSumDatabase().fill(3);
    const { url } = await serve((path) => database.answer(path));
    const failure = await failureOf(lockGoToolchain('1.26.99', fetchContext({ GOSUMDB: `${database.key} ${url}` }), signal));
    expect(failure).toMatchObject({ code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN', kind: 'config' });
  });
});

function status(code: number): () => Answer {
  return () => (_, response) => {
    response.writeHead(code).end();
  };
}

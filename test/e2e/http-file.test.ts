// Files from the network: downloaded once, by digest, as inputs and outputs; pinned by the lock file; resumed after a kill.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { exampleFiles, linkLibrary } from './example-workspace.ts';
import { NOISE } from './noise.ts';
import { announced, digests, has, messages, until, workspace, type Workspace } from './rig.ts';

/** A server of files, and what it was asked. */
async function serve(files: Readonly<Record<string, Uint8Array>>, hold?: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push([request.method, request.url, request.headers.range].filter((part) => part !== undefined).join(' '));
    if (hold?.(request, response) === true) return;
    const file = files[request.url ?? ''];
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (file === undefined) response.writeHead(404).end();
    else if (from === 0) response.writeHead(200, { 'content-length': file.length, etag: '"1"' }).end(file);
    else response.writeHead(206, { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }).end(file.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { requests, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const TOOL = Buffer.from('#!/bin/sh\necho "tool says $1"\n');

const CONFIG = (attributes: string, more = '') => `import { command, httpFile, ociImage, pkgTar } from 'ocidsl';
const tool = httpFile({ name: 'tool', ${attributes} });
${more}`;

const USES = `command({ name: 'said', argv: ['sh', '-c', 'mkdir -p out && ./tool/tool.sh hello > out/said'], inputs: [tool], outputs: ['out/'] });
const tar = pkgTar({ name: 'tar', srcs: [tool], packageDir: '/opt', mode: '0444' });
const tools = pkgTar({ name: 'tools', files: { '/bin/tool': tool } });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [tar, tools] });
`;

function listing(ws: Workspace, path: string): string[] {
  const text = execFileSync('tar', ['-tvf', ws.path(path), '--numeric-owner'], { encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${line.split(/ +/)[0]} ${line.split(/ +/).at(-1)}`);
}

it('a file is an input of commands and archives, and an output; it is downloaded once for a machine', async () => {
  const server = await serve({ '/v1/tool.sh': TOOL });
  const attributes = (origin: string) => `urls: ['${origin}/v1/tool.sh'], digest: '${sha256(TOOL)}', executable: true`;
  const ws = workspace({ 'build.config.ts': CONFIG(attributes(server.origin), USES) });
  const rows = await ws.build();
  expect(readFileSync(ws.path('ocidsl-out/tool/tool.sh'))).toEqual(TOOL);
  expect(statSync(ws.path('ocidsl-out/tool/tool.sh')).mode & 0o777).toBe(0o755);
  expect(ws.read('ocidsl-out/said/out/said')).toBe('tool says hello\n');
  expect(listing(ws, 'ocidsl-out/tar.tar')).toEqual(['drwxr-xr-x opt/', '-r--r--r-- opt/tool.sh']);
  expect(listing(ws, 'ocidsl-out/tools.tar')).toEqual(['drwxr-xr-x bin/', '-r-xr-xr-x bin/tool']);
  expect(server.requests).toEqual(['GET /v1/tool.sh']);

  // Again; without the workspace's state; in another workspace of the machine, from a server that does not exist.
  expect(await ws.build()).toEqual(rows);
  rmSync(ws.path('.ocidsl'), { recursive: true, force: true });
  expect(await ws.build()).toEqual(rows);
  const other = workspace(
    { 'build.config.ts': CONFIG(attributes('http://127.0.0.1:1').replace('/v1/', '/mirror/'), USES) },
    { cache: ws.cache },
  );
  const { rows: moved, run } = await other.buildVerbosely();
  expect(digests(moved)).toEqual(digests(rows));
  // The digest is in the keys, and neither URL nor server.
  expect(announced(run)).toEqual([]);
  expect(server.requests).toHaveLength(1);

  // A cache that is gone is filled again.
  rmSync(ws.cache, { recursive: true });
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  expect(digests(await ws.build())).toEqual(digests(rows));
  expect(server.requests).toHaveLength(2);
  ws.expectClean('outputs');
});

it('the lock file pins what the config does not, and only that is taken', async () => {
  const files: Record<string, Uint8Array> = { '/v1/tool.sh': TOOL };
  const server = await serve(files);
  const ws = workspace({ 'build.config.ts': CONFIG(`urls: ['${server.origin}/v1/tool.sh', '${server.origin}/mirror/tool.sh']`) });
  const unpinned = await ws.ocidsl(['build']);
  expect(unpinned.code).toBe(2);
  const [message] = messages(unpinned);
  expect(message).toContain(`Cannot download "${server.origin}/v1/tool.sh": ocidsl.lock.json has no pin of it`);
  expect(message).toContain(ws.at('httpFile({'));
  expect(message).toContain('ocidsl lock');
  expect(server.requests).toEqual([]);

  expect(await ws.ocidsl(['lock'])).toMatchObject({ code: 0 });
  const lock = JSON.parse(ws.read('ocidsl.lock.json')) as { files: Record<string, object> };
  expect(lock.files).toEqual({ [`${server.origin}/v1/tool.sh`]: { digest: sha256(TOOL), size: TOOL.length } });
  const rows = await ws.build([], { env: { CI: 'true' } });
  expect(rows.map(({ digest }) => digest)).toEqual([sha256(TOOL)]);
  // Locking kept the bytes.
  expect(server.requests).toEqual(['GET /v1/tool.sh']);

  // The publisher moved the file: the mirror still has it, and without the mirror it is an integrity error that says so.
  files['/mirror/tool.sh'] = TOOL;
  files['/v1/tool.sh'] = Buffer.from(TOOL.toString().replace('says', 'lies'));
  rmSync(ws.cache, { recursive: true });
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  expect(await ws.build()).toEqual(rows);
  expect(server.requests.slice(1)).toEqual(['GET /v1/tool.sh', 'GET /mirror/tool.sh']);
  delete files['/mirror/tool.sh'];
  rmSync(ws.cache, { recursive: true });
  rmSync(ws.path('ocidsl-out'), { recursive: true });
  const changed = await ws.ocidsl(['build']);
  expect(changed.code).toBe(5);
  expect(messages(changed)[0]).toMatch(/none of its 2 URLs gave it/);
  expect(changed.stderr).toContain(`its ${TOOL.length} bytes have the digest ${sha256(files['/v1/tool.sh'])}, expected ${sha256(TOOL)}`);
  expect(changed.stderr).toContain('the server answered 404 Not Found');
  expect(changed.stderr).toContain(ws.at('httpFile({'));
});

it('a download that fails is reported once, where it is declared, whoever uses it', async () => {
  const server = await serve({});
  const ws = workspace({
    'build.config.ts': CONFIG(`urls: ['${server.origin}/gone'], digest: '${sha256(TOOL)}', fileName: 'tool.sh'`, USES),
  });
  const run = await ws.ocidsl(['build']);
  expect(run.code).toBe(3);
  expect(messages(run)).toEqual([
    expect.stringContaining(`error: Cannot download "${server.origin}/gone": the server answered 404 Not Found, expected the file`),
  ]);
  expect(messages(run)[0]).toContain(ws.at('httpFile({'));
  expect(server.requests).toEqual(['GET /gone']);
});

it('a download of a killed build goes on where it was', async () => {
  const half = Math.floor(NOISE.length / 2);
  let isHeld = true;
  const server = await serve({ '/noise': NOISE }, (_, response) => {
    if (!isHeld) return false;
    response.writeHead(200, { 'content-length': NOISE.length, etag: '"1"' });
    response.write(NOISE.subarray(0, half));
    return true; // and waits
  });
  const ws = workspace({ 'build.config.ts': CONFIG(`urls: ['${server.origin}/noise'], digest: '${sha256(NOISE)}'`) });
  const partial = join(ws.cache, 'ocidsl/v1/partial');
  const { child, ended } = ws.start(['build']);
  await until('half of the file is there', () => partialSizes(partial).includes(half));
  child.kill('SIGKILL');
  expect((await ended).code).toBe(137);
  ws.expectClean();
  isHeld = false;
  await ws.build();
  expect(readFileSync(ws.path('ocidsl-out/tool/noise')).equals(NOISE)).toBe(true);
  expect(server.requests).toEqual(['GET /noise', `GET /noise bytes=${half}-`]);
  expect(partialSizes(partial)).toEqual([]);
});

it('no secret of a URL is shown, and credentials in one are refused where they are written', async () => {
  const server = await serve({});
  const query = workspace({
    'build.config.ts': CONFIG(`urls: ['${server.origin}/x?X-Amz-Signature=canary'], digest: 'sha256:${'0'.repeat(64)}'`),
  });
  const missing = await query.ocidsl(['build']);
  expect(missing.code).toBe(3);
  expect(missing.stderr).toContain('/x?X-Amz-Signature=REDACTED');
  // The excerpt of the config is the user's own line; everything else is ours.
  expect(messages(missing).join('\n')).not.toContain('canary');
  const userinfo = workspace({
    'build.config.ts': CONFIG(`\n  urls: [\n'https://me:canary@example.com/x'], digest: 'sha256:${'0'.repeat(64)}'`),
  });
  const refused = await userinfo.ocidsl(['build']);
  expect(refused.code).toBe(2);
  expect(messages(refused).join('\n')).toContain('has a user name or password');
  expect(refused.stderr).not.toContain('canary');
});

it.skipIf(!has('tar') || !has('gzip'))('is what examples/http-file shows (needs tar and gzip)', async () => {
  const files = exampleFiles('http-file');
  const css = workspace({ 'package/normalize.css': 'html { line-height: 1.15; }\n', 'package/README.md': 'About\n' });
  execFileSync('tar', ['-C', css.root, '-czf', css.path('file.tgz'), 'package']);
  const archive = readFileSync(css.path('file.tgz'));
  const server = await serve({ '/normalize.css/-/normalize.css-8.0.1.tgz': archive });
  const config = String(files['build.config.ts'])
    .replace('https://registry.npmjs.org', server.origin)
    .replace(/sha256:[0-9a-f]{64}/, sha256(archive));
  const ws = workspace({ ...files, 'build.config.ts': config });
  linkLibrary(ws);
  await ws.build();
  expect(ws.read('ocidsl-out/css/normalize.css')).toBe('html { line-height: 1.15; }\n');
  expect(listing(ws, 'ocidsl-out/site.tar')).toEqual([
    'drwxr-xr-x srv/',
    'drwxr-xr-x srv/www/',
    '-r--r--r-- srv/www/index.html',
    '-r--r--r-- srv/www/normalize.css',
  ]);
  expect(listing(ws, 'ocidsl-out/sources.tar').at(-1)).toBe('-r--r--r-- usr/share/sources/normalize.css-8.0.1.tgz');
  const { run } = await ws.buildVerbosely();
  expect(run.stderr).toContain('no action was run');
  expect(server.requests).toHaveLength(1);
  expect(String(files['README.md'])).toContain('npx ocidsl build');
});

function partialSizes(folder: string): number[] {
  try {
    return readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  } catch {
    return [];
  }
}

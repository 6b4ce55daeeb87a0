// Downloads by several processes, and by one that is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { brokenBlobs, temporaryFolder } from '../store/rig.ts';
import { digestText, downloadRig, etagOf, fileServer, sampleBytes } from './http-rig.ts';

const FILE = sampleBytes(8 << 20);
const DIGEST = digestText(FILE);

/** download-child.ts as one file: it starts in a fifth of the time of tsx. */
function childProgram(): string {
  const outfile = join(temporaryFolder(), 'download-child.mjs');
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  const entryPoints = [fileURLToPath(new URL('download-child.ts', import.meta.url))];
  buildSync({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error', banner: { js: banner } });
  return outfile;
}

function start(program: string, cache: string, url: string): { readonly child: ChildProcess; readonly output: Promise<string> } {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const child = spawn(process.execPath, [program, cache, url, DIGEST], { stdio: ['ignore', 'pipe', 'inherit'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = (async () => {
    let text = '';
    for await (const chunk of child.stdout) text += String(chunk);
    return text;
  })();
  return { child, output };
}

const partialFiles = (cache: string): string[] => {
  try {
    return readdirSync(join(cache, 'v1/partial')).map((name) => join(cache, 'v1/partial', name));
  } catch {
    return [];
  }
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(10);
}

it('a killed download goes on where it was, in another process', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const server = await fileServer(FILE);
  const half = FILE.length / 2;
  server.interfere = (_, response) => {
    response.writeHead(200, { 'content-length': FILE.length, etag: etagOf(FILE) });
    response.write(FILE.subarray(0, half));
    return true; // and waits
  };
  const { child } = start(childProgram(), cache, server.url);
  await until(() => partialFiles(cache).some((path) => statSync(path).size === half));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(brokenBlobs(cache)).toEqual([]);

  server.interfere = () => false;
  const rig = downloadRig({}, cache);
  await rig.download({ urls: [server.url], digest: DIGEST });
  expect(server.requests).toEqual(['GET -', `GET bytes=${half}-`]);
  expect(server.sent).toBe(FILE.length);
  expect(await rig.has(FILE)).toBe(true);
  expect(partialFiles(cache)).toEqual([]);
});

it('processes that want the same file download it once between them, and go on for one that is killed', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const program = childProgram();
  const server = await fileServer(FILE);
  const half = FILE.length / 2;
  server.interfere = (_, response, nth) => {
    if (nth > 1) return false;
    response.writeHead(200, { 'content-length': FILE.length, etag: etagOf(FILE) });
    response.write(FILE.subarray(0, half));
    return true; // and waits
  };
  const first = start(program, cache, server.url);
  await until(() => partialFiles(cache).some((path) => statSync(path).size === half));
  const others = [start(program, cache, server.url), start(program, cache, server.url)];
  // They have looked, and wait: nothing is asked for until the first one is gone.
  const rig = downloadRig({}, cache);
  expect(await rig.cas.openResumableWriter!(DIGEST.slice(7))).toBe('busy');
  await setTimeout(1000);
  expect(server.requests).toEqual(['GET -']);
  first.child.kill('SIGKILL');
  expect(await Promise.all(others.map(({ output }) => output))).toEqual([DIGEST, DIGEST]);
  expect(server.requests).toEqual(['GET -', `GET bytes=${half}-`]);
  expect(await rig.has(FILE)).toBe(true);
  expect(brokenBlobs(cache)).toEqual([]);
});

it('remains with wrong bytes cost one more download, and are gone', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const server = await fileServer(FILE);
  const { cas } = openDiskStore({ directory: cache });
  const writer = await cas.openResumableWriter!(DIGEST.slice(7));
  if (writer === undefined || writer === 'busy') throw new Error('nobody else is here');
  await writer.write(sampleBytes(1 << 20, 3));
  await writer.suspend();
  const rig = downloadRig({}, cache);
  await rig.download({ urls: [server.url], digest: DIGEST });
  expect(server.requests).toEqual([`GET bytes=${1 << 20}-`, 'GET -']);
  expect(await rig.has(FILE)).toBe(true);
});

it('all bytes of a killed process are taken without a request', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const { cas } = openDiskStore({ directory: cache });
  const writer = await cas.openResumableWriter!(DIGEST.slice(7));
  if (writer === undefined || writer === 'busy') throw new Error('nobody else is here');
  await writer.write(FILE);
  await writer.suspend();
  const rig = downloadRig({}, cache);
  await rig.download({ urls: ['https://host.invalid/x'], digest: DIGEST });
  expect(await rig.has(FILE)).toBe(true);
});

it('the file of a process that cannot be seen from here is left alone while it grows, and taken over when it does not', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const rig = downloadRig({}, cache);
  const hash = DIGEST.slice(7);
  const first = await rig.cas.openResumableWriter!(hash);
  if (first === undefined || first === 'busy') throw new Error('nobody else is here');
  await first.suspend();
  const elsewhere = join(cache, 'v1/partial', `${hash}.1234-5678-0123456789abcdef`);
  writeFileSync(elsewhere, FILE.subarray(0, 1000));
  expect(await rig.cas.openResumableWriter!(hash)).toBe('busy');
  // The change time cannot be set back, so the time goes forward.
  const now = Date.now;
  onTestFinished(() => void (Date.now = now));
  Date.now = () => now() + 16 * 60 * 1000;
  const writer = await rig.cas.openResumableWriter!(hash);
  if (writer === undefined || writer === 'busy') throw new Error('it should have been taken over');
  expect(writer.sizeBytes).toBe(1000);
  await writer.suspend();
  // What nobody goes on with is removed by any later download.
  Date.now = () => now() + 4 * 24 * 60 * 60 * 1000;
  const other = await rig.cas.openResumableWriter!('0'.repeat(64));
  if (other === undefined || other === 'busy') throw new Error('nobody else is here');
  expect(partialFiles(cache)).toEqual([expect.stringContaining('0'.repeat(64))]);
  await other.suspend();
});

// A process that uses a cache directory, for the tests that need several of them, or one that is killed or starved.
// Prints one line of JSON.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../lib/base/digest.ts';
import { isOcidslError } from '../../../lib/base/errors.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import type { BuildEvent } from '../../../lib/base/events.ts';
import type { DiskStore } from '../../../lib/store/disk-store.ts';

const [mode = '', directory = '', umask] = process.argv.slice(2);
if (umask !== undefined) process.umask(Number.parseInt(umask, 8));
const events: BuildEvent[] = [];

function block(seed: number, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, `${seed} `);
}

/** Small and large blobs, one of each kind of write, and an action result. */
async function writeSamples(store: DiskStore, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await store.cas.write(block(round, 100));
    const writer = await store.cas.openWriter();
    for (let i = 0; i < 4; i++) await writer.write(block(round + i, 300_000));
    const digest = await writer.commit();
    const result = {
      outputFiles: [{ path: 'f', digest, isExecutable: false }],
      outputDirectories: [],
      outputSymlinks: [],
      exitCode: 0,
      stdout: new Uint8Array(),
      stderr: new Uint8Array(),
    };
    const action = digestOf(Buffer.from(`action ${round}`));
    await store.actionCache.updateActionResult(action, result);
    const back = await store.actionCache.getActionResult(action);
    if (back?.outputFiles[0]?.digest.hash !== digest.hash && !store.readOnly) throw new Error('the result is gone');
    for await (const _ of store.cas.read(digest));
    store.shapes.add(action.hash);
  }
}

async function fill(store: DiskStore): Promise<void> {
  for (let i = 0; ; i++) {
    const writer = await store.cas.openWriter();
    for (let k = 0; k < 5; k++) await writer.write(block(i * 7 + k, 70_000));
    await writer.commit();
  }
}

function modes(path: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.parentPath.includes('/shapes/')) continue; // Empty: nobody opens them.
    const mode = (statSync(join(entry.parentPath, entry.name)).mode & 0o7777).toString(8);
    all[`${entry.isDirectory() ? 'directory' : 'file'} ${mode}`] = mode;
  }
  return all;
}

async function main(): Promise<unknown> {
  const store = openDiskStore({ directory, onEvent: (event) => events.push(event) });
  try {
    if (mode === 'fill') await fill(store);
    else await writeSamples(store, mode === 'many' ? 10 : 2);
    return {
      ok: true,
      readOnly: store.readOnly,
      shape: store.shapes.has(digestOf(Buffer.from('action 0')).hash),
      modes: mode === 'few' && !store.readOnly ? modes(join(directory, 'v1')) : {},
    };
  } catch (error) {
    const temporary = readdirSync(join(directory, 'v1', 'tmp'));
    return {
      ok: false,
      code: isOcidslError(error) ? error.code : undefined,
      message: String(error),
      hint: isOcidslError(error) ? error.hint : undefined,
      temporary,
    };
  } finally {
    store.close();
  }
}

process.stdout.write(
  `${JSON.stringify({ ...((await main()) as object), warnings: events.map((event) => (event.type === 'warning' ? event.message : '')) })}\n`,
);

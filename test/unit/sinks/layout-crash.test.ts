// What is left of a layout when its writer dies, and when several write at once.
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { OcidslError } from '../../../lib/base/errors.ts';
import { writeLayout } from '../../../lib/sinks/layout.ts';
import { checkLayout, copyingSource, diskCas, listing, storeImage, storeIndex, temporaryFolder } from './layout-rig.ts';

describe('a writer that dies', () => {
  it('at any blob leaves the old image whole, and the next writer gets to the same bytes', async () => {
    const cas = await diskCas();
    const old = await storeIndex(cas, ['shared', 'old'], ['linux/amd64', 'linux/arm64']);
    const root = await storeIndex(cas, ['shared', 'new'], ['linux/amd64', 'linux/arm64']);
    const clean = await temporaryFolder();
    await writeLayout({ root, source: cas, directory: clean });
    for (let n = 1; ; n++) {
      const directory = await temporaryFolder();
      await writeLayout({ root: old, source: cas, directory });
      let reads = 0;
      const dying = copyingSource(cas, () => {
        if (++reads === n) throw new OcidslError({ code: 'OCIDSL_TEST', message: 'the end' });
      });
      const failure = await writeLayout({ root, source: dying, directory }).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (failure === undefined) {
        // The last round: all blobs that the old image had not were read.
        expect(n).toBe(7);
        return;
      }
      expect(failure).toBe('the end');
      expect(await checkLayout(directory)).toBe(old.digest);
      await writeLayout({ root, source: cas, directory });
      expect(await checkLayout(directory)).toBe(root.digest);
      expect(await listing(directory)).toEqual(await listing(clean));
    }
  });

  const hasStrace = spawnSync('strace', ['-V']).status === 0;
  // Every system call that changes the folder, one after another: the process is killed at the n-th.
  it.skipIf(!hasStrace)(
    'at any rename, link, unlink or fsync leaves the old image or the new one (skipped without strace)',
    async () => {
      const cas = await diskCas();
      const old = await storeImage(cas, ['shared', 'old']);
      const root = await storeImage(cas, ['shared', 'new']);
      const source = await temporaryFolder();
      await writeLayout({ root, source: cas, directory: source });
      const script = join(await temporaryFolder(), 'write.mjs');
      await writeFile(script, childScript());
      const survivors = new Set<string>();
      // With `?`, because not every machine has the older of these calls.
      for (const call of ['?rename,?renameat,?renameat2', '?link,?linkat', '?unlink,?unlinkat', 'fsync']) {
        for (let n = 1; n < 40; n++) {
          const directory = await temporaryFolder();
          await writeLayout({ root: old, source: cas, directory });
          const run = spawnSync(
            'strace',
            [
              '-f',
              '-qq',
              '-o',
              '/dev/null',
              '-e',
              `trace=${call}`,
              '-e',
              `inject=${call}:signal=KILL:when=${n}`,
              process.execPath,
              script,
              directory,
              source,
              JSON.stringify(root),
            ],
            { env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, encoding: 'utf8' },
          );
          const survivor = await checkLayout(directory);
          survivors.add(survivor);
          expect([old.digest, root.digest]).toContain(survivor);
          await writeLayout({ root, source: cas, directory });
          expect(await checkLayout(directory)).toBe(root.digest);
          expect((await readdir(directory)).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
          if (run.signal === null && run.status === 0) {
            expect(n).toBeGreaterThan(1);
            break;
          }
        }
      }
      expect(survivors).toEqual(new Set([old.digest, root.digest]));
    },
    120_000,
  );
});

// The library's sources in a process of their own: one file, so that it starts fast and its system calls are few.
function childScript(): string {
  const contents = `
    import { writeLayout } from './lib/sinks/layout.ts';
    import { layoutBlobSource } from './lib/store/layout-blob-source.ts';
    const [directory, source, root] = process.argv.slice(2);
    await writeLayout({ root: JSON.parse(root), source: layoutBlobSource(source), directory });
  `;
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return outputFiles[0]!.text;
}

describe('several writers', () => {
  it('of one image in one folder all succeed', async () => {
    const cas = await diskCas();
    const root = await storeIndex(cas, ['a', 'b'], ['linux/amd64', 'linux/arm64']);
    const directory = join(await temporaryFolder(), 'out');
    await Promise.all(Array.from({ length: 16 }, () => writeLayout({ root, source: cas, directory })));
    expect(await checkLayout(directory)).toBe(root.digest);
    expect((await readdir(directory)).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('of different images leave one of them, whole', async () => {
    const cas = await diskCas();
    const roots = await Promise.all(Array.from({ length: 6 }, (_, i) => storeImage(cas, ['shared', `own ${i}`])));
    const directory = join(await temporaryFolder(), 'out');
    for (let round = 0; round < 5; round++) {
      await Promise.all(roots.map((root, i) => writeLayout({ root, source: i % 2 ? cas : copyingSource(cas), directory })));
      expect(roots.map((root) => root.digest)).toContain(await checkLayout(directory));
      expect(await readdir(join(directory, 'blobs/sha256'))).toHaveLength(4);
    }
  });
});

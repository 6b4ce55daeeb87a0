// Uploads from the store's files: read without being verified, and looked at where the registry refuses them.
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descriptorOf } from '../../../lib/oci/descriptor.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { openerOf } from '../../../lib/sinks/open-blob.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { collect, failureOf, temporaryFolder } from '../registry/rig.ts';
import { pushRig } from './push-rig.ts';

async function* all(stream: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
  for await (const piece of stream) yield Buffer.from(piece);
}

describe('openerOf()', () => {
  it('reads a file of the store, and a blob that has none, from any offset', async () => {
    await using folder = await temporaryFolder();
    const bytes = randomBytes(1_000_000);
    for (const store of [openDiskStore({ directory: folder.path }).cas, new MemoryCas()]) {
      const open = await openerOf(store, await store.write(bytes));
      for (const offset of [0, 1, 262_144, 262_145, 999_999, 1_000_000]) {
        expect((await collect(all(open(offset)))).equals(bytes.subarray(offset))).toBe(true);
      }
    }
  });

  it('names a file that is gone', async () => {
    const open = await openerOf(Object.assign(new MemoryCas(), { uploadPath: async () => '/nonexistent/blob' }), {
      hash: '0'.repeat(64),
      sizeBytes: 1,
    });
    await expect(collect(all(open(0)))).rejects.toMatchObject({ code: 'OCIDSL_SYSTEM_ENOENT', kind: 'environment' });
  });
});

describe('a push of a damaged blob', () => {
  it.each([
    ['other bytes', (bytes: Buffer) => bytes.fill(1, 0, 1)],
    ['too few bytes', (bytes: Buffer) => bytes.subarray(1)],
  ])('C1 says that the store is damaged, not the registry, and takes the blob out: %s', async (_, damage) => {
    await using folder = await temporaryFolder();
    const writing = openDiskStore({ directory: folder.path }).cas;
    const layer = randomBytes(100_000);
    const put = async (mediaType: string, bytes: Buffer) => {
      await writing.write(bytes);
      return descriptorOf(mediaType, bytes);
    };
    const config = await put(OCI.config, Buffer.from('{}'));
    const blob = await put(OCI.layerTar, layer);
    const root = await put(
      OCI.manifest,
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest, config, layers: [blob] })),
    );
    const path = blobFile(folder.path, blob.digest.slice(7));
    const { atime, mtime } = statSync(path);
    writeFileSync(path, damage(Buffer.from(layer)));
    utimesSync(path, atime, mtime);

    await using test = await pushRig();
    // Another process: it has not seen the blob being written.
    const source = openDiskStore({ directory: folder.path }).cas;
    const failure = await failureOf(test.push({ root, source }));
    expect(failure).toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT', kind: 'integrity' });
    expect(failure.message).toContain(blob.digest.slice(7));
    const { blobs, tags, uploads } = test.registry.storage.repository('app');
    expect([blobs.has(blob.digest), tags.size, uploads.size]).toEqual([false, 0, 0]);
    expect(await source.findMissing([{ hash: blob.digest.slice(7), sizeBytes: blob.size }])).toHaveLength(1);
  });
});

function blobFile(directory: string, hash: string): string {
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(hash));
  return join(directory, found!);
}

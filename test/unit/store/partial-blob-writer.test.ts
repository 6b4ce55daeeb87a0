// Blobs that arrive in several attempts, and blobs that are found by their hash alone.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf, EMPTY_DIGEST } from '../../../lib/base/digest.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { ReadThroughCas } from '../../../lib/store/read-through-cas.ts';
import type { ContentAddressableStorage } from '../../../lib/store/content-addressable-storage.ts';
import { HOSTILE_HASHES, sampleBytes } from '../../conformance/content-addressable-storage.ts';
import { damage, temporaryFolder } from './rig.ts';

const BYTES = sampleBytes(100_000);
const DIGEST = digestOf(BYTES);

async function writerOf(cas: ContentAddressableStorage, hash = DIGEST.hash) {
  const writer = await cas.openResumableWriter!(hash);
  if (writer === undefined || writer === 'busy') throw new Error('nobody else is here');
  return writer;
}

function store() {
  const directory = join(temporaryFolder(), 'cache');
  const { cas } = openDiskStore({ directory });
  const partial = () => readdirSync(join(directory, 'v1/partial'));
  return { cas, partial, path: join(directory, 'v1/cas/sha256', DIGEST.hash.slice(0, 2), DIGEST.hash) };
}

describe('a resumable writer', () => {
  it('goes on with what the last one left, and makes a blob like any other', async () => {
    const { cas, partial, path } = store();
    const first = await writerOf(cas);
    await first.write(BYTES.subarray(0, 60_000));
    expect(await cas.openResumableWriter!(DIGEST.hash)).toBe('busy');
    await first.suspend();
    expect(partial()).toEqual([`${DIGEST.hash}.free`]);
    const second = await writerOf(cas);
    expect(second.sizeBytes).toBe(60_000);
    expect(second.digest()).toEqual(digestOf(BYTES.subarray(0, 60_000)));
    await second.write(BYTES.subarray(60_000));
    expect(await second.commit(DIGEST)).toEqual(DIGEST);
    await second.suspend();
    expect(partial()).toEqual([]);
    expect((await cas.readBytes(DIGEST)).equals(BYTES)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(await cas.localPath!(DIGEST)).toBe(path);
  });

  it('drops what is not the blob, and leaves nothing where nothing came', async () => {
    const { cas, partial } = store();
    const wrong = await writerOf(cas);
    await wrong.write(BYTES.subarray(1));
    await expect(wrong.commit(DIGEST)).rejects.toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH' });
    expect(partial()).toEqual([]);
    const restarted = await writerOf(cas);
    await restarted.write(BYTES);
    await restarted.restart();
    expect(restarted.digest()).toEqual(EMPTY_DIGEST);
    await restarted.suspend();
    expect(partial()).toEqual([]);
    const empty = await writerOf(cas, EMPTY_DIGEST.hash);
    expect(await empty.commit(EMPTY_DIGEST)).toEqual(EMPTY_DIGEST);
    expect(partial()).toEqual([]);
  });

  it.each(HOSTILE_HASHES)('never makes a path of %j', async (hash) => {
    const { cas } = store();
    await expect(cas.openResumableWriter!(hash)).rejects.toMatchObject({ code: 'OCIDSL_DIGEST_SYNTAX' });
  });
});

describe('find()', () => {
  it('knows the size of what is stored, in any of two stores', async () => {
    const { cas } = store();
    expect(await cas.find!(DIGEST.hash)).toBeUndefined();
    expect(await cas.find!(EMPTY_DIGEST.hash)).toEqual(EMPTY_DIGEST);
    await cas.write(BYTES);
    expect(await cas.find!(DIGEST.hash)).toEqual(DIGEST);
    expect(await new ReadThroughCas(new MemoryCas(), cas).find(DIGEST.hash)).toEqual(DIGEST);
    const memory = new MemoryCas();
    await memory.write(BYTES);
    expect(await new ReadThroughCas(memory, cas).find(DIGEST.hash)).toEqual(DIGEST);
  });

  it('does not find what is damaged', async () => {
    const directory = join(temporaryFolder(), 'cache');
    await openDiskStore({ directory }).cas.write(BYTES);
    for (const change of [(bytes: Buffer) => bytes.subarray(1), (bytes: Buffer) => bytes.fill(0, 5, 6)]) {
      const { cas } = openDiskStore({ directory });
      await cas.write(BYTES);
      damage(join(directory, 'v1/cas/sha256', DIGEST.hash.slice(0, 2), DIGEST.hash), change);
      expect(await cas.find!(DIGEST.hash)).toBeUndefined();
    }
  });
});

import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { ReadThroughCas } from '../../../lib/store/read-through-cas.ts';
import { contentAddressableStorageConformance, sampleBytes } from '../../conformance/content-addressable-storage.ts';
import { damage, flipBit, temporaryFolder } from './rig.ts';
import type { Digest } from '../../../lib/base/digest.ts';

/** Counts what is read from it. */
class CountingCas extends MemoryCas {
  reads = 0;
  override async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
    this.reads++;
    yield* super.read(digest);
  }
}

const disk = () => {
  const directory = temporaryFolder();
  return { layout: diskLayout(directory), ...openDiskStore({ directory }) };
};

describe('ReadThroughCas', () => {
  contentAddressableStorageConformance(() => new ReadThroughCas(disk().cas, new MemoryCas()));
});

describe('ReadThroughCas that keeps no copies', () => {
  contentAddressableStorageConformance(() => new ReadThroughCas(new MemoryCas(), disk().cas, { keepsCopies: false }));
});

describe('ReadThroughCas and its two stores', () => {
  const data = sampleBytes(700_000);

  test('what only the far store has is found, read once however many ask, and kept', async () => {
    const [near, far] = [disk().cas, new CountingCas()];
    const digest = await far.write(data);
    const cas = new ReadThroughCas(near, far);
    expect(await cas.findMissing([digest])).toEqual([]);
    const [a, b, path] = await Promise.all([cas.readBytes(digest), cas.readBytes(digest), cas.localPath(digest)]);
    expect([a.equals(data), b.equals(data), path !== undefined]).toEqual([true, true, true]);
    expect(far.reads).toBe(1);
    expect(await near.findMissing([digest])).toEqual([]);
  });

  test('without copies the near store stays empty', async () => {
    const [near, far] = [new MemoryCas(), disk().cas];
    const digest = await far.write(data);
    const cas = new ReadThroughCas(near, far, { keepsCopies: false });
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
    expect(await cas.localPath(digest)).toBe(await far.localPath?.(digest));
    expect(await near.findMissing([digest])).toEqual([digest]);
  });

  test('writes go to the near store only', async () => {
    const far = new MemoryCas();
    const digest = await new ReadThroughCas(new MemoryCas(), far).write(data);
    expect(await far.findMissing([digest])).toEqual([digest]);
  });

  test('a blob that is corrupt in the near store is fetched again', async () => {
    const [{ cas: near, layout }, far] = [disk(), new MemoryCas()];
    const digest = await far.write(data);
    const cas = new ReadThroughCas(near, far);
    await cas.readBytes(digest);
    damage(layout.blob(digest), (bytes) => flipBit(bytes, 9));
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
    damage(layout.blob(digest), (bytes) => flipBit(bytes, 9));
    expect(await cas.localPath(digest)).toBe(layout.blob(digest));
    expect((await near.readBytes(digest)).equals(data)).toBe(true);
  });

  test('a far store that fails half-way leaves nothing, and the next read tries again', async () => {
    let failures = 1;
    class Failing extends MemoryCas {
      override async *read(digest: Digest): AsyncGenerator<Uint8Array, void, undefined> {
        for await (const chunk of super.read(digest)) {
          yield chunk.subarray(0, 10);
          if (failures-- > 0) throw new Error('connection reset');
          yield chunk.subarray(10);
        }
      }
    }
    const [near, far] = [new MemoryCas(), new Failing()];
    const digest = await far.write(data);
    const cas = new ReadThroughCas(near, far);
    await expect(cas.readBytes(digest)).rejects.toThrow('connection reset');
    expect(await near.findMissing([digest])).toEqual([digest]);
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
  });

  test('a blob that neither has is missing', async () => {
    const cas = new ReadThroughCas(new MemoryCas(), new MemoryCas());
    const gone = digestOf(data);
    expect(await cas.findMissing([gone, gone])).toEqual([gone]);
    await expect(cas.readBytes(gone)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING' });
  });
});

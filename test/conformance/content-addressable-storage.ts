// What every ContentAddressableStorage has to do. Called inside a describe() with a factory of empty stores.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf, EMPTY_DIGEST } from '../../lib/base/digest.ts';
import type { Digest } from '../../lib/base/digest.ts';
import { storeFile } from '../../lib/store/store-file.ts';
import { temporaryFolder } from '../unit/store/rig.ts';
import type { ContentAddressableStorage } from '../../lib/store/content-addressable-storage.ts';

const MIB = 1024 * 1024;

/** `sizeBytes` bytes that differ at every offset, so that swapped or repeated chunks show. */
export function sampleBytes(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  let state = seed >>> 0;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function readAll(cas: ContentAddressableStorage, digest: Digest): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cas.read(digest)) {
    expect(chunk.byteLength).toBeLessThanOrEqual(MIB);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** How localPath() fails; a store without files may answer undefined to everything, but no store gives a path here. */
async function codeOfLocalPath(cas: ContentAddressableStorage, digest: Digest): Promise<unknown> {
  return cas.localPath?.(digest).catch((error: { code?: unknown }) => error.code);
}

/** Texts that must never become a path or a URL. */
export const HOSTILE_HASHES = [
  '',
  '..',
  '../../../etc/passwd',
  `../${'a'.repeat(61)}`,
  'A'.repeat(64),
  'a'.repeat(63),
  'a'.repeat(65),
  `${'a'.repeat(63)}/`,
  `${'a'.repeat(63)}\0`,
  `${'a'.repeat(64)}\n`,
  `sha256:${'a'.repeat(64)}`,
  '__proto__',
];

/** Defines the tests. */
export function contentAddressableStorageConformance(open: () => Promise<ContentAddressableStorage> | ContentAddressableStorage): void {
  const sizes = [0, 1, 100, 65_535, 65_536, 256 * 1024, 256 * 1024 + 1, MIB, 3 * MIB + 7];

  test.each(sizes)('write() and read() %i bytes', async (size) => {
    const cas = await open();
    const data = sampleBytes(size);
    const digest = await cas.write(data);
    expect(digest).toEqual(digestOf(data));
    expect((await readAll(cas, digest)).equals(data)).toBe(true);
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
    expect(await cas.findMissing([digest])).toEqual([]);
  });

  test('openWriter() stores what was written in any chunks', async () => {
    const cas = await open();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 6 }), fc.nat(), async (lengths, seed) => {
        const writer = await cas.openWriter();
        const parts: Buffer[] = [];
        for (const [i, length] of lengths.entries()) {
          const chunk = sampleBytes(length, seed + i);
          parts.push(Buffer.from(chunk));
          await writer.write(chunk);
          chunk.fill(0); // The caller may use its buffer again.
        }
        const data = Buffer.concat(parts);
        const digest = await writer.commit(digestOf(data));
        expect(digest).toEqual(digestOf(data));
        expect((await readAll(cas, digest)).equals(data)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test.each([0, 1, 3 * MIB + 7])('storeFile() stores a file of %i bytes, also where the blob is there', async (size) => {
    const cas = await open();
    const data = sampleBytes(size);
    for (const name of ['first', 'second']) {
      const file = join(temporaryFolder(), name);
      writeFileSync(file, data);
      const digest = await storeFile(cas, file);
      expect(digest).toEqual(digestOf(data));
      expect((await readAll(cas, digest)).equals(data)).toBe(true);
      expect(await cas.findMissing([digest])).toEqual([]);
    }
  });

  test('the empty blob is always there', async () => {
    const cas = await open();
    expect(await cas.findMissing([EMPTY_DIGEST])).toEqual([]);
    expect(await readAll(cas, EMPTY_DIGEST)).toHaveLength(0);
    expect(await cas.readBytes(EMPTY_DIGEST)).toHaveLength(0);
    const writer = await cas.openWriter();
    expect(await writer.commit()).toEqual(EMPTY_DIGEST);
  });

  test('findMissing() names what is missing once, and also blobs of another size', async () => {
    const cas = await open();
    const here = await cas.write(Buffer.from('here'));
    const gone = digestOf(Buffer.from('gone'));
    const longer = { hash: here.hash, sizeBytes: 5 };
    expect(await cas.findMissing([gone, here, gone, EMPTY_DIGEST, longer])).toEqual([gone, longer]);
    expect(await cas.findMissing([])).toEqual([]);
  });

  test('a missing blob is OCIDSL_BLOB_MISSING', async () => {
    const cas = await open();
    const gone = digestOf(Buffer.from('gone'));
    await expect(readAll(cas, gone)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING', kind: 'integrity' });
    await expect(cas.readBytes(gone)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING' });
    expect(['OCIDSL_BLOB_MISSING', undefined]).toContain(await codeOfLocalPath(cas, gone));
  });

  test('a digest with a wrong size gets no bytes, and does no harm to the blob', async () => {
    const cas = await open();
    const data = Buffer.from('seven b');
    const digest = await cas.write(data);
    for (const sizeBytes of [0, 6, 8]) {
      await expect(cas.readBytes({ ...digest, sizeBytes })).rejects.toMatchObject({
        code: expect.stringMatching(/^OCIDSL_BLOB_(MISSING|CORRUPT)$/),
      });
    }
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
  });

  test('readBytes() refuses blobs above its limit without reading them', async () => {
    const cas = await open();
    const digest = await cas.write(sampleBytes(100));
    await expect(cas.readBytes(digest, 99)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_TOO_LARGE' });
    expect(await cas.readBytes(digest, 100)).toHaveLength(100);
    await expect(cas.readBytes({ ...digest, sizeBytes: 2 ** 40 })).rejects.toMatchObject({ code: 'OCIDSL_BLOB_TOO_LARGE' });
  });

  test('commit() with another digest stores nothing', async () => {
    const cas = await open();
    for (const expected of [digestOf(Buffer.from('b')), { ...digestOf(Buffer.from('a')), sizeBytes: 2 }]) {
      const writer = await cas.openWriter();
      await writer.write(Buffer.from('a'));
      await expect(writer.commit(expected)).rejects.toMatchObject({ code: 'OCIDSL_DIGEST_MISMATCH', kind: 'integrity' });
      await writer.abort();
      expect(await cas.findMissing([digestOf(Buffer.from('a')), expected])).toHaveLength(2);
    }
  });

  test('abort() stores nothing, may be called twice, and does nothing after commit()', async () => {
    const cas = await open();
    const data = sampleBytes(300_000);
    const aborted = await cas.openWriter();
    await aborted.write(data);
    await aborted.abort();
    await aborted.abort();
    await expect(aborted.write(data)).rejects.toThrow('Broken invariant');
    await expect(aborted.commit()).rejects.toThrow('Broken invariant');
    expect(await cas.findMissing([digestOf(data)])).toHaveLength(1);
    const committed = await cas.openWriter();
    await committed.write(data);
    const digest = await committed.commit();
    await committed.abort();
    expect((await cas.readBytes(digest)).equals(data)).toBe(true);
    await expect(committed.commit()).rejects.toThrow('Broken invariant');
  });

  test('the same blob may be written many times, also at the same time', async () => {
    const cas = await open();
    const data = sampleBytes(400_000);
    const digests = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        if (i % 2 === 0) return cas.write(data);
        const writer = await cas.openWriter();
        await writer.write(data);
        return writer.commit();
      }),
    );
    expect(new Set(digests.map(({ hash }) => hash)).size).toBe(1);
    expect((await readAll(cas, digestOf(data))).equals(data)).toBe(true);
  });

  test('what was given out can be changed without changing the blob', async () => {
    const cas = await open();
    const source = Buffer.from('original');
    const digest = await cas.write(source);
    source.fill(0);
    (await cas.readBytes(digest)).fill(0);
    for await (const chunk of cas.read(digest)) chunk.fill(0);
    expect((await cas.readBytes(digest)).toString()).toBe('original');
  });

  test('a reader may stop early', async () => {
    const cas = await open();
    const digest = await cas.write(sampleBytes(2 * MIB));
    for await (const chunk of cas.read(digest)) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(await cas.readBytes(digest)).toHaveLength(2 * MIB);
  });

  test('localPath() is a read-only file with the bytes', async () => {
    const cas = await open();
    const data = sampleBytes(1000);
    const path = await cas.localPath?.(await cas.write(data));
    if (path === undefined) return; // This store has none.
    expect(readFileSync(path).equals(data)).toBe(true);
    expect(statSync(path).mode & 0o222).toBe(0);
  });

  describe('texts that are no digest are refused', () => {
    test.each(HOSTILE_HASHES)('%j', async (hash) => {
      const cas = await open();
      const digest = { hash, sizeBytes: 1 };
      const refusal = { code: 'OCIDSL_DIGEST_SYNTAX' };
      await expect(cas.findMissing([digest])).rejects.toMatchObject(refusal);
      await expect(readAll(cas, digest)).rejects.toMatchObject(refusal);
      await expect(cas.readBytes(digest)).rejects.toMatchObject(refusal);
      expect(['OCIDSL_DIGEST_SYNTAX', undefined]).toContain(await codeOfLocalPath(cas, digest));
    });
  });
}

import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { blobMissing } from '../../../lib/store/blob-errors.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { VerifyingCas } from '../../../lib/store/verifying-cas.ts';
import { contentAddressableStorageConformance } from '../../conformance/content-addressable-storage.ts';
import type { Digest } from '../../../lib/base/digest.ts';
import type { UnverifiedCas } from '../../../lib/store/unverified-cas.ts';

/** A server of somebody else: it may answer with anything. */
class Untrusted extends MemoryCas implements UnverifiedCas {
  answer: ((digest: Digest) => AsyncIterable<Uint8Array>) | undefined;
  readonly discarded: Digest[] = [];

  readUnverified(digest: Digest): AsyncIterable<Uint8Array> {
    return (this.answer ?? ((wanted) => super.read(wanted)))(digest);
  }

  async discard(digest: Digest): Promise<void> {
    this.discarded.push(digest);
  }
}

describe('VerifyingCas', () => {
  contentAddressableStorageConformance(() => new VerifyingCas(new Untrusted()));
});

describe('VerifyingCas over a store that lies', () => {
  const data = Buffer.from('right bytes');
  const answers: [string, string[]][] = [
    ['other bytes of the same size', ['wrong bytes']],
    ['fewer bytes', ['right', ' byte']],
    ['more bytes', ['right bytes', '!']],
    ['more bytes in one chunk', ['right bytes!']],
    ['no bytes', []],
    ['chunks in another order', [' bytes', 'right']],
  ];

  test.each(answers)('%s: the read fails before it is complete, and the blob is discarded', async (_, chunks) => {
    const inner = new Untrusted();
    inner.answer = async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
    };
    const warnings: unknown[] = [];
    const cas = new VerifyingCas(inner, (event) => warnings.push(event));
    const digest = digestOf(data);
    await expect(cas.readBytes(digest)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
    expect(inner.discarded).toEqual([digest]);
    expect(warnings).toHaveLength(1);
  });

  test('a read that never ends is cut off at the first byte too many', async () => {
    const inner = new Untrusted();
    let given = 0;
    inner.answer = async function* () {
      for (;;) {
        given += 11;
        yield data;
      }
    };
    await expect(new VerifyingCas(inner).readBytes(digestOf(data))).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
    expect(given).toBe(22);
  });

  test('empty chunks change nothing', async () => {
    const inner = new Untrusted();
    inner.answer = async function* () {
      for (const chunk of ['', 'right', '', ' bytes', '']) yield Buffer.from(chunk);
    };
    expect((await new VerifyingCas(inner).readBytes(digestOf(data))).toString()).toBe('right bytes');
  });

  test('a store that says that it lacks the blob is believed, and a store without files has no local path', async () => {
    const inner = new Untrusted();
    // oxlint-disable-next-line require-yield
    inner.answer = async function* (digest) {
      throw blobMissing(digest);
    };
    await expect(new VerifyingCas(inner).readBytes(digestOf(data))).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING' });
    expect(inner.discarded).toEqual([]);
    expect(await new VerifyingCas(inner).localPath(digestOf(data))).toBeUndefined();
  });
});

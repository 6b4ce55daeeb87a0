// What every registry does, as far as the client relies on it. The fake registry and real ones run the same suite, so that
// tests against the fake mean something. Ported from the request lists of opencontainers/distribution-spec:conformance.
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../lib/base/digest.ts';
import { createRegistryClient } from '../../lib/registry/client.ts';
import type { RegistryClient, Repository } from '../../lib/registry/client.ts';

/** A registry under test. */
export interface RunningRegistry {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  close(): Promise<void>;
}

/** What a registry is known not to do; each entry skips by name. */
export interface RegistryGaps {
  /** Appends a PATCH wherever it claims to belong (docker-registry 2.8). */
  readonly ignoresContentRange?: boolean;
  readonly noReferrers?: boolean;
  /** Accepts manifests whose blobs are missing. */
  readonly acceptsIncompleteManifests?: boolean;
  /** Cannot delete. */
  readonly noDelete?: boolean;
  /** Has no upload status or cancellation. */
  readonly noUploadStatus?: boolean;
  /** Does not page its tag list. */
  readonly noTagPages?: boolean;
  /** Does not keep blobs apart by repository, so everything is there already. */
  readonly sharesBlobs?: boolean;
}

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

/** Declares the suite for one registry. */
export function registryConformance(name: string, start: () => Promise<RunningRegistry>, gaps: RegistryGaps = {}): void {
  describe(`registry conformance: ${name}`, () => {
    let registry: RunningRegistry;
    let client: RegistryClient;
    let repository: Repository;
    beforeAll(async () => {
      registry = await start();
      client = createRegistryClient({ environment: {}, limits: { resumeFromBytes: 1 } });
      repository = client.repository({ registry: registry.host, repository: 'conformance/one' });
    });
    afterAll(async () => {
      await client?.close();
      await registry?.close();
    });
    const raw = (method: string, path: string, headers: Record<string, string> = {}, body?: Buffer) =>
      rawRequest(registry.host, method, path, headers, body);
    const newUpload = async () => {
      const { headers } = await raw('POST', '/v2/conformance/one/blobs/uploads/');
      return String(headers['location']);
    };

    it('answers 200 to /v2/', async () => {
      expect((await raw('GET', '/v2/')).status).toBe(200);
    });

    for (const size of [0, 1, 100_000, 5_000_000]) {
      it(`stores a blob of ${size} bytes by POST and PUT, and finds it by HEAD and GET`, async () => {
        const bytes = randomBytes(size);
        const blob = blobOf(bytes);
        if (size > 0) expect(await repository.hasBlob(blob)).toBe(false);
        expect(await repository.putBlob(blob)).toBe('uploaded');
        expect(await repository.hasBlob(blob)).toBe(true);
        const got = await raw('GET', `/v2/conformance/one/blobs/${blob.digest}`);
        expect(got.status).toBe(200);
        expect(sha256Hex(got.body)).toBe(sha256Hex(bytes));
      });
    }

    it('takes a blob that it already has', async () => {
      const blob = blobOf(randomBytes(1000));
      await repository.putBlob(blob);
      expect(await repository.putBlob(blob)).toBe('uploaded');
    });

    it('answers 404 to unknown blobs and manifests', async () => {
      const digest = `sha256:${sha256Hex(randomBytes(8))}`;
      expect(await repository.hasBlob({ digest, size: 8 })).toBe(false);
      expect(await repository.getManifest(digest)).toBeUndefined();
      expect(await repository.headManifest('no-such-tag')).toBeUndefined();
    });

    it('refuses a blob whose bytes have another digest', async () => {
      const blob = blobOf(randomBytes(1000));
      const damaged = { ...blob, digest: `sha256:${'0'.repeat(64)}` };
      await expect(repository.putBlob(damaged)).rejects.toMatchObject({ code: 'OCIDSL_REGISTRY_DIGEST_INVALID', kind: 'integrity' });
      expect(await repository.hasBlob(damaged)).toBe(false);
    });

    it('gives a range of a blob', async () => {
      const bytes = randomBytes(1000);
      const blob = blobOf(bytes);
      await repository.putBlob(blob);
      const part = await raw('GET', `/v2/conformance/one/blobs/${blob.digest}`, { range: 'bytes=10-19' });
      expect([200, 206]).toContain(part.status);
      if (part.status === 206) {
        expect(part.headers['content-range']).toBe('bytes 10-19/1000');
        expect(part.body.equals(bytes.subarray(10, 20))).toBe(true);
      }
    });

    it('stores a blob in chunks by PATCH', async () => {
      const bytes = randomBytes(3000);
      let location = await newUpload();
      for (const start of [0, 1000, 2000]) {
        const headers = { 'content-range': `${start}-${start + 999}`, 'content-type': 'application/octet-stream' };
        const step = await raw('PATCH', location, headers, bytes.subarray(start, start + 1000));
        expect([201, 202, 204]).toContain(step.status);
        if (!gaps.noUploadStatus) expect(step.headers['range']).toBe(`0-${start + 999}`);
        location = String(step.headers['location']);
      }
      const digest = `sha256:${sha256Hex(bytes)}`;
      const done = await raw('PUT', `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`, { 'content-length': '0' });
      expect(done.status).toBe(201);
      expect(await repository.hasBlob({ digest, size: 3000 })).toBe(true);
    });

    it.skipIf(gaps.noUploadStatus)(
      `tells the offset of an upload${gaps.noUploadStatus ? ' (skipped: it has no upload status)' : ''}`,
      async () => {
        const step = await raw('PATCH', await newUpload(), { 'content-range': '0-999' }, randomBytes(1000));
        const status = await raw('GET', String(step.headers['location']));
        expect(status.status).toBe(204);
        expect(status.headers['range']).toBe('0-999');
      },
    );

    it.skipIf(gaps.noUploadStatus)(
      `forgets a cancelled upload${gaps.noUploadStatus ? ' (skipped: it has no cancellation)' : ''}`,
      async () => {
        const location = await newUpload();
        expect((await raw('DELETE', location)).status).toBe(204);
        expect((await raw('GET', location)).status).toBe(404);
      },
    );

    it.skipIf(gaps.ignoresContentRange)(
      `answers 416 to a chunk out of order${gaps.ignoresContentRange ? ' (skipped: it appends it, reliability finding 5)' : ''}`,
      async () => {
        const step = await raw('PATCH', await newUpload(), { 'content-range': '0-9' }, randomBytes(10));
        const wrong = await raw('PATCH', String(step.headers['location']), { 'content-range': '50-59' }, randomBytes(10));
        expect(wrong.status).toBe(416);
      },
    );

    it.skipIf(gaps.sharesBlobs)(
      `mounts a blob from another repository${gaps.sharesBlobs ? ' (skipped: its blobs are shared)' : ''}`,
      async () => {
        const blob = blobOf(randomBytes(1000));
        await repository.putBlob(blob);
        const other = client.repository({ registry: registry.host, repository: 'conformance/two' });
        expect(await other.hasBlob(blob)).toBe(false);
        const neverOpened = { ...blob, open: () => expect.fail('a mounted blob was read') };
        expect(await other.putBlob(neverOpened, ['conformance/one'])).toBe('mounted');
        expect(await other.hasBlob(blob)).toBe(true);
      },
    );

    it('uploads where the blob to mount is missing', async () => {
      const other = client.repository({ registry: registry.host, repository: 'conformance/three' });
      expect(await other.putBlob(blobOf(randomBytes(1000)), ['conformance/none'])).toBe('uploaded');
    });

    it('keeps manifests and indexes byte for byte, by digest and by tag', async () => {
      const { bytes } = await pushManifest(repository);
      const manifest = await repository.putManifest('v1', OCI_MANIFEST, bytes);
      for (const reference of ['v1', manifest.digest]) {
        const got = await repository.getManifest(reference);
        expect(got).toMatchObject({ mediaType: OCI_MANIFEST, digest: manifest.digest });
        expect(got!.bytes.equals(bytes)).toBe(true);
        expect(await repository.headManifest(reference)).toMatchObject({ digest: manifest.digest, size: bytes.byteLength });
      }
      const child = { mediaType: OCI_MANIFEST, digest: manifest.digest, size: bytes.byteLength };
      const index = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child], 'x-own-field': ' kept ' }, null, 1),
      );
      const stored = await repository.putManifest('index', OCI_INDEX, index);
      expect((await repository.getManifest(stored.digest))!.bytes.equals(index)).toBe(true);
    });

    it('moves a tag', async () => {
      const first = await pushManifest(repository);
      const second = await pushManifest(repository);
      await repository.putManifest('moving', OCI_MANIFEST, first.bytes);
      await repository.putManifest('moving', OCI_MANIFEST, second.bytes);
      expect(await repository.headManifest('moving')).toMatchObject({ digest: second.digest });
      expect(await repository.headManifest(first.digest)).toBeDefined();
    });

    it.skipIf(gaps.acceptsIncompleteManifests)(
      `refuses a manifest whose blobs are missing${gaps.acceptsIncompleteManifests ? ' (skipped: it takes it)' : ''}`,
      async () => {
        const blob = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${sha256Hex(randomBytes(9))}`, size: 9 };
        const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: blob, layers: [] }));
        await expect(repository.putManifest('broken', OCI_MANIFEST, bytes)).rejects.toMatchObject({
          code: expect.stringMatching(/MANIFEST_BLOB_UNKNOWN|BLOB_UNKNOWN/),
        });
      },
    );

    it('lists its tags', async () => {
      const tagged = client.repository({ registry: registry.host, repository: 'conformance/tags' });
      const { bytes } = await pushManifest(tagged);
      for (const tag of ['a', 'b', 'c']) await tagged.putManifest(tag, OCI_MANIFEST, bytes);
      expect((await tagged.listTags()).toSorted()).toEqual(['a', 'b', 'c']);
      if (!gaps.noTagPages) expect(await tagged.listTags(2)).toEqual(['a', 'b', 'c']);
    });

    it.skipIf(gaps.noReferrers)(`lists referrers${gaps.noReferrers ? ' (skipped: it has no referrers API)' : ''}`, async () => {
      const subject = await pushManifest(repository);
      const { document } = await pushManifest(repository);
      const referrer = Buffer.from(
        JSON.stringify({
          ...document,
          artifactType: 'application/x-test',
          subject: { mediaType: OCI_MANIFEST, digest: subject.digest, size: subject.bytes.byteLength },
        }),
      );
      const stored = await repository.putManifest(`sha256:${sha256Hex(referrer)}`, OCI_MANIFEST, referrer);
      expect(stored.subject).toBe(subject.digest);
      const listed = await repository.listReferrers(subject.digest);
      expect(listed.map((descriptor) => descriptor.digest)).toEqual([stored.digest]);
      expect(await repository.listReferrers(subject.digest, 'application/x-other')).toEqual([]);
    });
  });
}

async function pushManifest(repository: Repository) {
  const config = Buffer.from(JSON.stringify({ nonce: randomBytes(8).toString('hex') }));
  const layer = Buffer.from('layer');
  await repository.putBlob(blobOf(config));
  await repository.putBlob(blobOf(layer));
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${sha256Hex(config)}`, size: config.byteLength },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${sha256Hex(layer)}`, size: layer.byteLength }],
  };
  const bytes = Buffer.from(JSON.stringify(document, null, 2));
  await repository.putManifest(`sha256:${sha256Hex(bytes)}`, OCI_MANIFEST, bytes);
  return { bytes, digest: `sha256:${sha256Hex(bytes)}`, document };
}

function blobOf(bytes: Buffer) {
  return {
    digest: `sha256:${sha256Hex(bytes)}`,
    size: bytes.byteLength,
    async *open(offset: number) {
      for (let at = offset; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
    },
  };
}

// Not through the client: the suite must see what the registry really answers.
function rawRequest(host: string, method: string, path: string, headers: Record<string, string>, body?: Buffer) {
  const url = new URL(path, `http://${host}`);
  return new Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }>((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      { method, agent: false, headers: { 'content-length': String(body?.byteLength ?? 0), ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject).end(body);
  });
}

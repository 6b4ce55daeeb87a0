// Everything that the distribution spec's conformance suite pushes goes through our push and comes back byte for byte.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistryClient } from '../../lib/registry/client.ts';
import type { RegistryClient } from '../../lib/registry/client.ts';
import { pushImages } from '../../lib/sinks/push.ts';
import { MemoryCas } from '../../lib/store/memory-cas.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { collect } from '../unit/registry/rig.ts';
import { distributionData } from './distribution-data.ts';
import { isInstalled, REAL_REGISTRIES } from './real-registries.ts';
import type { RunningRegistry } from './registry.ts';

interface Subject {
  readonly name: string;
  readonly program?: string;
  readonly start: () => Promise<RunningRegistry>;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'fake registry', start: () => startFakeRegistry() },
  ...REAL_REGISTRIES.map((real) => ({ name: real.name, program: real.program, start: () => real.start() })),
];

for (const { name, program, start } of SUBJECTS) {
  const has = program === undefined || isInstalled(program);
  describe.skipIf(!has)(`round trips through ${name}${has ? '' : ` (skipped: ${program} is not installed)`}`, () => {
    let registry: RunningRegistry;
    let client: RegistryClient;
    beforeAll(async () => {
      registry = await start();
      client = createRegistryClient({ environment: {} });
    });
    afterAll(async () => {
      await client?.close();
      await registry?.close();
    });

    it.each(distributionData())('$name', async ({ name: kind, blobs, documents }) => {
      const source = new MemoryCas();
      for (const bytes of [...blobs.values(), ...documents.map((document) => document.bytes)]) await source.write(bytes);
      const repository = { registry: registry.host, repository: `data/${kind.replaceAll(/[^a-z]/g, '')}` };
      const stored = client.repository(repository);
      const tagged = documents.at(-1)!;
      // What only its subject leads to is pushed by itself, before the tagged one.
      for (const { descriptor } of documents) {
        const tags = descriptor === tagged.descriptor ? ['tested'] : [];
        await pushImages({ client, images: [{ root: descriptor, source, destinations: [{ repository, tags }] }] });
      }
      for (const { descriptor, bytes } of documents) {
        const got = await stored.getManifest(descriptor.digest);
        expect(got).toMatchObject({ mediaType: descriptor.mediaType, digest: descriptor.digest });
        expect(got!.bytes.equals(bytes)).toBe(true);
      }
      expect((await stored.getManifest('tested'))!.bytes.equals(tagged.bytes)).toBe(true);
      for (const [digest, bytes] of blobs) {
        expect((await collect(stored.readBlob({ digest, size: bytes.byteLength }))).equals(bytes)).toBe(true);
      }
      for (const { descriptor, subject } of documents) {
        if (subject === undefined) continue;
        await stored.putReferrer(descriptor.digest, documents.find((document) => document.descriptor === descriptor)!.bytes);
        expect((await stored.listReferrers(subject)).map(({ digest }) => digest)).toContain(descriptor.digest);
      }
    });

    it('N48 blobs under their sha512 digest', async () => {
      const bytes = randomBytes(1000);
      const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
      const stored = client.repository({ registry: registry.host, repository: 'data/sha512' });
      const blob = {
        digest,
        size: bytes.byteLength,
        async *open(offset: number) {
          yield bytes.subarray(offset);
        },
      };
      const outcome = await stored.putBlob(blob).catch((error: unknown) => (error as { code: string }).code);
      // crane's registry knows sha256 only, and says so.
      if (outcome !== 'uploaded') expect(outcome).toMatch(/^OCIDSL_REGISTRY_/);
      else expect((await collect(stored.readBlob(blob))).equals(bytes)).toBe(true);
    });
  });
}

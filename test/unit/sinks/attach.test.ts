// Attached manifests: their bytes, when they are stored, and that tools find them with and without the referrers API.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { descriptorOf } from '../../../lib/oci/descriptor.ts';
import { attachmentNodes, EMPTY_CONFIG, TITLE, type Attachment } from '../../../lib/sinks/attach.ts';
import { pushImages } from '../../../lib/sinks/push.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { isInstalled, REAL_REGISTRIES } from '../../conformance/real-registries.ts';
import { testClient } from '../registry/rig.ts';
import { multiPlatformImage, pushRig } from './push-rig.ts';

const SBOM = 'application/spdx+json';

async function attachment(text = '{"spdxVersion":"SPDX-2.3"}', more: Partial<Attachment> = {}): Promise<Attachment> {
  const source = new MemoryCas();
  const bytes = Buffer.from(text);
  await source.write(EMPTY_CONFIG);
  await source.write(bytes);
  return { artifactType: SBOM, layers: [{ ...descriptorOf(SBOM, bytes), annotations: { [TITLE]: 'sbom.json' } }], source, ...more };
}

const SUBJECT = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: `sha256:${'a'.repeat(64)}`, size: 7 };

describe('the manifest of an attachment', () => {
  it('is the same bytes for the same content, as the image-spec wants it', async () => {
    const [config, layer, manifest] = attachmentNodes(SUBJECT, await attachment());
    expect(manifest!.bytes!.toString('utf8')).toBe(
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/spdx+json",' +
        '"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},' +
        `"layers":[{"mediaType":"application/spdx+json","digest":"${layer!.descriptor.digest}","size":26,"annotations":{"org.opencontainers.image.title":"sbom.json"}}],` +
        `"subject":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"${SUBJECT.digest}","size":7}}`,
    );
    expect(manifest!.successors.map(({ digest }) => digest)).toEqual([config!.descriptor.digest, layer!.descriptor.digest]);
  });

  it('names its subject without what an index says of it, and has annotations where there are some', async () => {
    const platform = { os: 'linux', architecture: 'amd64' };
    const nodes = attachmentNodes(
      { ...SUBJECT, platform, annotations: { a: 'b' } },
      await attachment('x', { annotations: { z: '1', b: '2' } }),
    );
    const manifest = JSON.parse(nodes.at(-1)!.bytes!.toString('utf8')) as { subject: unknown; annotations: unknown };
    expect(manifest.subject).toEqual(SUBJECT);
    expect(Object.entries(manifest.annotations as object)).toEqual([
      ['b', '2'],
      ['z', '1'],
    ]);
  });

  it('lists a file once that is given twice', async () => {
    const one = await attachment();
    const nodes = attachmentNodes(SUBJECT, {
      ...one,
      layers: [...one.layers, { ...one.layers[0]!, annotations: { [TITLE]: 'copy.json' } }],
    });
    expect(nodes).toHaveLength(3);
  });
});

describe('a push with attachments', () => {
  it('stores them after the image and before the tags', async () => {
    await using test = await pushRig({ latencyMs: 1 });
    const attached = await attachment();
    await test.push({ attachments: [attached] });
    const digest = attachmentNodes(test.root, attached).at(-1)!.descriptor.digest;
    const puts = test.registry.log().filter((line) => line.startsWith('PUT /v2/app/manifests/'));
    expect(puts.slice(-4)).toEqual([test.root.digest, digest, 'v1', 'latest'].map((reference) => `PUT /v2/app/manifests/${reference}`));
  });

  for (const referrers of [true, false]) {
    describe(`to a registry ${referrers ? 'with' : 'without'} the referrers API`, () => {
      it('makes them findable in every destination', async () => {
        await using test = await pushRig({ referrers });
        const attachments = [await attachment(), await attachment('text', { artifactType: 'text/plain' })];
        await test.push({ attachments, destinations: ['one', 'two'].map((name) => ({ repository: test.at(name), tags: ['t'] })) });
        for (const name of ['one', 'two']) {
          const found = await test.client.repository(test.at(name)).listReferrers(test.root.digest);
          expect(new Set(found.map(({ artifactType }) => artifactType))).toEqual(new Set([SBOM, 'text/plain']));
          expect(await test.client.repository(test.at(name)).listReferrers(test.root.digest, SBOM)).toHaveLength(1);
        }
      });

      it('sends nothing where they are there', async () => {
        await using test = await pushRig({ referrers });
        const attachments = [await attachment()];
        await test.push({ attachments });
        const before = test.registry.requests.length;
        const [pushed] = await test.push({ attachments });
        expect(new Set(test.registry.requests.slice(before).map(({ method }) => method))).toEqual(new Set(['HEAD', 'GET']));
        expect(pushed!.summary.uploadedBytes).toBe(0);
      });

      it('adds one to an image that is there, and keeps those of others', async () => {
        await using test = await pushRig({ referrers });
        await test.push({ attachments: [await attachment('first')] });
        await test.push({ attachments: [await attachment('second')] });
        expect(await test.client.repository(test.at('app')).listReferrers(test.root.digest)).toHaveLength(2);
      });
    });
  }

  it('lists one whose push was cut off between storing and listing it', async () => {
    await using test = await pushRig({ referrers: false });
    const attachments = [await attachment()];
    await test.push({ attachments });
    const tag = `sha256-${test.root.digest.slice(7)}`;
    test.registry.storage.repository('app').tags.delete(tag);
    await test.push({ attachments });
    expect(test.registry.storage.repository('app').tags.has(tag)).toBe(true);
  });

  it('moves no tag where storing one fails', async () => {
    await using test = await pushRig();
    const attached = await attachment();
    const { digest } = attachmentNodes(test.root, attached).at(-1)!.descriptor;
    test.registry.failNext(`PUT /v2/app/manifests/${digest}`, { status: 403 }, 9);
    await expect(test.push({ attachments: [attached] })).rejects.toThrow('403');
    expect(test.registry.storage.repository('app').tags.size).toBe(0);
  });

  it('uploads what a registry forgot of them', async () => {
    await using test = await pushRig();
    const attached = await attachment();
    test.registry.failNext(`HEAD /v2/app/blobs/${attached.layers[0]!.digest}`, { status: 200 });
    await test.push({ attachments: [attached] });
    expect(test.registry.storage.repository('app').blobs.has(attached.layers[0]!.digest)).toBe(true);
  });

  it('is planned with them', async () => {
    await using test = await pushRig();
    const [plan] = await test.plan({ attachments: [await attachment()] });
    expect(plan!.blobs.slice(-3).map(({ action, artifactType, mediaType }) => [action, artifactType ?? mediaType])).toEqual([
      ['upload', 'application/vnd.oci.empty.v1+json'],
      ['upload', SBOM],
      ['upload', SBOM],
    ]);
    expect(test.registry.requests.every(({ method }) => method === 'HEAD')).toBe(true);
  });
});

const hasRegctl = isInstalled('regctl');
for (const real of REAL_REGISTRIES) {
  const isThere = hasRegctl && isInstalled(real.program);
  describe.skipIf(!isThere)(`an attachment in ${real.name}${isThere ? '' : ` (needs ${real.program} and regctl)`}`, () => {
    it('is listed and read by regctl', { timeout: 60_000 }, async () => {
      const image = await multiPlatformImage();
      const running = await real.start();
      await using client = testClient();
      const folder = await mkdtemp(join(tmpdir(), 'ocidsl-regctl-'));
      const config = { hosts: { [running.host]: { tls: 'disabled', hostname: running.host } } };
      await writeFile(join(folder, 'config.json'), JSON.stringify(config));
      const regctl = async (...args: string[]) => {
        const env = {
          ...process.env,
          REGCTL_CONFIG: join(folder, 'config.json'),
          PATH: `${process.env['PATH']}:${process.env['HOME']}/go/bin`,
        };
        return (await promisify(execFile)('regctl', args, { env })).stdout;
      };
      try {
        const destinations = [{ repository: { registry: running.host, repository: 'acme/app' }, tags: ['v1'] }];
        const text = '{"spdxVersion":"SPDX-2.3"}';
        await pushImages({ images: [{ ...image, destinations, attachments: [await attachment(text)] }], client });
        const name = `${running.host}/acme/app:v1`;
        const listed = JSON.parse(await regctl('artifact', 'list', name, '--format', '{{json .}}')) as { descriptors: object[] };
        expect(listed.descriptors).toMatchObject([{ artifactType: SBOM }]);
        expect(await regctl('artifact', 'get', '--subject', name, '--filter-artifact-type', SBOM)).toBe(text);
      } finally {
        await running.close();
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}

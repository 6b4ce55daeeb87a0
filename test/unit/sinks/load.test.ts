import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { imageArchive } from '../../../lib/sinks/image-archive.ts';
import { readImage } from '../../../lib/sinks/load-read-image.ts';
import { loadImage, type LoadImageOptions } from '../../../lib/sinks/load.ts';
import type { Descriptor } from '../../../lib/oci/descriptor.ts';
import { addImage, MemorySource } from './load-rig.ts';
import { dockerDaemon, helloProgram, missing, podmanCommand, podmanService, type RunningEngine } from './load-engines.ts';

const hello = missing.go === undefined ? helloProgram() : undefined;

const engines = [
  { title: 'podman command', start: () => podmanCommand(), reason: missing.podman },
  { title: 'podman service', start: () => podmanService(), reason: missing.podman },
  { title: 'dockerd', start: () => dockerDaemon(), reason: missing.dockerd },
  { title: 'docker command', start: () => dockerDaemon(true), reason: missing.dockerd ?? missing.docker },
];

for (const { title, start, reason } of engines) {
  // Commands of a real engine take up to a second each on a busy machine.
  describe.skipIf(reason !== undefined)(
    `loadImage() into ${title}${reason === undefined ? '' : ` (${reason})`}`,
    { timeout: 60_000 },
    () => {
      let running: RunningEngine;
      const source = new MemorySource();
      const base = { 'base.bin': randomBytes(100_000) };
      const load = (manifest: Descriptor, ...rest: [string[], Partial<LoadImageOptions>?]) =>
        loadImage({ manifest, source, engine: running.engine, repoTags: rest[0], ...rest[1] });

      beforeAll(async () => {
        running = await start();
      }, 60_000);
      afterAll(() => running?.stop(), 60_000);

      it('gives the image all its names, by which the engine runs it', async () => {
        const image = await addImage(source, { layers: [base, { hello: hello ?? 'no program' }, base] });
        const loaded = await load(image.manifest, ['hello', 'acme/hello:1', 'ghcr.io/acme/hello:2']);
        expect(loaded).toEqual({
          imageId: image.config.digest,
          engine: running.engine.description,
          names: ['docker.io/library/hello:latest', 'docker.io/acme/hello:1', 'ghcr.io/acme/hello:2'],
          outcome: 'sent',
        });
        if (hello === undefined) return;
        for (const name of ['hello', 'docker.io/acme/hello:1', loaded.imageId]) {
          expect(running.command('run', '--rm', ...running.runArgs, name, 'a', 'b')).toBe('hello [a b]\n');
        }
      });

      it('sends nothing that the engine has, and sets the names that are missing', async () => {
        const image = await addImage(source, { layers: [base, { a: 'present' }] });
        await load(image.manifest, ['present:1']);
        source.reads.length = 0;
        const events: BuildEvent[] = [];
        const again = await load(image.manifest, ['present:1', 'present:2'], { events: (event) => events.push(event) });
        expect(again).toMatchObject({ outcome: 'present', imageId: image.config.digest });
        expect(source.reads).toEqual([]);
        expect(events.map((event) => event.type)).toEqual(['transfer-started', 'transfer-finished']);
        expect((await running.engine.inspect('present:2'))?.id).toBe(image.config.digest);
      });

      it('loads an image without names, and one without layers', async () => {
        const image = await addImage(source, { layers: [] });
        const loaded = await load(image.manifest, []);
        expect(loaded).toMatchObject({ imageId: image.config.digest, names: [] });
        expect((await running.engine.inspect(loaded.imageId))?.platform).toEqual({ os: 'linux', architecture: 'amd64' });
      });

      it('sends only the layers that the engine lacks', async () => {
        const first = await addImage(source, { layers: [base, { a: 'incremental' }] });
        await load(first.manifest, ['incremental:1', 'incremental:other']);
        const second = await addImage(source, { layers: [base, { a: 'incremental' }, { b: 'above' }, { c: 'top' }] });
        source.reads.length = 0;
        const loaded = await load(second.manifest, ['incremental:2']);
        expect(loaded).toMatchObject({ outcome: 'partial', imageId: second.config.digest });
        expect(source.reads).toContain(second.layers[3]!.digest);
        expect(source.reads).not.toContain(second.layers[0]!.digest);
        expect(source.reads).not.toContain(second.layers[1]!.digest);
      });

      it('moves a name to the new image only when that is there', async () => {
        const old = await addImage(source, { layers: [{ a: 'old' }] });
        await load(old.manifest, ['moving']);
        const broken = await addImage(source, { layers: [{ a: 'new' }, { b: randomBytes(300_000) }] });
        source.blobs.delete(broken.layers[1]!.digest);
        await expect(load(broken.manifest, ['moving'])).rejects.toMatchObject({ code: 'OCIDSL_BLOB_MISSING' });
        expect((await running.engine.inspect('moving'))?.id).toBe(old.config.digest);
        expect(await running.engine.inspect(broken.config.digest)).toBeUndefined();

        const good = await addImage(source, { layers: [{ a: 'good' }] });
        await load(good.manifest, ['moving']);
        expect((await running.engine.inspect('moving'))?.id).toBe(good.config.digest);
      });

      it('refuses a layer that is not what its diff ID says', async () => {
        const wrong = await addImage(source, { layers: [{ a: 'wrong diff ID' }], diffIds: [`sha256:${'1'.repeat(64)}`] });
        const code = running.engine.name === 'podman' ? 'OCIDSL_IMAGE_DIFF_ID' : 'OCIDSL_ENGINE_FAILED';
        await expect(load(wrong.manifest, ['wrong:1'])).rejects.toMatchObject({ code });
        expect(await running.engine.inspect('wrong:1')).toBeUndefined();
      });

      it.each([
        ['is cut', (tar: Buffer) => tar.subarray(0, tar.length / 2)],
        ['is no tar', () => Buffer.from('not a tar')],
        ['is empty', () => Buffer.alloc(0)],
      ])('passes on the failure of an engine when the archive %s', async (_, damage) => {
        const descriptor = (await addImage(source, { layers: [{ a: randomBytes(200_000) }] })).manifest;
        const chunks: Uint8Array[] = [];
        for await (const chunk of imageArchive({ image: await readImage(descriptor, source), source, names: ['docker.io/library/cut:1'] }))
          chunks.push(chunk);
        const tar = damage(Buffer.concat(chunks));
        const archive = (async function* () {
          yield* tar.length > 0 ? [tar] : [];
        })();
        await expect(running.engine.load(archive)).rejects.toMatchObject({ code: 'OCIDSL_ENGINE_FAILED', kind: 'environment' });
        expect(await running.engine.inspect('cut:1')).toBeUndefined();
      });

      it('warns about the platform of another machine, and not when it was asked for', async () => {
        const image = await addImage(source, { layers: [{ a: 'arm' }], architecture: 'arm64' });
        const events: BuildEvent[] = [];
        const loaded = await load(image.manifest, ['arm:1'], { events: (event) => events.push(event) });
        expect(loaded.imageId).toBe(image.config.digest);
        const warnings = () => events.filter((event) => event.type === 'warning');
        expect(warnings()).toMatchObject([{ message: expect.stringContaining('The image is for linux/arm64') }]);
        events.length = 0;
        await load(image.manifest, ['arm:1'], {
          events: (event) => events.push(event),
          expectedPlatform: { os: 'linux', architecture: 'arm64' },
        });
        expect(warnings()).toEqual([]);
        await expect(load(image.manifest, ['arm:1'], { expectedPlatform: { os: 'linux', architecture: 'amd64' } })).rejects.toMatchObject({
          code: 'OCIDSL_LOAD_PLATFORM',
        });
      });

      it('ends when it is interrupted in the middle of an archive', async () => {
        const image = await addImage(source, { layers: [{ a: randomBytes(2_000_000) }] });
        const controller = new AbortController();
        const slow = Object.create(source) as MemorySource;
        slow.read = async function* (digest) {
          for await (const chunk of source.read(digest)) {
            yield chunk;
            controller.abort(new Error('interrupted'));
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        };
        const before = Date.now();
        await expect(load(image.manifest, ['slow:1'], { source: slow, signal: controller.signal })).rejects.toThrow('interrupted');
        expect(Date.now() - before).toBeLessThan(4_000);
        expect(await running.engine.inspect('slow:1')).toBeUndefined();
      });

      it.skipIf(!title.startsWith('podman'))('takes the name localhost/NAME from a stale image, which podman would prefer', async () => {
        const stale = await addImage(source, { layers: [{ a: 'stale' }] });
        await load(stale.manifest, ['localhost/shadow:latest']);
        const image = await addImage(source, { layers: [{ a: 'fresh' }] });
        const loaded = await load(image.manifest, ['shadow:latest']);
        expect(JSON.parse(running.command('image', 'inspect', 'shadow'))[0].Id).toBe(loaded.imageId.slice('sha256:'.length));
      });
    },
  );
}

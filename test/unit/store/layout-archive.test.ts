// Images from OCI layouts in tar archives: plain ones, compressed ones, hostile ones, and what skopeo, podman and docker write.
import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { describe, expect, it, vi } from 'vitest';
import { descriptorDigest, type Descriptor } from '../../../lib/oci/descriptor.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import type { ContentAddressableStorage } from '../../../lib/store/content-addressable-storage.ts';
import { openLayoutFiles, openLayoutSource } from '../../../lib/store/open-layout.ts';
import { readLayoutImage } from '../../../lib/store/layout-reader.ts';
import { imageArchive } from '../../../lib/sinks/image-archive.ts';
import { writeLayout } from '../../../lib/sinks/layout.ts';
import { readImage } from '../../../lib/sinks/load-read-image.ts';
import { createOciLayoutDiscoverer } from '../../../lib/tools/discover-oci-layout.ts';
import { checkLayout, diskCas, storeImage, storeIndex, temporaryFolder } from '../sinks/layout-rig.ts';
import { works } from './rig.ts';

const HAS_SKOPEO = works('skopeo', '--version');

/** A layout folder with one root. */
async function layoutOf(root: Descriptor, cas: ContentAddressableStorage): Promise<string> {
  const directory = join(await temporaryFolder(), 'layout');
  await writeLayout({ root, source: cas, directory });
  return directory;
}

/** The layout folder as a tar, by GNU tar. */
async function archiveOf(directory: string, ...options: string[]): Promise<string> {
  const path = join(await temporaryFolder(), 'image.tar');
  execFileSync('tar', ['-C', directory, ...options, '-cf', path, '.']);
  return path;
}

async function tarOf(fill: (tar: Pack) => void): Promise<string> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const path = join(await temporaryFolder(), 'made.tar');
  writeFileSync(path, Buffer.concat(chunks));
  return path;
}

async function multiPlatform() {
  const cas = await diskCas();
  const root = await storeIndex(cas, ['a', 'b'], ['linux/amd64', 'linux/arm64/v8']);
  return { cas, root, directory: await layoutOf(root, cas) };
}

/** Everything that an image of an archive refers to can be read, and is right. */
async function expectSame(path: string, root: Descriptor, from: string) {
  for (const platform of ['linux/amd64', 'linux/arm64']) {
    const query = { platform: parsePlatform(platform) };
    const image = await readLayoutImage({ ...query, directory: path });
    expect({ ...image, files: [] }).toEqual({ ...(await readLayoutImage({ ...query, directory: from })), files: [] });
    expect(image.files).toEqual([path]);
  }
  const directory = join(await temporaryFolder(), 'again');
  await writeLayout({ root, source: await openLayoutSource(path), directory });
  expect(await checkLayout(directory)).toBe(root.digest);
}

describe('an OCI layout in a tar', () => {
  it.each(['gnu', 'posix', 'ustar', 'v7'])('is read where it lies, in the %s format', async (format) => {
    const { root, directory } = await multiPlatform();
    await expectSame(await archiveOf(directory, `--format=${format}`), root, directory);
  });

  it('may be compressed with gzip', async () => {
    const { root, directory } = await multiPlatform();
    const path = await archiveOf(directory);
    writeFileSync(path, gzipSync(readFileSync(path)));
    await expectSame(path, root, directory);
  });

  it('is named by its content: other compressions are refused by name', async () => {
    const { directory } = await multiPlatform();
    const path = await archiveOf(directory, '--xz');
    await expect(readLayoutImage({ directory: path })).rejects.toMatchObject({
      code: 'OCIDSL_ARCHIVE_COMPRESSION',
      message: expect.stringContaining('compressed with xz') as string,
    });
  });

  it.each([
    ['gnu', 512],
    ['posix', 1536],
  ])('is found behind a member of 9 GiB, whose size the %s format says in its own way', async (format, headerBytes) => {
    const { root, directory } = await multiPlatform();
    const large = 9 * 1024 ** 3;
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'large'), '');
    truncateSync(join(folder, 'large'), large);
    const header = execFileSync('sh', ['-c', 'tar --format="$0" -cf - large | head -c "$1"', format, String(headerBytes)], { cwd: folder });
    const path = join(folder, 'image.tar');
    writeFileSync(path, header);
    truncateSync(path, headerBytes + large);
    writeFileSync(path, readFileSync(await archiveOf(directory)), { flag: 'a' });
    await expectSame(path, root, directory);
  });

  it('of which something changed is refused when that is read', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const directory = await layoutOf(root, cas);
    const { layers } = await readLayoutImage({ directory });
    const layer = descriptorDigest(layers[0]!);
    writeFileSync(join(directory, 'blobs/sha256', layer.hash), 'x'.repeat(layer.sizeBytes));
    const path = await archiveOf(directory);
    const source = await openLayoutSource(path);
    await expect(source.readBytes(layer)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT', kind: 'integrity' });
    writeFileSync(path, gzipSync(readFileSync(path)));
    const compressed = await openLayoutFiles(path);
    await expect(compressed.blobs.readBytes(layer)).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
    await expect(compressed.importBlobs!(cas)).resolves.toBeUndefined(); // the store has the right one
    await expect(compressed.importBlobs!(await diskCas())).rejects.toMatchObject({ code: 'OCIDSL_BLOB_CORRUPT' });
  });

  it('that was cut anywhere is an error, and never another image', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a']);
    const path = await archiveOf(await layoutOf(root, cas));
    const bytes = readFileSync(path);
    const whole = await readLayoutImage({ directory: path });
    for (let length = 0; length < bytes.length; length += 251) {
      writeFileSync(path, bytes.subarray(0, length));
      const image = await readLayoutImage({ directory: path }).catch((error: { code: string }) => error.code);
      if (typeof image === 'string') expect(image).toMatch(/^OCIDSL_(ARCHIVE_CORRUPT|LAYOUT_MISSING|BLOB_MISSING)$/);
      else expect(image).toEqual(whole); // only the end of the archive was cut
    }
  });
});

describe('a hostile tar', () => {
  const OCI_LAYOUT = '{"imageLayoutVersion":"1.0.0"}';
  const blob = `blobs/sha256/${'a'.repeat(64)}`;

  it.each<[string, Parameters<Pack['entry']>[0][], string]>([
    ['with a link in place of a blob', [{ name: blob, type: 'symlink', linkname: '/etc/shadow' }], 'is a link'],
    ['with a hard link in place of index.json', [{ name: './index.json', type: 'link', linkname: 'x' }], 'is a link'],
    ['with a linked folder', [{ name: 'blobs', type: 'symlink', linkname: '/' }], 'is a link'],
    ['with a device in place of a blob', [{ name: blob, type: 'character-device' }], 'is a link or no regular file'],
    ['with one name twice', [{ name: 'index.json' }, { name: './index.json' }], 'has "index.json" twice'],
    ['with one blob twice', [{ name: blob }, { name: blob.replace('/', '//./') }], 'twice'],
    ['with a name that climbs', [{ name: 'blobs/../../index.json' }], 'leaves it'],
    ['with an absolute name', [{ name: '/index.json' }], 'leaves it'],
  ])('%s is refused, plain and compressed', async (_, headers, is) => {
    const path = await tarOf((tar) => {
      tar.entry({ name: 'oci-layout' }, OCI_LAYOUT);
      for (const header of headers) {
        if (header.type === undefined) tar.entry(header, 'x');
        else tar.entry(header);
      }
    });
    for (const compress of [false, true]) {
      if (compress) writeFileSync(path, gzipSync(readFileSync(path)));
      await expect(readLayoutImage({ directory: path })).rejects.toMatchObject({
        code: 'OCIDSL_LAYOUT_ARCHIVE',
        kind: 'integrity',
        message: expect.stringContaining(is) as string,
      });
    }
  });

  it('may have links beside the layout, which mean nothing here', async () => {
    const { root, directory } = await multiPlatform();
    execFileSync('ln', ['-s', '/etc/passwd', join(directory, 'repositories')]);
    await expectSame(await archiveOf(directory), root, directory);
  });

  it('with a damaged header, size or name is corrupt', async () => {
    const path = await tarOf((tar) => void tar.entry({ name: 'oci-layout' }, OCI_LAYOUT));
    const bytes = readFileSync(path);
    for (const [at, text] of [
      [0, 'X'],
      [124, '9'],
      [124, '\xff'],
      [148, '777777'],
    ] as const) {
      const damaged = Buffer.from(bytes);
      damaged.write(text, at, 'latin1');
      writeFileSync(path, damaged);
      await expect(readLayoutImage({ directory: path })).rejects.toMatchObject({ code: 'OCIDSL_ARCHIVE_CORRUPT' });
    }
  });

  it('that is no layout is named for what it lacks', async () => {
    const docker = await tarOf((tar) => void tar.entry({ name: 'manifest.json' }, '[]'));
    await expect(readLayoutImage({ directory: docker })).rejects.toMatchObject({
      code: 'OCIDSL_LAYOUT_MISSING',
      hint: expect.stringContaining('skopeo copy docker-archive:') as string,
    });
    const text = join(await temporaryFolder(), 'text');
    writeFileSync(text, 'no tar at all');
    await expect(readLayoutImage({ directory: text })).rejects.toMatchObject({ code: 'OCIDSL_ARCHIVE_CORRUPT' });
  });
});

describe('the discoverer oci-layout', () => {
  const discover = async (cas: ContentAddressableStorage, path: string, platform: string) =>
    await createOciLayoutDiscoverer(cas).run(
      { directory: path, platform },
      { workspaceRoot: '/', environment: {}, signal: new AbortController().signal },
    );

  it('brings documents into the store, and layers too where the archive is compressed: in one pass for all platforms', async () => {
    const { directory } = await multiPlatform();
    const path = await archiveOf(directory);
    const plain = await diskCas();
    const found = await discover(plain, path, 'linux/amd64');
    expect(found.watched).toEqual([path.slice(1)]);
    expect(found.blobs!.map(({ name }) => name)).toEqual(['config.json', 'manifest.json']);
    writeFileSync(path, gzipSync(readFileSync(path)));
    const cas = await diskCas();
    const write = vi.spyOn(cas, 'openWriter');
    const one = await discover(cas, path, 'linux/amd64');
    expect(one.blobs!.map(({ name }) => name)).toEqual(['config.json', 'layers/0', 'layers/1', 'layers/2', 'manifest.json']);
    expect(await cas.findMissing(one.blobs!.map(({ digest }) => digest))).toEqual([]);
    expect(one.facts).toEqual(found.facts);
    // All blobs of both platforms are there by now: the second one needs nothing of the archive.
    const writes = write.mock.calls.length;
    const other = await discover(cas, path, 'linux/arm64');
    expect(other.facts).not.toEqual(one.facts);
    expect(write.mock.calls).toHaveLength(writes);
  });
});

it('an archive that is OCI layout and docker archive at once, as Docker 25 and later save it, is read as the layout', async () => {
  const cas = await diskCas();
  const root = await storeImage(cas, ['a', 'b']);
  const path = join(await temporaryFolder(), 'saved.tar');
  const names = ['docker.io/library/hello:latest'];
  for await (const chunk of imageArchive({ image: await readImage(root, cas), source: cas, names }))
    writeFileSync(path, chunk, { flag: 'a' });
  const image = await readLayoutImage({ directory: path });
  expect(image.manifest.digest).toBe(root.digest);
  const directory = join(await temporaryFolder(), 'again');
  await writeLayout({ root, source: await openLayoutSource(path), directory });
  expect(await checkLayout(directory)).toBe(root.digest);
});

describe.skipIf(!HAS_SKOPEO)('archives of others (needs skopeo)', () => {
  it('of skopeo, with the reference name that it gives', async () => {
    const cas = await diskCas();
    const root = await storeImage(cas, ['a', 'b']);
    const directory = await layoutOf(root, cas);
    const path = join(await temporaryFolder(), 'skopeo.tar');
    execFileSync('skopeo', ['copy', '--quiet', '--insecure-policy', `oci:${directory}`, `oci-archive:${path}:v1`]);
    const image = await readLayoutImage({ directory: path, refName: 'v1' });
    expect(image.manifest.digest).toBe(root.digest);
    const again = join(await temporaryFolder(), 'again');
    await writeLayout({ root, source: await openLayoutSource(path), directory: again });
    expect(await checkLayout(again)).toBe(root.digest);
  });

  it('of skopeo as a docker archive: told apart, with what makes a layout of it', async () => {
    const cas = await diskCas();
    const directory = await layoutOf(await storeImage(cas, ['a']), cas);
    const folder = await temporaryFolder();
    execFileSync('skopeo', ['copy', '--quiet', '--insecure-policy', `oci:${directory}`, `docker-archive:${join(folder, 'd.tar')}:a/b:c`]);
    const failure = (await readLayoutImage({ directory: join(folder, 'd.tar') }).catch((error: unknown) => error)) as { hint: string };
    expect(failure).toMatchObject({ code: 'OCIDSL_LAYOUT_MISSING' });
    const [, from, to] = /skopeo copy docker-archive:(\S+) oci-archive:(\S+)/.exec(failure.hint)!;
    execFileSync('skopeo', ['copy', '--quiet', '--insecure-policy', `docker-archive:d.tar`, `oci-archive:o.tar`], { cwd: folder });
    expect([from, to]).toEqual(['IN.tar', 'OUT.tar']);
    expect((await readLayoutImage({ directory: join(folder, 'o.tar') })).layers).toHaveLength(1);
  });
});

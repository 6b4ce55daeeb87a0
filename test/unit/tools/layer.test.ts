import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LayerEntry, LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { encodeLayerSpec } from '../../../lib/tar/layer-spec.ts';
import { layerTool } from '../../../lib/tools/layer.ts';
import type { LayerInfo } from '../../../lib/tools/layer.ts';
import { tarTool } from '../../../lib/tools/tar.ts';
import { hasProgram, layerSpec, listWithGnuTar, listWithPython } from './layer-fixtures.ts';
import { MemoryInputs, MemoryOutputs, runTool } from './memory-tool.ts';
import type { MemoryFile } from './memory-tool.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function layer(spec: Partial<LayerSpec>, files: Readonly<Record<string, MemoryFile>> = {}) {
  const { outputs, lines } = await runTool(layerTool, ['spec.json'], { ...files, 'spec.json': encodeLayerSpec(layerSpec(spec)) });
  const info = JSON.parse(outputs.get('layer.json').toString()) as LayerInfo;
  const blob = outputs.files.get('layer.tar') ?? outputs.get('layer.tar.gz');
  return { info, blob, tar: outputs.files.get('layer.tar') ?? gunzipSync(blob), lines, outputs };
}

const file = (path: string, more: Partial<LayerEntry> = {}): LayerEntry => ({ path, type: 'file', input: `in/${path}`, ...more });

const ELF = Buffer.alloc(5000, 'x');
ELF.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 183, 0]);
ELF.fill(0, 20, 64);

const SPEC: Partial<LayerSpec> = {
  entries: [
    file('app', { mode: 0o755 }),
    file('etc/app.conf', { mode: 0o644, uid: 1000, gid: 1001, mtime: -1 }),
    { path: 'var/empty', type: 'file' },
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'bin/app', type: 'symlink', linkTarget: '../app' },
    { path: 'app2', type: 'hardlink', linkTarget: 'app' },
  ],
};
const FILES = { 'in/app': ELF, 'in/etc/app.conf': 'key = value\n' };

describe('layerTool', () => {
  it('writes a layer and says what an image needs to know of it', async () => {
    const { info, blob, tar, outputs } = await layer({ ...SPEC, compression: { format: 'gzip' } }, FILES);
    expect([...outputs.files.keys()]).toEqual(['layer.tar.gz', 'layer.json']);
    expect(info).toEqual({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: `sha256:${sha256(blob)}`,
      size: blob.length,
      diffID: `sha256:${sha256(tar)}`,
      uncompressedSize: tar.length,
      executables: { app: { format: 'elf', os: 'linux', architecture: 'arm64' } },
      links: { 'bin/app': '../app', app2: 'app' },
    });
  });

  it('writes an uncompressed layer with the same diffID', async () => {
    const [none, gzip] = await Promise.all([layer(SPEC, FILES), layer({ ...SPEC, compression: { format: 'gzip', level: 1 } }, FILES)]);
    expect([...none.outputs.files.keys()]).toEqual(['layer.tar', 'layer.json']);
    expect(none.info).toMatchObject({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: none.info.diffID,
      size: none.info.uncompressedSize,
    });
    expect(none.info.diffID).toBe(gzip.info.diffID);
    expect(none.info.diffID).not.toBe(gzip.info.digest);
  });

  it('keeps its digests', async () => {
    const { info } = await layer({ ...SPEC, compression: { format: 'gzip' } }, FILES);
    expect([info.diffID, info.digest]).toMatchInlineSnapshot(`
      [
        "sha256:13998d8c760d13ab9ee588993e30676c90990da69ad54c1fc94476b1ec149c0b",
        "sha256:187d11be4e3c43f396e81461f9b508a8d05c1c156a980913c1a210550e872767",
      ]
    `);
  });

  it.skipIf(!hasProgram('tar'))('writes what GNU tar reads (skipped without tar)', async () => {
    const { tar } = await layer(SPEC, FILES);
    expect(listWithGnuTar(tar)).toEqual([
      '-rwxr-xr-x 0/0 5000 2000-01-01 00:00:00 app',
      'drwxr-xr-x 0/0 0 2000-01-01 00:00:00 bin/',
      'lrwxrwxrwx 0/0 0 2000-01-01 00:00:00 bin/app -> ../app',
      'drwxr-xr-x 1000/1001 0 1969-12-31 23:59:59 etc/',
      '-rw-r--r-- 1000/1001 12 1969-12-31 23:59:59 etc/app.conf',
      'drwxrwxrwt 0/0 0 2000-01-01 00:00:00 tmp/',
      'drwxr-xr-x 0/0 0 2000-01-01 00:00:00 var/',
      '-r-xr-xr-x 0/0 0 2000-01-01 00:00:00 var/empty',
      'hr-xr-xr-x 0/0 0 2000-01-01 00:00:00 app2 link to app',
    ]);
  });

  it.skipIf(!hasProgram('python3'))(
    'writes contents that Python reads, at every size around a block (skipped without python3)',
    async () => {
      const sizes = [0, 1, 511, 512, 513, 1024, 300_000];
      const contents = sizes.map((size) => randomBytes(size));
      const files = Object.fromEntries(contents.map((content, i) => [`in/f${i}`, content]));
      const { tar } = await layer({ entries: sizes.map((_, i) => file(`f${i}`)) }, files);
      expect(listWithPython(tar).map((member) => member.content)).toEqual(contents.map((content) => content.toString('latin1')));
      expect(tar.length % 512).toBe(0);
      expect(tar.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    },
  );

  it('gives the same bytes however its inputs are served and listed', async () => {
    const files = { 'in/a': randomBytes(2_500_000), 'in/b': ELF };
    const spec: Partial<LayerSpec> = { entries: [file('a'), file('b')], compression: { format: 'gzip' } };
    const expected = await layer(spec, files);
    for (const asyncPartSize of [1 << 20, 65_537, 100]) {
      const served = Object.fromEntries(Object.entries(files).map(([path, content]) => [path, { content, asyncPartSize }]));
      const { info } = await layer({ ...spec, entries: [file('b'), file('a')] }, served);
      expect(info).toEqual(expected.info);
    }
  });

  it('gives files of executable inputs another mode where the spec says so', async () => {
    const defaults = { ...layerSpec().defaults, fileMode: 0o644, executableMode: 0o755 };
    const files = { 'in/a': { content: 'x', isExecutable: true }, 'in/b': 'x', 'in/c': { content: 'x', isExecutable: true } };
    const { tar } = await layer({ defaults, entries: [file('a'), file('b'), file('c', { mode: 0o600 })] }, files);
    const modes = [0, 1024, 2048].map((at) => tar.toString('latin1', at + 100, at + 106));
    expect(modes).toEqual(['000755', '000644', '000600']);
  });

  it('writes the same of a group as of its files', async () => {
    const files = { 'in/a': 'a', 'in/d/b': 'b' };
    const each = await layer({ entries: [file('opt/a', { input: 'in/a' }), file('opt/d/b', { input: 'in/d/b' })] }, files);
    const group = await layer({ entries: [{ path: 'opt', type: 'files', input: 'in', origin: 'src', names: ['a', 'd/b'] }] }, files);
    expect(group.tar).toEqual(each.tar);
    const twice: LayerEntry = { path: 'opt', type: 'files', input: 'in', origin: 'src', names: ['a', 'd/b'] };
    await expect(layer({ entries: [twice, { path: 'opt/d/b', type: 'directory', origin: 'other' }] }, files)).rejects.toMatchObject({
      message: expect.stringContaining('the file from "src/d/b" and the directory from "other" differ') as string,
    });
    await expect(
      layer({ entries: [{ path: '', type: 'files', input: 'in', origin: '', names: ['a', 'none'] }] }, files),
    ).rejects.toMatchObject({ code: 'OCIDSL_TOOL_INPUT_MISSING' });
  });

  it('adds the files of a tree', async () => {
    const files = { 'in/t/b/c': 'c', 'in/t/a': { content: 'a', isExecutable: true }, 'in/tx': 'no' };
    const defaults = { ...layerSpec().defaults, executableMode: 0o755 };
    const { tar } = await layer({ defaults, entries: [{ path: 'opt', type: 'tree', input: 'in/t', uid: 5 }] }, files);
    const names = [0, 1, 3, 4].map((block) => tar.toString('latin1', block * 512, block * 512 + 100).replaceAll('\0', ''));
    expect(names).toEqual(['opt/', 'opt/a', 'opt/b/', 'opt/b/c']);
    await expect(layer({ entries: [{ path: 'opt', type: 'tree', input: 'in/none' }] }, files)).rejects.toMatchObject({
      code: 'OCIDSL_TREE_EMPTY',
    });
  });

  it('finds programs whose first bytes come one by one, and files named like properties of objects', async () => {
    const { info } = await layer({ entries: [file('__proto__')] }, { 'in/__proto__': { content: ELF, asyncPartSize: 1 } });
    expect(Object.entries(info.executables)).toEqual([['__proto__', { format: 'elf', os: 'linux', architecture: 'arm64' }]]);
  });

  describe('duplicates', () => {
    const two = [file('a', { input: 'in/1', origin: ':x' }), file('a', { input: 'in/2', origin: ':y' })];
    const allow = { differentContent: true, fromArchives: false };

    it('with equal content are one entry, however the contents are served', async () => {
      const content = randomBytes(10_000);
      const { lines, tar } = await layer(
        { entries: two },
        { 'in/1': { content, asyncPartSize: 333 }, 'in/2': { content, asyncPartSize: 1000 } },
      );
      expect(lines).toEqual([]);
      expect(tar.length).toBe(512 + 10_240 + 1024);
    });

    it.each([
      ['size', 'one', 'three'],
      ['bytes', 'one', 'two'],
    ])('with other %s are an error that names both', async (_what, one, other) => {
      await expect(layer({ entries: two }, { 'in/1': one, 'in/2': other })).rejects.toMatchObject({
        code: 'OCIDSL_ENTRY_DUPLICATE',
        message: 'Cannot add "a" to the archive: the file from ":x" and the file from ":y" differ, expected one entry for each path',
      });
    });

    it('with other content: the last one wins where that is allowed, with a line', async () => {
      const { lines, tar } = await layer({ entries: two, allowDuplicates: allow }, { 'in/1': 'one', 'in/2': 'two' });
      expect(lines).toEqual(['Duplicate file in archive: a from :x and from :y, picking the last']);
      expect(tar.toString('latin1', 512, 515)).toBe('two');
    });
  });

  it.each([
    ['grew', 4, 'its content has more bytes, expected 4'],
    ['shrank', 6, 'its content has 5 bytes, expected 6'],
  ])('fails where a file %s since it was looked at', async (_what, sizeBytes, message) => {
    const outputs = new MemoryOutputs();
    const inputs = new MemoryInputs({
      'spec.json': encodeLayerSpec(layerSpec({ entries: [file('a')] })),
      'in/a': { content: 'bytes', sizeBytes },
    });
    const run = layerTool.run({ args: ['spec.json'], inputs, outputs, signal: new AbortController().signal, print: () => undefined });
    await expect(run).rejects.toMatchObject({ code: 'OCIDSL_INPUT_CHANGED', message: expect.stringContaining(message) as string });
    expect([...outputs.files.keys()]).toEqual([]);
    expect(outputs.aborted).toEqual(['layer.tar']);
  });

  it('fails where an input is missing', async () => {
    await expect(layer({ entries: [file('a')] })).rejects.toMatchObject({ code: 'OCIDSL_TOOL_INPUT_MISSING' });
  });

  it('stops between files when it is cancelled', async () => {
    const controller = new AbortController();
    const outputs = new MemoryOutputs();
    const inputs = new MemoryInputs({
      'spec.json': encodeLayerSpec(layerSpec({ entries: [file('a'), file('b')] })),
      'in/a': 'a',
      'in/b': 'b',
    });
    const served: string[] = [];
    const chunks = inputs.chunks.bind(inputs);
    inputs.chunks = (path) => {
      served.push(path);
      controller.abort(new Error('cancelled'));
      return chunks(path);
    };
    const run = layerTool.run({ args: ['spec.json'], inputs, outputs, signal: controller.signal, print: () => undefined });
    await expect(run).rejects.toThrow('cancelled');
    expect(served).toEqual(['in/a']);
    expect(outputs.aborted).toEqual(['layer.tar']);
  });
});

describe('tarTool', () => {
  it.each([
    ['none', 'archive.tar'],
    ['gzip', 'archive.tar.gz'],
  ] as const)('writes the same tar as a file, compression %s', async (format, name) => {
    const spec = encodeLayerSpec(layerSpec({ ...SPEC, compression: { format } }));
    const { outputs } = await runTool(tarTool, ['spec.json'], { ...FILES, 'spec.json': spec });
    expect([...outputs.files.keys()]).toEqual([name]);
    const { blob } = await layer({ ...SPEC, compression: { format } }, FILES);
    expect(outputs.get(name).equals(blob)).toBe(true);
  });
});

import { chmodSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { command } from '../../../lib/rules/command.ts';
import { goBinary } from '../../../lib/rules/go-binary.ts';
import { glob } from '../../../lib/rules/glob.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { FilesInfo } from '../../../lib/rules/providers.ts';
import { analysisOf, actionOf, inputsOf, provided } from '../plan/rig.ts';
import { describeIn, folderOf, pkgTarOf, pkgTarSpec, problemsWith, type PkgTarCall } from './rig.ts';

const FILES = { 'dir.txt': '/opt/from-file\n', 'a.txt': 'a', 'conf/b.txt': 'b', 'conf/deep/c.txt': 'c', 'apps/x/d.txt': 'd' };
const paths = (spec: LayerSpec) => spec.entries.map(({ path }) => path);
const entry = (spec: LayerSpec, path: string) => spec.entries.find((each) => each.path === path);

describe('pkgTar srcs', () => {
  test.each<[string, PkgTarCall, string[]]>([
    ['files without their folders', { srcs: ['a.txt', 'conf/b.txt'] }, ['a.txt', 'b.txt']],
    ['a folder with its structure', { srcs: ['conf'] }, ['conf/b.txt', 'conf/deep/c.txt']],
    ['a glob without folders', () => ({ srcs: [glob(['conf/**'])] }), ['b.txt', 'c.txt']],
    ['a glob below the package', () => ({ srcs: [glob(['conf/**'])], stripPrefix: '.' }), ['conf/b.txt', 'conf/deep/c.txt']],
    ['a file named twice once', () => ({ srcs: ['a.txt', glob(['a.*'])] }), ['a.txt']],
    ['nothing', {}, []],
    ['stripPrefix', { srcs: ['conf/deep/c.txt'], stripPrefix: 'conf' }, ['deep/c.txt']],
    ['remapPaths', { srcs: ['conf/b.txt'], stripPrefix: '.', remapPaths: { conf: 'etc' } }, ['etc/b.txt']],
    ['packageDir', { srcs: ['a.txt'], packageDir: '/opt/app' }, ['opt/app/a.txt']],
    ['packageDirFile', { srcs: ['a.txt'], packageDirFile: 'dir.txt' }, ['opt/from-file/a.txt']],
    [
      'packageDir with variables',
      { srcs: ['a.txt'], packageDir: '/opt/$(app)/$(app)-$(version)', packageVariables: { app: 'x', version: '1' } },
      ['opt/x/x-1/a.txt'],
    ],
  ])('take %s', async (_, call, expected) => expect(paths(await pkgTarSpec(FILES, call)).sort()).toEqual(expected));

  test('are relative to the package', async () => {
    expect(paths(await pkgTarSpec(FILES, { srcs: ['d.txt', '../../a.txt'], stripPrefix: '.' }, 'apps/x')).sort()).toEqual([
      'a.txt',
      'd.txt',
    ]);
  });

  test('keep empty folders and symbolic links of a folder', async () => {
    const root = folderOf({ 'data/full/x': '', 'data/empty/': '' });
    symlinkSync('full/x', join(root, 'data/link'));
    const spec = await pkgTarSpec(root, { srcs: ['data'] });
    expect(entry(spec, 'data/empty')).toMatchObject({ type: 'directory', origin: 'data/empty' });
    expect(entry(spec, 'data/link')).toMatchObject({ type: 'symlink', linkTarget: 'full/x' });
  });

  test('put empty folders and links of a package where its files are put', async () => {
    const root = folderOf({ 'apps/x/data/full/x': '', 'apps/x/data/empty/': '' });
    symlinkSync('full/x', join(root, 'apps/x/data/link'));
    const spec = await pkgTarSpec(root, { srcs: ['data'], stripPrefix: '.', remapPaths: { data: 'srv' } }, 'apps/x');
    expect(paths(spec).sort()).toEqual(['srv/empty', 'srv/full/x', 'srv/link']);
  });

  test('name a target twice without effect', async () => {
    const spec = await pkgTarSpec({}, () => {
      const server = goBinary({ name: 'server', package: './' });
      return { srcs: [server, server, ':server'] };
    });
    expect(paths(spec)).toEqual(['server']);
  });

  test('take a linked file of a glob under the name of the link, with the content of the file', async () => {
    const root = folderOf({ 'real/file': 'x', 'links/': '' });
    symlinkSync('../real/file', join(root, 'links/name'));
    const archive = pkgTarOf(() => ({ srcs: [glob(['links/*', 'real/*'])], stripPrefix: '.' })).archive;
    const description = await describeIn(root, actionOf(archive));
    expect(inputsOf(description)).toEqual(['spec.json = bytes', 'srcs/src/links/name = real/file', 'srcs/src/real/file = real/file']);
  });

  test('from targets: binaries are 0755, folders are trees, names are those that the target has', async () => {
    const spec = await pkgTarSpec(FILES, () => ({
      srcs: [goBinary({ name: 'server', package: './' }), command({ name: 'gen', argv: ['true'], outputs: ['one.txt', 'site/'] })],
      mode: '0444',
    }));
    expect(spec.entries).toEqual([
      { path: 'server', type: 'file', input: 'srcs/out/0/0/server', origin: 'server', mode: 0o755 },
      { path: 'one.txt', type: 'file', input: 'srcs/out/1/0/one.txt', origin: 'one.txt' },
      { path: 'site', type: 'tree', input: 'srcs/out/1/1/site', origin: 'site/' },
    ]);
  });
});

describe('pkgTar', () => {
  test('has the defaults of rules_pkg: mode 0555, root, 2000-01-01, parents, no duplicates', async () => {
    expect(await pkgTarSpec(FILES, { srcs: ['a.txt'] })).toEqual({
      defaults: { uid: 0, gid: 0, uname: '', gname: '', mtime: 946_684_800, fileMode: 0o555, directoryMode: 0o755 },
      entries: [{ path: 'a.txt', type: 'file', input: 'srcs/src/a.txt', origin: 'a.txt' }],
      archives: [],
      createParents: true,
      allowDuplicates: { differentContent: false, fromArchives: false },
      compression: { format: 'none' },
    });
  });

  test.each<[PkgTarCall, Partial<LayerSpec['defaults']>]>([
    [{ mode: '0644' }, { fileMode: 0o644 }],
    [{ mode: '755' }, { fileMode: 0o755 }],
    [{ owner: '1000.2000' }, { uid: 1000, gid: 2000 }],
    [{ owner: '2147483647:0' }, { uid: 2_147_483_647, gid: 0 }],
    [{ ownerName: 'app.staff' }, { uname: 'app', gname: 'staff' }],
    [{ ownerName: 'app' }, { uname: 'app', gname: '' }],
    [{ ownerName: '.' }, { uname: '', gname: '' }],
    [{ portableMtime: false }, { mtime: 0 }],
    [{ portableMtime: false, mtime: 5 }, { mtime: 5 }],
    [{ portableMtime: true }, { mtime: 946_684_800 }],
  ])('%j sets defaults', async (call, defaults) => expect((await pkgTarSpec({}, call)).defaults).toMatchObject(defaults));

  test.each<[PkgTarCall, Partial<LayerSpec>]>([
    [{ createParents: false }, { createParents: false }],
    [{ allowDuplicatesWithDifferentContent: true }, { allowDuplicates: { differentContent: true, fromArchives: false } }],
    [{ allowDuplicatesFromDeps: true }, { allowDuplicates: { differentContent: false, fromArchives: true } }],
    [{ extension: 'tar.gz' }, { compression: { format: 'gzip' } }],
    [{ extension: 'tgz', compressionLevel: 9 }, { compression: { format: 'gzip', level: 9 } }],
  ])('%j is passed on', async (call, spec) => expect(await pkgTarSpec({}, call)).toMatchObject(spec));

  test('emptyFiles, emptyDirs and symlinks are below packageDir; folders get mode', async () => {
    const spec = await pkgTarSpec(
      {},
      { packageDir: '/opt', mode: '0700', emptyFiles: ['run/pid'], emptyDirs: ['/var/cache'], symlinks: { 'bin/sh': '/bin/busybox' } },
    );
    expect(spec.entries).toEqual([
      { path: 'opt/run/pid', type: 'file', origin: 'emptyFiles' },
      { path: 'opt/var/cache', type: 'directory', mode: 0o700, origin: 'emptyDirs' },
      { path: 'opt/bin/sh', type: 'symlink', linkTarget: '/bin/busybox', origin: 'symlinks' },
    ]);
  });

  test('files are put where they are told, below packageDir, without stripPrefix and remapPaths', async () => {
    const spec = await pkgTarSpec(FILES, () => ({
      files: { 'etc/app.txt': 'conf/b.txt', '/bin/server': goBinary({ name: 'server', package: './' }) },
      packageDir: 'opt',
      stripPrefix: '.',
      remapPaths: { etc: 'x' },
    }));
    expect(spec.entries).toEqual([
      { path: 'opt/etc/app.txt', type: 'file', input: 'files/0/src/conf/b.txt', origin: 'conf/b.txt' },
      { path: 'opt/bin/server', type: 'file', input: 'files/1/out/0/0/server', origin: 'server', mode: 0o755 },
    ]);
  });

  test('files must stand for one file each', async () => {
    await expect(pkgTarSpec(FILES, { files: { etc: 'conf' } })).rejects.toMatchObject({
      code: 'OCIDSL_ANALYSIS',
      label: 't',
      message: 'Cannot put "etc" of attribute "files" into "t": its source stands for 2 files, expected exactly one',
    });
    await expect(pkgTarSpec({ 'empty/': '' }, { files: { etc: 'empty' } })).rejects.toThrow('stands for 0 files');
  });

  test('deps are unpacked in order: targets and files', async () => {
    const root = folderOf({ 'base.tar.gz': '' });
    const archive = pkgTarOf(() => ({ deps: [pkgTar({ name: 'below', extension: 'tgz' }), 'base.tar.gz'] })).archive;
    const description = await describeIn(root, actionOf(archive));
    expect(inputsOf(description)).toEqual([
      'deps/0 = Tar of below for linux/amd64: archive.tar.gz',
      'deps/1 = base.tar.gz',
      'spec.json = bytes',
    ]);
    expect((await pkgTarSpec(root, { deps: ['base.tar.gz'] })).archives).toEqual([{ input: 'deps/0', origin: 'base.tar.gz' }]);
  });

  test('deps are put below packageDir', async () => {
    const files = { 'base.tar': '', 'dir.txt': 'opt/from-file\n' };
    const foldersOf = async (call: { readonly packageDir?: string; readonly packageDirFile?: string }) =>
      (await pkgTarSpec(files, { ...call, deps: ['base.tar'] })).archives.map(({ folder }) => folder);
    expect(await foldersOf({ packageDir: '/opt//app/' })).toEqual(['opt/app']);
    expect(await foldersOf({ packageDirFile: 'dir.txt' })).toEqual(['opt/from-file']);
    expect(await foldersOf({ packageDir: '/' })).toEqual([undefined]);
    await expect(foldersOf({ packageDir: '/opt/..' })).rejects.toMatchObject({ code: 'OCIDSL_ENTRY_PATH' });
  });

  test('refuses deps that are no archives', async () => {
    expect(() => pkgTarOf({ deps: ['base.zip'] })).toThrow(
      'Cannot unpack "base.zip" into "t": its name has another ending, expected .tar, .tar.gz or .tgz',
    );
    expect(() => pkgTarOf(() => ({ deps: [glob(['*.tar']) as never] }))).toThrow('archives are given one by one');
  });

  test('modes, owners and ownerNames change single entries, whatever the spelling of the path', async () => {
    const spec = await pkgTarSpec(FILES, {
      srcs: ['a.txt', 'conf/b.txt'],
      emptyDirs: ['var'],
      packageDir: '/opt',
      modes: { '/opt/a.txt': '4755', './opt/var/': '1777' },
      owners: { 'opt/b.txt': '5.6' },
      ownerNames: { 'opt/b.txt': 'u.g' },
    });
    expect(entry(spec, 'opt/a.txt')).toMatchObject({ mode: 0o4755 });
    expect(entry(spec, 'opt/var')).toMatchObject({ mode: 0o1777 });
    expect(entry(spec, 'opt/b.txt')).toMatchObject({ uid: 5, gid: 6, uname: 'u', gname: 'g' });
    expect(entry(spec, 'opt/a.txt')).not.toHaveProperty('uid');
  });

  test('what they say of paths that only archives can have is left to the tool', async () => {
    const call = { srcs: ['a.txt'], modes: { 'a.txt': '4755' } };
    const files = { ...FILES, 'base.tar': '' };
    expect(await pkgTarSpec(files, { ...call, deps: ['base.tar'] })).not.toHaveProperty('overrides');
    const spec = await pkgTarSpec(files, {
      ...call,
      deps: ['base.tar'],
      modes: { 'a.txt': '4755', '/bin/su': '4755' },
      owners: { 'bin/su': '5.6' },
      ownerNames: { 'bin/x': 'u.g' },
    });
    expect(spec.overrides).toEqual([
      { path: 'bin/su', mode: 0o4755, uid: 5, gid: 6 },
      { path: 'bin/x', uname: 'u', gname: 'g' },
    ]);
  });

  test('modes win over 0755 of binaries', async () => {
    const spec = await pkgTarSpec({}, () => ({ srcs: [goBinary({ name: 'server', package: './' })], modes: { server: '0500' } }));
    expect(entry(spec, 'server')).toMatchObject({ mode: 0o500 });
  });

  test.each<[PkgTarCall]>([
    [{ srcs: ['a.txt'], modes: { 'b.txt': '0644' } }],
    [{ srcs: ['a.txt'], owners: { 'b.txt': '0.0' } }],
    [{ srcs: ['a.txt'], ownerNames: { 'b.txt': 'a.b' } }],
  ])('%j: a path that the archive has not is an error', async (call) => {
    await expect(pkgTarSpec(FILES, call)).rejects.toMatchObject({
      code: 'OCIDSL_ANALYSIS',
      message: 'Cannot set the mode or owner of "b.txt" in "t": the archive has no such path, expected one of its 1 entries',
    });
  });

  test('preserveMode and preserveMtime take modes and times of srcs and files from disk, and only then', async () => {
    const root = folderOf(FILES);
    chmodSync(join(root, 'a.txt'), 0o640);
    utimesSync(join(root, 'a.txt'), 1, 12.5);
    const call = { srcs: ['a.txt'], files: { b: 'a.txt' } };
    expect(entry(await pkgTarSpec(root, call), 'a.txt')).not.toHaveProperty('mode');
    const mode = await pkgTarSpec(root, { ...call, preserveMode: true });
    for (const path of ['a.txt', 'b']) expect(entry(mode, path)).toMatchObject({ mode: 0o640 });
    expect(entry(mode, 'a.txt')).not.toHaveProperty('mtime');
    const time = await pkgTarSpec(root, { ...call, preserveMtime: true });
    for (const path of ['a.txt', 'b']) expect(entry(time, path)).toMatchObject({ mtime: 12 });
    expect(entry(time, 'a.txt')).not.toHaveProperty('mode');
  });

  test('packageFileName and extension name the file, with its media type', () => {
    const files = (call: PkgTarCall) => {
      const analysis = analysisOf(() => pkgTar({ name: 't', ...(call as Exclude<PkgTarCall, () => unknown>) }));
      const {
        files: [file],
        mediaType,
      } = provided(analysis, 't', FilesInfo);
      return [file!.path, file!.isExecutable, mediaType];
    };
    expect(files({})).toEqual(['t.tar', false, 'application/x-tar']);
    expect(files({ extension: 'tgz' })).toEqual(['t.tgz', false, 'application/gzip']);
    expect(files({ extension: 'tar.gz' })).toEqual(['t.tar.gz', false, 'application/gzip']);
    expect(files({ packageFileName: '$(v).tar', packageVariables: { v: '1' } })).toEqual(['1.tar', false, 'application/x-tar']);
  });

  test('an unknown variable is an error', () => {
    expect(() => pkgTarOf({ packageDir: '$(v)' })).toThrow('Cannot expand "$(v)" of "t": packageVariables has no "v"');
  });

  test('is a layer as images ask for it, planned once for each compression', async () => {
    const info = pkgTarOf({ extension: 'tgz', compressionLevel: 3 });
    const gzip = info.layer('gzip');
    expect(actionOf(info.layer('gzip').blob)).toBe(actionOf(gzip.blob));
    expect(actionOf(gzip.description)).toBe(actionOf(gzip.blob));
    expect([gzip.blob.path, gzip.description.path]).toEqual(['layer.tar.gz', 'layer.json']);
    const none = info.layer('none');
    expect(none.blob.path).toBe('layer.tar');
    expect(actionOf(none.blob)).not.toBe(actionOf(gzip.blob));
    expect(await describeIn('/', actionOf(none.blob))).toMatchObject({ tool: { name: 'layer' }, args: ['spec.json'] });
    expect(await describeIn('/', actionOf(info.archive))).toMatchObject({ tool: { name: 'tar' } });
  });

  test('describes itself without a label, package or absolute path in what enters the key', async () => {
    const root = folderOf({ 'apps/x/d.txt': 'd' });
    const call: PkgTarCall = { srcs: ['d.txt'] };
    const { inputs, ...rest } = await describeIn(root, actionOf(pkgTarOf(call, 'apps/x').archive));
    const bytes = JSON.stringify({
      rest,
      inputs: inputs.map(({ content, ...input }) => ({
        ...input,
        bytes: content.kind === 'bytes' ? Buffer.from(content.bytes).toString() : '',
      })),
    });
    expect(bytes).not.toContain(root);
    expect(bytes).not.toContain('apps/x:t');
    expect(bytes).not.toContain('linux');
  });
});

describe('pkgTar refuses', () => {
  test.each<[object, string]>([
    [{ mode: '0855' }, 'it is "0855" (it is not octal or above 07777), expected permission bits in octal, from "0" to "7777"'],
    [{ mode: 'u+x' }, 'it is "u+x" (it is not octal'],
    [{ mode: '17777' }, 'it is "17777" (it is not octal'],
    [{ mode: 0o644 }, 'it is 420, expected permission bits'],
    [{ modes: { a: '9' } }, 'attribute "modes.a"'],
    [{ owner: '0' }, 'it is "0" (it has another form)'],
    [{ owner: '2147483648.0' }, 'an id is above 2147483647'],
    [{ owner: 'root.root' }, 'it has another form'],
    [{ owners: { a: '-1.0' } }, 'attribute "owners.a"'],
    [{ mtime: 1 }, 'attribute "mtime" of pkgTar "t": it is set while portableMtime is true, expected portableMtime: false beside it'],
    [{ mtime: -1, portableMtime: false }, 'a whole number from 0 to 253402300799'],
    [{ extension: 'zip' }, 'one of "tar", "tar.gz", "tgz"'],
    [{ compressionLevel: 0 }, 'a whole number from 1 to 9'],
    [{ srcs: 'a.txt' }, 'it is "a.txt", expected an array'],
    [{ srcs: ['/etc/passwd'] }, 'it is absolute'],
    [{ srcs: ['../a'] }, 'it leaves the workspace'],
    [{ symlinks: { a: 1 } }, 'attribute "symlinks.a"'],
    [{ includeRunfiles: true }, 'the rule has no such attribute'],
  ])('%j', (attributes, is) => {
    const [problem, ...more] = problemsWith(pkgTar, attributes);
    expect(problem).toContain(is);
    expect(more).toEqual([]);
  });

  test.each<[PkgTarCall, string]>([
    [{ emptyFiles: ['../x'] }, 'it has a ".." segment'],
    [{ emptyDirs: ['.wh.x'] }, 'begins with ".wh."'],
    [{ emptyDirs: ['/'] }, 'it names no file'],
    [{ symlinks: { 'a/../b': 'x' } }, 'it has a ".." segment'],
    [{ files: { '../x': 'a.txt' } }, 'it has a ".." segment'],
    [{ emptyFiles: ['x'], packageDir: '../up' }, 'it has a ".." segment'],
    [{ srcs: ['a.txt'], remapPaths: { 'a.txt': '../a.txt' } }, 'it has a ".." segment'],
  ])('%j', async (call, is) => {
    await expect(pkgTarSpec(FILES, call)).rejects.toMatchObject({
      code: 'OCIDSL_ENTRY_PATH',
      message: expect.stringContaining(is) as string,
    });
  });
});

// Mistakes in build.config.ts, through the command line: the message names the target, the value, what was expected and the
// line; the exit code is 2, and nothing is written. Mistakes that are found in one phase are reported together, so each group
// is one config and one run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messages, Workspace, type Run } from './rig.ts';

interface Mistake {
  readonly what: string;
  /** The call. `SELF` is the name of its target; `layer`, `other`, `image` and `binary` are targets that are all right. */
  readonly config: string;
  /** What the message says. */
  readonly says: readonly string[];
}

const scratch = "os: 'linux', architecture: 'amd64'";

const ATTRIBUTES: readonly Mistake[] = [
  { what: 'a mode above 07777', config: "pkgTar({ name: 'SELF', mode: '17777' });", says: ['"mode"', 'pkgTar "SELF"', '"17777"', 'octal'] },
  {
    what: 'a mode that is not octal',
    config: "pkgTar({ name: 'SELF', modes: { 'etc/x': '0689' } });",
    says: ['modes', 'pkgTar "SELF"', '"0689"', 'octal'],
  },
  { what: 'a mode as a number', config: "pkgTar({ name: 'SELF', mode: 755 as never });", says: ['"mode"', '755', 'octal'] },
  { what: 'an owner of 2^31', config: "pkgTar({ name: 'SELF', owner: '2147483648.0' });", says: ['"owner"', '2147483648', '2147483647'] },
  { what: 'an owner by name', config: "pkgTar({ name: 'SELF', owner: 'root.root' });", says: ['"owner"', '"root.root"', 'numeric'] },
  { what: 'a negative time', config: "pkgTar({ name: 'SELF', mtime: -1, portableMtime: false });", says: ['"mtime"', '-1'] },
  {
    what: 'a port above 65535',
    config: `ociImage({ name: 'SELF', ${scratch}, exposedPorts: ['65536'] });`,
    says: ['exposedPorts[0]', '65536', 'port'],
  },
  {
    what: 'a port of an unknown protocol',
    config: `ociImage({ name: 'SELF', ${scratch}, exposedPorts: ['80/http'] });`,
    says: ['exposedPorts[0]', '80/http'],
  },
  {
    what: 'a variable without a name',
    config: `ociImage({ name: 'SELF', ${scratch}, env: { '': 'x' } });`,
    says: ['env', 'ociImage "SELF"'],
  },
  { what: 'a variable with = in its name', config: `ociImage({ name: 'SELF', ${scratch}, env: { 'A=B': 'x' } });`, says: ['env', 'A=B'] },
  {
    what: 'a variable that is a number',
    config: `ociImage({ name: 'SELF', ${scratch}, env: { PORT: 80 as never } });`,
    says: ['PORT', '80', 'string'],
  },
  { what: 'a user of 2^31', config: `ociImage({ name: 'SELF', ${scratch}, user: '2147483648' });`, says: ['"user"', '2147483648'] },
  { what: 'a user with a third part', config: `ociImage({ name: 'SELF', ${scratch}, user: '1:2:3' });`, says: ['"user"', '1:2:3'] },
  {
    what: 'a label that is no string',
    config: `ociImage({ name: 'SELF', ${scratch}, labels: { v: true as never } });`,
    says: ['labels', 'true', 'string'],
  },
  {
    what: 'a relative working directory',
    config: `ociImage({ name: 'SELF', ${scratch}, workdir: 'srv' });`,
    says: ['"workdir"', 'srv', 'absolute'],
  },
  {
    what: 'a string entrypoint',
    config: `ociImage({ name: 'SELF', ${scratch}, entrypoint: '/bin/x' as never });`,
    says: ['"entrypoint"', '/bin/x', 'an array of'],
  },
  { what: 'an unknown signal', config: `ociImage({ name: 'SELF', ${scratch}, stopSignal: 'SIGFOO' });`, says: ['"stopSignal"', 'SIGFOO'] },
  {
    what: 'a time that is none',
    config: `ociImage({ name: 'SELF', ${scratch}, created: 'yesterday' });`,
    says: ['"created"', 'yesterday'],
  },
  {
    what: 'an unknown platform',
    config: "multiArch({ name: 'SELF', target: layer, platforms: ['linux/x86' as never] });",
    says: ['platforms[0]', 'linux/x86', 'linux/amd64'],
  },
  {
    what: 'an unknown attribute',
    config: "pkgTar({ name: 'SELF', scrs: [] } as never);",
    says: ['"scrs"', 'pkgTar "SELF"', 'Did you mean "srcs"?'],
  },
  { what: 'a missing attribute', config: "goBinary({ name: 'SELF' } as never);", says: ['"package"', 'goBinary "SELF"', 'missing'] },
  { what: 'a missing name', config: 'pkgTar({} as never);', says: ['pkgTar', '"name"', 'missing'] },
  { what: 'a name with a slash', config: "pkgTar({ name: 'a/b' });", says: ['pkgTar', 'a/b', 'letters, digits'] },
  { what: 'no argument at all', config: '(pkgTar as () => void)();', says: ['pkgTar', 'one object', 'nothing'] },
  {
    what: 'os together with base',
    config: `ociImage({ name: 'SELF', base: image, os: 'linux' } as never);`,
    says: ['"os"', 'ociImage "SELF"', 'together with base'],
  },
  {
    what: 'no architecture without base',
    config: "ociImage({ name: 'SELF', os: 'linux' } as never);",
    says: ['"architecture"', 'ociImage "SELF"', 'mandatory without a base'],
  },
  {
    what: 'a goBinary in tars',
    config: `ociImage({ name: 'SELF', ${scratch}, tars: [binary as never] });`,
    says: ['tars[0]', 'ociImage "SELF"', '"binary"', 'TarInfo'],
  },
  {
    what: 'a pkgTar as base',
    config: "ociImage({ name: 'SELF', base: layer as never });",
    says: ['"base"', 'ociImage "SELF"', '"layer"', 'expected an ociImage'],
  },
  {
    what: 'an empty list of tags to load',
    config: `ociLoad({ name: 'SELF', image, repoTags: [] });`,
    says: ['"repoTags"', 'ociLoad "SELF"', 'one or more'],
  },
  {
    what: 'an image name in upper case',
    config: `ociLoad({ name: 'SELF', image, repoTags: ['Hello:latest'] });`,
    says: ['repoTags[0]', 'Hello:latest'],
  },
  {
    what: 'a source outside of the workspace',
    config: "pkgTar({ name: 'SELF', srcs: ['../x'] });",
    says: ['srcs[0]', '../x', 'leaves the workspace'],
  },
  { what: 'an absolute source', config: "pkgTar({ name: 'SELF', srcs: ['/etc/passwd'] });", says: ['srcs[0]', '/etc/passwd', 'absolute'] },
  { what: 'a source with a NUL', config: "pkgTar({ name: 'SELF', srcs: ['x\\0y'] });", says: ['srcs[0]', 'NUL'] },
  {
    what: 'a command without outputs',
    config: "command({ name: 'SELF', argv: ['true'], outputs: [] });",
    says: ['"outputs"', 'command "SELF"', 'one or more'],
  },
  {
    what: 'a command whose outputs overlap',
    config: "command({ name: 'SELF', argv: ['true'], outputs: ['out/', 'out/x'] });",
    says: ['outputs[1]', 'overlap'],
  },
  {
    what: 'a command whose output leaves its folder',
    config: "command({ name: 'SELF', argv: ['true'], outputs: ['../x'] });",
    says: ['outputs[0]', '../x'],
  },
  { what: 'a label with a wrong form', config: `ociImage({ name: 'SELF', base: '../x:y' });`, says: ['../x'] },
  {
    what: 'an attribute of a select that is wrong',
    config: "pkgTar({ name: 'SELF', mode: select({ windows: '0644', default: '9' }) });",
    says: ['mode', '"9"', 'octal'],
  },
  { what: 'a path with a NUL', config: "pkgTar({ name: 'SELF', emptyFiles: ['x\\0y'] });", says: ['NUL'] },
  { what: 'a link with a NUL', config: "pkgTar({ name: 'SELF', symlinks: { x: 'y\\0z' } });", says: ['symlinks.x', 'NUL'] },
];

const NAMES: readonly Mistake[] = [
  {
    what: 'an unknown target, with near names',
    config: `ociImage({ name: 'SELF', ${scratch}, tars: [':layr'] });`,
    says: ['"layr"', 'ociImage "SELF"', 'Did you mean', '"layer"'],
  },
];

const ANALYSIS: readonly Mistake[] = [
  {
    what: 'a select without a match',
    config: "pkgTar({ name: 'SELF', mode: select({ windows: '0644', 'darwin/arm64': '0644' }) });",
    says: ['"SELF"', 'mode', 'linux/', 'windows', 'darwin/arm64'],
  },
  {
    what: 'a variable that packageVariables lacks',
    config: "pkgTar({ name: 'SELF', packageFileName: 'a-$(version).tar' });",
    says: ['$(version)', '"SELF"', 'packageVariables'],
  },
];

const ACTIONS: readonly Mistake[] = [
  {
    what: 'a variable of env that is not defined',
    config: `ociImage({ name: 'SELF', ${scratch}, env: { A: '$NOPE' } });`,
    says: ['NOPE', 'A'],
  },
  { what: 'a missing source file', config: "pkgTar({ name: 'SELF', srcs: ['nope.txt'] });", says: ['"nope.txt"', 'does not exist'] },
  { what: 'a glob that matches nothing', config: "pkgTar({ name: 'SELF', srcs: [glob(['nope/**'])] });", says: ['nope/**', 'allowEmpty'] },
  {
    what: 'a mode for a path that is not there',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['etc/x'], modes: { 'etc/y': '0600' } });",
    says: ['"etc/y"', '"SELF"'],
  },
];

const ARCHIVES: readonly Mistake[] = [
  {
    what: 'a path that climbs',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['../etc/passwd'] });",
    says: ['../etc/passwd', '".." segment'],
  },
  {
    what: 'a path with a backslash that climbs',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['x\\\\..\\\\..\\\\y'] });",
    says: ['".." segment'],
  },
  { what: 'a package folder that climbs', config: "pkgTar({ name: 'SELF', emptyFiles: ['x'], packageDir: '/../..' });", says: ['..'] },
  {
    what: 'a link that climbs above the root',
    config: "pkgTar({ name: 'SELF', symlinks: { 'a/x': '../../../y' } });",
    says: ['a/x', 'climbs above the root'],
  },
  { what: 'a whiteout', config: "pkgTar({ name: 'SELF', emptyFiles: ['etc/.wh.passwd'] });", says: ['.wh.passwd', 'whiteout'] },
  {
    what: 'an opaque whiteout as folder',
    config: "pkgTar({ name: 'SELF', emptyDirs: ['etc/.wh..wh..opq'] });",
    says: ['.wh..wh..opq', 'whiteout'],
  },
  {
    what: 'a file under a file',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['etc', 'etc/x'] });",
    says: ['"etc/x"', '"etc"', 'is a file', 'expected a directory'],
  },
  {
    what: 'a file under a link',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['lib/x'], symlinks: { lib: 'usr/lib' } });",
    says: ['"lib/x"', '"lib"', 'symlink', 'usr/lib'],
  },
  {
    what: 'a file and a folder at one path',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['x'], emptyDirs: ['x'] });",
    says: ['"x"', 'differ'],
  },
  {
    what: 'a file and a link at one path',
    config: "pkgTar({ name: 'SELF', emptyFiles: ['x'], symlinks: { x: 'y' } });",
    says: ['"x"', 'differ'],
  },
  {
    what: 'two files with one path, by both sources',
    config: "pkgTar({ name: 'SELF', srcs: ['one/x.txt', 'two/x.txt'] });",
    says: ['"x.txt"', 'one/x.txt', 'two/x.txt', 'differ'],
  },
  {
    what: 'two layers with one path, by both sources',
    config: "pkgTar({ name: 'SELF', srcs: ['two/x.txt'], deps: [other] });",
    says: ['"x.txt"', 'two/x.txt', 'from archive "other"', 'one entry for each path'],
  },
  {
    what: 'a mode for a path that neither sources nor layers have',
    config: "pkgTar({ name: 'SELF', deps: [other], modes: { 'x.txt': '0600', 'y.txt': '0600' } });",
    says: ['mode or owner of "y.txt"', 'expected the path of an entry'],
  },
];

const GROUPS: readonly (readonly [phase: string, mistakes: readonly Mistake[]])[] = [
  ['attributes', ATTRIBUTES],
  ['names of targets', NAMES],
  ['analysis', ANALYSIS],
  ['what an action is told', ACTIONS],
  ['paths in archives', ARCHIVES],
];

const PRELUDE = `import { command, glob, goBinary, goCrossBinary, multiArch, ociImage, ociLoad, pkgTar, select } from 'ocidsl';
const layer = pkgTar({ name: 'layer' });
const other = pkgTar({ name: 'other', srcs: ['one/x.txt'] });
const image = ociImage({ name: 'image', ${scratch} });
const binary = goBinary({ name: 'binary', package: '.' });
void [command, glob, goCrossBinary, multiArch, ociLoad, select, layer, other, image, binary];
`;
const FILES = { 'one/x.txt': 'one\n', 'two/x.txt': 'two\n' };
const nameOf = (index: number) => `self${index}`;

describe.each(GROUPS)('mistakes in %s', (_, mistakes) => {
  const calls = mistakes.map(({ config }, i) => `${config.replaceAll('SELF', nameOf(i))} // ${nameOf(i)}.`);
  const names = mistakes.map((_each, i) => nameOf(i));
  let ws: Workspace;
  let run: Run;

  beforeAll(async () => {
    ws = new Workspace({ ...FILES, 'build.config.ts': `${PRELUDE}${calls.join('\n')}\n` });
    // By name, without what is all right; all of them where the config has mistakes in the names themselves.
    run = await ws.ocidsl(['build', '--keep-going', ...(mistakes === ATTRIBUTES ? [] : names)]);
  });
  afterAll(() => ws.remove());

  it.each(mistakes.map((mistake, i) => ({ ...mistake, i })))('$what', ({ says, i }) => {
    const place = ws.at(`// ${nameOf(i)}.`);
    const said = messages(run).filter((message) => message.includes(`--> ${place}:`));
    expect(said, run.stderr).toHaveLength(1);
    for (const text of says) expect(said[0]).toContain(text.replaceAll('SELF', nameOf(i)));
  });

  it('are all reported, once each, with exit code 2, and nothing is written', () => {
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    expect(messages(run)).toHaveLength(mistakes.length);
    // No message is put into another one.
    for (const message of messages(run)) expect(message.match(/\bCannot\b|, expected\b/g)?.length, message).toBeLessThanOrEqual(2);
    expect(run.stderr).not.toContain('internal error');
    ws.expectClean();
  });
});

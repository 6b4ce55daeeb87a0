import { describe, expect, test } from 'vitest';
import { command, type CommandAttributes } from '../../../lib/rules/command.ts';
import { glob, type GlobOptions } from '../../../lib/rules/glob.ts';
import { goBinary } from '../../../lib/rules/go-binary.ts';
import { FilesInfo } from '../../../lib/rules/providers.ts';
import { select } from '../../../lib/rules/select.ts';
import { patternOf } from '../../../lib/graph/glob.ts';
import { casesOf } from '../../../lib/graph/select.ts';
import { declareIn } from '../graph/rig.ts';
import { actionOf, analysisIn, found, inputsOf, provided } from '../plan/rig.ts';
import { describeIn, folderOf, problemsWith } from './rig.ts';

type Call = Partial<Omit<CommandAttributes, 'name'>>;

const filesOf = (call: Call | (() => Call) = {}, packageName = '') => {
  const workspace = declareIn(packageName, () =>
    command({ name: 'c', argv: ['tools/gen'], outputs: ['o'], ...(typeof call === 'function' ? call() : call) }),
  );
  if (workspace.problems.length > 0) throw workspace.problems[0]!.error;
  return provided(analysisIn(workspace), packageName === '' ? 'c' : `${packageName}:c`, FilesInfo).files;
};
const actionFor = (...args: Parameters<typeof filesOf>) => actionOf(filesOf(...args)[0]!.artifact);

describe('command', () => {
  test('has an environment that is the same everywhere, to which env adds', async () => {
    const ENVIRONMENT = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/tmp',
      TMPDIR: '/tmp',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      SOURCE_DATE_EPOCH: '946684800',
    };
    expect(await describeIn('/', actionFor())).toEqual({ kind: 'command', argv: ['tools/gen'], environment: ENVIRONMENT, inputs: [] });
    expect(await describeIn('/', actionFor({ env: { A: 'b', TZ: 'CET' }, timeout: 5 }))).toMatchObject({
      environment: { ...ENVIRONMENT, A: 'b', TZ: 'CET' },
      timeoutSeconds: 5,
    });
  });

  test('sees its inputs at their paths relative to the package; those of others beside them', async () => {
    const root = folderOf({ 'apps/x/a.txt': '', 'apps/x/d/b.txt': '', 'lib/c.txt': '' });
    const description = await describeIn(
      root,
      actionFor(() => ({ inputs: ['a.txt', glob(['d/*']), '../../lib', goBinary({ name: 'b', package: './' })] }), 'apps/x'),
    );
    expect(inputsOf(description)).toEqual([
      'a.txt = apps/x/a.txt',
      'b = GoBuild of apps/x:b for linux/amd64: b (executable)',
      'd/b.txt = apps/x/d/b.txt',
      'lib/c.txt = lib/c.txt',
    ]);
  });

  test('has the bytes of a program of the system in its key, and asks for none that is an input', () => {
    const action = actionFor({ argv: ['sh', '-c', 'x'] });
    expect(action.discoveries).toEqual([{ discoverer: 'host-program', args: { program: 'sh', path: '/usr/local/bin:/usr/bin:/bin' } }]);
    expect(inputsOf(action.describe([found({ sh: '/usr/bin/dash' })]))).toEqual(['.host/sh = /usr/bin/dash']);
    expect(actionFor({ argv: ['./sh'] }).discoveries).toEqual([]);
  });

  test('makes files below a folder of its name, sorted, executable where it says so', () => {
    expect(filesOf({ outputs: ['z', 'a/b', 'dir/'] }).map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
      ['c/a/b', false],
      ['c/dir/', false],
      ['c/z', false],
    ]);
    expect(filesOf({ executable: true })[0]!.isExecutable).toBe(true);
    expect(actionFor({ outputs: ['z', 'a', 'dir/'] }).outputs).toEqual(['a', 'dir/', 'z']);
  });

  test.each<[object, string]>([
    [{ argv: [] }, 'attribute "argv" of command "t": it names no program'],
    [{ argv: [''] }, 'it names no program'],
    [{ argv: 'sh -c x' }, 'expected an array'],
    [{ argv: ['sh', 'a\0b'] }, 'it has a NUL byte'],
    [{ outputs: [] }, 'attribute "outputs" of command "t": it is empty'],
    [{ outputs: ['/etc/x'] }, 'it is absolute'],
    [{ outputs: ['../x'] }, 'it leaves the working directory'],
    [{ outputs: ['.'] }, 'it leaves the working directory'],
    [{ outputs: ['a/../b'] }, 'write it as "b"'],
    [{ outputs: ['./b'] }, 'write it as "b"'],
    [{ outputs: ['a//b/'] }, 'write it as "a/b/"'],
    [{ outputs: ['a', 'a'] }, 'attribute "outputs[1]" of command "t": "a" and "a" overlap'],
    [{ outputs: ['a', 'a/b'] }, 'attribute "outputs[1]" of command "t": "a/b" and "a" overlap'],
    [{ outputs: ['a/b', 'a/'] }, 'attribute "outputs[0]" of command "t": "a/b" and "a" overlap'],
    [{ env: { 'A-B': '1' } }, 'expected letters, digits and _'],
    [{ env: { A: 1 } }, 'attribute "env.A"'],
    [{ timeout: 0 }, 'a whole number from 1 to 86400'],
    [{ timeout: 1.5 }, 'a whole number from 1 to 86400'],
    [{ inputs: [1] }, 'attribute "inputs[0]"'],
  ])('refuses %j', (attributes, is) => {
    const problems = problemsWith(command, { argv: ['x'], outputs: ['o'], ...attributes });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(is);
  });

  test('does not mind outputs whose names begin alike', () => {
    expect(problemsWith(command, { argv: ['x'], outputs: ['a', 'ab', 'a-b/c', 'd/', 'd.txt'] })).toEqual([]);
  });
});

describe('glob()', () => {
  test('keeps its patterns, with the defaults of its options', () => {
    expect(patternOf(glob(['a/**', '*.{x,y}']))).toEqual({ include: ['a/**', '*.{x,y}'], exclude: [], allowEmpty: false, dot: false });
    expect(patternOf(glob(['**'], { exclude: ['*.map'], allowEmpty: true, dot: true }))).toEqual({
      include: ['**'],
      exclude: ['*.map'],
      allowEmpty: true,
      dot: true,
    });
  });

  test('does not see later changes of the arrays that it was given', () => {
    const include = ['a'];
    const made = glob(include);
    include.push('b');
    expect(patternOf(made).include).toEqual(['a']);
  });

  test.each<[unknown, GlobOptions | undefined, string]>([
    ['**', undefined, 'Cannot use glob "**": it has no pattern, expected an array of one or more patterns'],
    [[], undefined, 'it has no pattern'],
    [[''], undefined, 'it is empty'],
    [[1], undefined, 'Cannot use glob 1: it is not a string'],
    [['/etc/*'], undefined, 'it is absolute'],
    [['a\\*'], undefined, 'it has a backslash'],
    [['../*'], undefined, 'it leaves the package'],
    [['a/../../*'], undefined, 'it leaves the package'],
    [['../../*'], undefined, 'it leaves the workspace'],
    [['a'], { exclude: ['/b'] }, 'Cannot use glob "/b": it is absolute'],
  ])('refuses %j %j', (include, options, message) => {
    expect(() => glob(include as string[], options)).toThrow(
      expect.objectContaining({ code: 'OCIDSL_GLOB_PATTERN', message: expect.stringContaining(message) as string }) as Error,
    );
  });
});

describe('select()', () => {
  test('keeps its cases, without those that are undefined', () => {
    expect([...casesOf(select({ 'linux/arm64': 1, linux: 2, windows: undefined, default: 3 }))]).toEqual([
      ['linux/arm64', 1],
      ['linux', 2],
      ['default', 3],
    ]);
  });

  test.each([
    ['linux/amd65', 'Did you mean "linux/amd64"'],
    ['Linux', 'Did you mean "linux"'],
    ['defualt', 'Did you mean "default"?'],
    ['linux/arm64/v10', 'Did you mean "linux/arm64/v8"'],
    ['plan9', undefined],
  ])('refuses the case %j', (key, hint) => {
    expect(() => select({ [key]: 1 })).toThrow(
      expect.objectContaining({
        code: 'OCIDSL_SELECT_CASE',
        message: `Cannot select by "${key}": it is not a known platform, expected one such as "linux/amd64", an operating system or "default"`,
        hint: hint === undefined ? undefined : (expect.stringContaining(hint) as string),
      }) as Error,
    );
  });
});

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BuildEvent } from '../../../lib/base/events.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import { commandRunner, type CommandRunner } from '../../../lib/engine/run-command.ts';
import { findSandbox, type SandboxPolicy } from '../../../lib/engine/sandbox.ts';
import type { CommandDescription } from '../../../lib/plan/action-node.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { PreparedAction } from '../../../lib/engine/prepared-action.ts';
import { failureOf, folderOf, nodeOf, prepare, source, NEVER } from './rig.ts';

const PATH = process.env['PATH'];
const bwrapWorks = spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', 'true'], { stdio: 'ignore' }).status === 0;

/** Every temporary folder of the commands of a test is below this one. */
let staging: string;
beforeEach(() => {
  staging = folderOf();
  vi.stubEnv('TMPDIR', staging);
});
const leftovers = () => readdirSync(staging).filter((name) => !name.startsWith('ocidsl-engine-'));
afterEach(() => void vi.unstubAllEnvs());

function rigIn(root: string, policy: SandboxPolicy = 'off') {
  const events: BuildEvent[] = [];
  const { cas } = openDiskStore({ directory: folderOf() });
  const files = new FileIndex(root);
  const run: CommandRunner = commandRunner({ cas, files, policy, path: PATH, emit: (event) => void events.push(event) });
  const actionOf = (script: string, outputs: readonly string[], change: Partial<CommandDescription> = {}): PreparedAction =>
    prepare(
      files,
      nodeOf({
        outputs,
        describe: () => ({ kind: 'command', argv: ['sh', '-c', script], environment: { PATH: PATH ?? '' }, inputs: [], ...change }),
      }),
    );
  return { cas, files, events, run, actionOf };
}

describe('running a command', () => {
  test('keeps its declared outputs, with the modes that it gave them, and nothing else', async () => {
    const { cas, run, actionOf } = rigIn('/');
    const result = await run(
      actionOf(
        'echo 1 > d/a; echo 2 > b; chmod 755 b; echo 3 > more; mkdir t/e; echo 4 > t/e/z; echo 5 > t/y; echo printed; echo warned >&2',
        ['b', 'd/a', 't/'],
      ),
      NEVER,
    );
    const text = async (path: string) => (await cas.readBytes(result.outputFiles.find((each) => each.path === path)!.digest)).toString();
    expect(result.outputFiles.map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
      ['b', true],
      ['d/a', false],
      ['t/e/z', false],
      ['t/y', false],
    ]);
    expect([await text('b'), await text('t/e/z')]).toEqual(['2\n', '4\n']);
    expect([Buffer.from(result.stdout).toString(), Buffer.from(result.stderr).toString()]).toEqual(['printed\n', 'warned\n']);
    expect(leftovers()).toEqual([]);
  });

  test('never links files of the user or of the store: a command that writes to its inputs changes neither', async () => {
    const root = folderOf({ a: 'mine' });
    const { cas, files, run, actionOf } = rigIn(root);
    const digest = await cas.write(Buffer.from('stored'));
    const { node, description, inputs } = actionOf('echo x >> a; echo y >> b; stat -c %h a b > out', ['out'], { inputs: [source('a')] });
    const action = new PreparedAction(
      node,
      description,
      [...inputs, { path: 'b', isExecutable: false, sizeBytes: 6, content: { kind: 'blob', digest } }],
      files,
    );
    const { outputFiles } = await run(action, NEVER);
    expect((await cas.readBytes(outputFiles[0]!.digest)).toString()).toBe('1\n1\n');
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('mine');
    expect(statSync(join(root, 'a')).nlink).toBe(1);
    expect((await cas.readBytes(digest)).toString()).toBe('stored');
  });

  test('gives inputs the modes of the key, whatever they are on disk', async () => {
    const { cas, run, actionOf } = rigIn(folderOf({ a: '', b: '' }));
    const { outputFiles } = await run(
      actionOf('stat -c %a a b > out', ['out'], { inputs: [source('a'), { ...source('b'), isExecutable: true }] }),
      NEVER,
    );
    expect((await cas.readBytes(outputFiles[0]!.digest)).toString()).toBe('644\n755\n');
  });

  test('sees the variables that it is given and no other', async () => {
    vi.stubEnv('SECRET_OF_THE_USER', 'x');
    const { cas, run, actionOf } = rigIn('/');
    const { outputFiles } = await run(actionOf('env > out', ['out'], { environment: { PATH: PATH ?? '', ONLY: 'this' } }), NEVER);
    const names = (await cas.readBytes(outputFiles[0]!.digest))
      .toString()
      .split('\n')
      .map((line) => line.split('=')[0]!);
    expect(names).toContain('ONLY');
    expect(names).not.toContain('SECRET_OF_THE_USER');
  });

  test.each<[string, string, string[], Partial<CommandDescription>, object]>([
    [
      'ends with an error',
      'echo out; echo err >&2; exit 3',
      ['o'],
      {},
      {
        code: 'OCIDSL_COMMAND_FAILED',
        kind: 'build',
        message: 'Cannot run "sh -c echo out; echo err >&2; exit 3": it ended with exit code 3, expected 0',
        output: 'out\nerr\n',
      },
    ],
    [
      'takes too long',
      'exec sleep 300',
      ['o'],
      { timeoutSeconds: 0.05 },
      { code: 'OCIDSL_COMMAND_FAILED', message: expect.stringContaining('it was stopped after its time limit') as string },
    ],
    [
      'makes a folder instead of a file',
      'mkdir o',
      ['o'],
      {},
      {
        code: 'OCIDSL_OUTPUT_KIND',
        message: 'Cannot keep the output "o": it is a folder, expected a regular file',
        hint: 'Declare the output as "o/"',
      },
    ],
    [
      'makes a link',
      'ln -s /etc/passwd o',
      ['o'],
      {},
      { code: 'OCIDSL_OUTPUT_KIND', message: 'Cannot keep the output "o": it is not a regular file, expected a regular file' },
    ],
    ['makes a link in a folder', 'ln -s /etc/passwd o/x', ['o/'], {}, { code: 'OCIDSL_OUTPUT_KIND' }],
  ])('fails where it %s, and leaves no folder behind', async (_, script, outputs, change, error) => {
    const { run, actionOf } = rigIn('/');
    await expect(run(actionOf(script, outputs, change), NEVER)).rejects.toMatchObject(error);
    expect(leftovers()).toEqual([]);
  });

  test('is stopped when the build is, and leaves no folder behind', async () => {
    const { run, actionOf } = rigIn('/');
    const controller = new AbortController();
    const ended = failureOf(run(actionOf('touch started; exec sleep 300', ['o']), controller.signal));
    await vi.waitFor(() => expect(readdirSync(staging, { recursive: true }).some((path) => String(path).endsWith('started'))).toBe(true));
    controller.abort(new Error('stopped'));
    expect(await ended).toMatchObject({ message: 'stopped' });
    expect(leftovers()).toEqual([]);
  });

  test('says once what its sandbox does not do', async () => {
    const { events, run, actionOf } = rigIn('/');
    await run(actionOf('touch o', ['o']), NEVER);
    await run(actionOf('touch p', ['p']), NEVER);
    expect(events).toEqual([
      {
        type: 'note',
        message:
          'Commands are not fully kept apart: the sandbox is switched off, so commands see the files and the network of this machine',
      },
    ]);
  });
});

describe('the sandbox', () => {
  test('that is switched off runs the command as it is', async () => {
    const sandbox = await findSandbox('off', PATH);
    expect([sandbox.kind, sandbox.wrap(['a', 'b'], '/w')]).toEqual(['none', ['a', 'b']]);
  });

  test('is none where no program for it is found, and an error where it is required', async () => {
    expect(await findSandbox('prefer', '/nowhere')).toMatchObject({
      kind: 'none',
      gap: expect.stringContaining('neither bubblewrap (bwrap) nor unshare') as string,
    });
    await expect(findSandbox('require', '/nowhere')).rejects.toMatchObject({ code: 'OCIDSL_SANDBOX_MISSING', kind: 'environment' });
  });

  test.skipIf(!bwrapWorks)('shows the folder of the action, the system and nothing else, without network (needs bwrap)', async () => {
    const root = folderOf({ 'declared.txt': 'seen', 'secret.txt': 'hidden' });
    const { cas, run, actionOf, events } = rigIn(root, 'require');
    const script = `pwd; cat declared.txt; echo; ls; test -e ${root} && echo root; test -e /root/. && echo home; ls -A /tmp; cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '`;
    const { outputFiles } = await run(
      actionOf(`(${script}) > out 2>&1`, ['out'], { inputs: [source('declared.txt')], environment: { PATH: '/usr/bin:/bin' } }),
      NEVER,
    );
    expect((await cas.readBytes(outputFiles[0]!.digest)).toString()).toBe('/ocidsl\nseen\ndeclared.txt\nout\nlo\n');
    expect(events).toEqual([]);
  });
});

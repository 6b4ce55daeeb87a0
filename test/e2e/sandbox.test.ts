// command actions: what they see, what they make, and how they fail.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { processesWith, works } from './machine.ts';
import { messages, workspace, type Files, type Run, type Workspace } from './rig.ts';

function commandWorkspace(attributes: string, files: Files = {}): Workspace {
  return workspace({
    ...files,
    'build.config.ts': `import { command, glob, pkgTar } from 'ocidsl';\nvoid [glob, pkgTar];\ncommand({ name: 'made', ${attributes} }); // HERE\n`,
  });
}

function expectFailure(ws: Workspace, run: Run): void {
  expect({ code: run.code, stdout: run.stdout }, run.stderr).toEqual({ code: 1, stdout: '' });
  expect(run.stderr).toContain(ws.at('// HERE'));
  expect(messages(run)).toHaveLength(1);
  ws.expectClean();
}

describe.skipIf(!works('bwrap', '--unshare-all', '--ro-bind', '/', '/', 'true'))('a command in the sandbox (needs bwrap)', () => {
  it('sees its inputs and no other file of the workspace', async () => {
    const ws = commandWorkspace(
      `argv: ['sh', '-c', 'find . -type f | sort > list.txt'], inputs: ['in.txt', glob(['data/*.csv'])], outputs: ['list.txt']`,
      {
        'in.txt': '',
        'secret.txt': '',
        'data/a.csv': '',
        'data/b.json': '',
      },
    );
    await ws.build(['--sandbox', 'require']);
    const seen = ws
      .read('ocidsl-out/made/list.txt')
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('./.host/') && line !== './list.txt');
    expect(seen).toEqual(['./data/a.csv', './in.txt']);
  });

  it('does not see the machine: home, temporary files, other processes', async () => {
    const ws = commandWorkspace(
      `argv: ['sh', '-c', 'ls -A /tmp > out.txt; ls /home /srv /var >> out.txt 2>/dev/null; ls /proc | grep -c "^[0-9]" >> out.txt'], outputs: ['out.txt']`,
    );
    await ws.build(['--sandbox', 'require']);
    const [processes, ...more] = ws.read('ocidsl-out/made/out.txt').trim().split('\n');
    expect(more).toEqual([]);
    expect(Number(processes)).toBeLessThan(10);
  });

  it('cannot read an undeclared file by its absolute path', async () => {
    const ws = workspace({ 'secret.txt': 'secret' });
    ws.write({
      'build.config.ts': `import { command } from 'ocidsl';\ncommand({ name: 'made', argv: ['cat', '${ws.path('secret.txt')}'], outputs: ['x'] }); // HERE\n`,
    });
    const run = await ws.ocidsl(['build', '--sandbox', 'require']);
    expect(run.stderr).toMatch(/No such file|cannot open/i);
    expectFailure(ws, run);
  });

  it('has no network, not even to the machine itself', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " " > net.txt'], outputs: ['net.txt']`);
    await ws.build(['--sandbox', 'require']);
    expect(ws.read('ocidsl-out/made/net.txt').trim()).toBe('lo');
  });

  it('has an environment of its own', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'env | sort > env.txt'], env: { MINE: 'yes' }, outputs: ['env.txt']`);
    await ws.build([], { env: { LEAKED: 'no', TZ: 'Asia/Tokyo' } });
    const variables = Object.fromEntries(
      ws
        .read('ocidsl-out/made/env.txt')
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2)),
    );
    delete variables['PWD'];
    delete variables['_'];
    expect(variables).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/tmp',
      TMPDIR: '/tmp',
      TZ: 'UTC',
      LC_ALL: 'C.UTF-8',
      SOURCE_DATE_EPOCH: '946684800',
      MINE: 'yes',
    });
  });

  it('cannot change the sources or the system', async () => {
    const ws = commandWorkspace(
      `argv: ['sh', '-c', 'echo changed > in.txt; touch /usr/x 2> out.txt; exit 0'], inputs: ['in.txt'], outputs: ['out.txt']`,
      { 'in.txt': 'original' },
    );
    await ws.build(['--sandbox', 'require']);
    expect(ws.read('in.txt')).toBe('original');
    expect(ws.read('ocidsl-out/made/out.txt')).toContain('Read-only');
  });
});

describe('the outputs of a command', () => {
  it('are files with their mode', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo "#!/bin/sh" > tool; chmod +x tool; echo x > plain'], outputs: ['tool', 'plain']`);
    await ws.build();
    expect(
      execFileSync('stat', ['-c', '%a', ws.path('ocidsl-out/made/tool'), ws.path('ocidsl-out/made/plain')], { encoding: 'utf8' }),
    ).toMatch(/^755\n[46]44\n$/);
  });

  it('are executable where the target says so', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo x > tool'], outputs: ['tool'], executable: true`);
    await ws.build();
    expect(execFileSync('stat', ['-c', '%a', ws.path('ocidsl-out/made/tool')], { encoding: 'utf8' })).toBe('755\n');
  });

  it('may be a folder, which pkgTar packs as it is', async () => {
    const ws = workspace({
      'build.config.ts': `import { command, pkgTar } from 'ocidsl';
const site = command({ name: 'site', argv: ['sh', '-c', 'mkdir -p out/css; echo a > out/index.html; echo b > out/css/x.css'], outputs: ['out/'] });
pkgTar({ name: 'layer', srcs: [site], packageDir: '/srv' });
`,
    });
    await ws.build();
    const names = execFileSync('tar', ['-tf', ws.path('ocidsl-out/layer.tar')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(names.filter((name) => !name.endsWith('/')).map((name) => name.replace(/^\.?\//, ''))).toEqual([
      expect.stringMatching(/^srv\/.*css\/x\.css$/),
      expect.stringMatching(/^srv\/.*index\.html$/),
    ]);
    expect(ws.read('ocidsl-out/site/out/css/x.css')).toBe('b\n');
  });

  it('of one command are the inputs of another', async () => {
    const ws = workspace({
      'build.config.ts': `import { command } from 'ocidsl';
const one = command({ name: 'one', argv: ['sh', '-c', 'echo one > one.txt'], outputs: ['one.txt'] });
command({ name: 'two', argv: ['sh', '-c', 'cat $(find . -name one.txt) > two.txt; echo two >> two.txt'], inputs: [one], outputs: ['two.txt'] });
`,
    });
    await ws.build(['two']);
    expect(ws.read('ocidsl-out/two/two.txt')).toBe('one\ntwo\n');
  });

  it('that are missing are an error that names them, with what the command printed', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo nearly; echo x > other'], outputs: ['wanted', 'other']`);
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('"wanted"');
    expect(run.stderr).toContain('nearly');
    expectFailure(ws, run);
  });

  it('that are a folder instead of a file are an error', async () => {
    const ws = commandWorkspace(`argv: ['mkdir', 'wanted'], outputs: ['wanted']`);
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('"wanted"');
    expect(run.stderr).toContain('a folder');
    expectFailure(ws, run);
  });

  it('that are a symbolic link are an error', async () => {
    const ws = commandWorkspace(`argv: ['ln', '-s', '/etc/passwd', 'wanted'], outputs: ['wanted']`);
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('"wanted"');
    expectFailure(ws, run);
  });
});

describe('a command that fails', () => {
  it('shows its exit code and what it printed, and is not cached', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo to stdout; echo to stderr >&2; echo x > out; exit 7'], outputs: ['out']`);
    for (const _ of ['first', 'again']) {
      const run = await ws.ocidsl(['build']);
      for (const text of ['exit code 7', 'to stdout', 'to stderr']) expect(run.stderr).toContain(text);
      expectFailure(ws, run);
    }
  });

  it('by a program that is not there names it', async () => {
    const ws = commandWorkspace(`argv: ['no-such-program-here'], outputs: ['out']`);
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('no-such-program-here');
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect([1, 2, 6]).toContain(run.code);
    ws.expectClean();
  });

  it('is stopped when its time is up, with what it started', async () => {
    const seconds = '71733.5';
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo started; sleep ${seconds} & sleep ${seconds}'], outputs: ['out'], timeout: 1`);
    const run = await ws.ocidsl(['build'], { timeoutMs: 60_000 });
    expect(run.stderr).toContain('time limit of 1 s');
    expect(run.stderr).toContain('started');
    expectFailure(ws, run);
    expect(processesWith(`sleep ${seconds}`)).toEqual([]);
  });

  it('shows the warnings of one that succeeded, also from the cache', async () => {
    const ws = commandWorkspace(`argv: ['sh', '-c', 'echo mind the gap >&2; echo x > out'], outputs: ['out']`);
    expect((await ws.ocidsl(['build'])).stderr).toContain('mind the gap');
    ws.write({ 'unrelated.txt': '' });
    const { run } = await ws.buildVerbosely(['--output-dir', 'elsewhere']);
    expect(run.stderr).toContain('mind the gap');
    expect(run.stderr).toContain('no action was run');
  });
});

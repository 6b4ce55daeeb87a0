// What goes to stdout and what to stderr, and with which colours.
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { has } from './machine.ts';
import { announced, CHECKOUT_BINARY, workspace } from './rig.ts';

const THREE = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', emptyFiles: ['etc/x'] });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
pkgTar({ name: 'other', emptyFiles: ['y'] });
`,
};
const TWO_BROKEN = {
  'build.config.ts': `import { pkgTar } from 'ocidsl';
pkgTar({ name: 'bad1', srcs: ['nope1'] });
pkgTar({ name: 'fine', emptyFiles: ['x'] });
pkgTar({ name: 'bad2', srcs: ['nope2'] });
`,
};
describe('output', () => {
  it('has results on stdout and progress on stderr, without colours where there is no terminal', async () => {
    const ws = workspace(THREE);
    const { code, stdout, stderr } = await ws.ocidsl(['build', 'image', 'other']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^image\tsha256:[0-9a-f]{64}\tocidsl-out\/image\nother\tsha256:[0-9a-f]{64}\tocidsl-out\/other\.tar\n$/);
    expect(stderr).toContain('Packing other');
    expect(stderr).toContain('2 targets built');
    expect(stdout + stderr).not.toContain('\u001b');
  });

  it('is results only with --quiet', async () => {
    const ws = workspace(THREE);
    for (const _ of ['first', 'again']) {
      const { code, stdout, stderr } = await ws.ocidsl(['build', 'other', '--quiet']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^other\t/);
    }
  });

  it('shows errors with --quiet too', async () => {
    const run = await workspace(TWO_BROKEN).ocidsl(['build', 'bad1', '-q']);
    expect(run.stderr).toContain('"nope1"');
    expect(run.code).toBe(2);
  });

  it.skipIf(!has('script')).each([
    ['has colours on a terminal', {}, true],
    ['has none with NO_COLOR', { NO_COLOR: '1' }, false],
    ['has none on a dumb terminal', { TERM: 'dumb' }, false],
  ])('%s (needs script)', async (_, env, hasColors) => {
    const ws = workspace(TWO_BROKEN);
    const command = `'${process.execPath}' '${CHECKOUT_BINARY}' build bad1`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: ws.root,
      env: { ...ws.environment(), TERM: 'xterm', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    for await (const chunk of child.stdout) shown += String(chunk);
    expect(shown).toContain('nope1');
    // eslint-disable-next-line no-control-regex -- the escape is what is looked for
    expect(/\u001b\[3\dm/.test(shown)).toBe(hasColors);
  });

  it('does not crash when its reader goes away', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\nfor (let i = 0; i < 3000; i++) pkgTar({ name: 'target-with-a-long-name-' + i });\n`,
    });
    const child = spawn('sh', ['-c', `'${process.execPath}' '${CHECKOUT_BINARY}' list | head -1`], {
      cwd: ws.root,
      env: ws.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toBe('');
  });

  it('is the same with one job and with four', async () => {
    const ws = workspace(THREE);
    const one = await ws.build(['--jobs', '1']);
    const other = workspace(THREE);
    expect(await other.build(['--jobs', '4'])).toEqual(one);
  });

  it('announces every action that it runs once', async () => {
    const { run } = await workspace(THREE).buildVerbosely();
    expect(announced(run).sort()).toEqual(['Making image image for linux/amd64', 'Packing layer', 'Packing layer', 'Packing other']);
  });
});

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

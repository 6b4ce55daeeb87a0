// Sources that are no plain files, change while they are read, or have unusual names.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { messages, workspace, type Files, type Workspace } from './rig.ts';
import { NOISE } from './noise.ts';

const SMALL: Files = {
  'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['small.txt'] }); // HERE
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
`,
  'small.txt': 'small\n',
};

describe('sources', () => {
  it('that change while they are read are an error that names them, and never a torn layer', async () => {
    const ws = workspace({ ...SMALL, 'small.txt': NOISE });
    const writer = spawn(
      process.execPath,
      ['-e', "const fs = require('fs'); for (;;) fs.appendFileSync(process.argv[1], 'x')", ws.path('small.txt')],
      { stdio: 'ignore' },
    );
    onTestFinished(() => void writer.kill('SIGKILL'));
    const run = await ws.ocidsl(['build']);
    const ended = new Promise((resolve) => void writer.once('exit', resolve));
    writer.kill('SIGKILL');
    await ended;
    expect(run.stderr).toContain('"small.txt": it changed while it was being read');
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 1, stdout: '' });
    ws.expectClean();
    // Nothing was stored under a wrong key.
    ws.write({ 'small.txt': NOISE });
    await ws.build(['layer']);
    expect(readFileSync(ws.path('ocidsl-out/layer.tar')).includes(NOISE)).toBe(true);
  });

  it('that are named pipes are an error, not a build that hangs', async () => {
    const ws = workspace({ 'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'layer', srcs: ['pipe'] }); // HERE\n` });
    execFileSync('mkfifo', [ws.path('pipe')]);
    const run = await ws.ocidsl(['build'], { timeoutMs: 20_000 });
    expect(run.stderr).toContain('"pipe"');
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });

  it.each(['folder', 'glob'])('a named pipe that a %s has is an error too', async (kind) => {
    const source = kind === 'folder' ? "'d'" : "glob(['d/**'])";
    const ws = workspace({
      'd/x': '',
      'build.config.ts': `import { glob, pkgTar } from 'ocidsl';\nvoid glob;\npkgTar({ name: 'layer', srcs: [${source}] }); // HERE\n`,
    });
    execFileSync('mkfifo', [ws.path('d/pipe')]);
    const run = await ws.ocidsl(['build'], { timeoutMs: 20_000 });
    expect(messages(run).join('\n')).toContain('d/pipe');
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });

  it('symbolic links of a folder are kept as links, also those in a circle and without a target', async () => {
    const ws = workspace({
      'd/e/x': 'x',
      'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'layer', srcs: ['d'], stripPrefix: '.' });\n`,
    });
    symlinkSync('self', ws.path('d/self'));
    symlinkSync('..', ws.path('d/e/up'));
    symlinkSync('nowhere', ws.path('d/dangling'));
    await ws.build();
    expect(listing(ws, 'ocidsl-out/layer.tar').filter((line) => line.includes('->'))).toEqual([
      'd/dangling -> nowhere',
      'd/e/up -> ..',
      'd/self -> self',
    ]);
  });

  it.each(['..', '/etc', 'e/../../x'])('a symbolic link of a folder that leaves it, to %s, is an error', async (target) => {
    const ws = workspace({
      'd/x': 'x',
      'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'layer', srcs: ['d'] }); // HERE\n`,
    });
    symlinkSync(target, ws.path('d/out'));
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain(`"d/out": it points to "${target}"`);
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });

  it('a symbolic link as a source that leads in a circle ends with an error or a link, not in a hang', async () => {
    const ws = workspace({ 'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'layer', srcs: ['loop'] });\n` });
    symlinkSync('loop', ws.path('loop'));
    const run = await ws.ocidsl(['build'], { timeoutMs: 20_000 });
    expect(run.stderr).not.toContain('internal error');
    if (run.code === 0) expect(listing(ws, 'ocidsl-out/layer.tar').at(-1)).toBe('loop -> loop');
    else expect(run.stderr).toContain('"loop"');
  });

  it('may be empty, and have blanks, letters of all languages and line feeds in their names', async () => {
    const names = [
      'empty',
      'with blank',
      'd\u00e9j\u00e0 vu',
      '\u6f22\u5b57',
      '\ud83d\ude00',
      'line\nfeed',
      'tab\tbed',
      'quote\'"`',
      '$(echo x)',
      '-rf',
      `long-${'x'.repeat(200)}`,
    ];
    const ws = workspace({
      ...Object.fromEntries(names.map((name) => [`d/${name}`, name === 'empty' ? '' : name])),
      'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';\nconst layer = pkgTar({ name: 'layer', srcs: ['d'] });\nociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });\n`,
    });
    await ws.build();
    const out = join(ws.folder, 'unpacked');
    mkdirSync(out);
    execFileSync('tar', ['-xf', ws.path('ocidsl-out/layer.tar'), '-C', out]);
    const base = readdirSync(out).includes('d') ? join(out, 'd') : out;
    expect(readdirSync(base).sort()).toEqual([...names].sort());
    for (const name of names) expect(readFileSync(join(base, name), 'utf8')).toBe(name === 'empty' ? '' : name);
    expect((await ws.ocidsl(['build'])).stderr).toContain('no action was run');
  });

  it('with names that are no UTF-8 are an error that shows the bytes, never another name', async () => {
    const ws = workspace({
      'd/x': '',
      'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'layer', srcs: ['d'] }); // HERE\n`,
    });
    writeFileSync(Buffer.concat([Buffer.from(`${ws.path('d')}/bad-`), Buffer.from([0xff])]), '');
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).not.toContain('internal error');
    expect(run.stderr).toContain('bad-');
    expect(run.stderr).toContain(ws.at('// HERE'));
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    ws.expectClean();
  });
});

// GNU tar's view of an archive: names, and links with their targets.
function listing(ws: Workspace, archive: string): string[] {
  return execFileSync('tar', ['-tvf', ws.path(archive)], { encoding: 'utf8' })
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+ +\S+ +\S+ +\S+ +\S+ +/, '').replace(/^\.\//, ''));
}

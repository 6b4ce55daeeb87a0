// Configs that cannot work: cycles, names twice, code that throws or never ends, handles used as values. Through the command line.
import { describe, expect, it } from 'vitest';
import { messages, workspace, type Run, type Workspace } from './rig.ts';

const SCRATCH = "os: 'linux', architecture: 'amd64'";

/** The run failed as a mistake in the config does, and left nothing. */
function expectRefused(ws: Workspace, run: Run, code = 2): void {
  expect(run.stderr).not.toContain('internal error');
  expect({ code: run.code, stdout: run.stdout }, run.stderr).toEqual({ code, stdout: '' });
  ws.expectClean();
}

describe('targets that use each other', () => {
  it('shows a cycle with its whole path and the line of every use', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage } from 'ocidsl';
ociImage({ name: 'start', base: ':one' });
ociImage({ name: 'one', base: ':two' }); // one
ociImage({ name: 'two', base: ':three' }); // two
ociImage({ name: 'three', base: ':one' }); // three
`,
    });
    const run = await ws.ocidsl(['build', 'start']);
    expectRefused(ws, run);
    expect(run.stderr).toContain('one → two → three → one');
    for (const name of ['one', 'two', 'three']) expect(run.stderr).toContain(`${ws.at(`// ${name}`)}:1`);
  });

  it('shows a target that uses itself', async () => {
    const ws = workspace({ 'build.config.ts': `import { ociImage } from 'ocidsl';\nociImage({ name: 'self', base: ':self' });\n` });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(run.stderr).toContain('"self": it uses itself, self → self');
    expect(run.stderr).toContain('build.config.ts:2:1');
  });

  it('finds a cycle across packages', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage } from 'ocidsl';\nociImage({ name: 'a', base: 'lib:b' });\n`,
      'lib/build.config.ts': `import { ociImage } from 'ocidsl';\nociImage({ name: 'b', base: '//:a' });\n`,
    });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(run.stderr).toContain('a → lib:b → a');
    expect(run.stderr).toContain('build.config.ts:2:1');
    expect(run.stderr).toContain('lib/build.config.ts:2:1');
  });

  it('builds a chain of 10,000 targets without a stack overflow', async () => {
    const ws = workspace({
      'build.config.ts': `import { multiArch, ociImage } from 'ocidsl';
let last = ociImage({ name: 'image', ${SCRATCH} });
for (let i = 0; i < 10_000; i++) last = multiArch({ name: 'step' + i, target: last, platforms: ['linux/amd64'] });
`,
    });
    const run = await ws.ocidsl(['build', 'step9999']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^step9999\tsha256:[0-9a-f]{64}\tocidsl-out\/step9999\n$/);
  });

  it('finds a cycle of 10,000 targets without a stack overflow', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage } from 'ocidsl';
for (let i = 0; i < 10_000; i++) ociImage({ name: 'step' + i, base: ':step' + ((i + 1) % 10_000) }); // HERE
`,
    });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(run.stderr).toContain('step0 → step1 → step2');
    expect(run.stderr).toContain(ws.at('// HERE'));
  });
});

describe('names', () => {
  it('shows both places of a name that is declared twice', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
pkgTar({ name: 'same' }); // first

ociImage({ name: 'same', ${SCRATCH} }); // second
`,
    });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(messages(run)).toHaveLength(1);
    expect(run.stderr).toContain('ociImage "same": a pkgTar of that name is already declared');
    for (const place of ['// first', '// second']) expect(run.stderr).toContain(`${ws.at(place)}:1`);
  });

  it('shows the line of a label whose package does not exist', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage } from 'ocidsl';\n\nociImage({ name: 'a', ${SCRATCH}, tars: ['apps/x:layer'] });\n`,
    });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(run.stderr).toContain('"apps/x": its folder has no config');
    expect(run.stderr).toContain('build.config.ts:3:1 (a)');
  });

  it('reports mistakes of several targets together, each with its line', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';
pkgTar({ name: 'a', mode: 'x' });
pkgTar({ name: 'b', owner: 'y', mode: 'z' });
pkgTar({ name: 'a' });
`,
    });
    const run = await ws.ocidsl(['build']);
    expectRefused(ws, run);
    expect(messages(run).map((message) => /--> build\.config\.ts:(\d+)/.exec(message)?.[1])).toEqual(['2', '3', '3', '4']);
  });

  it('refuses two targets whose outputs have one path, and keeps neither', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';
pkgTar({ name: 'a', packageFileName: 'same.tar', emptyFiles: ['a'] });
pkgTar({ name: 'b', packageFileName: 'same.tar', emptyFiles: ['b'] });
`,
    });
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toMatch(/Cannot write the output of "[ab]" to ".*same\.tar": "[ab]" writes there too/);
    expect(run.stderr).toMatch(/build\.config\.ts:[23]:1/);
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    expect(ws.leftovers()).toEqual([]);
  });

  it('refuses an output inside of another output', async () => {
    const ws = workspace({
      'build.config.ts': `import { ociImage, pkgTar } from 'ocidsl';
ociImage({ name: 'image', ${SCRATCH} });
pkgTar({ name: 'a', packageFileName: 'image/blobs/a.tar' });
`,
    });
    const run = await ws.ocidsl(['build']);
    expect(run.stderr).toContain('"image"');
    expect(run.stderr).toContain('writes there too');
    expect(run.code, run.stderr).toBe(2);
    expect(ws.leftovers()).toEqual([]);
  });
});

describe('code in a config', () => {
  const failures = [
    { what: 'throws', code: "throw new Error('boom 17'); // HERE", says: 'boom 17' },
    { what: 'throws something that is no Error', code: "throw 'plain words'; // only Errors know their line", says: 'plain words' },
    { what: 'throws null', code: 'throw null; // only Errors know their line', says: 'null' },
    { what: 'throws in a function', code: "const f = () => { throw new TypeError('deep'); }; // HERE\nf();", says: 'deep' },
    { what: 'rejects', code: "await Promise.reject(new Error('rejected 18')); // HERE", says: 'rejected 18' },
    {
      what: 'leaves a rejection unhandled',
      code: "void Promise.reject(new Error('nobody 19')); // HERE\nawait new Promise((done) => setTimeout(done, 20));",
      says: 'nobody 19',
    },
    { what: 'calls process.exit(0)', code: 'process.exit(0); // HERE', says: 'process.exit' },
    { what: 'never ends', code: 'await new Promise(() => {});', says: 'await' },
    { what: 'has a syntax error', code: 'const = 5; // HERE', says: 'Expected identifier' },
    { what: 'imports what is not there', code: "await import('./nope.ts'); // HERE", says: 'nope.ts' },
  ];
  it.each(failures)('that $what fails with its own line', async ({ code, says }) => {
    const ws = workspace({ 'build.config.ts': `import { pkgTar } from 'ocidsl';\npkgTar({ name: 'fine' });\n${code}\nexport {};\n` });
    const run = await ws.ocidsl(['build'], { timeoutMs: 30_000 });
    expect(messages(run).join('\n')).toContain(says);
    expect(run.stderr).toContain(code.includes('// HERE') ? ws.at('// HERE') : 'build.config.ts');
    expect([1, 2]).toContain(run.code);
    expectRefused(ws, run, run.code);
  });

  it('that calls a rule after the evaluation has ended fails', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\nsetImmediate(() => pkgTar({ name: 'late' }));\npkgTar({ name: 'a' });\n`,
    });
    const run = await ws.ocidsl(['build']);
    expect(run.code, run.stdout + run.stderr).not.toBe(0);
    expect(run.stderr).toContain('pkgTar');
  });

  const uses = [
    { what: 'in a template literal', code: 'pkgTar({ name: `${layer}` });', says: ['"layer"', 'a string'] },
    { what: 'added to a string', code: "pkgTar({ name: 'x' + layer });", says: ['"layer"', 'a string'] },
    { what: 'with String()', code: 'pkgTar({ name: String(layer) });', says: ['"layer"', 'a string'] },
    { what: 'as JSON', code: 'JSON.stringify({ layer });', says: ['"layer"', 'JSON'] },
    { what: 'with await', code: 'await layer;', says: ['"layer"', 'without await'] },
    { what: 'spread like a list', code: '[...(layer as unknown as [])];', says: ['"layer"', 'Put it into an array'] },
  ];
  it.each(uses)('that uses a handle $what fails with the right alternative', async ({ code, says }) => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\nconst layer = pkgTar({ name: 'layer' });\n${code} // HERE\n`,
    });
    const run = await ws.ocidsl(['build']);
    for (const text of says) expect(messages(run).join('\n')).toContain(text);
    expect(run.stderr).toContain(ws.at('// HERE'));
    expectRefused(ws, run);
  });

  it('prints to stderr, so that results stay clean', async () => {
    const ws = workspace({
      'build.config.ts': `import { pkgTar } from 'ocidsl';\nconsole.log('from the config');\npkgTar({ name: 'a' });\n`,
    });
    const run = await ws.ocidsl(['build']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain('from the config');
    expect(run.stdout).toMatch(/^a\tsha256:[0-9a-f]{64}\tocidsl-out\/a\.tar\n$/);
  });
});

describe('folders that are no workspace', () => {
  it('are refused with what is looked for', async () => {
    const ws = workspace({ 'sub/x.txt': '' });
    const run = await ws.ocidsl(['build'], { cwd: 'sub' });
    expectRefused(ws, run);
    expect(run.stderr).toContain('build.config.ts');
  });
});

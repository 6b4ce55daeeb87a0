// The checks that are programs of their own, as tests: so `npm test` counts them and CI needs nothing else.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

const CHECKS: Readonly<Record<string, string>> = {
  'sources, tests and examples type-check; test/types/ fails where it must': 'types',
  'the linter finds nothing': 'lint',
  'every file is formatted': 'format:check',
  'no export, file or dependency is unused': 'knip',
  'the packed package has the right files, exports and types': 'publint',
};

for (const [promise, script] of Object.entries(CHECKS)) {
  it.concurrent(`${promise} (npm run ${script})`, async ({ expect: expectHere }) => {
    const { status, output } = await npmRun(script);
    expectHere(status, output).toBe(0);
  });
}

it('covers every script that npm run check runs', async () => {
  const { default: manifest } = await import('../package.json', { with: { type: 'json' } });
  const scripts: Readonly<Record<string, string>> = manifest.scripts;
  const checked = [...(scripts['check'] ?? '').matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name);
  expect(Object.values(CHECKS)).toEqual(expect.arrayContaining(checked));
});

function npmRun(script: string): Promise<{ status: number | null; output: string }> {
  const child = spawn('npm', ['run', '--silent', script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

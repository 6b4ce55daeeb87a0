// `npm run publint`: packs the package and checks the tarball as its users' Node and TypeScript will see it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'ocidsl-pack-'));
try {
  // Without scripts: `prepare` would build dist/ again, under the feet of whatever runs it just now.
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  const [tarball] = readdirSync(folder);
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  run('node_modules/.bin/publint', ['run', join(folder, tarball), '--strict']);
  run('node_modules/.bin/attw', [join(folder, tarball), '--profile', 'esm-only', '--format', 'ascii', '--no-emoji']);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ended with status ${status}`);
}

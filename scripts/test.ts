// `npm test`: sets the machine up, runs vitest with this command's arguments, and ends with one line that any CI can read.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarize, type Report } from './test-summary.ts';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'ocidsl-test-'));
const reportFile = join(folder, 'report.json');

try {
  if (process.env['OCIDSL_SKIP_SETUP'] !== '1') run('bash', [join(root, 'scripts/setup-tests.sh')]);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const status = run(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)]);
  const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, 'utf8')) as Report) : undefined;
  const { failed, text } = summarize(report, root);
  process.stdout.write(text);
  process.exitCode = status === 0 && failed > 0 ? 1 : status;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(program: string, args: readonly string[]): number {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  return status ?? 1;
}

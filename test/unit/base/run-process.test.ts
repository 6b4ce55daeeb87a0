import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { runProcess, type ProcessOptions } from '../../../lib/base/run-process.ts';

const PATH = process.env['PATH'];
const sh = (script: string, options: Partial<ProcessOptions> = {}) =>
  runProcess({ argv: ['sh', '-c', script], environment: { PATH }, ...options });

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-run-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A script that starts a grandchild in the background and goes on when it runs, and the file that its pid is in. */
function grandchild() {
  const file = join(temporaryFolder(), 'pid');
  // It holds the pipes open and ignores SIGTERM, as badly behaved compilers do.
  const body = `trap "" TERM; echo $$ > ${file}.tmp; mv ${file}.tmp ${file}; exec sleep 300`;
  const pid = (): number => Number(readFileSync(file, 'utf8'));
  onTestFinished(() => {
    if (isAlive(pid())) process.kill(pid(), 'SIGKILL');
  });
  return { script: `sh -c '${body}' & while ! [ -e ${file} ]; do sleep 0.01; done`, pid };
}

const isAlive = (pid: number): boolean => {
  try {
    // A zombie that nobody has collected yet is dead, too.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('runProcess()', () => {
  test('gives exit code and both streams', async () => {
    const result = await sh('echo out; echo err >&2; exit 3');
    expect({ ...result, stdout: result.stdout.toString(), stderr: result.stderr.toString() }).toEqual({
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
    });
  });

  test('gives standard input, and does not mind a program that does not read it', async () => {
    expect((await sh('cat', { stdin: Buffer.from('given') })).stdout.toString()).toBe('given');
    expect((await sh('cat')).stdout.toString()).toBe('');
    expect((await sh('exec true', { stdin: Buffer.alloc(1_000_000) })).exitCode).toBe(0);
  });

  test('inherits nothing of the environment', async () => {
    const { stdout } = await runProcess({
      argv: [process.execPath, '-p', 'JSON.stringify(process.env)'],
      environment: { ONLY: 'this', LEFT_OUT: undefined },
    });
    const { PWD: _, SHLVL: __, OLDPWD: ___, ...environment } = JSON.parse(stdout.toString()) as Record<string, string>;
    expect(environment).toEqual({ ONLY: 'this' });
  });

  test('runs in the folder that it is told', async () => {
    const cwd = temporaryFolder();
    expect((await sh('pwd -P', { cwd })).stdout.toString().trim()).toBe(cwd);
  });

  test('uses no shell', async () => {
    expect((await runProcess({ argv: ['echo', '$HOME; echo x'], environment: { PATH } })).stdout.toString()).toBe('$HOME; echo x\n');
  });

  test.each([
    ['TERM', 143],
    ['KILL', 137],
    ['HUP', 129],
  ])('gives 128 + its number for a program that SIG%s ended', async (signal, exitCode) => {
    expect((await sh(`kill -${signal} $$`)).exitCode).toBe(exitCode);
  });

  test('says which program cannot be started', async () => {
    await expect(runProcess({ argv: ['no-such-program-here'], environment: { PATH } })).rejects.toMatchObject({
      code: 'OCIDSL_SYSTEM_ENOENT',
      kind: 'environment',
      message: expect.stringContaining('"no-such-program-here"') as string,
    });
    await expect(runProcess({ argv: [], environment: {} })).rejects.toThrow(RangeError);
  });

  test('keeps the first and the last bytes of a stream that is too long, and says how many are gone', async () => {
    const { stdout } = await sh(
      'echo first; i=0; while [ $i -lt 3000 ]; do echo 01234567890123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done; echo last',
      { maxOutputBytes: 8192 },
    );
    const text = stdout.toString();
    expect(text).toMatch(/^first\n/);
    expect(text).toMatch(/\nlast\n$/);
    const [, dropped] = /… (\d+) bytes left out …/.exec(text)!;
    const kept = text.replace(/\n… \d+ bytes left out …\n/, '').length;
    expect(kept + Number(dropped)).toBe('first\n'.length + 3000 * 81 + 'last\n'.length);
    // One read of a pipe (64 KiB) may be more than the limit; nothing beyond that is kept.
    expect(kept).toBeLessThan(8192 + 65_536);
  });

  test('stops a program at the time limit', async () => {
    expect(await sh('exec sleep 300', { timeoutMs: 50 })).toMatchObject({ exitCode: 143, timedOut: true });
  });

  test('does not start where it is cancelled already', async () => {
    const reason = new Error('no more');
    const folder = temporaryFolder();
    await expect(sh('touch started', { cwd: folder, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(() => readFileSync(join(folder, 'started'))).toThrow('ENOENT');
  });

  test('kills grandchildren when it is cancelled, even those that ignore SIGTERM, and ends with the reason', async () => {
    const controller = new AbortController();
    const { script, pid } = grandchild();
    const reason = new Error('stopped by the user');
    const ended = sh(`${script}; wait`, { signal: controller.signal }).then(String, (error: unknown) => error);
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), 10_000);
    controller.abort(reason);
    expect(await ended).toBe(reason);
    await vi.waitFor(() => expect(isAlive(pid())).toBe(false));
  });

  test('ends with an interruption where the reason of the signal is no error', async () => {
    const controller = new AbortController();
    const ended = sh('exec sleep 300', { signal: controller.signal });
    controller.abort('just so');
    await expect(ended).rejects.toMatchObject({ code: 'OCIDSL_INTERRUPTED', kind: 'interrupted' });
  });

  test('kills what a program left in the background, and does not wait for it', async () => {
    const { script, pid } = grandchild();
    const result = await sh(`${script}; echo done; exit 7`, { timeoutMs: 20_000 });
    expect(result).toMatchObject({ exitCode: 7, timedOut: false });
    expect(result.stdout.toString()).toBe('done\n');
    await vi.waitFor(() => expect(isAlive(pid())).toBe(false));
  });
});

// Ctrl-C and its relatives: the build stops at once, takes all that it started with it and leaves no temporary file.
import { describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import { has, processesWith, until } from './machine.ts';
import { workspace, type Running, type Workspace } from './rig.ts';

// An unusual number, so that its processes are told from everybody else's.
let next = 81_000 + (process.pid % 1000);
const SMALL_TARGET = "pkgTar({ name: 'small', emptyFiles: ['x'] });";

interface Sleeping extends Running {
  readonly ws: Workspace;
  readonly marker: string;
}

/** A build that waits for a command whose own children sleep. */
async function startSleeping(script = (seconds: string) => `sleep ${seconds} & (sleep ${seconds}; true) & wait`): Promise<Sleeping> {
  const seconds = `${next++}.25`;
  const ws = workspace({
    'build.config.ts': `import { command, pkgTar } from 'ocidsl';
command({ name: 'slow', argv: ['sh', '-c', '${script(seconds)}'], outputs: ['x'] });
${SMALL_TARGET}
`,
  });
  const running = ws.start(['build']);
  const marker = `sleep ${seconds}`;
  await until('the command runs', () => processesWith(marker).filter((line) => /^\d+ sleep /.test(line)).length >= 1);
  return { ws, marker, ...running };
}

describe('a build that is told to stop', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s ends with 130 within 2 s, with every process that it started',
    async (signal) => {
      const { ws, marker, child, ended } = await startSleeping();
      const start = performance.now();
      child.kill(signal);
      const run = await ended;
      // Measured here and bounded loosely by the machine's load: the promise is 2 s.
      expect(performance.now() - start).toBeLessThan(2_000);
      expect(run.code).toBe(130);
      expect(run.stderr).toContain(signal);
      expect(run.stderr).not.toContain('internal error');
      expect(processesWith(marker)).toEqual([]);
      expect(ws.leftovers()).toEqual([]);
    },
  );

  it('ends processes that ignore the request', async () => {
    const { ws, marker, child, ended } = await startSleeping((seconds) => `trap "" TERM INT; sleep ${seconds}; sleep ${seconds}`);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    await until('the processes are gone', () => processesWith(marker).length === 0, 5_000);
    expect(ws.leftovers()).toEqual([]);
  });

  it('keeps what was complete, so that the next build goes on from there', async () => {
    const { ws, child, ended } = await startSleeping();
    await until('the small target is written', () => existsSync(ws.path('ocidsl-out/small.tar')));
    child.kill('SIGINT');
    await ended;
    ws.write({ 'build.config.ts': `import { pkgTar } from 'ocidsl';\n${SMALL_TARGET}\n` });
    const { run } = await ws.buildVerbosely();
    expect(run.stderr).toContain('no action was run');
  });

  it('twice ends at once', async () => {
    const { marker, child, ended } = await startSleeping((seconds) => `trap "" TERM INT; sleep ${seconds}; sleep ${seconds}`);
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    await until('the processes are gone', () => processesWith(marker).length === 0, 5_000);
  });
});

describe('a build that is killed', () => {
  it.skipIf(!has('bwrap'))('takes its commands with it (needs bwrap)', async () => {
    const { marker, child, ended } = await startSleeping();
    child.kill('SIGKILL');
    expect((await ended).code).toBe(137);
    await until('the processes are gone', () => processesWith(marker).length === 0, 5_000);
  });
});

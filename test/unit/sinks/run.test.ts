import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerEngine } from '../../../lib/sinks/engine-interface.ts';
import { loadImage } from '../../../lib/sinks/load.ts';
import { runImage } from '../../../lib/sinks/run.ts';
import { environment, helloProgram, missing, podmanCommand, type RunningEngine } from './load-engines.ts';
import { addImage, MemorySource } from './load-rig.ts';

const fixture = fileURLToPath(new URL('run-fixture.ts', import.meta.url));
const reason = missing.podman ?? missing.go;
const noTerminal = { isInput: false, isOutput: false };

describe.skipIf(reason !== undefined)(`runImage() with podman${reason === undefined ? '' : ` (${reason})`}`, { timeout: 60_000 }, () => {
  let running: RunningEngine;
  let image: string;

  beforeAll(async () => {
    running = await podmanCommand();
    const source = new MemorySource();
    const { manifest } = await addImage(source, { layers: [{ hello: helloProgram() }] });
    image = (await loadImage({ manifest, source, engine: running.engine, repoTags: ['run:1'] })).imageId;
  }, 60_000);
  afterAll(() => running?.stop());

  const spec = (args: string[], more: { abortOnUsr2?: boolean; graceMs?: number; image?: string } = {}) => [
    '--import',
    'tsx',
    fixture,
    JSON.stringify({ argv: running.engine.command!.argv, image, args, engineArgs: running.runArgs, ...more }),
  ];
  const run = (args: string[], input = '', more = {}) => spawnSync(process.execPath, spec(args, more), { input, encoding: 'utf8' });

  // Starts the container, and does something once it has printed its first line.
  async function runUntilOutput(args: string[], then: (pid: number) => void, more = {}) {
    const child = spawn(process.execPath, spec(args, more), { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      const isFirst = stdout === '';
      stdout += chunk.toString();
      if (isFirst) then(child.pid!);
    });
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { status, stdout, stderr };
  }

  it('passes arguments as they are, also those that look like flags of the engine', () => {
    expect(run(['--rm', 'a b', '', '$HOME'])).toMatchObject({ status: 0, stdout: 'hello [--rm a b  $HOME]\n' });
  });

  it('passes stdin on', () => {
    expect(run(['cat'], 'line 1\nline 2\n')).toMatchObject({ status: 0, stdout: 'line 1\nline 2\n' });
  });

  it("returns the container's exit code", () => {
    expect(run(['exit', '42']).status).toBe(42);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('passes %s on to the container', async (name) => {
    const result = await runUntilOutput(['wait'], (pid) => process.kill(pid, name));
    expect(result).toMatchObject({ status: 7, stdout: `waiting\ngot ${name === 'SIGINT' ? 'interrupt' : 'terminated'}\n` });
    expect(running.command('ps', '--all', '--quiet')).toBe('');
  });

  it('removes a container that does not heed an abort', async () => {
    const result = await runUntilOutput(['ignore'], (pid) => process.kill(pid, 'SIGUSR2'), { abortOnUsr2: true, graceMs: 500 });
    expect(result).toMatchObject({ status: 99, stderr: expect.stringContaining('thrown: interrupted') });
    expect(running.command('ps', '--all', '--quiet')).toBe('');
  });

  it('never pulls: an image that is not there is a failure of the engine', () => {
    const result = run([], '', { image: 'docker.io/library/not-there:1' });
    expect(result.status).toBe(125);
    expect(result.stderr).not.toMatch(/trying to pull/i);
  });

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'gives the container a terminal where there is one (needs the script command)',
    async () => {
      const quoted = [process.execPath, ...spec(['terminal'])].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      // Its input stays open: at the end of it script hangs up, perhaps before the container has said anything.
      const script = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
      let output = '';
      script.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      await new Promise((resolve) => script.on('close', resolve));
      expect(output).toContain('terminal: true');
      expect(run(['terminal']).stdout).toBe('terminal: false\n');
    },
  );
});

describe('runImage()', () => {
  const engine = (argv: [string, ...string[]] | undefined): ContainerEngine => ({
    name: 'docker',
    description: 'docker at unix:///nowhere',
    info: { platform: undefined, store: 'layers' },
    command: argv && { argv, environment },
    inspect: () => Promise.resolve(undefined),
    load: () => Promise.resolve(),
    tag: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });

  it('says which command is missing', async () => {
    await expect(runImage({ engine: engine(['ocidsl-no-such-docker']), image: 'x', terminal: noTerminal })).rejects.toMatchObject({
      code: 'OCIDSL_RUN_ENGINE',
      kind: 'environment',
      message:
        'Cannot run an image with docker at unix:///nowhere: there is no ocidsl-no-such-docker on PATH, expected its command line client',
    });
  });

  it('refuses an engine that runs nothing from here', async () => {
    await expect(runImage({ engine: engine(undefined), image: 'x', terminal: noTerminal })).rejects.toMatchObject({
      code: 'OCIDSL_RUN_ENGINE',
    });
  });

  it('asks for a terminal only where both stdin and stdout are one', async () => {
    // `test` compares the flag in the place of --tty: 0 where it is there.
    const argv: [string, ...string[]] = ['sh', '-c', 'case " $* " in *" --tty "*) exit 1;; *) exit 0;; esac', 'sh'];
    for (const [isInput, isOutput, code] of [
      [true, true, 1],
      [true, false, 0],
      [false, true, 0],
      [false, false, 0],
    ] as const) {
      expect(await runImage({ engine: engine(argv), image: 'x', terminal: { isInput, isOutput } })).toBe(code);
    }
  });

  it('returns 128 and the number of the signal that ended the command', async () => {
    const argv: [string, ...string[]] = ['sh', '-c', 'kill -KILL $$', 'sh'];
    expect(await runImage({ engine: engine(argv), image: 'x', terminal: noTerminal })).toBe(137);
  });
});

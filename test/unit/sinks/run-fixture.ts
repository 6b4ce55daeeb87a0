// Run as a process by run.test.ts: runs an image as the command line would, with this process's stdio and signals.
import { connectEngineCli } from '../../../lib/sinks/engine-cli.ts';
import { runImage } from '../../../lib/sinks/run.ts';

const { argv, image, args, engineArgs, abortOnUsr2, graceMs } = JSON.parse(process.argv[2]!) as {
  argv: [string, ...string[]];
  image: string;
  args: string[];
  engineArgs: string[];
  abortOnUsr2?: boolean;
  graceMs?: number;
};
const engine = await connectEngineCli({ name: 'podman', argv, environment: process.env, display: 'podman command' });
const controller = new AbortController();
if (abortOnUsr2) process.on('SIGUSR2', () => controller.abort(new Error('interrupted')));
try {
  process.exitCode = await runImage({
    engine,
    image,
    args,
    engineArgs,
    terminal: { isInput: process.stdin.isTTY, isOutput: process.stdout.isTTY },
    signal: controller.signal,
    ...(graceMs === undefined ? {} : { graceMs }),
    onSignals(forward) {
      const names = ['SIGINT', 'SIGTERM'] as const;
      for (const name of names) process.on(name, forward);
      return () => names.forEach((name) => process.off(name, forward));
    },
  });
} catch (error) {
  process.stderr.write(`thrown: ${(error as Error).message}\n`);
  process.exitCode = 99;
}

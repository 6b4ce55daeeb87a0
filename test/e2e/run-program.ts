// Runs other programs without blocking this process, which may serve what they ask for, such as a registry.
import { execFile } from 'node:child_process';
import type { Run } from './rig.ts';

/** Runs a program to its end. Throws where it cannot be started or a signal ended it. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env: NodeJS.ProcessEnv },
): Promise<Run> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { ...options, timeout: 240_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} ${args.join(' ')}: ${error.signal ?? error.message}\n${stderr}`, { cause: error }));
    });
  });
}

/** Runs a program that must succeed; returns its stdout. */
export async function outputOf(program: string, args: readonly string[], options: Parameters<typeof runProgram>[2]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout;
}

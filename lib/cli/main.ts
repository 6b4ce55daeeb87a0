// The command line: what every command has in common. Commands are loaded when they are asked for; a plain `build` is part
// of the start, because it is asked for most and often has nothing to do.
import { isOcidslError } from '../base/errors.ts';
import { sealBuiltIns } from '../plan/define-rule.ts';
import { build } from './commands/build.ts';
import { exitCodeOf } from './exit-codes.ts';
import { plainBuild } from './plain-build.ts';
import { readSettings } from './settings.ts';
import { openTerminal } from './terminal.ts';

/**
 * Runs `ocidsl` with the arguments after its name; returns the exit code. `onStarted` is called by commands that may have
 * nothing to do, when they know: what was compiled until then is worth keeping.
 */
export async function main(argv: readonly string[], onStarted: () => void = () => undefined): Promise<number> {
  sealBuiltIns();
  const isDebug = argv.includes('--debug');
  const terminal = openTerminal(process.env, argv.includes('--quiet') || argv.includes('-q'));
  // A promise of the user's config that fails later, or a bug: never a silent success.
  process.on('unhandledRejection', (error) => {
    terminal.fail(error, isDebug);
    process.exit(exitCodeOf(error));
  });
  try {
    const plain = plainBuild(argv);
    if (plain !== undefined) {
      await build(plain.targets, readSettings(plain.options, process.env, process.cwd()), terminal, onStarted);
      return 0;
    }
    const { runProgram } = await import('./program.ts');
    return await runProgram(argv, terminal, onStarted);
  } catch (error) {
    terminal.fail(error, isDebug);
    return isOcidslError(error) && error.errors[0] !== undefined ? exitCodeOf(error.errors[0]) : exitCodeOf(error);
  }
}

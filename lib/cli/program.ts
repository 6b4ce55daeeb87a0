// The command line's commands with their arguments and options. What they do is loaded when they are asked for.
import { Command, CommanderError, Option } from 'commander';
import { libraryVersion } from './library.ts';
import { readSettings, type GlobalOptions, type Settings } from './settings.ts';
import type { Terminal } from './terminal.ts';

/** What a command gets. */
interface Invocation {
  readonly settings: Settings;
  readonly terminal: Terminal;
}

/** Parses the arguments and runs the command that they name; returns the exit code. */
export async function runProgram(argv: readonly string[], terminal: Terminal, onStarted: () => void): Promise<number> {
  let exitCode = 0;
  const program = createProgram(
    (command) => ({ settings: readSettings(command.optsWithGlobals<GlobalOptions>(), process.env, process.cwd()), terminal }),
    {
      onStarted,
      setExitCode: (code) => {
        exitCode = code;
      },
    },
    argv[0],
  );
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help and version end this way too; wrong usage has been printed already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

/** Registers one command: its usage line and description. */
type AddCommand = (usage: string, description: string) => Command;
type Invoke = (command: Command) => Invocation;

/** Where commands leave what is not a result. */
interface Outcome {
  readonly setExitCode: (code: number) => void;
  /** To be called where a command that has nothing to do would be done. */
  readonly onStarted: () => void;
}

const COMMANDS: Readonly<Record<string, (add: AddCommand, invoke: Invoke, outcome: Outcome) => void>> = {
  build: (add, invoke, { onStarted }) => {
    add('build [targets...]', 'build targets, or all of them')
      .option('--with-base-layers', 'download the layers of base images in registries too, so that the layouts are complete')
      .action(async (targets: string[], _, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { build } = await import('./commands/build.ts');
        await build(targets, settings, terminal, onStarted);
      });
  },
  list: (add, invoke) => {
    add('list', 'show every target, its rule and where it is declared').action(async (_, command: Command) => {
      const { settings, terminal } = invoke(command);
      const { list } = await import('./commands/list.ts');
      await list(settings, terminal);
    });
  },
  load: (add, invoke) => {
    add('load <targets...>', 'put images into docker, podman, nerdctl or kind')
      .addOption(engineOption())
      .action(async (targets: string[], options: { engine?: string }, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { load } = await import('./commands/load.ts');
        await load(targets, options, settings, terminal);
      });
  },
  run: (add, invoke, { setExitCode }) => {
    add('run <target> [arguments...]', 'build, load and run an image; its exit code is the result')
      .addOption(engineOption())
      .option('--engine-arg <argument...>', "argument for the engine's run command, such as --engine-arg=--network=host")
      .action(async (target: string, args: string[], options: { engine?: string; engineArg?: string[] }, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { run } = await import('./commands/load.ts');
        setExitCode(await run(target, args, options, settings, terminal));
      });
  },
  push: (add, invoke) => {
    add('push <targets...>', 'push images and indexes, tags last; prints repository@digest')
      .option('--repository <repository>', 'push there instead of where the target says')
      .option('--tag <tag...>', 'set these tags instead of those that the target says')
      .option('--dry-run', 'show what would be uploaded, mounted, skipped and tagged')
      .option('--insecure', 'allow plain HTTP to the registry')
      .action(async (targets: string[], options: object, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { push } = await import('./commands/push.ts');
        await push(targets, options, settings, terminal);
      });
  },
  auth: (add, invoke) => {
    const auth = add('auth', 'find out and set up where credentials come from');
    const addTo: AddCommand = (usage, description) => addGlobalOptions(auth.command(usage).description(description));
    addTo('explain <reference>', 'show which file, key and helper give the credentials; never the secret').action(
      async (reference: string, _, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { authExplain } = await import('./commands/auth.ts');
        await authExplain(reference, settings, terminal);
      },
    );
    addTo('setup <registry>', 'set the credential helper of a registry in the docker config; a copy of the old file is kept')
      .option('--helper <name>', 'the program docker-credential-<name>; ocidsl-gh takes the token of the gh command')
      .option('--remove', 'remove the helper of this registry')
      .action(async (registry: string, options: object, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { authSetup } = await import('./commands/auth.ts');
        await authSetup(registry, options, settings, terminal);
      });
  },
  lock: (add, invoke) => {
    add('lock [targets...]', 'pin tags, files and Go toolchains in ocidsl.lock.json, all or what targets ask for; prints what changed')
      .option(
        '--check',
        'write nothing; fail where a pin is missing, unused or lacks a platform. Asks no registry: a tag that moved is no fault',
      )
      .action(async (targets: string[], options: { check?: boolean }, command: Command) => {
        const { settings, terminal } = invoke(command);
        const { lock } = await import('./commands/lock.ts');
        await lock(targets, options, settings, terminal);
      });
  },
  tool: (add, invoke) => {
    add('tool <name> <version> [arguments...]', 'run a tool of ocidsl in the working directory, as a remote worker does')
      .passThroughOptions()
      .action(async (name: string, version: string, args: string[], _, command: Command) => {
        const { terminal } = invoke(command);
        const { tool } = await import('./commands/tool.ts');
        await tool(name, version, args, terminal);
      });
  },
};

/**
 * The commands with their arguments and options; `npm run docs` reads them. `invoke` opens the session that a command runs in. Where `only` is the
 * name of a command the others are left out: nobody asks for their help then, and describing them takes longer than a build without changes.
 */
export function createProgram(invoke: Invoke, outcome: Outcome, only?: string): Command {
  const program = new Command('ocidsl')
    .description('Builds, loads and pushes OCI images from build.config.ts.')
    .version(libraryVersion())
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError();
  const add: AddCommand = (usage, description) =>
    addGlobalOptions(program.command(usage).description(description).exitOverride().allowExcessArguments(false));
  const chosen = only !== undefined && Object.hasOwn(COMMANDS, only) ? [COMMANDS[only]!] : Object.values(COMMANDS);
  for (const register of chosen) register(add, invoke, outcome);
  return program;
}

function engineOption(): Option {
  return new Option('--engine <engine>', 'docker, podman, nerdctl, kind[:cluster] or an address such as unix:///run/podman/podman.sock');
}

function addGlobalOptions(command: Command): Command {
  return command
    .option(
      '--root <folder>',
      'the workspace root (default: the nearest folder with build.config.* and package.json, .git or ocidsl.lock.json)',
    )
    .option('--platform <platform>', 'what to build for (default: linux/<architecture of this machine>)')
    .option('--output-dir <folder>', 'where outputs go (default: ocidsl-out)')
    .option('--cache-dir <folder>', 'the cache (default: $OCIDSL_CACHE_DIR, else $XDG_CACHE_HOME/ocidsl)')
    .option('-j, --jobs <number>', 'actions at a time (default: one for each CPU)')
    .option('-k, --keep-going', 'go on with what does not depend on a failure')
    .option('--fail-fast', 'stop running actions at the first failure')
    .option('--sandbox <policy>', 'for command actions: prefer, require or off (default: $OCIDSL_SANDBOX, else prefer)')
    .option('--config-loader <loader>', 'bundle (default), or tsx for debugging')
    .option('--json', 'print results as JSON')
    .option('-q, --quiet', 'print errors, warnings and results only')
    .option('--debug', 'print stacks of errors');
}

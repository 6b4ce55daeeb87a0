// The arguments of a build that need no parser: loading one takes longer than a build in which nothing changed.
import type { GlobalOptions } from './settings.ts';

/** `build` with target names, switches, and the options that say where things are. */
export interface PlainBuild {
  readonly targets: readonly string[];
  readonly options: GlobalOptions;
}

type Switch = 'quiet' | 'json' | 'keepGoing' | 'failFast';

const SWITCHES: Readonly<Record<string, Switch>> = {
  '-q': 'quiet',
  '--quiet': 'quiet',
  '--json': 'json',
  '-k': 'keepGoing',
  '--keep-going': 'keepGoing',
  '--fail-fast': 'failFast',
};

type Option = 'root' | 'cacheDir' | 'outputDir' | 'platform';

const OPTIONS: Readonly<Record<string, Option>> = {
  '--root': 'root',
  '--cache-dir': 'cacheDir',
  '--output-dir': 'outputDir',
  '--platform': 'platform',
};

/** The build that `argv` asks for; undefined where it asks for anything else, or in a way that a parser has to read. */
export function plainBuild(argv: readonly string[]): PlainBuild | undefined {
  const [command, ...args] = argv;
  if (command !== 'build') return undefined;
  const targets: string[] = [];
  const options: Partial<Record<Switch, boolean> & Record<Option, string>> = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const name = Object.hasOwn(SWITCHES, arg) ? SWITCHES[arg] : undefined;
    const option = Object.hasOwn(OPTIONS, arg) ? OPTIONS[arg] : undefined;
    if (name !== undefined) options[name] = true;
    else if (option !== undefined) {
      const value = args[++i];
      // Missing, or in need of a parser that knows what is an option and what a value.
      if (value === undefined || value === '' || value.startsWith('-')) return undefined;
      options[option] = value;
    } else if (arg.startsWith('-')) return undefined;
    else targets.push(arg);
  }
  return { targets, options };
}

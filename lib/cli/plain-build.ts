// The arguments of a build that need no parser: loading one takes longer than a build in which nothing changed.
import type { GlobalOptions } from './settings.ts';

/** `build` with target names and the switches that take no value. */
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

/** The build that `argv` asks for; undefined where it asks for anything else, or in a way that a parser has to read. */
export function plainBuild(argv: readonly string[]): PlainBuild | undefined {
  const [command, ...args] = argv;
  if (command !== 'build') return undefined;
  const targets: string[] = [];
  const options: Partial<Record<Switch, boolean>> = {};
  for (const arg of args) {
    const name = Object.hasOwn(SWITCHES, arg) ? SWITCHES[arg] : undefined;
    if (name !== undefined) options[name] = true;
    else if (arg.startsWith('-')) return undefined;
    else targets.push(arg);
  }
  return { targets, options };
}

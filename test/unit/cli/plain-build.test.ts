import { expect, test } from 'vitest';
import { plainBuild } from '../../../lib/cli/plain-build.ts';

test.each<[string[], ReturnType<typeof plainBuild>]>([
  [['build'], { targets: [], options: {} }],
  [['build', 'a', 'p:b'], { targets: ['a', 'p:b'], options: {} }],
  [['build', '-q', 'a', '--json'], { targets: ['a'], options: { quiet: true, json: true } }],
  [['build', '-k', '--fail-fast', '--keep-going', '--quiet'], { targets: [], options: { keepGoing: true, failFast: true, quiet: true } }],
  // Everything else is for the parser: values, groups of switches, help, and names that only look like switches.
  [['build', '--jobs', '2'], undefined],
  [['build', '--platform=linux/amd64'], undefined],
  [['build', '-qk'], undefined],
  [['build', '--', '-q'], undefined],
  [['build', '--help'], undefined],
  [['build', '--constructor'], undefined],
  [['list'], undefined],
  [['-q', 'build'], undefined],
  [[], undefined],
])('%j', (argv, build) => expect(plainBuild(argv)).toEqual(build));

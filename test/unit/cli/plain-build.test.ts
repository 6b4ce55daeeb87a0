import { expect, test } from 'vitest';
import { plainBuild } from '../../../lib/cli/plain-build.ts';

test.each<[string[], ReturnType<typeof plainBuild>]>([
  [['build'], { targets: [], options: {} }],
  [['build', 'a', 'p:b'], { targets: ['a', 'p:b'], options: {} }],
  [['build', '-q', 'a', '--json'], { targets: ['a'], options: { quiet: true, json: true } }],
  [['build', '-k', '--fail-fast', '--keep-going', '--quiet'], { targets: [], options: { keepGoing: true, failFast: true, quiet: true } }],
  [['build', '--cache-dir', 'c', 'a', '--root', '..'], { targets: ['a'], options: { cacheDir: 'c', root: '..' } }],
  [['build', '--platform', 'linux/amd64', '--output-dir', '/o'], { targets: [], options: { platform: 'linux/amd64', outputDir: '/o' } }],
  [['build', '--root', 'a', '--root', 'b'], { targets: [], options: { root: 'b' } }],
  [['build', '--root'], undefined],
  [['build', '--root', ''], undefined],
  [['build', '--root', '--json'], undefined],
  // Everything else is for the parser: other values, groups of switches, help, and names that only look like switches.
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

// A build in which nothing changed, of many small targets: against turbo, and against git looking at the same tree.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageName, writeManyTargets } from '../fixtures/many-targets.ts';
import { installPeers, installTurbo } from '../peers.ts';
import type { Row, Subject } from '../row.ts';
import type { Workbench } from '../workbench.ts';

const TURBO_ENVIRONMENT = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', CI: '1' };

export const noOpThousand: Row = {
  id: 'no-op-1000',
  work: 'no-op of 1,000 `pkgTar` targets with 10 files each',
  parallel: true,
  async prepare(bench) {
    const { folder, ours } = builtWorkspace(bench, 1000);
    return {
      subjects: [{ ...ours, runs: 3 }, turboOf(bench, folder, 1000)],
      limits: [{ quantity: 'cpu', of: 'ocidsl', per: 'turbo', atMost: 0.25 }],
    };
  },
};

export const noOpTenThousand: Row = {
  id: 'no-op-10000',
  work: 'no-op of 10,000 `pkgTar` targets with 10 files each',
  parallel: false,
  async prepare(bench) {
    installPeers(['git']);
    const small = builtWorkspace(bench, 1000);
    const large = builtWorkspace(bench, 10_000);
    const git = ['git', '-c', 'user.name=bench', '-c', 'user.email=bench@example.com', '-c', 'gc.auto=0'];
    for (const args of [
      ['init', '--quiet'],
      ['add', '.'],
      ['commit', '--quiet', '-m', 'all'],
    ])
      bench.run([...git, ...args], large.folder);
    return {
      subjects: [
        large.ours,
        { name: 'git status', argv: ['git', 'status', '--porcelain'], cwd: large.folder },
        { ...small.ours, name: 'ocidsl, 1,000 targets', runs: 3 },
      ],
      limits: [
        { quantity: 'cpu', of: 'ocidsl', per: 'git status', atMost: 4 },
        { quantity: 'wall', of: 'ocidsl', per: 'ocidsl, 1,000 targets', atMost: 5 },
      ],
    };
  },
};

const built = new Map<number, { readonly folder: string; readonly ours: Subject }>();

function builtWorkspace(bench: Workbench, count: number): { readonly folder: string; readonly ours: Subject } {
  let workspace = built.get(count);
  if (workspace === undefined) {
    const folder = bench.newFolder(`targets-${count}`);
    writeManyTargets(folder, count);
    const ours = bench.ours(['build', '--quiet'], { cwd: folder });
    for (let i = 0; i < 3; i++) bench.run(ours.argv, folder);
    workspace = { folder, ours };
    built.set(count, workspace);
  }
  return workspace;
}

// As many packages for turbo, with a script that makes one file of each. What a task runs does not matter once it is cached.
function turboOf(bench: Workbench, folder: string, count: number): Subject {
  const json = (path: string, value: object) => writeFileSync(join(folder, path), `${JSON.stringify(value, undefined, 2)}\n`);
  json('package.json', { name: 'many', private: true, packageManager: 'npm@10.8.2', workspaces: ['packages/*'] });
  json('turbo.json', { tasks: { build: { inputs: ['src/**'], outputs: ['dist/**'] } } });
  const packages: Record<string, object> = { '': { name: 'many', workspaces: ['packages/*'] } };
  for (let i = 0; i < count; i++) {
    const name = packageName(i);
    json(`packages/${name}/package.json`, { name, version: '1.0.0', scripts: { build: 'mkdir -p dist && cat src/* > dist/all.txt' } });
    packages[`packages/${name}`] = { version: '1.0.0' };
    packages[`node_modules/${name}`] = { resolved: `packages/${name}`, link: true };
  }
  json('package-lock.json', { name: 'many', lockfileVersion: 3, requires: true, packages });
  const turbo = installTurbo(folder);
  const argv = [turbo, 'run', 'build', '--output-logs=none', '--no-update-notifier'];
  // To fill its cache, the script is run without npm: that takes 0.3 s for each package and is no part of the row.
  const stand = bench.newFolder('npm-stand-in');
  const npm = join(stand, 'npm');
  writeFileSync(npm, '#!/bin/sh\nmkdir -p dist && cat src/* > dist/all.txt\n');
  chmodSync(npm, 0o755);
  bench.run(argv, folder, { ...TURBO_ENVIRONMENT, PATH: `${stand}:${bench.environment['PATH']!}` });
  const second = bench.run(argv, folder, TURBO_ENVIRONMENT);
  if (!second.includes('FULL TURBO')) throw new Error(`turbo has not cached all of its tasks:\n${second.slice(-2000)}`);
  return { name: 'turbo', argv, cwd: folder, environment: TURBO_ENVIRONMENT };
}

// Builds whose actions are counted: by the lines that announce them and by the count in the last line, which must agree.
import { join } from 'node:path';
import { expect } from 'vitest';
import { announced, digests, type ResultRow, type Run, type Workspace } from './rig.ts';

/** A layer of a file, a folder and a glob, and an image with it. */
export const TAR = {
  'build.config.ts': `import { glob, ociImage, pkgTar } from 'ocidsl';
const layer = pkgTar({ name: 'layer', srcs: ['a.txt', 'folder', glob(['data/*.txt'])], stripPrefix: '.' });
ociImage({ name: 'image', os: 'linux', architecture: 'amd64', tars: [layer] });
`,
  'a.txt': 'a\n',
  'folder/b.txt': 'b\n',
  'data/c.txt': 'c\n',
};

/** A path in the cache of a workspace. */
export const cachePath = (ws: Workspace, ...segments: string[]) => join(ws.cache, 'ocidsl', ...segments);

/** How many actions a build said that it ran. */
function actions(run: Run): number {
  const count = /(\d+) actions? run,/.exec(run.stderr);
  if (count !== null) return Number(count[1]);
  expect(run.stderr).toContain('no action was run');
  return 0;
}

/** Runs a build that must succeed. */
export async function build(
  ws: Workspace,
  ...args: string[]
): Promise<{ rows: ResultRow[]; digests: Record<string, string>; actions: number; lines: string[] }> {
  const { rows, run } = await ws.buildVerbosely(args);
  expect(announced(run)).toHaveLength(actions(run));
  return { rows, digests: digests(rows), actions: actions(run), lines: announced(run).sort() };
}

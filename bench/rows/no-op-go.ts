// A build in which nothing changed, of a Go program's image for two platforms, against the start of Node.
import { goWorkspace, type GoProgram } from '../fixtures/go-programs.ts';
import type { Row } from '../row.ts';

const RUNS = 10;

function noOp(id: string, program: GoProgram, work: string): Row {
  return {
    id,
    work,
    parallel: false,
    async prepare(bench) {
      const { folder } = goWorkspace(bench, program, id);
      const ours = bench.ours(['build', '--quiet'], { cwd: folder });
      // The second build is the first one that finds everything, the third the first with V8's compiled code.
      for (let i = 0; i < 3; i++) bench.run(ours.argv, folder);
      return {
        subjects: [
          { ...ours, runs: RUNS },
          { name: 'node -e 0', argv: [process.execPath, '-e', '0'], cwd: folder, runs: RUNS },
        ],
        limits: [{ quantity: 'cpu', of: 'ocidsl', per: 'node -e 0', atMost: 1.5 }],
      };
    },
  };
}

export const noOpHello: Row = noOp('no-op-hello', 'hello', 'no-op `build` of the hello workspace, 2 platforms');
export const noOpLarge: Row = noOp('no-op-large', 'large', 'no-op `build` of a 49 MB Go program, 2 platforms');

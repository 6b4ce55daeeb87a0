// One line of a Go program changed → its index of two platforms in a registry. The least that this can take is `go build`
// of both, which is what it is divided by.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goWorkspace, type GoProgram } from '../fixtures/go-programs.ts';
import { installPeers } from '../peers.ts';
import { startRegistry } from '../registry.ts';
import type { Row } from '../row.ts';

function changePush(id: string, program: GoProgram, work: string, atMost: number): Row {
  return {
    id,
    work,
    parallel: true,
    async prepare(bench) {
      installPeers(['ko', 'crane']);
      const registry = await startRegistry(bench, `${id}-registry`);
      const { folder, package: main, change } = goWorkspace(bench, program, id, registry.address);
      const ours = bench.ours(['push', 'program', '--quiet'], { cwd: folder });
      bench.run(ours.argv, folder);
      const output = join(bench.scratch, id);
      const build = (arch: string) =>
        `CGO_ENABLED=0 GOOS=linux GOARCH=${arch} go build -trimpath -ldflags='-s -w' -o '${output}-${arch}' ${main}`;
      const ko = koEnvironment(registry.address);
      // ko needs a base: the image that was just pushed has both platforms, and its layers are mounted, one request each.
      writeFileSync(join(folder, '.ko.yaml'), JSON.stringify({ builds: [{ id: 'program', main, ldflags: ['-s', '-w'] }] }));
      bench.run(['crane', 'copy', '--insecure', `${registry.address}/bench/program`, `${registry.address}/bench/base`], folder);
      return {
        subjects: [
          { ...ours, prepare: change, ownPeak: true },
          {
            name: 'go build',
            argv: ['sh', '-ec', `${build('amd64')} & one=$!; ${build('arm64')}; wait $one`],
            cwd: folder,
            prepare: change,
          },
          {
            name: 'ko',
            argv: ['ko', 'build', '--bare', '--sbom=none', '--insecure-registry', '--platform=linux/amd64,linux/arm64', '--tags=ko', main],
            cwd: folder,
            environment: ko,
            prepare: change,
          },
        ],
        limits: [
          { quantity: 'wall', of: 'ocidsl', per: 'go build', atMost },
          { quantity: 'wall', of: 'ko', per: 'go build' },
        ],
        dispose: () => registry.stop(),
      };
    },
  };
}

function koEnvironment(address: string): Record<string, string> {
  return { KO_DOCKER_REPO: `${address}/bench/ko`, KO_DEFAULTBASEIMAGE: `${address}/bench/base`, GOFLAGS: '-buildvcs=false' };
}

export const changePushHello: Row = changePush('change-push-hello', 'hello', 'one line changed → index of 2 platforms pushed, hello', 1.5);
export const changePushLarge: Row = changePush(
  'change-push-large',
  'large',
  'one line changed → index of 2 platforms pushed, 49 MB program',
  1.35,
);

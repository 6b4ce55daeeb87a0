// The rule goBinary: an executable from a Go package.
import { encodeGoBuildSpec, GO_BUILD_TOOL } from '../go/go-build-spec.ts';
import { GO_PACKAGES_DISCOVERER, type GoPackagesFacts } from '../go/go-packages.ts';
import { goPlatform } from '../go/go-platform.ts';
import type { GoToolchainRequest } from '../go/go-toolchain.ts';
import type { Handle } from '../graph/handle.ts';
import { utf8 } from '../base/bytes.ts';
import type { Json } from '../base/json.ts';
import { formatPlatform } from '../oci/platform.ts';
import { outputOf } from '../plan/action-node.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { checkGoBinary, GO_BINARY_SCHEMA, type GoBinaryAttributes } from './go-binary-attributes.ts';
import { BinaryInfo, FilesInfo, GoToolchainInfo } from './providers.ts';

export type { GoBinaryAttributes } from './go-binary-attributes.ts';

/**
 * Compiles a Go program for the platform being built, with the Go that the workspace declares (`goToolchain`) or else the one on PATH. The result depends on exactly the files
 * that `go list -deps` names, the version of Go and the attributes here: other edits rebuild nothing. Always `-trimpath -buildvcs=false`, without
 * build ID and, unless asked for, without cgo, so the same sources are the same bytes everywhere. The compile itself has no network.
 *
 * @example
 * goBinary({ name: 'server', package: './cmd/server', xDefs: { Version: '1.2.3' } });
 * @see https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies
 */
export const goBinary: (attributes: GoBinaryAttributes) => Handle<'BinaryInfo' | 'FilesInfo'> = defineRule({
  name: 'goBinary',
  attributes: GO_BINARY_SCHEMA,
  provides: [BinaryInfo, FilesInfo],
  usesDeclared: [GoToolchainInfo],
  check: checkGoBinary,
  analyze(context) {
    const { values, platform } = context;
    const cgo = values.cgo ?? values.pure === false;
    const fileName = values.out ?? `${context.name}${platform.os === 'windows' ? '.exe' : ''}`;
    const environment = { ...goPlatform(platform), CGO_ENABLED: cgo ? '1' : '0', ...Object.fromEntries(values.env ?? []) };
    const toolchain = context.useDeclared(GoToolchainInfo);
    const action = context.action({
      mnemonic: 'GoBuild',
      message: `Compiling ${values.package} for ${formatPlatform(platform)}`,
      outputs: [fileName],
      discoveries: [
        {
          discoverer: GO_PACKAGES_DISCOVERER,
          args: {
            module: values.module?.$file ?? context.package,
            package: values.package,
            tags: values.tags ?? [],
            environment,
            race: values.race ?? false,
            // Where it comes from decides what is fetched; its version alone, which the discovery tells, what is made.
            ...(toolchain === undefined ? {} : { toolchain: { ...toolchain } satisfies GoToolchainRequest as unknown as Json }),
          },
        },
      ],
      describe([found]) {
        const facts = found!.facts as unknown as GoPackagesFacts;
        const spec = encodeGoBuildSpec({
          package: facts.importPath,
          goVersion: facts.goVersion,
          environment,
          tags: values.tags ?? [],
          ldflags: values.ldflags ?? [],
          gcflags: values.gcflags ?? [],
          xDefs: Object.fromEntries(values.xDefs ?? []),
          buildmode: values.buildmode ?? 'exe',
          race: values.race ?? false,
          strip: values.strip ?? true,
          output: fileName,
        });
        return {
          kind: 'tool',
          tool: GO_BUILD_TOOL,
          args: ['go-build.json'],
          inputs: [
            { path: 'go-build.json', content: { kind: 'bytes', bytes: spec } },
            // Modules of the module cache never change: their names and sums stand for their files.
            { path: 'go-modules.txt', content: { kind: 'bytes', bytes: utf8(facts.modules.map((line) => `${line}\n`).join('')) } },
            ...found!.files.map((file) => ({
              path: `src/${file.name}`,
              content: { kind: 'source', path: file.path } as const,
              isExecutable: false,
            })),
          ],
          local: facts.local as unknown as Json,
        };
      },
    });
    const executable = outputOf(action, fileName);
    return [
      provide(BinaryInfo, { executable, fileName, platform }),
      provide(FilesInfo, { files: [{ path: fileName, artifact: executable, isExecutable: true }] }),
    ];
  },
});

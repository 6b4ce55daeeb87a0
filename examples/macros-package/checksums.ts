// A rule is documented attributes and a pure analyze(), which plans actions. It looks like one that comes with ocidsl, and is used like one.
import { attribute, defineRule, FilesInfo, outputOf, planSources, provide } from 'ocidsl';

const FILE = 'SHA256SUMS';

/** Makes a file `SHA256SUMS` with a line for each source, as `sha256sum -c` reads it. */
export const checksums = defineRule({
  name: 'checksums',
  attributes: { srcs: attribute.required(attribute.list(attribute.source('FilesInfo'))) },
  provides: [FilesInfo],
  analyze(context) {
    // Targets, files, folders or globs: what they stand for is known when their discoveries have run.
    const sources = planSources(context, context.values.srcs, 'srcs');
    const action = context.action({
      mnemonic: 'Checksums',
      message: `Running sha256sum for ${context.label}`,
      outputs: [FILE],
      discoveries: sources.discoveries,
      describe(found) {
        const inputs = sources.resolve(found).inputs.map(({ input, path }) => ({ ...input, path }));
        return {
          kind: 'command',
          argv: ['/bin/sh', '-c', `sha256sum "$@" >${FILE}`, 'sha256sum', ...inputs.map(({ path }) => path)],
          environment: { PATH: '/usr/bin:/bin' },
          inputs,
        };
      },
    });
    return [provide(FilesInfo, { files: [{ path: `${context.name}/${FILE}`, artifact: outputOf(action, FILE), isExecutable: false }] })];
  },
});

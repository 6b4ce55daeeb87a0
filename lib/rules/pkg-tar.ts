// The rule pkgTar: a tar archive, which is also a layer of images.
import {
  encodeLayerSpec,
  LAYER_TOOL,
  TAR_TOOL,
  type LayerArchive,
  type ArchiveCompression,
  type LayerEntry,
  type LayerOverride,
  type LayerSpec,
} from '../tar/layer-spec.ts';
import { groupFiles } from '../tar/file-groups.ts';
import type { Handle } from '../graph/handle.ts';
import { outputOf, type ActionInput, type ActionNode } from '../plan/action-node.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import type { Discovered } from '../plan/discovery.ts';
import { archiveInputs } from './archive-inputs.ts';
import { clean, inPackageDir, type PathMapping } from './archive-path.ts';
import { parseOwner } from './checks.ts';
import { PKG_TAR_SCHEMA, type PkgTarAttributes } from './pkg-tar-attributes.ts';
import {
  defaultMode,
  preservedStats,
  originOf,
  sourceEntries,
  sourceFigures,
  splitNames,
  statedEntries,
  PkgTarOverrides,
  type PkgTarValues,
} from './pkg-tar-entries.ts';
import { FilesInfo, TarInfo } from './providers.ts';
import { planSources, type SourcePlan } from './source-inputs.ts';
import { normalizeEntryPath } from '../tar/entry-path.ts';

const PORTABLE_MTIME = 946_684_800; // 2000-01-01T00:00:00Z, as rules_pkg

/**
 * Packs files into a tar archive: sorted, with owners, modes and times from attributes and never from disk, so the same files are
 * the same bytes on every machine. Give it to `tars` of an `ociImage` to make a layer of it.
 *
 * @example
 * pkgTar({ name: 'hello_pkg', srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })] });
 * @see https://github.com/bazelbuild/rules_pkg/blob/main/docs/latest.md#pkg_tar
 */
export const pkgTar: (attributes: PkgTarAttributes) => Handle<'TarInfo' | 'FilesInfo'> = defineRule({
  name: 'pkgTar',
  attributes: PKG_TAR_SCHEMA,
  provides: [TarInfo, FilesInfo],
  check(values, problem) {
    if (typeof values.mtime === 'number' && values.portableMtime !== false) {
      problem('mtime', 'it is set while portableMtime is true', 'portableMtime: false beside it');
    }
    if (values.packageDir !== undefined && values.packageDirFile !== undefined)
      problem('packageDirFile', 'it is set beside packageDir', 'one of the two');
  },
  analyze(context) {
    const { values } = context;
    const extension = values.extension === 'tgz' ? 'tar.gz' : (values.extension ?? 'tar');
    const fileName = expand(context, values.packageFileName ?? `${context.name}.${values.extension ?? 'tar'}`);
    const packageDir = expand(context, values.packageDir ?? '/');
    const archive = (tool: typeof TAR_TOOL | typeof LAYER_TOOL, compression: ArchiveCompression, outputs: readonly string[]): ActionNode =>
      planArchive(context, packageDir, tool, compression, outputs);
    const compression = (format: 'gzip' | 'none'): ArchiveCompression =>
      format === 'none' ? { format } : { format, ...(values.compressionLevel === undefined ? {} : { level: values.compressionLevel }) };
    const layers = new Map<string, ActionNode>();
    const own = outputOf(
      archive(TAR_TOOL, compression(extension === 'tar' ? 'none' : 'gzip'), [`archive.${extension}`]),
      `archive.${extension}`,
    );
    return [
      provide(TarInfo, {
        archive: own,
        layer(format) {
          const blob = format === 'gzip' ? 'layer.tar.gz' : 'layer.tar';
          const action = layers.get(format) ?? archive(LAYER_TOOL, compression(format), ['layer.json', blob]);
          layers.set(format, action);
          return { blob: outputOf(action, blob), description: outputOf(action, 'layer.json') };
        },
      }),
      provide(FilesInfo, {
        files: [{ path: fileName, artifact: own, isExecutable: false }],
        mediaType: extension === 'tar' ? 'application/x-tar' : 'application/gzip',
      }),
    ];
  },
});

const SPEC = 'spec.json';

function planArchive(
  context: AnalysisContext<PkgTarValues>,
  givenDir: string,
  tool: typeof TAR_TOOL | typeof LAYER_TOOL,
  compression: ArchiveCompression,
  outputs: readonly string[],
): ActionNode {
  const { values } = context;
  const sources = planSources(context, values.srcs ?? [], 'srcs');
  const single = (values.files ?? []).map(([path, reference], i) => ({ path, plan: planSources(context, [reference], `files/${i}`) }));
  const archives = archiveInputs(context, values.deps ?? [], 'deps');
  const plans: SourcePlan[] = [sources, ...single.map(({ plan }) => plan)];
  const discoveries = plans.flatMap((plan) => plan.discoveries);
  const dirFile = values.packageDirFile === undefined ? [] : [{ discoverer: 'text', args: { path: values.packageDirFile.$file } }];
  const preserve = values.preserveMode === true || values.preserveMtime === true;
  return context.action({
    mnemonic: tool === LAYER_TOOL ? 'Layer' : 'Tar',
    message: `Packing ${context.label}`,
    outputs,
    inputNames: archives.names,
    discoveries: [...(preserve ? discoveries.map((each) => ({ ...each, args: { ...each.args, stats: true } })) : discoveries), ...dirFile],
    describe(allFound) {
      const found = allFound.slice(0, discoveries.length);
      const [dirText] = allFound.slice(discoveries.length);
      const packageDir = dirText === undefined ? givenDir : (dirText.facts as { readonly text: string }).text;
      const mapping: PathMapping = { stripPrefix: values.stripPrefix, remapPaths: values.remapPaths ?? [], packageDir };
      const [first, ...others] = split(plans, found);
      const stats = preservedStats(preserve ? found : []);
      const inputs = first!.inputs.map(({ input }) => input);
      const singleEntries = single.map(({ path }, i): LayerEntry => {
        const [only, more] = others[i]!.inputs;
        if (only === undefined || more !== undefined)
          context.fail(
            `put "${path}" of attribute "files" into "${context.label}": its source stands for ${others[i]!.inputs.length} files, expected exactly one`,
          );
        inputs.push(only.input);
        return {
          path: normalizeEntryPath(inPackageDir(path, packageDir)),
          type: 'file',
          input: only.input.path,
          origin: originOf(only),
          ...sourceFigures(only, values, stats),
        };
      });
      const overrides = new PkgTarOverrides(values);
      const entries = groupFiles(
        overrides.apply(chain(sourceEntries(first!, values, mapping, stats), singleEntries, statedEntries(values, packageDir))),
      );
      const { rest } = overrides;
      // What is in archives is known when they are merged.
      if (rest[0] !== undefined && archives.inputs.length === 0) {
        context.fail(
          `set the mode or owner of "${rest[0].path}" in "${context.label}": the archive has no such path, expected one of its ${overrides.entries} entries`,
        );
      }
      const spec = specOf(values, entries, inFolder(archives.archives, packageDir), rest, compression);
      return {
        kind: 'tool',
        tool,
        args: [SPEC],
        inputs: [
          ...inputs,
          ...archives.inputs,
          { path: SPEC, content: { kind: 'bytes', bytes: encodeLayerSpec(spec) } } satisfies ActionInput,
        ],
      };
    },
  });
}

function specOf(
  values: PkgTarValues,
  entries: readonly LayerEntry[],
  archives: readonly LayerArchive[],
  overrides: readonly LayerOverride[],
  compression: ArchiveCompression,
): LayerSpec {
  return {
    defaults: {
      ...parseOwner(values.owner ?? '0.0'),
      ...splitNames(values.ownerName ?? '.'),
      mtime: values.mtime ?? (values.portableMtime === false ? 0 : PORTABLE_MTIME),
      fileMode: defaultMode(values),
      directoryMode: 0o755,
    },
    entries,
    archives,
    ...(overrides.length === 0 ? {} : { overrides }),
    createParents: values.createParents ?? true,
    allowDuplicates: {
      differentContent: values.allowDuplicatesWithDifferentContent ?? false,
      fromArchives: values.allowDuplicatesFromDeps ?? false,
    },
    compression,
  };
}

function* chain<T>(...lists: readonly Iterable<T>[]): Generator<T, void, undefined> {
  for (const list of lists) yield* list;
}

function inFolder(archives: readonly LayerArchive[], packageDir: string): readonly LayerArchive[] {
  const folder = clean(packageDir);
  return folder === '' ? archives : archives.map((archive) => ({ ...archive, folder: normalizeEntryPath(folder) }));
}

function split(plans: readonly SourcePlan[], found: readonly Discovered[]) {
  let at = 0;
  return plans.map((plan) => plan.resolve(found.slice(at, (at += plan.discoveries.length))));
}

const VARIABLE = /\$\(([^)]*)\)/g;

function expand(context: AnalysisContext<PkgTarValues>, text: string): string {
  const variables = new Map(context.values.packageVariables ?? []);
  return text.replace(
    VARIABLE,
    (_, name: string) =>
      variables.get(name) ??
      context.fail(`expand "$(${name})" of "${context.label}": packageVariables has no "${name}", expected a value for it`),
  );
}

// Plans the inputs that attributes such as `srcs` name: files, folders, globs and other targets' files.
import type { Platform } from '../oci/platform.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import type { ActionInput, Artifact } from '../plan/action-node.ts';
import type { Discovered, Discovery } from '../plan/discovery.ts';
import { isFileReference, isGlobReference, isTargetReference, type SourceReference } from '../graph/value.ts';
import { BinaryInfo, FilesInfo } from './providers.ts';

/** One input with the name that the user knows it by. */
export interface SourceInput {
  readonly input: ActionInput;
  /** Path as if it lay in the workspace: relative to its root. */
  readonly path: string;
  /** Its package's folder, for attributes that strip it. */
  readonly package: string;
  /** An executable made by a target, which gets 0755 whatever the mode says. */
  readonly isBinary: boolean;
}

/** A symbolic link or an empty folder that was found in a source folder. */
export type SourceNode = { readonly path: string; readonly package: string } & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'symlink'; readonly target: string }
);

/** Everything that some references stand for. */
export interface SourceInputs {
  readonly inputs: readonly SourceInput[];
  /** What is not a file, in the same order. */
  readonly nodes: readonly SourceNode[];
  /** Folders among the references themselves, which keep their inner structure. */
  readonly folders: readonly string[];
}

/** The planned form of references: discoveries to run, and how to read them. */
export interface SourcePlan {
  readonly discoveries: readonly Discovery[];
  /** What the references stand for, from the results of `discoveries` in their order. */
  resolve(found: readonly Discovered[]): SourceInputs;
}

interface PathFacts {
  readonly folders: readonly string[];
  readonly emptyDirectories: readonly string[];
  readonly links: { readonly [path: string]: string };
}

/**
 * Plans references of a target. Inputs are put under `prefix` in the action's input root; targets are made for `platform`
 * (default: the target's).
 */
export function planSources(
  context: AnalysisContext<unknown>,
  references: readonly SourceReference[],
  prefix: string,
  platform: Platform = context.platform,
): SourcePlan {
  const paths = references.flatMap((reference) => (isFileReference(reference) ? [reference.$file] : []));
  const globs = references.flatMap((reference) => (isGlobReference(reference) ? [reference.$glob] : []));
  const labels = new Set(references.flatMap((reference) => (isTargetReference(reference) ? [reference.$target] : [])));
  const made = [...labels].flatMap((label, place) => filesOf(context, label, platform, place));
  const discoveries: Discovery[] = [
    ...(paths.length > 0 ? [{ discoverer: 'paths', args: { paths } }] : []),
    ...globs.map((glob) => ({ discoverer: 'glob', args: { ...glob } })),
  ];
  return {
    discoveries,
    resolve(found) {
      const sources: SourceInput[] = [];
      found.forEach(({ files }, i) => {
        // Globs keep the package that called glob(); plain paths belong to this target's package.
        const glob = paths.length > 0 && i === 0 ? undefined : globs[i - (paths.length > 0 ? 1 : 0)]!;
        for (const file of files) {
          // A glob's names are relative to its package. A symbolic link has its own name and the real file's path.
          const path = glob === undefined || glob.package === '' ? file.name : `${glob.package}/${file.name}`;
          sources.push({
            input: { path: `${prefix}/src/${path}`, content: { kind: 'source', path: file.path } },
            path,
            package: glob?.package ?? context.package,
            isBinary: false,
          });
        }
      });
      const facts = paths.length > 0 ? (found[0]!.facts as unknown as PathFacts) : { folders: [], emptyDirectories: [], links: {} };
      return {
        inputs: [
          // One discovery names nothing twice.
          ...(found.length > 1 ? unique(sources) : sources),
          ...unique(made).map((each) => ({ ...each, input: { ...each.input, path: `${prefix}/${each.input.path}` } })),
        ],
        nodes: [
          ...facts.emptyDirectories.map((path): SourceNode => ({ path, package: context.package, kind: 'directory' })),
          ...Object.entries(facts.links).map(([path, target]): SourceNode => ({ path, package: context.package, kind: 'symlink', target })),
        ],
        folders: facts.folders,
      };
    },
  };
}

// No label enters the input root, and so the key: files are told apart by their place among the references.
function filesOf(context: AnalysisContext<unknown>, label: string, platform: Platform, place: number): SourceInput[] {
  const reference = { $target: label };
  const binary = context.tryUse(reference, BinaryInfo, platform);
  const { files } = context.use(reference, FilesInfo, platform);
  const colon = label.lastIndexOf(':');
  const owner = colon < 0 ? '' : label.slice(0, colon);
  return files.map((file, i) => ({
    input: {
      path: `out/${place}/${i}/${inputName(file.artifact)}`,
      content: file.artifact,
      ...(file.isExecutable ? { isExecutable: true } : {}),
    },
    path: (owner === '' ? file.path : `${owner}/${file.path}`).replace(/\/$/, ''),
    package: owner,
    isBinary: binary !== undefined,
  }));
}

function inputName(artifact: Artifact): string {
  return artifact.kind === 'discovered' ? artifact.name : artifact.path.replace(/\/$/, '');
}

// A file that two references name is one input.
function unique(inputs: readonly SourceInput[]): SourceInput[] {
  const seen = new Set<string>();
  return inputs.filter(({ input }) => !seen.has(input.path) && seen.add(input.path));
}

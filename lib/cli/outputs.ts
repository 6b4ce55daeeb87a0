// Writes what a target makes below the output directory, and describes it as result lines.
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { formatDigest, type Digest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import type { ConfiguredTarget } from '../plan/configured-target.ts';
import type { Artifact, OutputArtifact } from '../plan/action-node.ts';
import { formatPlatform } from '../oci/platform.ts';
import { FilesInfo, ImageInfo, IndexInfo, LoadInfo, MultiArchInfo } from '../rules/providers.ts';
import { PushInfo } from '../rules/push-info.ts';
import { makeContent, type MadeContent } from './image-content.ts';
import type { Maker } from './make.ts';
import type { Settings } from './settings.ts';
import type { WorkspaceSession } from './workspace-session.ts';

/** One line of results. */
export interface ResultLine {
  readonly label: string;
  readonly kind: string;
  readonly digest: string;
  /** Relative to the workspace root where it lies below; absent where nothing is on disk. */
  readonly path?: string;
  readonly platforms?: readonly string[];
  readonly mediaType?: string;
}

/** What writing a target's outputs gave. */
export interface WrittenTarget {
  readonly results: readonly ResultLine[];
  /** Absolute paths of all files written. */
  readonly files: readonly string[];
  /** What it depended on. */
  readonly artifacts: readonly Artifact[];
}

/** Makes a target and writes its outputs. */
export async function writeOutputs(
  configured: ConfiguredTarget,
  maker: Maker,
  session: WorkspaceSession,
  settings: Settings,
  claims: OutputClaims,
  folders: OutputFolders,
): Promise<WrittenTarget> {
  const { target, providers } = configured;
  const folder = join(resolve(session.root, settings.outputDirectory), target.package);
  const line = (digest: string, path: string | undefined, more: Partial<ResultLine>): ResultLine => ({
    label: target.label,
    kind: target.rule.name,
    digest,
    ...(path === undefined ? {} : { path: shown(session.root, path) }),
    ...more,
  });
  const load = providers.get(LoadInfo.name) as LoadInfo | undefined;
  const push = providers.get(PushInfo.name) as PushInfo | undefined;
  const content = (providers.get(IndexInfo.name) ?? providers.get(ImageInfo.name) ?? load?.image ?? push?.content) as
    | ImageInfo
    | IndexInfo
    | undefined;
  if (content !== undefined) {
    const made = await makeContent(content, maker, session);
    const more = { platforms: made.platforms.map(formatPlatform), mediaType: made.root.mediaType };
    // Sinks have nothing of their own on disk: their image is another target's output.
    if (load !== undefined || push !== undefined)
      return { results: [line(made.root.digest, undefined, more)], files: [], artifacts: made.artifacts };
    const directory = join(folder, target.name);
    claims.claim(directory, target.label);
    return {
      results: [line(made.root.digest, directory, more)],
      files: await writeLayoutOf(made, directory, settings),
      artifacts: made.artifacts,
    };
  }
  const several = providers.get(MultiArchInfo.name) as MultiArchInfo | undefined;
  if (several !== undefined && several.images.length > 0) {
    // One layout for each platform, below a folder named for it.
    const written = { results: [] as ResultLine[], files: [] as string[], artifacts: [] as Artifact[] };
    for (const image of several.images) {
      const made = await makeContent(image, maker, session);
      const platform = formatPlatform(image.platform);
      const directory = join(folder, target.name, platform.replaceAll('/', '_'));
      claims.claim(directory, target.label);
      written.results.push(line(made.root.digest, directory, { platforms: [platform], mediaType: made.root.mediaType }));
      written.files.push(...(await writeLayoutOf(made, directory, settings)));
      written.artifacts.push(...made.artifacts);
    }
    return written;
  }
  const info = providers.get(FilesInfo.name) as FilesInfo | undefined;
  const written = { results: [] as ResultLine[], files: [] as string[], artifacts: [] as Artifact[] };
  for (const file of info?.files ?? []) {
    written.artifacts.push(file.artifact);
    if (file.artifact.kind === 'source') continue;
    for (const made of await maker.engine.make(file.artifact)) {
      const inFolder = isFolder(file.artifact) ? `${file.path}${made.path.slice(file.artifact.path.length)}` : file.path;
      const path = join(folder, inFolder);
      claims.claim(path, target.label);
      await folders.prepare(dirname(path));
      await writeFile(path, made.digest, file.isExecutable || made.isExecutable, maker);
      written.files.push(path);
      written.results.push(
        line(formatDigest(made.digest), path, {
          platforms: [formatPlatform(configured.platform)],
          ...(info?.mediaType === undefined ? {} : { mediaType: info.mediaType }),
        }),
      );
    }
  }
  return written;
}

function isFolder(artifact: Artifact): artifact is OutputArtifact {
  return artifact.kind === 'output' && artifact.path.endsWith('/');
}

/** Which target writes where: two outputs at one path, or one inside of the other, are an error. */
export class OutputClaims {
  readonly #owners = new Map<string, string>();
  readonly #folders = new Map<string, string>();

  claim(path: string, label: string): void {
    const owner = this.#owners.get(path) ?? this.#folders.get(path);
    if (owner !== undefined) throw conflict(path, label, owner);
    for (let folder = resolve(path, '..'); folder !== resolve(folder, '..'); folder = resolve(folder, '..')) {
      const above = this.#owners.get(folder);
      if (above !== undefined) throw conflict(path, label, above);
      this.#folders.set(folder, label);
    }
    this.#owners.set(path, label);
  }
}

/** The folders that a build writes files to: each is prepared once, and synced once at the end. */
export class OutputFolders {
  readonly #prepared = new Map<string, Promise<void>>();

  async prepare(folder: string): Promise<void> {
    let prepared = this.#prepared.get(folder);
    if (prepared === undefined) {
      prepared = import('../sinks/output-file.ts').then(({ prepareOutputFolder }) => prepareOutputFolder(folder));
      this.#prepared.set(folder, prepared);
    }
    await prepared;
  }

  async sync(): Promise<void> {
    if (this.#prepared.size === 0) return;
    const { syncOutputFolder } = await import('../sinks/output-file.ts');
    await Promise.all([...this.#prepared.keys()].map(syncOutputFolder));
  }
}

function conflict(path: string, label: string, owner: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_OUTPUT_CONFLICT',
    message: `Cannot write the output of "${label}" to "${path}": "${owner}" writes there too`,
    label,
    hint: 'Give one of the two another name, or another out or packageFileName',
  });
}

// Layers of a base in a registry stay there: building on 2 GB costs two small requests.
async function writeLayoutOf(made: MadeContent, directory: string, { withBaseLayers }: Settings): Promise<string[]> {
  const { writeLayout } = await import('../sinks/layout.ts');
  const layers = withBaseLayers ? { source: made.keeping } : { source: made.local, isSparse: made.local !== made.keeping };
  const files = await writeLayout({ root: made.root, ...layers, directory });
  return files.map(({ path }) => path);
}

async function writeFile(file: string, digest: Digest, isExecutable: boolean, maker: Maker): Promise<void> {
  const { writeOutputFile } = await import('../sinks/output-file.ts');
  await writeOutputFile({ source: maker.store.cas, digest, file, isExecutable });
}

function shown(root: string, path: string): string {
  const inside = relative(root, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

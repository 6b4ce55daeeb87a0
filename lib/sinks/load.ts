// Loading an image into a container engine of this machine: only what the engine lacks is sent, and what it has afterwards
// is compared with what was sent.
import { OcidslError, isOcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { formatPlatform, platformsMatch, type Platform } from '../oci/platform.ts';
import type { BlobSource } from '../store/blob-source.ts';
import type { ContainerEngine, EngineImage } from './engine-interface.ts';
import { imageArchive } from './image-archive.ts';
import { loadMissingLayers } from './load-missing-layers.ts';
import { loadNames, type LoadName } from './load-names.ts';
import { readImage, type ReadImage } from './load-read-image.ts';

/** What to load, and where. */
export interface LoadImageOptions {
  /** The manifest of one platform; an index is refused. */
  readonly manifest: Descriptor;
  /** Has the manifest, its config and its layers; layers that the engine has are not read. */
  readonly source: BlobSource;
  /**
   * Names as the user writes them: `hello:latest`, `ghcr.io/acme/hello:1.0`; without tag `latest` is meant. Afterwards the
   * engine knows the image by each of them as written. May be empty.
   */
  readonly repoTags: readonly string[];
  /** From findEngine(). The caller closes it. */
  readonly engine: ContainerEngine;
  /**
   * The platform that the user asked for. With it an image of another platform is an error, and one that the engine has to
   * emulate gives no warning. Default: any platform, with the warning.
   */
  readonly expectedPlatform?: Platform | undefined;
  /** Label of the target, for events and errors. */
  readonly label?: string | undefined;
  readonly events?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A loaded image. */
export interface LoadedImage {
  /** `sha256:…`, the engine's ID: the config's digest, or in a containerd store the manifest's. */
  readonly imageId: string;
  /** As in `docker at unix:///var/run/docker.sock`. */
  readonly engine: string;
  /** Full names, as in `docker.io/library/hello:latest`. */
  readonly names: readonly string[];
  /** `present` where only names had to be set, `partial` where the engine had some of the layers. */
  readonly outcome: 'present' | 'partial' | 'sent';
}

/**
 * Makes an image known to an engine under its names. A load that fails leaves the names where they were.
 * @throws OCIDSL_ENGINE_FAILED; OCIDSL_LOAD_WRONG_IMAGE where the engine has something else afterwards;
 * OCIDSL_LOAD_PLATFORM where the image is not of the expected platform; OCIDSL_REFERENCE_SYNTAX; what readImage() throws
 */
export async function loadImage(options: LoadImageOptions): Promise<LoadedImage> {
  const { label } = options;
  try {
    const names = loadNames(options.repoTags);
    const image = await readImage(options.manifest, options.source);
    checkPlatform(image, options);
    const { id, outcome } = await ensurePresent(image, names, options);
    await setNames(id, names, options);
    return { imageId: id, engine: options.engine.description, names: fullNames(names), outcome };
  } catch (error) {
    throw isOcidslError(error) ? error.at({ label }) : error;
  }
}

function fullNames(names: readonly LoadName[]): string[] {
  return [...new Set(names.map((name) => name.full))];
}

function checkPlatform(image: ReadImage, { engine, expectedPlatform, events, label }: LoadImageOptions): void {
  const has = formatPlatform(image.platform);
  if (expectedPlatform !== undefined) {
    if (platformsMatch(expectedPlatform, image.platform)) return;
    throw new OcidslError({
      code: 'OCIDSL_LOAD_PLATFORM',
      message: `Cannot load image "${image.manifest.digest}": it is for ${has}, expected ${formatPlatform(expectedPlatform)}`,
    });
  }
  const runs = engine.info.platform;
  if (runs === undefined || sameMachine(runs, image.platform)) return;
  events?.({
    type: 'warning',
    message: `The image is for ${has}, and ${engine.description} runs ${formatPlatform(runs)}: it starts only under emulation`,
    hint: `Ask for it with --platform ${has}, or build it for ${formatPlatform(runs)}`,
    ...(label === undefined ? {} : { label }),
  });
}

// Engines do not tell the variant of their CPU.
function sameMachine(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.architecture === b.architecture;
}

const PROGRESS_STEP_BYTES = 1 << 20;
// Counts down: the numbers of uploads to registries (copy-graph.ts) count up, and both may run at once.
let lastTransfer = 0;

async function ensurePresent(
  image: ReadImage,
  names: readonly LoadName[],
  options: LoadImageOptions,
): Promise<{ id: string; outcome: LoadedImage['outcome'] }> {
  const { engine, source, events, signal } = options;
  const id = --lastTransfer;
  const full = fullNames(names);
  const title = `${full[0] ?? image.manifest.digest} into ${engine.description}`;
  events?.({ type: 'transfer-started', id, message: `Loading ${title}` });
  let outcome: LoadedImage['outcome'] | undefined;
  try {
    let found = await findById(image, options);
    if (found !== undefined) {
      outcome = 'present';
      return { id: found.id, outcome };
    }
    let bytes = 0;
    const count = (chunk: Uint8Array) => {
      const steps = Math.floor(bytes / PROGRESS_STEP_BYTES);
      bytes += chunk.length;
      if (Math.floor(bytes / PROGRESS_STEP_BYTES) > steps) events?.({ type: 'transfer-progress', id, bytes });
    };
    // podman copies every layer once a name, and where there is one name only it remembers the layers' digests; the other names
    // are set afterwards. Of all engines it alone does not compare diff IDs (4.3.1 takes any).
    const isPodman = engine.name === 'podman';
    const archive = { image, source, names: isPodman ? full.slice(0, 1) : full, verifyDiffIds: isPodman };
    const archiveWithout = (omittedLayers: ReadonlySet<string>) => tap(imageArchive({ ...archive, omittedLayers }), count);
    const sent = await loadMissingLayers(engine, image, archiveWithout, signal);
    // A kind cluster takes images and shows none.
    found = engine.name === 'kind' ? { id: image.config.digest, platform: image.platform } : await findById(image, options);
    if (found === undefined || (found.platform !== undefined && !sameMachine(found.platform, image.platform))) {
      throw wrongImage(engine, image.config.digest, found === undefined ? 'no such image' : 'one of another platform');
    }
    outcome = sent;
    return { id: found.id, outcome };
  } finally {
    const result = outcome === undefined ? 'failed' : outcome === 'present' ? 'skipped' : 'done';
    events?.({ type: 'transfer-finished', id, outcome: result, message: `${VERBS[result]} ${title}` });
  }
}

const VERBS = { failed: 'Did not load', skipped: 'No need to load', done: 'Loaded' } as const;

// nerdctl shows the config's digest as ID although its store goes by manifests.
async function findById(image: ReadImage, { engine, signal }: LoadImageOptions): Promise<EngineImage | undefined> {
  const ids = [...(engine.info.store === 'content' ? [image.manifest.digest] : []), image.config.digest];
  for (const id of ids) {
    const found = await engine.inspect(id, signal);
    if (found !== undefined && ids.includes(found.id)) return found;
  }
  return undefined;
}

// Sets what is missing and then asks for every name as its user would. podman reads `hello` as localhost/hello first, so an
// image of that name from an earlier `podman build` would hide this one; then that name is taken from it.
async function setNames(id: string, names: readonly LoadName[], { engine, signal, events }: LoadImageOptions): Promise<void> {
  if (engine.name === 'kind') return;
  const has = async (name: string) => (await engine.inspect(name, signal))?.id === id;
  for (const { typed, full, local } of names) {
    if (!(await has(full))) await engine.tag(id, full, signal);
    if (typed === full || (await has(typed))) continue;
    if (engine.name === 'podman' && local !== undefined) {
      await engine.tag(id, local, signal);
      events?.({ type: 'note', message: `${local} named another image and would have hidden ${full}: it names this one now` });
      if (await has(typed)) continue;
    }
    throw wrongImage(engine, typed, 'another image or none');
  }
}

function wrongImage(engine: ContainerEngine, asked: string, has: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_LOAD_WRONG_IMAGE',
    kind: 'integrity',
    message: `Cannot load image "${asked}" into ${engine.description}: it took the archive and has ${has} under it, expected the image sent`,
  });
}

async function* tap(chunks: AsyncIterable<Uint8Array>, onChunk: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    onChunk(chunk);
  }
}

// What loading and running need from a container engine, however it is reached.
import type { Platform } from '../oci/platform.ts';

/** An engine of this machine, or one that this machine was told to use. */
export interface ContainerEngine {
  readonly name: EngineName;
  /** Where it was found, for messages: `docker at unix:///var/run/docker.sock`, `podman command`. */
  readonly description: string;
  /** What it runs and how it keeps images; asked once, when it was found. */
  readonly info: EngineInfo;
  /**
   * The image that a user gets under `reference` (a name as typed, or `sha256:…`), or undefined where there is none.
   * @throws OCIDSL_ENGINE_FAILED
   */
  inspect(reference: string, signal?: AbortSignal): Promise<EngineImage | undefined>;
  /**
   * Sends an image archive. A failure of `archive` itself is thrown as it is, and the engine never sees its end.
   * @throws OCIDSL_ENGINE_FAILED with the engine's own words
   */
  load(archive: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** Gives the image with ID `id` one more full name with tag, and takes that name from any other image. */
  tag(id: string, name: string, signal?: AbortSignal): Promise<void>;
  /** The command that reaches this very engine, with leading arguments; undefined where there is no such command. */
  readonly command: EngineCommand | undefined;
  /** Ends its connections. The engine is not used afterwards. */
  close(): Promise<void>;
}

/** The engines that can be told apart. `kind` is a Kubernetes cluster in containers; it loads but does not run images. */
export type EngineName = 'docker' | 'podman' | 'nerdctl' | 'kind';

/** How an engine's command line client is started. */
export interface EngineCommand {
  /** Program and leading arguments, as in `['docker', '--host', 'unix:///…']`. */
  readonly argv: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Facts about an engine. */
export interface EngineInfo {
  /** What it runs without emulation, as in `linux/amd64`; undefined where it does not say. */
  readonly platform: Platform | undefined;
  /**
   * How it keeps images. `layers` (Docker's classic store, podman): unpacked; an image's ID is its config's digest, the file
   * of a layer that is there is never opened, and an archive without the file of one that is not there is refused by naming
   * it. `content` (containerd): as blobs; an ID is the manifest's digest, and incomplete archives are taken.
   */
  readonly store: 'layers' | 'content';
}

/** An image in an engine. */
export interface EngineImage {
  /** `sha256:…`: the config's digest, or in a containerd store the manifest's. */
  readonly id: string;
  /** Without variant; undefined where the engine does not say. */
  readonly platform: Platform | undefined;
}

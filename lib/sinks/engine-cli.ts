// Engines through their command line clients: for podman without a service, for docker over ssh, for nerdctl.
import type { Platform } from '../oci/platform.ts';
import { dockerStore } from './engine-docker-store.ts';
import { engineError } from './engine-error.ts';
import type { ContainerEngine, EngineCommand, EngineImage, EngineInfo, EngineName } from './engine-interface.ts';
import { runEngineProcess } from './engine-process.ts';
import type { EngineProcessResult } from './engine-process.ts';

/** Which command to use. */
export interface EngineCliOptions extends EngineCommand {
  readonly name: Exclude<EngineName, 'kind'>;
  /** The command as the user knows it, for messages: `docker command (ssh://build@host)`. */
  readonly display: string;
  readonly signal?: AbortSignal | undefined;
}

// ssh may have to connect, and a first podman command sets up its storage.
const PROBE_MS = 30_000;

/**
 * Asks the command for its engine's platform and store.
 * @throws OCIDSL_ENGINE_FAILED where the program or the engine behind it is not there
 */
export async function connectEngineCli(options: EngineCliOptions): Promise<ContainerEngine> {
  const { name, argv, environment, display } = options;
  const run = (
    args: readonly string[],
    extra: { input?: AsyncIterable<Uint8Array>; signal?: AbortSignal | undefined; timeoutMs?: number },
  ): Promise<EngineProcessResult> => runEngineProcess({ argv: [...argv, ...args], environment, ...extra });
  const succeed = async (doing: string, args: readonly string[], extra: Parameters<typeof run>[1]): Promise<string> => {
    const result = await run(args, extra);
    if (result.code !== 0) throw engineError(doing, display, result.stderr.trim() || `exit code ${result.code}`);
    return result.stdout;
  };

  const info = readInfo(name, await succeed('connect', INFO_ARGS[name], { signal: options.signal, timeoutMs: PROBE_MS }), display);
  return {
    name,
    description: display,
    info,
    command: { argv, environment },

    async inspect(reference, signal) {
      const doing = `inspect image "${reference}"`;
      const result = await run(['image', 'inspect', reference], { signal });
      if (result.code !== 0) {
        if (/no such image|not found|not known|failed to find image/i.test(result.stderr)) return undefined;
        // nerdctl prints an empty list and leaves it at an exit code.
        if (result.stdout.trim() === '[]') return undefined;
        throw engineError(doing, display, result.stderr.trim() || `exit code ${result.code}`);
      }
      return readImage(result.stdout, doing, display);
    },

    async load(archive, signal) {
      await succeed('load an image', LOAD_ARGS[name], { input: archive, signal });
    },

    async tag(id, target, signal) {
      await succeed(`tag an image "${target}"`, ['tag', id, target], { signal });
    },

    close: () => Promise.resolve(),
  };
}

// nerdctl takes only its own platform from an archive unless told otherwise.
const LOAD_ARGS: Record<EngineCliOptions['name'], readonly string[]> = {
  docker: ['load', '--quiet'],
  podman: ['load', '--quiet'],
  nerdctl: ['load', '--all-platforms'],
};

const INFO_ARGS: Record<EngineCliOptions['name'], readonly string[]> = {
  docker: ['info', '--format', '{{json .}}'],
  podman: ['info', '--format', 'json'],
  nerdctl: ['info', '--format', '{{json .}}'],
};

function readInfo(name: EngineName, stdout: string, display: string): EngineInfo {
  if (name === 'podman') {
    const { host } = parse(stdout, 'connect', display) as PodmanInfo;
    return { platform: platformOf(host?.os, host?.arch), store: 'layers' };
  }
  const info = parse(stdout, 'connect', display) as DockerInfo;
  // Clients before 27 print what they know of themselves, and exit with 0, when no server answers.
  const problem = info.ServerErrors?.[0];
  if (problem !== undefined) throw engineError('connect', display, problem);
  return {
    platform: platformOf(info.OSType, KERNEL_NAMES[info.Architecture ?? ''] ?? info.Architecture),
    store: name === 'docker' ? dockerStore(info) : 'content',
  };
}

interface PodmanInfo {
  readonly host?: { readonly os?: string; readonly arch?: string };
}

interface DockerInfo {
  readonly ServerErrors?: readonly string[] | null;
  readonly OSType?: string;
  readonly Architecture?: string;
  readonly DriverStatus?: unknown;
}

// `docker info` has the kernel's names of architectures, images have Go's.
const KERNEL_NAMES: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', armv6l: 'arm', i686: '386' };

function platformOf(os: string | undefined, architecture: string | undefined): Platform | undefined {
  return os && architecture ? { os, architecture } : undefined;
}

function readImage(stdout: string, doing: string, display: string): EngineImage {
  const [image] = parse(stdout, doing, display) as readonly { Id?: string; Os?: string; Architecture?: string }[];
  if (image?.Id === undefined) throw engineError(doing, display, 'an answer without an image');
  return { id: image.Id.includes(':') ? image.Id : `sha256:${image.Id}`, platform: platformOf(image.Os, image.Architecture) };
}

function parse(stdout: string, doing: string, display: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw engineError(doing, display, `not JSON: ${stdout.slice(0, 100)}`, cause);
  }
}

// Where container engines may be on a machine, in the order in which they are tried.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OcidslError, isOcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { parseEngineAddress } from './engine-address.ts';
import { connectEngineApi } from './engine-api.ts';
import { connectEngineCli } from './engine-cli.ts';
import { currentDockerContext, readDockerContext } from './engine-docker-context.ts';
import { engineError } from './engine-error.ts';
import type { ContainerEngine, EngineName } from './engine-interface.ts';
import { connectEngineKind } from './engine-kind.ts';

/** What decides where engines are looked for. */
export interface EngineSearch {
  /**
   * `docker`, `podman`, `nerdctl`, `kind`, `kind:CLUSTER`, or an address such as `unix:///run/podman/podman.sock`: only
   * this one is tried. Default: the environment's choice, else whichever is found first.
   */
  readonly engine?: string | undefined;
  /** The environment: of it are read DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH,
   * CONTAINER_HOST, XDG_RUNTIME_DIR, KIND_CLUSTER_NAME and TMPDIR; commands get all of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly homeDirectory: string;
}

/** One place to try. */
export interface EngineCandidate {
  /** For the list of what was tried: `unix:///var/run/docker.sock`, `podman command`. */
  readonly display: string;
  /** @throws OcidslError where no engine answers there */
  connect(signal?: AbortSignal): Promise<ContainerEngine>;
}

/**
 * The places, best first. What the user chose by option or environment is tried alone: an image in another engine than the
 * chosen one would only be a riddle.
 * @throws OCIDSL_ENGINE_OPTION, OCIDSL_ENGINE_ADDRESS, OCIDSL_ENGINE_CONTEXT
 */
export async function engineCandidates(search: EngineSearch): Promise<EngineCandidate[]> {
  const { engine, environment } = search;
  if (engine?.includes('://')) return [atAddress(search, engine)];
  const [name, cluster] = (engine ?? '').split(':', 2);
  switch (name) {
    case '': {
      const chosen = [...(await chosenDocker(search)), ...chosenPodman(search)];
      if (chosen.length > 0) return chosen;
      const sockets = [...(await dockerSockets(search)), ...podmanSockets(search)];
      return [...sockets, command(search, 'docker'), command(search, 'podman'), command(search, 'nerdctl')];
    }
    case 'docker': {
      const chosen = await chosenDocker(search);
      return chosen.length > 0 ? chosen : [...(await dockerSockets(search)), command(search, 'docker')];
    }
    case 'podman': {
      const chosen = chosenPodman(search);
      return chosen.length > 0 ? chosen : [...podmanSockets(search), command(search, 'podman')];
    }
    case 'nerdctl':
      return [command(search, 'nerdctl')];
    case 'kind':
      return [{ display: 'kind command', connect: (signal) => connectEngineKind({ environment, cluster, signal }) }];
    default:
      throw new OcidslError({
        code: 'OCIDSL_ENGINE_OPTION',
        message: `Cannot use engine "${printable(engine ?? '', 100)}": it is not known, expected docker, podman, nerdctl, kind or an address`,
        hint: 'An address is unix:///path, tcp://host:port or ssh://host; a kind cluster other than the default is kind:NAME',
      });
  }
}

// The client's own order: DOCKER_HOST, then DOCKER_CONTEXT (docker/cli cli/command/cli.go, resolveContextName).
async function chosenDocker(search: EngineSearch): Promise<EngineCandidate[]> {
  const { DOCKER_HOST: host, DOCKER_CONTEXT: context } = search.environment;
  if (host) return [atAddress(search, host, 'DOCKER_HOST')];
  if (context && context !== 'default') return [await atContext(search, context)];
  return [];
}

function chosenPodman(search: EngineSearch): EngineCandidate[] {
  const host = search.environment['CONTAINER_HOST'];
  return host ? [atAddress(search, host, 'CONTAINER_HOST')] : [];
}

async function dockerSockets(search: EngineSearch): Promise<EngineCandidate[]> {
  const { environment, homeDirectory } = search;
  const runtime = environment['XDG_RUNTIME_DIR'];
  const context = await currentDockerContext(configDirectory(search));
  const sockets = [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    // Docker Desktop, Colima, Rancher Desktop, OrbStack.
    ...['.docker/run', '.docker/desktop', '.colima/default', '.rd', '.orbstack/run'].map((folder) =>
      join(homeDirectory, folder, 'docker.sock'),
    ),
  ];
  const atContexts = context === undefined ? [] : [await atContext(search, context)];
  return [...atContexts, ...sockets.map((path) => atAddress(search, `unix://${path}`))];
}

function podmanSockets(search: EngineSearch): EngineCandidate[] {
  const runtime = search.environment['XDG_RUNTIME_DIR'];
  const sockets = [...(runtime ? [join(runtime, 'podman/podman.sock')] : []), '/run/podman/podman.sock'];
  return sockets.map((path) => atAddress(search, `unix://${path}`));
}

function command({ environment }: EngineSearch, name: Exclude<EngineName, 'kind'>): EngineCandidate {
  const display = `${name} command`;
  return { display, connect: (signal) => connectEngineCli({ name, argv: [name], environment, display, signal }) };
}

async function atContext(search: EngineSearch, name: string): Promise<EngineCandidate> {
  try {
    const context = await readDockerContext(configDirectory(search), name);
    return at(search, context.host, `docker context "${printable(name, 100)}"`, ['--context', name], context.tlsDirectory);
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    // A context that is only the default of the client must not hide the engines that work.
    return { display: `docker context "${printable(name, 100)}"`, connect: () => Promise.reject(error) };
  }
}

function atAddress(search: EngineSearch, address: string, variable?: string): EngineCandidate {
  const { environment, homeDirectory } = search;
  const tlsDirectory = environment['DOCKER_TLS_VERIFY'] ? (environment['DOCKER_CERT_PATH'] ?? join(homeDirectory, '.docker')) : undefined;
  return at(search, address, variable === undefined ? '' : variable, ['--host', address], tlsDirectory);
}

function at(
  search: EngineSearch,
  host: string,
  origin: string,
  dockerArguments: readonly string[],
  tlsDirectory: string | undefined,
): EngineCandidate {
  const { environment } = search;
  const address = parseEngineAddress(host, tlsDirectory);
  const display = `${printable(host, 200)}${origin === '' ? '' : ` (${origin})`}`;
  if (address.type === 'command') {
    const name = origin === 'CONTAINER_HOST' ? 'podman' : 'docker';
    const argv = name === 'podman' ? (['podman', '--remote', '--url', host] as const) : (['docker', ...dockerArguments] as const);
    return {
      display,
      connect: (signal) => connectEngineCli({ name, argv, environment, display: `${name} command for ${display}`, signal }),
    };
  }
  return {
    display,
    async connect(signal) {
      // Most places are empty, and the HTTP client need not be loaded to see that.
      if (address.type === 'socket') {
        await stat(address.path).catch((cause: NodeJS.ErrnoException) => {
          const why = cause.code === 'ENOENT' ? 'there is no such socket' : cause.message;
          throw engineError('connect', display, why, cause);
        });
      }
      return connectEngineApi({
        address,
        display,
        signal,
        command: (name) => ({
          argv: name === 'podman' ? ['podman', '--remote', '--url', host] : ['docker', ...dockerArguments],
          environment,
        }),
      });
    },
  };
}

function configDirectory({ environment, homeDirectory }: EngineSearch): string {
  return environment['DOCKER_CONFIG'] ?? join(homeDirectory, '.docker');
}

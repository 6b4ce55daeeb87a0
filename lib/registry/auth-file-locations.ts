// Where credentials are looked for, and in which order: ours, then the variable of podman, then docker's places, then podman's.
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** A place that may hold credentials. */
export type AuthLocation =
  | {
      readonly type: 'file';
      readonly path: string;
      readonly dialect: 'docker' | 'podman';
      readonly isRequired: boolean;
      /** Docker's own file: where it has no credentials at all, docker asks a store that it finds on PATH. */
      readonly hasDefaultStore: boolean;
      readonly setBy?: string;
    }
  | { readonly type: 'text'; readonly text: string; readonly origin: string };

/** The places, first match wins. Relative and empty variables are left out. */
export function authFileLocations(environment: Readonly<Record<string, string | undefined>>): AuthLocation[] {
  const value = (name: string) => environment[name] || undefined;
  const locations: AuthLocation[] = [];
  const file = (
    path: string | undefined,
    dialect: 'docker' | 'podman',
    setBy?: string,
    { isRequired = false, hasDefaultStore = false } = {},
  ) => {
    if (path === undefined) return;
    locations.push({ type: 'file', path, dialect, isRequired, hasDefaultStore, ...(setBy !== undefined && { setBy }) });
  };
  const home = homeOf(environment);

  file(value('OCIDSL_AUTH_FILE'), 'docker', 'OCIDSL_AUTH_FILE', { isRequired: true });
  file(value('REGISTRY_AUTH_FILE'), 'podman', 'REGISTRY_AUTH_FILE');
  const inline = value('DOCKER_AUTH_CONFIG');
  if (inline !== undefined) locations.push({ type: 'text', text: inline, origin: '$DOCKER_AUTH_CONFIG' });
  file(dockerConfigFile(environment), 'docker', value('DOCKER_CONFIG') && 'DOCKER_CONFIG', { hasDefaultStore: true });
  const runtime = value('XDG_RUNTIME_DIR');
  file(runtime === undefined ? `/run/containers/${userInfo().uid}/auth.json` : join(runtime, 'containers/auth.json'), 'podman');
  file(below(value('XDG_CONFIG_HOME') ?? below(home, '.config'), 'containers/auth.json'), 'podman');
  file(below(home, '.dockercfg'), 'docker');
  return locations;
}

/** The file that `docker login` writes; undefined without DOCKER_CONFIG and a home folder. */
export function dockerConfigFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return below(environment['DOCKER_CONFIG'] || below(homeOf(environment), '.docker'), 'config.json');
}

function homeOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return environment['HOME'] || environment['USERPROFILE'] || undefined;
}

function below(folder: string | undefined, ...path: string[]): string | undefined {
  return folder === undefined ? undefined : join(folder, ...path);
}

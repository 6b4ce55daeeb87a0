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
      readonly setBy?: string;
    }
  | { readonly type: 'text'; readonly text: string; readonly origin: string };

/** The places, first match wins. Relative and empty variables are left out. */
export function authFileLocations(environment: Readonly<Record<string, string | undefined>>): AuthLocation[] {
  const value = (name: string) => environment[name] || undefined;
  const locations: AuthLocation[] = [];
  const file = (path: string | undefined, dialect: 'docker' | 'podman', setBy?: string, isRequired = false) => {
    if (path !== undefined) locations.push({ type: 'file', path, dialect, isRequired, ...(setBy !== undefined && { setBy }) });
  };
  const home = value('HOME') ?? value('USERPROFILE');
  const below = (folder: string | undefined, ...path: string[]) => (folder === undefined ? undefined : join(folder, ...path));

  file(value('OCIDSL_AUTH_FILE'), 'docker', 'OCIDSL_AUTH_FILE', true);
  file(value('REGISTRY_AUTH_FILE'), 'podman', 'REGISTRY_AUTH_FILE');
  const inline = value('DOCKER_AUTH_CONFIG');
  if (inline !== undefined) locations.push({ type: 'text', text: inline, origin: '$DOCKER_AUTH_CONFIG' });
  const dockerFolder = value('DOCKER_CONFIG');
  if (dockerFolder === undefined) file(below(home, '.docker/config.json'), 'docker');
  else file(join(dockerFolder, 'config.json'), 'docker', 'DOCKER_CONFIG');
  const runtime = value('XDG_RUNTIME_DIR');
  file(runtime === undefined ? `/run/containers/${userInfo().uid}/auth.json` : join(runtime, 'containers/auth.json'), 'podman');
  file(below(value('XDG_CONFIG_HOME') ?? below(home, '.config'), 'containers/auth.json'), 'podman');
  file(below(home, '.dockercfg'), 'docker');
  return locations;
}

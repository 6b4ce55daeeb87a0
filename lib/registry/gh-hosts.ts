// Which GitHub a container registry belongs to. The answer decides where gh's token may go, so it is a list and never a guess.
// https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry

/**
 * The GitHub host behind a registry, as `gh --hostname` takes it; undefined where the registry is not known to be GitHub's. `ghcr.io`
 * and the older `docker.pkg.github.com` are github.com's; GitHub Enterprise has its registries at `containers.HOST` and `docker.HOST`.
 * @param serverUrl what a credential helper is asked for: a host, or a URL
 */
export function githubHostOf(serverUrl: string): string | undefined {
  const host = serverUrl
    .replace(/^https:\/\//i, '')
    .replace(/\/.*$/s, '')
    .toLowerCase();
  if (host === 'ghcr.io' || host === 'docker.pkg.github.com') return 'github.com';
  const [, enterprise] = /^(?:containers|docker)\.((?:[a-z0-9-]+\.)+[a-z0-9-]+)$/.exec(host) ?? [];
  // github.com has neither of the two, and docker.io is not an Enterprise server of somebody.
  return enterprise === 'github.com' || enterprise === undefined ? undefined : enterprise;
}

/**
 * The environment for a `gh` that is asked for the token of `host`. Tokens from variables are for github.com or for the host that GH_HOST
 * names: gh itself would give GH_ENTERPRISE_TOKEN for any host, so that whoever owns `containers.example.com` could ask for it.
 */
export function ghEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  host: string,
): Readonly<Record<string, string | undefined>> {
  const isNamed = host === 'github.com' || environment['GH_HOST']?.toLowerCase() === host;
  const withheld = isNamed ? [] : ['GH_TOKEN', 'GITHUB_TOKEN', 'GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN'];
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !withheld.includes(name))),
    GH_PROMPT_DISABLED: '1',
    GH_NO_UPDATE_NOTIFIER: '1',
  };
}

// Which token server may be given a registry's credentials. A registry names its token server in every challenge; a hostile or
// hijacked one could name any (ggcr #2193, GHSA-28r5-37g7-p6mp).
import { isIP } from 'node:net';

// Services of one company under another's name.
const KNOWN_REALMS: Readonly<Record<string, readonly string[]>> = {
  'registry-1.docker.io': ['auth.docker.io'],
  'dhi.io': ['auth.docker.io'],
};

// Domains whose subdomains belong to different customers: there, only the registry's own host is trusted.
const SHARED_DOMAINS = new Set(
  `amazonaws.com appspot.com azurecr.io azurecr.cn azurewebsites.net azurefd.net azureedge.net blob.core.windows.net cloudfront.net
   cloudapp.net cloudapp.azure.com fly.dev fly.io github.io gitlab.io herokuapp.com jfrog.io netlify.app ngrok.io ngrok.app
   ngrok-free.app onrender.com pages.dev pkg.dev run.app r2.dev scw.cloud trycloudflare.com up.railway.app vercel.app web.app
   windows.net workers.dev sslip.io nip.io`.split(/\s+/),
);
const COUNTRY_SECOND_LEVEL = /^(?:ac|co|com|edu|gob|gov|govt|go|mil|ne|net|nom|or|org|sch)\.[a-z]{2}$/;

/**
 * Whether the credentials of the registry at `registry` may be sent to the token server at `realm`: the same host, a host of the same
 * domain, or one that is listed.
 * @param extra further hosts that the user allows for this registry
 */
export function isTrustedRealm(registry: URL, realm: URL, extra: readonly string[] = []): boolean {
  if (registry.protocol === 'https:' && realm.protocol !== 'https:') return false;
  const from = registry.hostname;
  const to = realm.hostname;
  if (from === to || extra.includes(to) || extra.includes(realm.host)) return true;
  if (KNOWN_REALMS[from]?.includes(to)) return true;
  const domain = domainOf(from);
  return domain !== undefined && (to === domain || to.endsWith(`.${domain}`));
}

/** The domain that a host shares with its owner's other hosts; undefined where that cannot be known. */
function domainOf(host: string): string | undefined {
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  const labels = host.split('.');
  if (labels.length < 2) return undefined;
  // One level up, not the registrable domain: that is stricter, and needs no list of all public suffixes.
  const domain = labels.length === 2 ? host : labels.slice(1).join('.');
  const isShared = [...SHARED_DOMAINS].some((shared) => domain === shared || domain.endsWith(`.${shared}`));
  return isShared || COUNTRY_SECOND_LEVEL.test(domain) ? undefined : domain;
}

/** Reads `OCIDSL_TRUSTED_REALMS`: `registry=host`, separated by commas; the registry as in references. */
export function parseTrustedRealms(text: string | undefined, registry: string): string[] {
  return (text ?? '')
    .split(/[\s,]+/)
    .map((entry) => entry.split('='))
    .filter(([name]) => name === registry)
    .map(([, host]) => host ?? '')
    .filter((host) => host !== '');
}

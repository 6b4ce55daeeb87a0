// URLs on their way into a message: nothing that a URL may carry as a secret.
import { printable } from '../base/printable.ts';

// Everything else in a query may be a signature or a token (presigned URLs, realms): an allow-list, as in ggcr's redact.
const PUBLIC_QUERY = new Set(['service', 'scope', 'mount', 'from', 'digest', 'n', 'last', 'artifactType', 'tag']);

/** A URL for messages: no user info, no fragment, and only query values that cannot be secrets. */
export function printableUrl(url: URL): string {
  const query = [...url.searchParams].map(
    ([key, value]) => `${printable(key, 60)}=${PUBLIC_QUERY.has(key) ? printable(value, 120) : 'REDACTED'}`,
  );
  return `${url.protocol}//${url.host}${printable(url.pathname, 400)}${query.length > 0 ? `?${query.join('&')}` : ''}`;
}

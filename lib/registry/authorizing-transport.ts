// The outermost transport: answers challenges of one registry. Credentials and tokens are added only to requests of the
// registry's own origin, and only challenges from there are answered.
import { OcidslError } from '../base/errors.ts';
import { parseChallenges } from './challenge.ts';
import type { FoundCredential } from './credentials.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';
import { printable } from '../base/printable.ts';
import { readFailure } from './registry-failure.ts';
import { sameOrigin } from './registry-host.ts';
import type { Secret } from './secret.ts';
import { basicHeader, tokenEndpoint } from './token.ts';
import type { TokenEndpoint, TokenSource } from './token.ts';

/** What a registry wants to see. */
type Demand = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly endpoint: TokenEndpoint };

/** What the requests of one registry share. */
export interface RegistryAuthority {
  readonly origin: URL;
  /** Host as users write it, for messages. */
  readonly registry: string;
  readonly tokens: TokenSource;
  /** Known after the first challenge, so that later requests need none. */
  demand?: Demand;
}

/** Authorizes the requests of one repository with what `find` gives. */
export function createAuthorizingTransport(
  inner: Transport,
  authority: RegistryAuthority,
  find: () => Promise<FoundCredential>,
): Transport {
  return async (request) => {
    if (!sameOrigin(request.url, authority.origin)) return inner(request);
    const sent = await authorize(request);
    const first = await inner(sent.request);
    if (first.status !== 401 || !sameOrigin(first.url, authority.origin)) return first;

    const { demand, extraScopes, offered } = await readChallenge(request, first);
    if (demand === undefined) throw await unanswerable(first, offered);
    authority.demand = demand;
    const found = await find();
    if (demand.scheme === 'basic' && found.credential?.type !== 'password') throw await refused(first, found);
    await first.dispose();
    const scopes = [...new Set([...(request.scopes ?? []), ...extraScopes])];
    const again = await authorize({ ...request, scopes }, sent.token);
    const second = await inner(again.request);
    if (second.status === 401 && sameOrigin(second.url, authority.origin)) throw await refused(second, found);
    // Registries say "denied" or even "unauthorized" with 403 to those who did not log in.
    if (second.status === 403 && found.problems.length > 0) throw await refused(second, found);
    return second;
  };

  async function authorize(
    request: HttpRequest,
    refusedToken?: Secret,
  ): Promise<{ readonly request: HttpRequest; readonly token?: Secret }> {
    const { demand } = authority;
    if (demand === undefined) return { request };
    const found = await find();
    const { credential } = found;
    if (demand.scheme === 'basic') {
      return {
        request:
          credential?.type === 'password' ? withAuthorization(request, basicHeader(credential.username, credential.password)) : request,
      };
    }
    const isGiven = credential?.type === 'registry token';
    const token = isGiven ? credential.token : await authority.tokens.token(demand.endpoint, request.scopes ?? [], found, refusedToken);
    return { request: withAuthorization(request, `Bearer ${token.reveal()}`), token };
  }

  /** The first challenge that can be answered, Bearer before Basic. */
  async function readChallenge(request: HttpRequest, response: HttpResponse) {
    let header = response.headers.get('www-authenticate');
    if (header === undefined) {
      // gcr leaves it out of real requests and has it at /v2/ only.
      const ping = await inner({ method: 'GET', url: new URL('/v2/', authority.origin), signal: request.signal });
      if (sameOrigin(ping.url, authority.origin)) header = ping.headers.get('www-authenticate');
      await ping.dispose();
    }
    const challenges = parseChallenges(header ?? '');
    const offered = challenges.map(({ scheme }) => printable(scheme, 30));
    for (const challenge of challenges) {
      const endpoint = challenge.scheme === 'bearer' ? tokenEndpoint(challenge) : undefined;
      if (endpoint === undefined) continue;
      const extraScopes = (challenge.parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
      return { demand: { scheme: 'bearer', endpoint } as Demand, extraScopes, offered };
    }
    const demand: Demand | undefined = challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
    return { demand, extraScopes: [], offered };
  }

  async function refused(response: HttpResponse, found: FoundCredential): Promise<OcidslError> {
    const { message } = await readFailure(response);
    const words = message === '' ? '' : ` (${message})`;
    const [problem] = found.problems;
    if (found.credential === undefined && problem !== undefined) return problem;
    if (found.credential === undefined) {
      return new OcidslError({
        code: 'OCIDSL_CREDENTIALS_MISSING',
        kind: 'credentials',
        message: `Cannot log in to "${authority.registry}": there are no credentials for it${words}`,
        hint: `Run docker login ${authority.registry} or podman login ${authority.registry}`,
      });
    }
    return new OcidslError({
      code: 'OCIDSL_CREDENTIALS_REFUSED',
      kind: 'credentials',
      message: `Cannot log in to "${authority.registry}": it refuses the credentials from ${found.source}${words}`,
      hint: 'Log in again, or check what the account may do',
    });
  }

  async function unanswerable(response: HttpResponse, offered: readonly string[]): Promise<OcidslError> {
    await response.dispose();
    const asks = offered.length === 0 ? 'it answers 401 and does not say what it asks for' : `it asks for ${offered.join(', ')}`;
    return new OcidslError({
      code: 'OCIDSL_CREDENTIALS_UNSUPPORTED',
      kind: 'credentials',
      message: `Cannot log in to "${authority.registry}": ${asks}, expected Bearer or Basic`,
    });
  }
}

function withAuthorization(request: HttpRequest, authorization: string): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization } };
}

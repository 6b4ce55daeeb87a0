// Bearer tokens: asked for once per set of scopes, kept until they run out.
// https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/
import { sortedUtf8 } from '../base/bytes.ts';
import { OcidslError } from '../base/errors.ts';
import { whyNotFollow } from './address-rules.ts';
import type { ResolveHost } from './address-rules.ts';
import type { Challenge } from './challenge.ts';
import type { FoundCredential } from './credentials.ts';
import { readBounded } from './http.ts';
import type { Clock, HttpResponse, Transport } from './http.ts';
import { printableUrl } from './printable-url.ts';
import { failureError, parseFailureBody } from './registry-failure.ts';
import { isTrustedRealm } from './realm-trust.ts';
import { Secret } from './secret.ts';

/** Where a registry's tokens come from. */
export interface TokenEndpoint {
  readonly realm: string;
  readonly service: string | undefined;
}

/** Tokens of one registry. */
export interface TokenSource {
  /** A token for `scopes`, the most important first, and another one than `refused`, which the registry did not take. */
  token(endpoint: TokenEndpoint, scopes: readonly string[], found: FoundCredential, refused?: Secret): Promise<Secret>;
}

/** What a token source needs. */
export interface TokenSourceOptions {
  /** Origin of the registry. */
  readonly registry: URL;
  /** Sends without the registry's own authorization. */
  readonly send: Transport;
  readonly clock: Clock;
  readonly resolve: ResolveHost;
  /** Hosts that the user trusts as this registry's token server. */
  readonly trustedRealms: readonly string[];
}

const MAX_ANSWER_BYTES = 128 * 1024;
const LEAST_LIFETIME_SECONDS = 60;
const MOST_LIFETIME_SECONDS = 24 * 3600;
// A token that ends while a blob is on its way costs the upload.
const SPARE_MS = 10_000;
// Answers of token servers that do not know the OAuth form: spec 404, 405; ACR 400, Artifactory 401 (containerd authorizer.go).
const NO_OAUTH_STATUS = new Set([400, 401, 404, 405]);

interface KeptToken {
  readonly token: Secret;
  readonly expiresMs: number;
}

/** The endpoint that a Bearer challenge names; undefined without a realm. */
export function tokenEndpoint(challenge: Challenge): TokenEndpoint | undefined {
  const realm = challenge.parameters.get('realm');
  return realm === undefined || realm === '' ? undefined : { realm, service: challenge.parameters.get('service') };
}

/** A token source with a cache; equal requests at the same time are one. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const kept = new Map<string, Promise<KeptToken>>();
  return {
    async token(endpoint, scopes, found, refused) {
      const key = JSON.stringify([endpoint.realm, endpoint.service, sortedUtf8(scopes), found.source]);
      const known = kept.get(key);
      if (known !== undefined) {
        const { token, expiresMs } = await known;
        if (token !== refused && expiresMs - options.clock.now() > SPARE_MS) return token;
      }
      // Another caller may have renewed it in the meantime.
      let pending = kept.get(key);
      if (pending === undefined || pending === known) {
        pending = requestToken(options, endpoint, scopes, found);
        kept.set(key, pending);
        pending.catch(() => kept.get(key) === pending && kept.delete(key));
      }
      return (await pending).token;
    },
  };
}

async function requestToken(
  options: TokenSourceOptions,
  endpoint: TokenEndpoint,
  scopes: readonly string[],
  found: FoundCredential,
): Promise<KeptToken> {
  const realm = await checkRealm(options, endpoint.realm, found);
  const { credential } = found;
  let response: HttpResponse | undefined;
  if (credential?.type === 'identity token') {
    response = await sendOAuth(options, realm, endpoint.service, scopes, credential.token);
    if (NO_OAUTH_STATUS.has(response.status)) {
      await response.dispose();
      response = undefined;
    }
  }
  response ??= await sendGet(options, realm, endpoint.service, scopes, found);
  const doing = `get a token for "${options.registry.host}" from ${printableUrl(realm)}`;
  const body = (await readBounded(response, MAX_ANSWER_BYTES))?.toString('utf8') ?? '';
  if (response.status !== 200) {
    const failure = failureError(doing, { status: response.status, ...parseFailureBody(body, response.headers.get('content-type')) });
    throw new OcidslError({
      code: failure.code,
      // 4xx of a token server is about who asks, whatever the number.
      kind: response.status < 500 ? 'credentials' : 'network',
      message: failure.message,
      hint: found.source === undefined ? failure.hint : `The credentials come from ${found.source}`,
    });
  }
  return readAnswer(doing, body, options.clock);
}

async function checkRealm(options: TokenSourceOptions, text: string, found: FoundCredential): Promise<URL> {
  const { registry, trustedRealms, resolve } = options;
  let realm: URL;
  try {
    realm = new URL(text);
  } catch {
    throw realmError(registry, 'it names a token server that is not a URL');
  }
  // Never ours to send, and a way to smuggle a host past a reader.
  if (realm.username !== '' || realm.password !== '') throw realmError(registry, 'its token server has a user name in its URL');
  const isTrusted = isTrustedRealm(registry, realm, trustedRealms);
  const why = isTrusted ? undefined : await whyNotFollow(registry, realm, resolve);
  if (why !== undefined) throw realmError(registry, `its token server is ${printableUrl(realm)}, but ${why}`);
  if (!isTrusted && found.credential !== undefined) {
    throw realmError(
      registry,
      `it asks for its credentials to be sent to ${printableUrl(realm)}, which is of another domain`,
      `If that is right, set OCIDSL_TRUSTED_REALMS=${registry.host}=${realm.hostname}`,
    );
  }
  return realm;
}

function sendOAuth(options: TokenSourceOptions, realm: URL, service: string | undefined, scopes: readonly string[], token: Secret) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'ocidsl', refresh_token: token.reveal() });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const body = Buffer.from(form.toString());
  return options.send({
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: { sizeBytes: body.byteLength, open: () => body },
    redirect: false,
  });
}

function sendGet(
  options: TokenSourceOptions,
  realm: URL,
  service: string | undefined,
  scopes: readonly string[],
  { credential }: FoundCredential,
) {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential?.type === 'password') headers['authorization'] = basicHeader(credential.username, credential.password);
  // Where there is no OAuth form, `<token>` is the user name of an identity token.
  if (credential?.type === 'identity token') headers['authorization'] = basicHeader('<token>', credential.token);
  return options.send({ method: 'GET', url, headers });
}

/** The value of an Authorization header for Basic. */
export function basicHeader(username: string, password: Secret): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}

function readAnswer(doing: string, body: string, clock: Clock): KeptToken {
  let answer: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) answer = parsed as Record<string, unknown>;
  } catch {
    // The body may hold a token, so neither it nor the parser's message is shown.
  }
  const token = [answer['token'], answer['access_token']].find((value) => typeof value === 'string' && value !== '');
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new OcidslError({
      code: 'OCIDSL_TOKEN_MISSING',
      kind: 'network',
      message: `Cannot ${doing}: its answer has no token, expected JSON with "token" or "access_token"`,
    });
  }
  const stated = answer['expires_in'];
  const seconds = typeof stated === 'number' && Number.isFinite(stated) ? stated : LEAST_LIFETIME_SECONDS;
  const lifetime = Math.min(Math.max(seconds, LEAST_LIFETIME_SECONDS), MOST_LIFETIME_SECONDS);
  // From now and not from issued_at: clocks of servers are wrong more often than answers are late.
  return { token: new Secret(token), expiresMs: clock.now() + lifetime * 1000 };
}

function realmError(registry: URL, is: string, hint?: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_REALM_REFUSED',
    kind: 'credentials',
    message: `Cannot log in to "${registry.host}": ${is}`,
    hint,
  });
}

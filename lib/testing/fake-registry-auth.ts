// Who may do what at a fake registry: nobody is asked, Basic, or Bearer with a token endpoint of its own.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** How a fake registry asks for credentials. */
export interface FakeAuth {
  readonly type: 'basic' | 'token';
  /** The user that may pull and push. Without one, the token endpoint gives everybody what they ask for. */
  readonly username?: string;
  readonly password?: string;
  /** Accepts this refresh token at the token endpoint (POST, OAuth 2). */
  readonly identityToken?: string;
  /** Tokens without credentials may pull. Default: false. */
  readonly anonymousPull?: boolean;
  /** Default: 300. */
  readonly tokenLifetimeSeconds?: number;
  /** Replaces the realm of the challenge. */
  readonly realm?: string;
  /** Replaces the whole WWW-Authenticate header; several are sent as several headers. */
  readonly challenges?: readonly string[];
  /** Repositories of which no scope is granted to anybody. */
  readonly denied?: readonly string[];
}

/** An answer of the token endpoint. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: string;
}

/** Issues and checks tokens. */
export class FakeAuthority {
  readonly #auth: FakeAuth | undefined;
  readonly #tokens = new Map<string, { readonly scopes: ReadonlySet<string>; readonly expires: number }>();
  /** Tokens that were given out, in order. */
  readonly issued: string[] = [];

  constructor(auth: FakeAuth | undefined) {
    this.#auth = auth;
  }

  /** Makes every token invalid, as when they expire. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  /** The challenges to answer a request with, or undefined where it is allowed. */
  challenge(request: IncomingMessage, repository: string | undefined, action: 'pull' | 'push', origin: string): string[] | undefined {
    const auth = this.#auth;
    if (auth === undefined) return undefined;
    const header = request.headers.authorization ?? '';
    if (auth.type === 'basic') {
      return this.#isUser(header) ? undefined : [...(auth.challenges ?? ['Basic realm="fake"'])];
    }
    const scope = repository === undefined ? undefined : `${repository}:${action}`;
    const token = this.#tokens.get(header.replace(/^Bearer /i, ''));
    if (token !== undefined && token.expires > Date.now() && (scope === undefined || token.scopes.has(scope))) return undefined;
    const wanted = repository === undefined ? '' : `,scope="repository:${repository}:${action === 'push' ? 'pull,push' : 'pull'}"`;
    return [...(auth.challenges ?? [`Bearer realm="${auth.realm ?? `${origin}/token`}",service="fake"${wanted}`])];
  }

  /** Answers a request to the token endpoint. */
  token(request: IncomingMessage, url: URL, form: URLSearchParams): TokenAnswer {
    const auth = this.#auth;
    if (auth === undefined) return { status: 404, body: 'no tokens here' };
    const isOAuth = request.method === 'POST';
    if (isOAuth && auth.identityToken === undefined) return { status: 405, body: '' };
    const isKnown = isOAuth ? form.get('refresh_token') === auth.identityToken : this.#isUser(request.headers.authorization ?? '');
    const hasTried = isOAuth || request.headers.authorization !== undefined;
    if (hasTried && !isKnown)
      return { status: 401, body: JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] }) };
    const asked = isOAuth ? (form.get('scope') ?? '').split(' ') : url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    const scopes = new Set<string>();
    for (const scope of asked) {
      const match = /^repository:(.+):([a-z,*]+)$/.exec(scope);
      if (match === null || auth.denied?.includes(match[1]!)) continue;
      for (const action of match[2]!.split(',')) {
        if (isKnown || (action === 'pull' && auth.anonymousPull) || auth.username === undefined) scopes.add(`${match[1]}:${action}`);
      }
    }
    const token = randomUUID();
    const seconds = auth.tokenLifetimeSeconds ?? 300;
    this.#tokens.set(token, { scopes, expires: Date.now() + seconds * 1000 });
    this.issued.push(token);
    return { status: 200, body: JSON.stringify({ [isOAuth ? 'access_token' : 'token']: token, expires_in: seconds }) };
  }

  #isUser(header: string): boolean {
    const { username, password } = this.#auth ?? {};
    if (username === undefined) return header === '';
    return header === `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
  }
}

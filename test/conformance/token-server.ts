// A token server as registries use it: it checks a password and signs a JWT for what was asked for. Registries verify its signature by
// the certificate in the token's header.
// https://distribution.github.io/distribution/spec/auth/jwt/
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CertificateFiles } from './certificates.ts';

/** Who may do what. */
export interface TokenServerOptions {
  readonly certificate: CertificateFiles;
  /** Has to be that of the certificate's key. */
  readonly algorithm: 'RS256' | 'ES256';
  readonly username: string;
  readonly password: string;
  /** Whether those without a password may pull. Default: false. */
  readonly anonymousPull?: boolean;
  /** Default: 300. */
  readonly lifetimeSeconds?: number;
}

/** A running token server. `await using` ends it. */
export interface TokenServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/token` */
  readonly realm: string;
  /** The scopes of each request, and whether it came with a password. */
  readonly requests: readonly { readonly scopes: readonly string[]; readonly hasPassword: boolean }[];
}

/** Names that the registry's configuration repeats. */
export const ISSUER = 'ocidsl test issuer';
/** The audience of the tokens. */
export const SERVICE = 'ocidsl test registry';

/** Starts a token server on a free port of 127.0.0.1. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const requests: { scopes: string[]; hasPassword: boolean }[] = [];
  const expected = `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://token');
    const { authorization } = request.headers;
    const scopes = url.searchParams.getAll('scope').flatMap((scope) => scope.split(' '));
    requests.push({ scopes, hasPassword: authorization !== undefined });
    response.setHeader('content-type', 'application/json');
    if (authorization !== undefined && authorization !== expected) {
      response.writeHead(401).end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong password' }] }));
      return;
    }
    const allowed = authorization === undefined ? (options.anonymousPull === true ? ['pull'] : []) : ['pull', 'push', 'delete'];
    const seconds = options.lifetimeSeconds ?? 300;
    response.end(JSON.stringify({ token: signToken(options, grant(scopes, allowed), seconds), expires_in: seconds }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The `auth` section of a registry that trusts `server`. */
export function tokenAuth(server: TokenServer, { cert }: CertificateFiles): string {
  return `token:\n  realm: ${server.realm}\n  service: ${SERVICE}\n  issuer: ${ISSUER}\n  rootcertbundle: ${cert}`;
}

function grant(scopes: readonly string[], allowed: readonly string[]) {
  return scopes.flatMap((scope) => {
    const [, type, name, actions] = /^([a-z]+):(.+):([a-z,*]+)$/.exec(scope) ?? [];
    return actions === undefined ? [] : [{ type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) }];
  });
}

function signToken({ certificate, algorithm }: TokenServerOptions, access: unknown, seconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const x5c = [new X509Certificate(readFileSync(certificate.cert)).raw.toString('base64')];
  const claims = { iss: ISSUER, sub: 'tester', aud: SERVICE, exp: now + seconds, nbf: now - 10, iat: now, jti: randomUUID(), access };
  const text = [{ typ: 'JWT', alg: algorithm, x5c }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const key = createPrivateKey(readFileSync(certificate.key));
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}

// Credentials for module proxies from .netrc, where the go command looks for them too. https://go.dev/ref/mod#private-module-proxy-auth
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../registry/secret.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The value of an Authorization header for a host, from $NETRC or ~/.netrc; undefined where that has nothing for it. */
export function netrcAuthorization(hostname: string, environment: Environment): Secret | undefined {
  const { NETRC, HOME, USERPROFILE } = environment;
  const home = HOME || USERPROFILE;
  const file = NETRC || (home ? join(home, process.platform === 'win32' ? '_netrc' : '.netrc') : undefined);
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // None is the usual case; one that cannot be read is the same to the go command.
  }
  const found = loginOf(text, hostname);
  return found && basicAuthorization(found.login, found.password);
}

/** `Basic <base64>`. */
export function basicAuthorization(login: string, password: string): Secret {
  return new Secret(`Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`);
}

function loginOf(text: string, hostname: string): { readonly login: string; readonly password: string } | undefined {
  // A macro's body runs up to an empty line, and may have any words.
  const words = text.replace(/^\s*macdef\s[^]*?(?:\n\s*\n|(?![^]))/gm, '').split(/\s+/);
  for (let at = words.indexOf('machine'); at >= 0; at = words.indexOf('machine', at + 1)) {
    if (words[at + 1] !== hostname) continue;
    const fields = new Map<string, string>();
    for (let i = at + 2; i + 1 < words.length && words[i] !== 'machine' && words[i] !== 'default'; i += 2)
      fields.set(words[i]!, words[i + 1]!);
    const login = fields.get('login');
    const password = fields.get('password');
    if (login !== undefined && password !== undefined) return { login, password };
  }
  return undefined;
}

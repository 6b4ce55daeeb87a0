// Certificates for a registry's host: the places that docker, podman and OpenSSL users already keep them in.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as tls from 'node:tls';
import { sortedUtf8 } from '../base/bytes.ts';
import { environmentError } from '../base/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** TLS settings for a connection; empty where nothing is configured, which means Node's own roots. */
export interface Certificates {
  /** Every trusted root, PEM: setting `ca` replaces the defaults, so these are included. */
  readonly ca?: string[];
  /** Client certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `SSL_CERT_FILE` and, for `host` (with port where it is not the default), `certs.d/<host>/*.crt` and `*.cert`+`*.key` below
 * /etc/docker, /etc/containers and the home folder's docker and containers configuration.
 * @param root replaces `/` in tests
 * @throws OCIDSL_SYSTEM_… naming a file that exists and cannot be read
 */
export async function readCertificates(host: string, environment: Environment, root = '/'): Promise<Certificates> {
  const extra: string[] = [];
  const bundle = environment['SSL_CERT_FILE'];
  if (bundle !== undefined && bundle !== '') extra.push(await readPem(bundle));

  let client: { cert: string; key: string } | undefined;
  const home = environment['HOME'];
  const folders = [join(root, 'etc/containers/certs.d'), join(root, 'etc/docker/certs.d')];
  if (home !== undefined && home !== '') folders.unshift(join(home, '.config/containers/certs.d'), join(home, '.docker/certs.d'));
  for (const folder of folders.map((base) => join(base, host))) {
    const names = sortedUtf8(await list(folder));
    for (const name of names) {
      if (name.endsWith('.crt')) extra.push(await readPem(join(folder, name)));
      const key = `${name.slice(0, -'.cert'.length)}.key`;
      if (client === undefined && name.endsWith('.cert') && names.includes(key)) {
        client = { cert: await readPem(join(folder, name)), key: await readPem(join(folder, key)) };
      }
    }
  }
  return { ...(extra.length > 0 ? { ca: [...(await defaultRoots(environment)), ...extra] } : {}), ...client };
}

// Node 22.15 can list what it trusts by default; before, only the bundled roots, so NODE_EXTRA_CA_CERTS is read here.
async function defaultRoots(environment: Environment): Promise<readonly string[]> {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  if (getCACertificates) return getCACertificates('default');
  const file = environment['NODE_EXTRA_CA_CERTS'];
  return file ? [...tls.rootCertificates, await readPem(file)] : tls.rootCertificates;
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw environmentError(`read the certificate file "${path}"`, error);
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return []; // the usual case: nobody configured this host
  }
}

// Certificates for tests, made by openssl.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

const KEYS = { rsa: ['-newkey', 'rsa:2048'], ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] };

/** A certificate that signs itself, as `<name>.crt` and `<name>.key` in `folder`. */
export function selfSigned(folder: string, name: string, key: keyof typeof KEYS = 'rsa'): CertificateFiles {
  const files = filesOf(folder, name);
  openssl(folder, [
    'req',
    '-x509',
    ...KEYS[key],
    '-nodes',
    '-keyout',
    files.key,
    '-out',
    files.cert,
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
  ]);
  return files;
}

/** When a certificate is valid, as openssl writes it: `20300101000000Z`. */
export interface Validity {
  readonly from: string;
  readonly to: string;
}

const THESE_YEARS: Validity = { from: '20200101000000Z', to: '20490101000000Z' };

/** A certificate signed by `authority`, for `names` such as `IP:127.0.0.1`. */
export function signedBy(authority: CertificateFiles, folder: string, names: string, { from, to } = THESE_YEARS): CertificateFiles {
  const files = filesOf(folder, 'server');
  const request = join(folder, 'server.csr');
  const extensions = join(folder, 'extensions');
  openssl(folder, ['req', ...KEYS.rsa, '-nodes', '-keyout', files.key, '-out', request, '-subj', '/CN=server']);
  writeFileSync(extensions, `subjectAltName=${names}`);
  // `openssl x509` takes no dates before version 3.4, and no negative days after 3.2; `openssl ca` has always taken dates.
  const config = join(folder, 'ca.conf');
  writeFileSync(join(folder, 'index.txt'), '');
  writeFileSync(
    config,
    `[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`,
  );
  const { cert, key } = authority;
  const sign = ['ca', '-batch', '-notext', '-config', config, '-cert', cert, '-keyfile', key, '-in', request, '-out', files.cert];
  openssl(folder, [...sign, '-startdate', from, '-enddate', to, '-extfile', extensions]);
  return files;
}

function filesOf(folder: string, name: string): CertificateFiles {
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

function openssl(folder: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

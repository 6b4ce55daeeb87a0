// The members of a tar that belong to the OCI layout in it. The archive is somebody else's: what could mean two things, or something outside
// of it, is refused; what is beside the layout, such as a docker archive's own files, is passed over.
import { EMPTY_DIGEST, sameDigest, type Digest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

const OF_LAYOUT = /^(?:oci-layout|index\.json|blobs|blobs\/.*)$/;

/** Collects names; each member of the archive is shown to it in order. */
export class LayoutNames {
  readonly #path: string;
  readonly #seen = new Set<string>();
  #hasDockerManifest = false;

  /** `path` names the archive in errors. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The name of a file of the layout: `index.json`, `blobs/sha256/…`; undefined for anything else.
   * @throws OCIDSL_LAYOUT_ARCHIVE for names that leave the archive, and for links and second files in the layout
   */
  fileName(name: string, type: string): string | undefined {
    const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
    if (name.startsWith('/') || segments.includes('..')) throw this.#refuse(`"${printable(name)}" leaves it`);
    const clean = segments.join('/');
    if (clean === 'manifest.json') this.#hasDockerManifest = true;
    if (!OF_LAYOUT.test(clean) || type === 'directory') return undefined;
    if (type !== 'file' && type !== 'contiguous-file') throw this.#refuse(`"${printable(clean)}" is a link or no regular file`);
    if (this.#seen.has(clean)) throw this.#refuse(`it has "${printable(clean)}" twice`);
    this.#seen.add(clean);
    return clean;
  }

  /** OCIDSL_LAYOUT_MISSING: there is no such file at the layout's root. */
  missing(name: string): OcidslError {
    return new OcidslError({
      code: 'OCIDSL_LAYOUT_MISSING',
      message: `Cannot read OCI layout "${printable(this.#path)}": the archive has no ${name}, expected a tar with an OCI layout`,
      hint: this.#hasDockerManifest
        ? `It is a docker archive: skopeo copy docker-archive:IN.tar oci-archive:OUT.tar makes a layout of it`
        : undefined,
    });
  }

  #refuse(is: string): OcidslError {
    return new OcidslError({
      code: 'OCIDSL_LAYOUT_ARCHIVE',
      kind: 'integrity',
      message: `Cannot read OCI layout "${printable(this.#path)}": ${is}, expected a tar with plain files`,
    });
  }
}

/** Those of `digests` that an archive lacks, without duplicates, by the size of each of its files. */
export function missingFrom(digests: readonly Digest[], sizeOf: (name: string) => number | undefined): Digest[] {
  const missing = digests.filter((digest) => !sameDigest(digest, EMPTY_DIGEST) && sizeOf(blobName(digest.hash)) !== digest.sizeBytes);
  return [...new Map(missing.map((digest) => [`${digest.hash}/${digest.sizeBytes}`, digest])).values()];
}

/** Name of a blob's file in a layout. */
export function blobName(hash: string): string {
  return `blobs/sha256/${hash}`;
}

// What the stores have in common that are somebody else's and are only read: OCI layouts.
import type { Digest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import type { BlobWriter } from './content-addressable-storage.ts';
import type { UnverifiedCas } from './unverified-cas.ts';

/** A store that refuses to be written to. */
export abstract class ReadOnlyCas implements UnverifiedCas {
  readonly #place: string;

  /** `place` names it in errors. */
  constructor(place: string) {
    this.#place = place;
  }

  abstract findMissing(digests: readonly Digest[]): Promise<Digest[]>;
  abstract readUnverified(digest: Digest): AsyncIterable<Uint8Array>;

  async discard(): Promise<void> {
    // Not ours to take away. The error says which blob it is.
  }

  async openWriter(): Promise<BlobWriter> {
    throw this.#readOnly();
  }

  async write(): Promise<Digest> {
    throw this.#readOnly();
  }

  #readOnly(): OcidslError {
    return new OcidslError({
      code: 'OCIDSL_LAYOUT_READ_ONLY',
      kind: 'environment',
      message: `Cannot store a blob in the OCI layout "${this.#place}": it is only read, expected a store`,
    });
  }
}

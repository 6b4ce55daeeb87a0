// What a fake registry holds: plain maps that tests may read and write.
import { sha256Hex } from '../base/digest.ts';

/** A stored manifest. */
export interface StoredDocument {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** One repository of a fake registry. */
export interface FakeRepository {
  /** Digest → bytes. */
  readonly blobs: Map<string, Buffer>;
  /** Digest → manifest. */
  readonly manifests: Map<string, StoredDocument>;
  /** Tag → digest. */
  readonly tags: Map<string, string>;
  /** Session → bytes so far. */
  readonly uploads: Map<string, Buffer[]>;
}

/** Repositories by name, made when they are first asked for. */
export class FakeStorage {
  readonly repositories = new Map<string, FakeRepository>();

  repository(name: string): FakeRepository {
    let repository = this.repositories.get(name);
    if (repository === undefined) {
      repository = { blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map() };
      this.repositories.set(name, repository);
    }
    return repository;
  }

  /** Stores a blob and returns its digest. */
  putBlob(name: string, bytes: Uint8Array): string {
    const digest = `sha256:${sha256Hex(bytes)}`;
    this.repository(name).blobs.set(digest, Buffer.from(bytes));
    return digest;
  }

  /** Stores a manifest, under a tag too where one is given, and returns its digest. */
  putManifest(name: string, mediaType: string, bytes: Uint8Array, tag?: string): string {
    const digest = `sha256:${sha256Hex(bytes)}`;
    const repository = this.repository(name);
    repository.manifests.set(digest, { mediaType, bytes: Buffer.from(bytes) });
    if (tag !== undefined) repository.tags.set(tag, digest);
    return digest;
  }
}

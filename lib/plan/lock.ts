// What is locked: the pins of `ocidsl.lock.json` as analysis sees them, and what a target asks to be pinned. Reading, writing
// and resolving are lib/fetch's.

/** The lock file, beside the root config. */
export const LOCK_FILE = 'ocidsl.lock.json';

/** A descriptor of a pinned document. */
export interface LockedDescriptor {
  readonly mediaType: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

/** The pin of an image: what a tag stood for when it was locked. The descriptor is the index's, or that of the only manifest. */
export interface LockedImage extends LockedDescriptor {
  /** The manifest of each platform, by the platform's string; what is no image is left out. */
  readonly platforms: Readonly<Record<string, LockedDescriptor>>;
}

/** The pin of a file. */
export interface LockedFile {
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

/** The pin of one archive of a Go distribution. */
export interface LockedGoArchive {
  /** `h1:<base64>` of the module zip, as in go.sum; absent for an archive from `urls`. */
  readonly h1?: string;
  /** `sha256:<hex>` of the archive's bytes; absent for a module zip. */
  readonly digest?: string;
}

/** Every pin of a workspace. */
export interface Lock {
  /** By full reference with its tag: `gcr.io/distroless/static-debian12:nonroot`. */
  readonly images: Readonly<Record<string, LockedImage>>;
  /** By the first URL. */
  readonly files: Readonly<Record<string, LockedFile>>;
  /** By version (`1.26.8`) and host platform (`linux/amd64`). */
  readonly goToolchains: Readonly<Record<string, Readonly<Record<string, LockedGoArchive>>>>;
}

/** A lock without pins. */
export const EMPTY_LOCK: Lock = { images: {}, files: {}, goToolchains: {} };

/** Something that a target wants pinned. */
export type LockRequest =
  | {
      readonly kind: 'image';
      /** Full reference with its tag; the key of Lock.images. */
      readonly reference: string;
      /** Platforms that it must have, as strings; undefined for whatever there is. */
      readonly platforms: readonly string[] | undefined;
    }
  | { readonly kind: 'file'; readonly urls: readonly string[] }
  | {
      readonly kind: 'go-toolchain';
      readonly version: string;
      /** URLs of archives by host platform: these platforms are pinned by digest. */
      readonly urls?: Readonly<Record<string, readonly string[]>>;
    };

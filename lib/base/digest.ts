// Content digests. One `sha256 + size` type serves OCI blobs and REAPI messages alike; everything that parses a
// digest goes through here, so no unchecked string ever becomes a path or a URL.
import crypto from 'node:crypto';
import { OcidslError } from './errors.ts';

/** A SHA-256 content digest with the size of the content: `{ hash: <64 lower-case hex>, sizeBytes }`. */
export interface Digest {
  /** 64 lower-case hex digits, without the `sha256:` prefix. */
  readonly hash: string;
  /** Size of the content in bytes; a safe non-negative integer. */
  readonly sizeBytes: number;
}

/** The digest of zero bytes. Stores always have it. */
export const EMPTY_DIGEST: Digest = {
  hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  sizeBytes: 0,
};

const SHA256_HEX = /^[a-f0-9]{64}$/;

/** Whether `text` is 64 lower-case hex digits. */
export function isSha256Hex(text: string): boolean {
  return SHA256_HEX.test(text);
}

// crypto.hash is twice as fast as createHash for small inputs; the types of Node 20 lack it. Looked up at the call, because
// loading node:crypto is a third of the start of a command that hashes nothing.
type OneShot = { hash(algorithm: string, data: Uint8Array | string, encoding: 'hex'): string };

/** SHA-256 of `data` as 64 lower-case hex digits; strings are hashed as UTF-8. */
export function sha256Hex(data: Uint8Array | string): string {
  return (crypto as unknown as OneShot).hash('sha256', data, 'hex');
}

/** The digest of bytes in memory. */
export function digestOf(data: Uint8Array): Digest {
  return { hash: sha256Hex(data), sizeBytes: data.byteLength };
}

/** `sha256:<hex>`, the form of OCI descriptors and of everything that users see. */
export function formatDigest(digest: Digest): string {
  return `sha256:${digest.hash}`;
}

/**
 * Reads `sha256:<64 lower-case hex>`.
 * @throws OCIDSL_DIGEST_SYNTAX naming what is wrong: the algorithm, the alphabet or the length.
 */
export function parseSha256(text: string): string {
  const colon = text.indexOf(':');
  const algorithm = colon < 0 ? '' : text.slice(0, colon);
  const hex = text.slice(colon + 1);
  const fail = (is: string) =>
    new OcidslError({
      code: 'OCIDSL_DIGEST_SYNTAX',
      message: `Cannot parse digest "${text.slice(0, 100)}": ${is}, expected sha256:<64 lower-case hex digits>`,
    });
  if (algorithm !== 'sha256') throw fail(algorithm === '' ? 'it has no algorithm' : `its algorithm is "${algorithm}"`);
  if (hex.length !== 64) throw fail(`it has ${hex.length} hex digits`);
  if (!isSha256Hex(hex)) throw fail('it has characters other than 0-9 and a-f');
  return hex;
}

/** Whether two digests name the same content. */
export function sameDigest(a: Digest, b: Digest): boolean {
  return a.hash === b.hash && a.sizeBytes === b.sizeBytes;
}

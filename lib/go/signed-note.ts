// Notes as the checksum database signs them: text, a blank line, and lines with Ed25519 signatures.
// https://pkg.go.dev/golang.org/x/mod/sumdb/note
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

/** A key that signs notes. */
export interface NoteKey {
  /** Name of the signer: a host, perhaps with a path. */
  readonly name: string;
  /** Eight hex digits that tell keys of one name apart. */
  readonly id: string;
  readonly publicKey: KeyObject;
}

const ED25519 = 1;
const MAX_SIGNATURES = 100;

/** Reads a key of the form `<name>+<id>+<base64>`; undefined for anything else, also where the id is not that of the key. */
export function parseNoteKey(text: string): NoteKey | undefined {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  const isRight = key.length === 33 && key[0] === ED25519 && keyId(name, key) === id;
  if (!isRight) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') };
  return { name, id, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** The text of a note that `key` has signed; undefined where it has not, or where the note is malformed. */
export function openNote(message: string, key: NoteKey): string | undefined {
  // oxlint-disable-next-line no-control-regex -- that is what a note may not have
  if (/[\u0000-\u0009\u000b-\u001f\ufffd]/.test(message) || !message.endsWith('\n')) return undefined;
  const split = message.lastIndexOf('\n\n');
  if (split < 0) return undefined;
  const text = message.slice(0, split + 1);
  const lines = message.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  let isSigned: boolean | undefined;
  for (const line of lines) {
    // An em dash, written so that the bundle stays ASCII: esbuild leaves regular expressions as they are.
    const [, name, encoded] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    if (name === undefined || encoded === undefined) return undefined;
    const signature = Buffer.from(encoded, 'base64');
    // Of several signatures by the key the first one counts.
    if (name === key.name && signature.subarray(0, 4).toString('hex') === key.id) {
      isSigned ??= verify(null, Buffer.from(text), key.publicKey, signature.subarray(4));
    }
  }
  return isSigned === true ? text : undefined;
}

function keyId(name: string, key: Uint8Array): string {
  return createHash('sha256').update(`${name}\n`).update(key).digest('hex').slice(0, 8);
}

// layer.json: what the layer tool tells about the layer it wrote, and the image tool reads.
import { asObject, optionalObject, optionalStringMap, requiredCount, requiredString } from './fields.ts';
import { checkDigest } from './descriptor.ts';
import { parseStrictJson } from './strict-json.ts';

/** A program in a layer, by its header. Names are Go's; `unknown` and `universal` (Mach-O) match every platform. */
export interface LayerExecutable {
  readonly os: string;
  readonly architecture: string;
  /** `elf`, `mach-o` or `pe`. */
  readonly format: string;
}

/** One layer. Paths are relative to the image's root, `/` between segments. */
export interface LayerDescription {
  readonly mediaType: string;
  /** `sha256:…` of the blob as it is stored, and its size in bytes. */
  readonly digest: string;
  readonly size: number;
  /** `sha256:…` of the uncompressed tar, and its size in bytes. */
  readonly diffID: string;
  readonly uncompressedSize: number;
  readonly executables: Readonly<Record<string, LayerExecutable>>;
  /** By path: the text of a symbolic link, as it is; the path in the layer that a hard link names. */
  readonly links: Readonly<Record<string, string>>;
}

// Hundreds of thousands of links fit.
const LIMIT_BYTES = 256 * 1024 * 1024;

/** Reads layer.json. @throws OCIDSL_JSON_SYNTAX, OCIDSL_DOCUMENT_FIELD */
export function parseLayerDescription(bytes: Uint8Array, what: string): LayerDescription {
  const object = asObject(parseStrictJson(bytes, { what, limitBytes: LIMIT_BYTES }), what);
  const digest = requiredString(object, 'digest');
  const diffID = requiredString(object, 'diffID');
  checkDigest(what, 'digest', digest);
  checkDigest(what, 'diffID', diffID);
  const executables = Object.create(null) as Record<string, LayerExecutable>;
  for (const [path, value] of Object.entries(optionalObject(object, 'executables')?.value ?? {})) {
    const program = asObject(value, what, `executables.${path}`);
    executables[path] = {
      os: requiredString(program, 'os'),
      architecture: requiredString(program, 'architecture'),
      format: requiredString(program, 'format'),
    };
  }
  return {
    mediaType: requiredString(object, 'mediaType'),
    digest,
    size: requiredCount(object, 'size'),
    diffID,
    uncompressedSize: requiredCount(object, 'uncompressedSize'),
    executables,
    links: optionalStringMap(object, 'links') ?? {},
  };
}

// The image config: the platform, the parameters of a run, and the diff IDs of the layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
import { utf8 } from '../base/bytes.ts';
import { checkDigest } from './descriptor.ts';
import { encodeList, encodeObject, type OrderedField } from './encode-document.ts';
import {
  asObject,
  fieldError,
  fieldPath,
  optionalObject,
  optionalObjects,
  optionalString,
  optionalStrings,
  requiredObject,
  requiredString,
  withFields,
} from './fields.ts';
import { encodeHistoryEntry, parseHistoryEntry, type HistoryEntry } from './history.ts';
import type { Platform } from './platform.ts';
import { encodeRunParameters, parseRunParameters, type RunParameters } from './run-parameters.ts';
import { parseStrictJson } from './strict-json.ts';
import { PLATFORM_ORDER, platformFromWire, type WirePlatform } from './wire-platform.ts';

/** An image config. Fields that this tool does not know survive as further properties. */
export interface ImageConfig extends WirePlatform {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly config?: RunParameters;
  readonly rootfs: {
    readonly type: 'layers';
    /** `sha256:…` of each layer's uncompressed tar, base layer first. */
    readonly diff_ids: readonly string[];
  };
  readonly history?: readonly HistoryEntry[];
}

/**
 * Reads an image config of either family.
 * @param what the document in messages, as `config "sha256:…"`
 * @throws OCIDSL_JSON_SYNTAX, OCIDSL_DOCUMENT_FIELD
 */
export function parseImageConfig(bytes: Uint8Array, what: string): ImageConfig {
  const object = asObject(parseStrictJson(bytes, { what }), what);
  const run = optionalObject(object, 'config');
  return withFields<ImageConfig>(object, {
    architecture: requiredString(object, 'architecture'),
    os: requiredString(object, 'os'),
    'os.version': optionalString(object, 'os.version'),
    'os.features': optionalStrings(object, 'os.features'),
    variant: optionalString(object, 'variant'),
    created: optionalString(object, 'created'),
    author: optionalString(object, 'author'),
    config: run && parseRunParameters(run),
    rootfs: parseRootfs(requiredObject(object, 'rootfs')),
    history: optionalObjects(object, 'history')?.map(parseHistoryEntry),
  });
}

function parseRootfs(object: ReturnType<typeof requiredObject>): ImageConfig['rootfs'] {
  const type = requiredString(object, 'type');
  if (type !== 'layers') throw fieldError(object.what, 'rootfs.type', `"${type.slice(0, 40)}"`, '"layers"');
  const diffIds = optionalStrings(object, 'diff_ids');
  if (!diffIds) throw fieldError(object.what, 'rootfs.diff_ids', 'absent', 'a list of digests');
  diffIds.forEach((diffId, i) => checkDigest(object.what, `${fieldPath(object, 'diff_ids')}[${i}]`, diffId));
  return withFields<ImageConfig['rootfs']>(object, { type, diff_ids: diffIds });
}

const ORDER: readonly OrderedField[] = [
  ['created'],
  ['author'],
  ...PLATFORM_ORDER,
  ['config', encodeRunParameters],
  ['rootfs', (rootfs: ImageConfig['rootfs']) => encodeObject(rootfs, [['type'], ['diff_ids']])],
  ['history', encodeList(encodeHistoryEntry)],
];

/** The bytes of a config that this tool makes. */
export function encodeImageConfig(config: ImageConfig): Buffer {
  return utf8(encodeObject(config, ORDER));
}

/** The platform that a config is for. */
export function configPlatform(config: ImageConfig): Platform {
  return platformFromWire(config);
}

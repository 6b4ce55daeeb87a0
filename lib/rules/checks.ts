// Attribute types that several rules share. Each wraps a parser of a leaf domain, so that the grammar is written once.
import { isOcidslError, type Fault } from '../base/errors.ts';
import { string, type AttributeType } from '../graph/attribute.ts';
import { isPlatformString } from '../oci/platform.ts';
import type { PlatformString } from '../oci/platform-string.ts';

/**
 * What a parser says about a text: undefined where it accepts it. Without the parser's own "Cannot parse …", which would stand inside
 * of another such message.
 */
export function problemOf(parse: () => unknown): Fault | string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (isOcidslError(error)) return error.fault ?? error.message;
    throw error;
  }
}

/** Permission bits in octal, `"0755"`: at most 07777. */
export const modeText: AttributeType<string, string> = string('permission bits in octal, from "0" to "7777"', (mode) =>
  /^0?[0-7]{1,4}$/.test(mode) ? undefined : 'it is not octal or above 07777',
);

const OWNER = /^(\d{1,10})[.:](\d{1,10})$/;
const MAX_ID = 2 ** 31 - 1;

/** Numeric owner and group, `"uid.gid"`: each below 2^31, since larger ones wrap in some runtimes. */
export const ownerText: AttributeType<string, string> = string('numeric owner and group as "uid.gid"', (owner) => {
  const match = OWNER.exec(owner);
  if (match === null) return 'it has another form';
  return Number(match[1]) > MAX_ID || Number(match[2]) > MAX_ID ? 'an id is above 2147483647' : undefined;
});

/** The two numbers of an owner that has been checked. */
export function parseOwner(owner: string): { readonly uid: number; readonly gid: number } {
  const match = OWNER.exec(owner)!;
  return { uid: Number(match[1]), gid: Number(match[2]) };
}

/** A platform, `os/architecture[/variant]`, of the closed list. */
export const platformText: AttributeType<PlatformString, PlatformString> = string<PlatformString>(
  'a platform such as "linux/amd64"',
  (platform) => (isPlatformString(platform) ? undefined : 'it is not a known platform'),
);

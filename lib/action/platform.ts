// REAPI Platform: what an action needs of the machine that executes it (`OSFamily`, `ISA`). Not an image's platform:
// that is an argument of the command.
import { requireSorted } from './canonical-order.ts';
import { readFields } from './wire.ts';
import type { WireWriter } from './wire.ts';

/** One requirement. Names with a common meaning: https://github.com/bazelbuild/remote-apis/blob/main/build/bazel/remote/execution/v2/platform.md */
export interface PlatformProperty {
  readonly name: string;
  readonly value: string;
}

/** The execution platform: properties sorted by name, then by value; a name may occur more than once. */
export interface Platform {
  readonly properties: readonly PlatformProperty[];
}

/** Writes a Platform. Throws where the properties are not sorted. */
export function writePlatform(writer: WireWriter, platform: Platform): void {
  // NUL sorts before every other character, so "name NUL value" sorts by name first.
  requireSorted('Platform', platform.properties, ({ name, value }) => `${name}\0${value}`);
  for (const property of platform.properties) writer.message(1, property, writeNameValue);
}

/** Reads a Platform. */
export function readPlatform(bytes: Uint8Array): Platform {
  const properties: PlatformProperty[] = [];
  for (const field of readFields('Platform', bytes)) {
    if (field.number === 1) properties.push(readNameValue('Platform.Property', field.bytes()));
  }
  return { properties };
}

/** Writes `{ name = 1; value = 2 }`, the form of properties and of environment variables. */
export function writeNameValue(writer: WireWriter, pair: { readonly name: string; readonly value: string }): void {
  writer.string(1, pair.name);
  writer.string(2, pair.value);
}

/** Reads `{ name = 1; value = 2 }`. */
export function readNameValue(message: string, bytes: Uint8Array): { readonly name: string; readonly value: string } {
  let name = '';
  let value = '';
  for (const field of readFields(message, bytes)) {
    if (field.number === 1) name = field.string();
    else if (field.number === 2) value = field.string();
  }
  return { name, value };
}

// The rule goCrossBinary: a binary for a platform that it fixes itself.
import { fixed, required, target } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { PlatformString } from '../oci/platform-string.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { platformText } from './checks.ts';
import { BinaryInfo, FilesInfo } from './providers.ts';

/** Attributes of {@link goCrossBinary}. */
export interface GoCrossBinaryAttributes {
  /** Name of the target. */
  readonly name: string;
  /** The `goBinary` to build. */
  readonly target: Handle<'BinaryInfo'> | string;
  /** The platform to build it for, also one that images do not have. @example platform: 'darwin/arm64' */
  readonly platform: PlatformString;
}

/**
 * Builds a `goBinary` for one platform, whatever platform was asked for: for tools that developers run on their own machines.
 *
 * @example
 * goCrossBinary({ name: 'cli_mac', target: cli, platform: 'darwin/arm64' });
 */
export const goCrossBinary: (attributes: GoCrossBinaryAttributes) => Handle<'BinaryInfo' | 'FilesInfo'> = defineRule({
  name: 'goCrossBinary',
  attributes: { target: fixed(required(target('BinaryInfo'))), platform: fixed(required(platformText)) },
  provides: [BinaryInfo, FilesInfo],
  analyze(context) {
    const binary = context.use(context.values.target, BinaryInfo, parsePlatform(context.values.platform));
    // Below a folder of its own: the binary's target has the file name already.
    const path = `${context.name}/${binary.fileName}`;
    return [provide(BinaryInfo, binary), provide(FilesInfo, { files: [{ path, artifact: binary.executable, isExecutable: true }] })];
  },
});

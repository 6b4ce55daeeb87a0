// tar-stream's encoder of header blocks. Its module is not among the package's exports, so this file, and only this one, finds it by its place beside
// the package's entry point. The command line's bundle has the encoder itself in place of this file: see scripts/build-package.ts.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What a header block says. */
export interface EncoderFields {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'pax-header';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Date;
  readonly linkname: string;
  readonly uname: string;
  readonly gname: string;
}

/** tar-stream's encoder. */
export interface HeaderEncoder {
  /** One block, or null where the name does not fit. */
  encode(fields: EncoderFields): Buffer | null;
  encodePax(options: { readonly pax: Readonly<Record<string, string>> }): Buffer;
}

/** Loads the encoder. */
export function loadHeaderEncoder(): HeaderEncoder {
  // Any file or URL of this installation will do, since the package is looked up from there.
  const require = createRequire(import.meta.url);
  return require(join(dirname(require.resolve('tar-stream')), 'headers.js')) as HeaderEncoder;
}

// tar-stream's encoder of header blocks. Its module is not among the package's exports, so this file, and only this one, finds it by its place beside
// the package's entry point. In the command line's bundle scripts/build-package.ts puts the encoder itself here.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Our types of entries as tar-stream names them. */
export const TYPES = { file: 'file', directory: 'directory', symlink: 'symlink', hardlink: 'link' } as const;

/** The type of an entry that holds PAX records. */
export const PAX_TYPE = 'pax-header';

/** What a header block says. */
export interface EncoderFields {
  readonly name: string;
  readonly type: (typeof TYPES)[keyof typeof TYPES] | typeof PAX_TYPE;
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

let loaded: HeaderEncoder | undefined;

/** The encoder, loaded on first use: most commands write no archive. */
export function headerEncoder(): HeaderEncoder {
  return (loaded ??= load());
}

function load(): HeaderEncoder {
  // A bundler may replace import.meta.url; any file or URL of this installation will do, since the package is looked up from there.
  const require = createRequire(import.meta.url);
  return require(join(dirname(require.resolve('tar-stream')), 'headers.js')) as HeaderEncoder;
}

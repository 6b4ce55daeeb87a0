// glob(): the public function; the value itself is lib/graph's.
import { OcidslError } from '../base/errors.ts';
import { describeValue } from '../graph/describe-value.ts';
import { createGlob, type Glob } from '../graph/glob.ts';
import { sourcePath } from '../graph/source-path.ts';

/** Options of {@link glob}. */
export interface GlobOptions {
  /** Patterns of files to leave out. @default [] */
  readonly exclude?: readonly string[];
  /** Whether matching no file at all is all right; otherwise that is an error. @default false */
  readonly allowEmpty?: boolean;
  /** Whether `*` and `**` match names that start with a dot. @default false */
  readonly dot?: boolean;
}

/**
 * The files of this package that match at least one pattern, sorted by the bytes of their paths. Patterns are relative to the
 * folder of `build.config.ts`: `*` matches within a folder, `**` across folders, `{a,b}` and `[ab]` choose.
 *
 * @example
 * pkgTar({ name: 'assets', srcs: [glob(['assets/**'], { exclude: ['**' + '/*.map'] })], stripPrefix: '.' });
 * @throws OCIDSL_GLOB_PATTERN for a pattern that is empty, absolute or leaves the workspace
 */
export function glob(include: readonly string[], options: GlobOptions = {}): Glob {
  const exclude = options.exclude ?? [];
  if (!isList(include) || include.length === 0)
    throw refused(describeValue(include), 'it has no pattern', 'an array of one or more patterns');
  for (const pattern of [...include, ...exclude]) {
    const result = typeof pattern === 'string' ? sourcePath(pattern, 'package') : { problem: 'it is not a string' };
    if ('problem' in result) throw refused(describeValue(pattern), result.problem, 'a pattern relative to the folder of build.config.ts');
    if (result.path !== 'package' && !result.path.startsWith('package/'))
      throw refused(describeValue(pattern), 'it leaves the package', 'a pattern inside of it');
  }
  return createGlob({ include: [...include], exclude: [...exclude], allowEmpty: options.allowEmpty ?? false, dot: options.dot ?? false });
}

// The types say so; a config in JavaScript may not.
function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function refused(what: string, is: string, expected: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_GLOB_PATTERN', message: `Cannot use glob ${what}: ${is}, expected ${expected}` });
}

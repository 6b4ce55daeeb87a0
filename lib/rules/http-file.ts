// The rule httpFile: a file of the network, by digest.
import { boolean, list, optional, required, string, type AttributeType } from '../graph/attribute.ts';
import { describeValue } from '../graph/describe-value.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { isSelectValue } from '../graph/value.ts';
import type { AnalysisContext } from '../plan/analysis-context.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { HTTP_FILE_DISCOVERER, type HttpFileArguments } from '../plan/http-file-arguments.ts';
import type { LockedFile } from '../plan/lock.ts';
import { fileUrlProblem } from '../registry/file-url.ts';
import { printableUrl } from '../registry/printable-url.ts';
import { FilesInfo } from './providers.ts';

/** Attributes of {@link httpFile}. */
export interface HttpFileAttributes {
  /** Name of the target. */
  readonly name: string;
  /**
   * Where the file is, one or more, tried in order; https, or http where `digest` is set. Proxies and certificates are those of the environment, credentials
   * are never sent. With `select(…)` it needs `digest`.
   * @example urls: ['https://dl.example.com/tool-1.2.3.tar.gz', 'https://mirror.example.com/tool-1.2.3.tar.gz']
   */
  readonly urls: Configurable<readonly string[]>;
  /** Pins the file in the config itself, in place of the lock file: `sha256:` and 64 hex digits of its bytes. @default the lock file's pin of the first URL */
  readonly digest?: Configurable<string>;
  /** Name of the file. @default the last part of the first URL's path */
  readonly fileName?: Configurable<string>;
  /** Marks the file as an executable. @default false */
  readonly executable?: Configurable<boolean>;
}

interface Values {
  readonly urls: readonly string[];
  readonly digest?: string | undefined;
  readonly fileName?: string | undefined;
  readonly executable?: boolean | undefined;
}

// What a URL has for a password must not be shown, so the value is not.
const urlText: AttributeType<string, string> = {
  expects: 'an https URL',
  normalize(value, path, context) {
    const is = typeof value === 'string' ? fileUrlProblem(value, true) : describeValue(value);
    if (is === undefined) return value as string;
    context.problem(path, is, this.expects);
    return null;
  },
};

const fileNameText = string('a file name without folders', (name) => (isFileName(name) ? undefined : 'it is no plain file name'));
const digestText = string('"sha256:" and 64 hex digits', (text) =>
  /^sha256:[0-9a-f]{64}$/.test(text) ? undefined : 'it has another form',
);

/**
 * A file that is downloaded once and checked by its digest: for `srcs` of a `pkgTar`, `inputs` of a `command`, or as an output. Its digest counts, not its URLs:
 * moving it to another server rebuilds nothing.
 *
 * @example
 * httpFile({ name: 'tini', urls: ['https://github.com/krallin/tini/releases/download/v0.19.0/tini-static-amd64'], fileName: 'tini', executable: true });
 */
export const httpFile: (attributes: HttpFileAttributes) => Handle<'FilesInfo'> = defineRule({
  name: 'httpFile',
  attributes: {
    urls: required(list(urlText)),
    digest: optional(digestText),
    fileName: optional(fileNameText),
    executable: optional(boolean()),
  },
  provides: [FilesInfo],
  check({ urls, digest, fileName }, problem) {
    if (isSelectValue(urls) && digest === undefined)
      problem('urls', 'it is a select(…) without digest', 'digest too, a select(…) of the same platforms');
    for (const each of isSelectValue(urls) ? Object.values(urls.$select) : [urls]) {
      if (!Array.isArray(each) || !each.every((url): url is string => typeof url === 'string')) continue;
      if (each.length === 0) problem('urls', 'it is empty', 'one or more URLs');
      else if (fileName === undefined && nameIn(each[0]!) === undefined)
        problem('fileName', 'it is missing', 'a name: the URL does not end in one');
      each.forEach((url, i) => {
        const is = digest === undefined ? fileUrlProblem(url, false) : undefined;
        if (is !== undefined) problem(`urls[${i}]`, is, 'an https URL, or digest beside it');
      });
    }
  },
  locks(values) {
    const { urls, digest } = values as unknown as Values;
    return digest === undefined ? [{ kind: 'file', urls }] : [];
  },
  analyze(context) {
    const { urls, fileName, executable = false } = context.values;
    const name = fileName ?? nameIn(urls[0]!)!;
    const args: HttpFileArguments = { urls, ...pinOf(context), name, isExecutable: executable };
    return [
      provide(FilesInfo, {
        files: [
          {
            path: `${context.name}/${name}`,
            artifact: { kind: 'discovered', discovery: { discoverer: HTTP_FILE_DISCOVERER, args }, name, label: context.label },
            isExecutable: executable,
          },
        ],
      }),
    ];
  },
});

function pinOf(context: AnalysisContext<Values>): LockedFile | { readonly digest: string } {
  const { urls, digest } = context.values;
  if (digest !== undefined) return { digest };
  const [first] = urls as readonly [string];
  const pin = Object.hasOwn(context.lock.files, first) ? context.lock.files[first] : undefined;
  if (pin !== undefined) return { digest: pin.digest, size: pin.size };
  return context.fail(
    `download "${printableUrl(new URL(first))}": ocidsl.lock.json has no pin of it`,
    `Run "ocidsl lock" and commit the file, or add to ${context.name}: digest: 'sha256:…'`,
  );
}

// Undefined where the path ends in no usable name.
function nameIn(url: string): string | undefined {
  try {
    const name = decodeURIComponent(new URL(url).pathname.replace(/.*\//, ''));
    return isFileName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

function isFileName(name: string): boolean {
  return /^[^/\\\p{Cc}]{1,255}$/u.test(name) && name !== '.' && name !== '..';
}

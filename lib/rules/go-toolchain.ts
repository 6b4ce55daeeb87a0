// The rule goToolchain: the Go distribution that a workspace builds with, as a fetch.
import * as attribute from '../graph/attribute.ts';
import { fixed, optional, required, string } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import { goVersionProblem } from '../go/go-version.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { GoToolchainInfo } from './providers.ts';

/** Attributes of {@link goToolchain}. */
export interface GoToolchainAttributes {
  /** Name of the target. @example name: 'go' */
  readonly name: string;
  /** A released version, without `go`. @example version: '1.26.8' */
  readonly version: string;
  /**
   * URLs of `.tar.gz` archives as on https://go.dev/dl/, tried in order, by the platform of the machine that builds; `ocidsl lock` pins them by
   * digest. Platforms that are not named here use the module proxy.
   * @default {}
   * @example urls: { 'linux/amd64': ['https://mirror.example.com/go1.26.8.linux-amd64.tar.gz'] }
   */
  readonly urls?: Readonly<Record<string, readonly string[]>>;
}

const HOST = /^[a-z0-9]{1,20}\/[a-z0-9]{1,20}$/;
const urlOfFile = string('an http or https URL', (text) => (/^https?:\/\/[^\s/]+\/\S*$/.test(text) ? undefined : 'it has another form'));

interface Values {
  readonly version: string;
  readonly urls?: ReadonlyArray<readonly [string, readonly string[]]> | undefined;
}

/**
 * The Go that every `goBinary` of the workspace is compiled with, so that a machine needs nothing but Node. Declared once, in the config of the root
 * folder. It is downloaded when something is compiled: from the module proxy that GOPROXY names, where the go command gets its toolchains from, or
 * from `urls`; checked against `ocidsl.lock.json`, or without a pin against the checksum database; and unpacked into the cache once. Only its version is
 * part of a key: the same Go on PATH makes the same bytes.
 *
 * @example
 * goToolchain({ name: 'go', version: '1.26.8' });
 * @see https://go.dev/doc/toolchain
 */
export const goToolchain: (attributes: GoToolchainAttributes) => Handle<'GoToolchainInfo'> = defineRule({
  name: 'goToolchain',
  attributes: {
    version: fixed(required(inRootPackage(string('a version such as "1.26.8"', goVersionProblem)))),
    urls: fixed(
      optional(
        attribute.record(attribute.list(urlOfFile), (host) => (HOST.test(host) ? undefined : 'it is no platform such as "linux/amd64"')),
      ),
    ),
  },
  provides: [GoToolchainInfo],
  check(values, problem) {
    for (const [host, each] of (values as Partial<Values>).urls ?? []) {
      if (each?.length === 0) problem(`urls.${host}`, 'it is empty', 'one or more URLs');
    }
  },
  locks(values) {
    const { version, urls } = values as Values;
    return [{ kind: 'go-toolchain', version, ...(urls === undefined ? {} : { urls: Object.fromEntries(urls) }) }];
  },
  analyze({ values: { version, urls }, lock }) {
    const archives = Object.hasOwn(lock.goToolchains, version) ? lock.goToolchains[version]! : {};
    return [provide(GoToolchainInfo, { version, urls: Object.fromEntries(urls ?? []), archives })];
  },
});

// Anywhere else it would be without effect: what a workspace declares is looked for in its root package.
function inRootPackage<In, Out>(type: attribute.AttributeType<In, Out>): attribute.AttributeType<In, Out> {
  return {
    expects: type.expects,
    normalize(value, path, context) {
      if (context.package === '') return type.normalize(value, path, context);
      context.problem(path, `the declaration is in the package "${context.package}"`, 'goToolchain(…) in the config of the root folder');
      return null;
    },
  };
}

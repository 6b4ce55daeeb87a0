// What a rule is to the graph: a name, a checked schema, the names of its providers. How it is analysed is the business
// of lib/plan; the graph only carries the function.
import type { AttributeSchema } from './attribute.ts';

/** A rule, as targets refer to it. */
export interface Rule {
  /** The function's name, such as `pkgTar`. Unique among the rules of a workspace only by convention. */
  readonly name: string;
  readonly attributes: AttributeSchema;
  /** Names of the providers that analysis returns. */
  readonly provides: readonly string[];
  /** Checks that concern several attributes; calls `problem` for each. Pure. */
  readonly check?: ((values: never, problem: (path: string, is: string, expected: string) => void) => void) | undefined;
  /** Names of providers that it takes from the root package's target that provides them, where there is one. */
  readonly usesDeclared?: readonly string[] | undefined;
  /** What a target wants pinned in the lock file, from its attributes. Typed by lib/plan. */
  readonly locks?: ((values: never) => unknown) | undefined;
  /** Typed by lib/plan. */
  readonly analyze: (context: never) => unknown;
}

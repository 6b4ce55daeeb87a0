// defineRule(): documented attributes plus a pure analyze(). Our own rules are made with it and so are those of others.
import type { AttributeSchema, AttributesOf, ValuesOf } from '../graph/attribute.ts';
import type { Handle } from '../graph/handle.ts';
import type { Provider } from '../graph/provider.ts';
import type { Rule } from '../graph/rule.ts';
import { currentWorkspace } from '../graph/workspace.ts';
import type { AnalysisContext } from './analysis-context.ts';
import type { LockRequest } from './lock.ts';

/** Every rule that this copy of the library has made while its own modules were loaded; see sealBuiltIns(). */
export const BUILT_IN: WeakSet<Rule> = new WeakSet();
let isSealed = false;

/** Called by the command line before it loads a config: rules that are defined later are the user's. */
export function sealBuiltIns(): void {
  isSealed = true;
}

/** One provider value that a rule returns. Made by `provide()`. */
export interface Provided<Name extends string = string> {
  readonly name: Name;
  readonly value: unknown;
}

/** Pairs a provider with its value, for the result of `analyze()`. */
export function provide<const Name extends string, T>(provider: Provider<Name, T>, value: T): Provided<Name> {
  return { name: provider.name, value };
}

/** The parts of a rule. */
export interface RuleDefinition<S extends AttributeSchema, P extends string> {
  /** The name of the function, in camel case: shown in listings and errors. */
  readonly name: string;
  /** Attributes besides `name`, which every rule has. */
  readonly attributes: S;
  /** The providers that `analyze()` returns; one may be missing where its type allows. */
  readonly provides: readonly Provider<P, unknown>[];
  /** Checks that concern several attributes, on normal forms (selects are not resolved yet). Pure. */
  readonly check?: (values: { readonly [K in keyof S]?: unknown }, problem: (path: string, is: string, expected: string) => void) => void;
  /**
   * Providers that the target takes from wherever the root package declares them, such as the workspace's Go toolchain; see
   * AnalysisContext.useDeclared().
   */
  readonly usesDeclared?: readonly Provider<string, unknown>[];
  /** What the target wants pinned in the lock file, from normal forms (so not from attributes that may be selects). Pure. */
  readonly locks?: (values: { readonly [K in keyof S]?: unknown }) => readonly LockRequest[];
  /**
   * Plans the target for one platform: pure and synchronous, no I/O, no clock, no environment. Returns providers made with
   * `provide()`.
   */
  readonly analyze: (context: AnalysisContext<ValuesOf<S>>) => readonly Provided<NoInfer<P>>[];
}

/**
 * Makes a rule: a function that takes one object of attributes, registers a target and returns its handle.
 *
 * @example
 * export const upperCase = defineRule({
 *   name: 'upperCase',
 *   attributes: { src: required(attribute.source()) },
 *   provides: [FilesInfo],
 *   analyze: (context) => [provide(FilesInfo, …)],
 * });
 */
export function defineRule<const S extends AttributeSchema, const P extends string>(
  definition: RuleDefinition<S, P>,
): (attributes: { readonly name: string } & AttributesOf<S>) => Handle<P> {
  const rule: Rule = {
    name: definition.name,
    attributes: definition.attributes,
    provides: definition.provides.map((provider) => provider.name),
    check: definition.check,
    usesDeclared: definition.usesDeclared?.map((provider) => provider.name),
    locks: definition.locks,
    analyze: definition.analyze,
  };
  if (!isSealed) BUILT_IN.add(rule);
  const declare = (attributes: { readonly name: string } & AttributesOf<S>): Handle<P> =>
    currentWorkspace().declare<P>(rule, attributes, declare);
  return declare;
}

// The workspace: what a config's evaluation fills. It lives on globalThis under a registered symbol, because a loader may
// bring a second copy of this library and both must fill the same one.
import { OcidslError } from '../base/errors.ts';
import { normalizeAttribute, type NormalizeContext } from './attribute.ts';
import { captureCallSite, type CallSite } from './call-site.ts';
import { createHandle, type Handle } from './handle.ts';
import { formatLabel, targetNameProblem } from './label.ts';
import { describeValue } from './describe-value.ts';
import type { Rule } from './rule.ts';
import { suggest } from './suggest.ts';
import type { MacroCall, Target } from './target.ts';
import type { AttributeValue } from './value.ts';

/** A problem found while loading; its places are formatted when it is reported. */
export interface LoadProblem {
  readonly error: OcidslError;
  /** Innermost call first: the rule's, then those of the macros around it. */
  readonly sites: readonly CallSite[];
  /** A second place that the message speaks of, such as the first of two declarations. */
  readonly otherSites?: readonly CallSite[];
}

const CURRENT = Symbol.for('ocidsl.workspace');

/** Targets and problems of the packages loaded so far. */
export class Workspace {
  /** Targets by absolute label, in the order declared. */
  readonly targets = new Map<string, Target>();
  readonly problems: LoadProblem[] = [];
  readonly #packages: string[] = [];
  readonly #macros: MacroCall[] = [];
  #hasLoader = false;
  /** Set by a loader that cannot enter and leave packages in time: tells the package of the call that is being made. */
  packageOf: (() => string) | undefined;

  /** The package whose config is being evaluated; '' outside of any. */
  get package(): string {
    return this.packageOf?.() ?? this.#packages[this.#packages.length - 1] ?? '';
  }

  /** Called by the loader around the evaluation of a package's config. */
  enterPackage(name: string): void {
    this.#hasLoader = true;
    this.#packages.push(name);
  }

  /** Ends the innermost package. */
  leavePackage(): void {
    this.#packages.pop();
  }

  /** Registers one call of a rule; returns its handle even where the call has problems, so that all are found. */
  declare<P extends string>(rule: Rule, attributes: unknown, below: (...args: never[]) => unknown): Handle<P> {
    if (this.#hasLoader && this.#packages.length === 0) throw lateCall(rule);
    const site = captureCallSite(below);
    const sites = [site, ...this.#macros.map((call) => call.site).reverse()];
    const given = typeof attributes === 'object' && attributes !== null ? (attributes as Record<string, unknown>) : {};
    const name = given['name'];
    const nameProblem =
      given === attributes ? targetNameProblem(name) : `${rule.name}() takes one object, got ${describeValue(attributes)}`;
    const label = formatLabel({ package: this.package, name: nameProblem === undefined ? String(name) : `(unnamed ${rule.name})` });
    const report = (is: string, path?: string, expected?: string, hint?: string): void => {
      const what = path === undefined ? `declare ${rule.name} "${label}"` : `use attribute "${path}" of ${rule.name} "${label}"`;
      const message = `Cannot ${what}: ${is}${expected === undefined ? '' : `, expected ${expected}`}`;
      this.problems.push({ error: new OcidslError({ code: 'OCIDSL_ATTRIBUTE', message, label, hint }), sites });
    };
    if (nameProblem !== undefined) report(`"name" is ${describeValue(name)}, ${nameProblem}`);

    const references = new Set<string>();
    const context: NormalizeContext = {
      package: this.package,
      problem: (path, is, expected) => report(`it is ${is}`, path, expected),
      reference: (to) => void references.add(to),
      providesOf: (to) => this.targets.get(to)?.rule.provides,
    };
    const values: Record<string, AttributeValue> = {};
    for (const key of Object.keys(given)) {
      if (key === 'name' || given[key] === undefined) continue;
      const attribute = Object.hasOwn(rule.attributes, key) ? rule.attributes[key] : undefined;
      if (attribute === undefined) {
        const near = suggest(key, Object.keys(rule.attributes));
        report(
          'the rule has no such attribute',
          key,
          undefined,
          near.length > 0 ? `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?` : undefined,
        );
      } else values[key] = normalizeAttribute(attribute, given[key], key, context);
    }
    for (const key of Object.keys(rule.attributes)) {
      if (rule.attributes[key]!.required && values[key] === undefined) report('it is missing', key, rule.attributes[key]!.type.expects);
    }
    rule.check?.(values as never, (path, is, expected) => report(is, path, expected));
    // A target with a bad name is not registered; one with bad attributes is, so that later uses of it resolve.
    const earlier = this.targets.get(label);
    if (earlier) {
      this.problems.push({
        error: new OcidslError({
          code: 'OCIDSL_LABEL_DUPLICATE',
          message: `Cannot declare ${rule.name} "${label}": a ${earlier.rule.name} of that name is already declared`,
          label,
          hint: 'Give one of the two another name',
        }),
        sites,
        otherSites: [earlier.site, ...earlier.macros.map((call) => call.site).reverse()],
      });
    } else if (nameProblem === undefined) {
      this.targets.set(label, {
        label,
        package: this.package,
        name: String(name),
        rule,
        attributes: values,
        references: [...references],
        site,
        macros: [...this.#macros],
      });
    }
    return createHandle<P>(label);
  }

  /** Runs the body of a macro, remembering its call for the targets declared in it. */
  runMacro<T>(macro: string, name: string, below: (...args: never[]) => unknown, body: () => T): T {
    this.#macros.push({ macro, name, site: captureCallSite(below) });
    try {
      return body();
    } finally {
      this.#macros.pop();
    }
  }
}

// The build may be running already, so the target could not be a part of it.
function lateCall(rule: Rule): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_DECLARED_TOO_LATE',
    message: `Cannot call ${rule.name}(): the evaluation of the configs has ended, expected every rule call before that`,
    hint: 'Await the function that makes the call at the top level of build.config.ts',
  });
}

/** The workspace being filled. Running a config outside of the command line makes one on first use. */
export function currentWorkspace(): Workspace {
  const holder = globalThis as unknown as Record<symbol, Workspace | undefined>;
  return (holder[CURRENT] ??= new Workspace());
}

/** Makes `workspace` the one that rule calls register in. */
export function setCurrentWorkspace(workspace: Workspace | undefined): void {
  (globalThis as unknown as Record<symbol, Workspace | undefined>)[CURRENT] = workspace;
}

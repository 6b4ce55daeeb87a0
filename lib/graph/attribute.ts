// Attribute types: what a rule accepts, checked while the config is evaluated. Each type turns what the user wrote into
// its normal form, or reports what is wrong; it never throws, so that all problems of a config are shown together.
import { isGlob, patternOf, type Glob } from './glob.ts';
import { isHandle, labelOf, type Handle } from './handle.ts';
import { formatLabel, parseLabel } from './label.ts';
import { casesOf, isSelect, type Configurable } from './select.ts';
import { sourcePath } from './source-path.ts';
import {
  createFunctionReference,
  type AttributeValue,
  type FunctionReference,
  type SourceReference,
  type TargetReference,
} from './value.ts';
import { isOcidslError, type Fault } from '../base/errors.ts';
import { describeValue } from './describe-value.ts';

/** What a type needs to know about the call, and where it reports to. */
export interface NormalizeContext {
  /** Package of the call: strings that name targets and files are relative to it. */
  readonly package: string;
  /** Reports a problem of the value at `path` (`env.PATH`, `tars[2]`). */
  problem(path: string, is: string, expected: string): void;
  /** Notes a use of another target. */
  reference(label: string, path: string): void;
  /** Provider names of a target that has been declared already; undefined where it is not known yet. */
  providesOf(label: string): readonly string[] | undefined;
}

/** A type of attribute values: `In` is what users write, `Out` the normal form that analysis reads. */
export interface AttributeType<In, Out> {
  /** What is accepted, as it reads after "expected": `a string`. */
  readonly expects: string;
  normalize(value: unknown, path: string, context: NormalizeContext): AttributeValue;
  /** Type-level only. */
  readonly '~types'?: { readonly in: In; readonly out: Out };
}

/** One attribute of a rule. */
export interface Attribute<In, Out, Required extends boolean = boolean> {
  readonly type: AttributeType<In, Out>;
  readonly required: Required;
  /** Whether `select()` is accepted. */
  readonly configurable: boolean;
}

/** The attributes of a rule, by name; `name` itself is implied. */
export type AttributeSchema = Readonly<Record<string, Attribute<unknown, unknown>>>;

type RequiredKeys<S> = { [K in keyof S]: S[K] extends Attribute<unknown, unknown, true> ? K : never }[keyof S];
type InOf<A> = A extends Attribute<infer In, unknown> ? In : never;
type OutOf<A> = A extends Attribute<unknown, infer Out> ? Out : never;

/** What users write for a schema, without `name`. */
export type AttributesOf<S extends AttributeSchema> = {
  readonly [K in Extract<keyof S, RequiredKeys<S>>]: Configurable<InOf<S[K]>>;
} & { readonly [K in Exclude<keyof S, RequiredKeys<S>>]?: Configurable<InOf<S[K]>> | undefined };

/** What analysis reads for a schema: selects resolved, optional attributes possibly undefined. */
export type ValuesOf<S extends AttributeSchema> = {
  readonly [K in Extract<keyof S, RequiredKeys<S>>]: OutOf<S[K]>;
} & { readonly [K in Exclude<keyof S, RequiredKeys<S>>]: OutOf<S[K]> | undefined };

/** An attribute that may be left out. */
export function optional<In, Out>(type: AttributeType<In, Out>): Attribute<In, Out, false> {
  return { type, required: false, configurable: true };
}

/** An attribute that must be given. */
export function required<In, Out>(type: AttributeType<In, Out>): Attribute<In, Out, true> {
  return { type, required: true, configurable: true };
}

/** The same attribute, but `select()` is refused: for what decides the shape of the graph. */
export function fixed<In, Out, R extends boolean>(attribute: Attribute<In, Out, R>): Attribute<In, Out, R> {
  return { ...attribute, configurable: false };
}

/** Says what is wrong with a text, with what is expected where that says more than the type does; undefined where nothing is. */
export type TextCheck = (text: string) => Fault | string | undefined;

/** Text that passes `check`. */
export function string<T extends string = string>(expects = 'a string', check?: TextCheck): AttributeType<T, T> {
  return {
    expects,
    normalize(value, path, context) {
      if (typeof value !== 'string') context.problem(path, describeValue(value), expects);
      else {
        const fault = checkText(value, expects, check);
        if (fault === undefined) return value;
        context.problem(path, `${describeValue(value)} (${fault.is})`, fault.expected);
      }
      return null;
    },
  };
}

/** `true` or `false`. */
export function boolean(): AttributeType<boolean, boolean> {
  return {
    expects: 'true or false',
    normalize(value, path, context) {
      if (typeof value === 'boolean') return value;
      context.problem(path, describeValue(value), this.expects);
      return null;
    },
  };
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): AttributeType<number, number> {
  return {
    expects: `a whole number from ${least} to ${most}`,
    normalize(value, path, context) {
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
      context.problem(path, describeValue(value), this.expects);
      return null;
    },
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): AttributeType<T, T> {
  return {
    expects: `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`,
    normalize(value, path, context) {
      if (typeof value === 'string' && (words as readonly string[]).includes(value)) return value;
      context.problem(path, describeValue(value), this.expects);
      return null;
    },
  };
}

/** An array of one type. */
export function list<In, Out>(item: AttributeType<In, Out>): AttributeType<readonly In[], readonly Out[]> {
  return {
    expects: `an array of: ${item.expects}`,
    normalize(value, path, context) {
      if (Array.isArray(value)) return value.map((each, i) => item.normalize(each, `${path}[${i}]`, context));
      context.problem(path, describeValue(value), this.expects);
      return null;
    },
  };
}

/** An object whose property names pass `checkKey` and whose values are of one type; the order written is kept. */
export function record<In, Out>(
  item: AttributeType<In, Out>,
  checkKey?: TextCheck,
): AttributeType<Readonly<Record<string, In>>, ReadonlyArray<readonly [string, Out]>> {
  return {
    expects: `an object whose values are: ${item.expects}`,
    normalize(value, path, context) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || isHandle(value)) {
        context.problem(path, describeValue(value), this.expects);
        return null;
      }
      // Pairs, not an object: keys such as "1" or "__proto__" keep their place and their meaning.
      return Object.entries(value).map(([key, each]) => {
        const fault = checkText(key, this.expects, checkKey);
        if (fault !== undefined)
          context.problem(path, `an object with the key ${JSON.stringify(key.slice(0, 100))} (${fault.is})`, fault.expected);
        return [key, item.normalize(each, `${path}.${key}`, context)];
      });
    },
  };
}

/** A handle that has any one of several providers. */
export type HandleOf<P extends string> = P extends string ? Handle<P> : never;

/** A target that has one of the providers; written as a handle or a label. */
export function target<const P extends string>(...provides: readonly P[]): AttributeType<HandleOf<P> | string, TargetReference> {
  return {
    expects: provides.length === 0 ? 'a target or its label' : `a target that provides ${provides.join(' or ')}, or its label`,
    normalize(value, path, context) {
      const label = isHandle(value) ? labelOf(value) : typeof value === 'string' ? toLabel(value, path, context) : undefined;
      if (label === undefined) {
        if (typeof value !== 'string') context.problem(path, describeValue(value), this.expects);
        return null;
      }
      const has = context.providesOf(label);
      if (has && provides.length > 0 && !provides.some((each) => has.includes(each))) {
        context.problem(path, `the target "${label}", which provides ${has.join(', ')}`, this.expects);
      }
      context.reference(label, path);
      return { $target: label };
    },
  };
}

/** Source files: a path relative to the package, a `glob()`, or a target with one of the providers. */
export function source<const P extends string>(...provides: readonly P[]): AttributeType<HandleOf<P> | Glob | string, SourceReference> {
  const asTarget = target(...provides);
  return {
    expects: 'a path of a file or folder of this package, glob(…), a target or its label',
    normalize(value, path, context) {
      if (isGlob(value)) return { $glob: { package: context.package, ...patternOf(value) } };
      if (isHandle(value) || (typeof value === 'string' && value.includes(':'))) return asTarget.normalize(value, path, context);
      return file().normalize(value, path, context);
    },
  };
}

/** A file or folder of the package, by path. */
export function file(): AttributeType<string, { readonly $file: string }> {
  return {
    expects: 'a path relative to the folder of build.config.ts, inside the workspace',
    normalize(value, path, context) {
      const result = typeof value === 'string' ? sourcePath(value, context.package) : { problem: undefined };
      if ('path' in result) return { $file: result.path };
      context.problem(
        path,
        result.problem === undefined ? describeValue(value) : `${describeValue(value)} (${result.problem})`,
        this.expects,
      );
      return null;
    },
  };
}

/**
 * A function that a sink calls when it runs, such as one that makes tags. It is no part of what the target declares: another function in its place
 * builds nothing anew, so `analyze()` passes it on and must not call it.
 */
export function callback<F extends (...args: never[]) => unknown>(expects = 'a function'): AttributeType<F, FunctionReference<F>> {
  return {
    expects,
    normalize(value, path, context) {
      if (typeof value === 'function') return createFunctionReference(value);
      context.problem(path, describeValue(value), expects);
      return null;
    },
  };
}

/** The first type that accepts the value. */
export function anyOf<In1, Out1, In2, Out2>(
  first: AttributeType<In1, Out1>,
  second: AttributeType<In2, Out2>,
): AttributeType<In1 | In2, Out1 | Out2> {
  return {
    expects: `${first.expects}, or ${second.expects}`,
    normalize(value, path, context) {
      const attempt = (type: AttributeType<unknown, unknown>) => {
        const problems: Parameters<NormalizeContext['problem']>[] = [];
        const references: Parameters<NormalizeContext['reference']>[] = [];
        const result = type.normalize(value, path, {
          package: context.package,
          providesOf: (label) => context.providesOf(label),
          problem: (...problem) => void problems.push(problem),
          reference: (...reference) => void references.push(reference),
        });
        // A problem inside of the value says more than "it is an object": the user meant this alternative.
        const isMisfit = problems.every(([at, is]) => at === path && is === describeValue(value));
        return { result, problems, references, isMisfit };
      };
      const one = attempt(first);
      const chosen = one.problems.length === 0 || !one.isMisfit ? one : attempt(second);
      for (const reference of chosen.references) context.reference(...reference);
      if (chosen.problems.length > 0 && chosen.isMisfit) context.problem(path, describeValue(value), this.expects);
      else for (const problem of chosen.problems) context.problem(...problem);
      return chosen.result;
    },
  };
}

/** The normal form of an attribute's value, with `select()` cases normalised one by one. */
export function normalizeAttribute(
  attribute: Attribute<unknown, unknown>,
  value: unknown,
  path: string,
  context: NormalizeContext,
): AttributeValue {
  if (!isSelect(value)) return attribute.type.normalize(value, path, context);
  if (!attribute.configurable)
    context.problem(path, 'select(…)', `${attribute.type.expects}: this attribute cannot depend on the platform`);
  const cases: Record<string, AttributeValue> = {};
  for (const [platform, each] of casesOf(value)) {
    if (isSelect(each)) context.problem(path, 'a select(…) inside of a select(…)', attribute.type.expects);
    else cases[platform] = attribute.type.normalize(each, `${path}[${platform}]`, context);
  }
  return { $select: cases };
}

function checkText(text: string, expected: string, check: TextCheck | undefined): Fault | undefined {
  const fault = text.includes('\0') ? 'it has a NUL byte' : check?.(text);
  return typeof fault === 'string' ? { is: fault, expected } : fault;
}

function toLabel(text: string, path: string, context: NormalizeContext): string | undefined {
  try {
    return formatLabel(parseLabel(text, context.package));
  } catch (error) {
    if (!isOcidslError(error)) throw error;
    context.problem(path, `${describeValue(text)} (${error.fault?.is ?? error.message})`, error.fault?.expected ?? 'a target or its label');
    return undefined;
  }
}

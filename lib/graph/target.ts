// Targets: one for each call of a rule.
import type { CallSite } from './call-site.ts';
import type { Rule } from './rule.ts';
import type { AttributeValue } from './value.ts';

/** A call of a macro that was running when a target was declared. */
export interface MacroCall {
  readonly macro: string;
  /** The `name` given to the macro. */
  readonly name: string;
  readonly site: CallSite;
}

/** One call of a rule. */
export interface Target {
  /** Absolute label. */
  readonly label: string;
  readonly package: string;
  readonly name: string;
  readonly rule: Rule;
  /** Normal forms of the attributes that were given, without `name`. */
  readonly attributes: { readonly [attribute: string]: AttributeValue };
  /** Labels that the attributes name, in the order written, without duplicates. */
  readonly references: readonly string[];
  readonly site: CallSite;
  /** Macros that were running, outermost first. */
  readonly macros: readonly MacroCall[];
}

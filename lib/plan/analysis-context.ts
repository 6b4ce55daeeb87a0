// What a rule's analyze() gets.
import type { Platform } from '../oci/platform.ts';
import type { Provider } from '../graph/provider.ts';
import type { TargetReference } from '../graph/value.ts';
import type { ActionNode } from './action-node.ts';
import type { Lock } from './lock.ts';

/** The view of one configured target that analyze() works on. */
export interface AnalysisContext<Values> {
  /** Absolute label of the target. */
  readonly label: string;
  readonly package: string;
  readonly name: string;
  /** The platform being built; never the host's implicitly. */
  readonly platform: Platform;
  /** Attributes in normal form, selects resolved for the platform. */
  readonly values: Values;
  /** The pins of the workspace. */
  readonly lock: Lock;
  /** RFC 3339 time for `created` fields from SOURCE_DATE_EPOCH, where that is set. */
  readonly sourceDate: string | undefined;
  /**
   * The provider of another target, analysed for `platform` (default: this target's).
   * @throws OCIDSL_PROVIDER_MISSING where the target does not provide it
   */
  use<T>(reference: TargetReference, provider: Provider<string, T>, platform?: Platform): T;
  /** Like use(), but undefined where the target does not provide it. */
  tryUse<T>(reference: TargetReference, provider: Provider<string, T>, platform?: Platform): T | undefined;
  /**
   * The provider of the one target of the root package that provides it, for what a workspace declares once; undefined where none does.
   * The rule lists the provider in `usesDeclared`.
   */
  useDeclared<T>(provider: Provider<string, T>): T | undefined;
  /** Plans an action of this target. */
  action(action: Omit<ActionNode, 'label' | 'platform'>): ActionNode;
  /** Ends the analysis of this target with an error at its declaration: `Cannot <message>`. */
  fail(message: string, hint?: string): never;
}

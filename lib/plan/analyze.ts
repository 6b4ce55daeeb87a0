// Analysis: (target, platform) → providers and planned actions. Pure, memoised, and safe for chains of any length.
import { combineErrors, isOcidslError, OcidslError } from '../base/errors.ts';
import { formatPlatform, type Platform } from '../oci/platform.ts';
import type { ProviderSet } from '../graph/provider.ts';
import { suggest } from '../graph/suggest.ts';
import type { Target } from '../graph/target.ts';
import type { AnalysisContext } from './analysis-context.ts';
import type { ConfiguredTarget } from './configured-target.ts';
import { declaredBy } from './declared-target.ts';
import { EMPTY_LOCK, type Lock } from './lock.ts';
import { resolveSelects } from './resolve-selects.ts';
import type { Provided } from './define-rule.ts';

/** What analysis needs from outside. */
export interface AnalysisOptions {
  /** All loaded targets by label. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly sourceDate?: string | undefined;
  /** Default: no pins. */
  readonly lock?: Lock | undefined;
}

/** Analyses targets on demand and remembers them. */
export interface Analysis {
  /** @throws OcidslError, the same one at every call for the same target and platform */
  analyze(label: string, platform: Platform): ConfiguredTarget;
}

// Rules ask for their dependencies by plain calls, which nest. Beyond this depth the walk restarts from the dependency
// with an empty stack: analyze() is pure, so running it again is only a matter of time.
const DEPTH_LIMIT = 200;

class TooDeep extends Error {
  readonly label: string;
  readonly platform: Platform;
  constructor(label: string, platform: Platform) {
    super('The analysis of one target nests too deep');
    this.label = label;
    this.platform = platform;
  }
}

/** Makes an analysis over loaded targets. */
export function createAnalysis(options: AnalysisOptions): Analysis {
  const done = new Map<string, ConfiguredTarget | OcidslError>();
  let depth = 0;

  const run = (target: Target, platform: Platform): ConfiguredTarget => {
    const need = (label: string, at: Platform): ProviderSet => {
      const key = keyOf(label, at);
      const known = done.get(key);
      if (known === undefined && depth >= DEPTH_LIMIT) throw new TooDeep(label, at);
      return visit(label, at).providers;
    };
    const context: AnalysisContext<unknown> = {
      label: target.label,
      package: target.package,
      name: target.name,
      platform,
      values: resolveSelects(target, platform),
      lock: options.lock ?? EMPTY_LOCK,
      sourceDate: options.sourceDate,
      useDeclared(provider) {
        const label = declaredBy(provider.name, options.targets);
        return label === undefined ? undefined : (need(label, platform).get(provider.name) as never);
      },
      use(reference, provider, at = platform) {
        const providers = need(reference.$target, at);
        if (!providers.has(provider.name)) throw missingProvider(reference.$target, provider.name, providers);
        return providers.get(provider.name) as never;
      },
      tryUse(reference, provider, at = platform) {
        return need(reference.$target, at).get(provider.name) as never;
      },
      action: (action) => ({ ...action, label: target.label, platform: formatPlatform(platform) }),
      fail(message, hint) {
        throw new OcidslError({ code: 'OCIDSL_ANALYSIS', message: `Cannot ${message}`, label: target.label, hint });
      },
    };
    const provided = (target.rule.analyze as unknown as (context: AnalysisContext<unknown>) => readonly Provided[])(context);
    return { target, platform, providers: new Map(provided.map((each) => [each.name, each.value])) };
  };

  const visit = (label: string, platform: Platform): ConfiguredTarget => {
    const key = keyOf(label, platform);
    const known = done.get(key);
    if (known !== undefined) {
      if (isOcidslError(known)) throw known;
      return known;
    }
    const target = options.targets.get(label);
    if (target === undefined) throw unknownTarget(label, options.targets.keys());
    depth++;
    try {
      const result = run(target, platform);
      done.set(key, result);
      return result;
    } catch (error) {
      if (error instanceof TooDeep) throw error;
      const failure = asFailure(error, target);
      done.set(key, failure);
      throw failure;
    } finally {
      depth--;
    }
  };

  return {
    analyze(label, platform) {
      const pending: TooDeep[] = [new TooDeep(label, platform)];
      for (;;) {
        const next = pending[pending.length - 1]!;
        try {
          const result = visit(next.label, next.platform);
          pending.pop();
          if (pending.length === 0) return result;
        } catch (error) {
          if (!(error instanceof TooDeep)) throw error;
          pending.push(error);
        }
      }
    },
  };
}

function keyOf(label: string, platform: Platform): string {
  return `${label} ${formatPlatform(platform)}`;
}

function asFailure(error: unknown, target: Target): OcidslError {
  // A failure of what this target uses stays that one failure, however many targets use it.
  if (isOcidslError(error)) return error.label === undefined ? error.at({ label: target.label }) : error;
  return new OcidslError({
    code: 'OCIDSL_RULE_THREW',
    kind: 'build',
    message: `Cannot analyze ${target.rule.name} "${target.label}": the rule threw ${error instanceof Error ? error.message : String(error)}`,
    label: target.label,
    output: error instanceof Error ? error.stack : undefined,
    cause: error,
  });
}

/** The error for a label that no loaded package declares. */
export function unknownTarget(label: string, labels: Iterable<string>): OcidslError {
  const all = [...labels];
  const near = suggest(label, all);
  return new OcidslError({
    code: 'OCIDSL_TARGET_UNKNOWN',
    message: `Cannot find target "${label}": the workspace declares no target of that name`,
    hint: near.length > 0 ? `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?` : 'Run "ocidsl list" to see every target',
  });
}

function missingProvider(label: string, wanted: string, providers: ProviderSet): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_PROVIDER_MISSING',
    message: `Cannot use target "${label}" here: it provides ${[...providers.keys()].join(', ') || 'nothing'}, expected ${wanted}`,
  });
}

/** What analysing several targets gave. */
export interface AnalyzedTargets {
  readonly configured: readonly ConfiguredTarget[];
  /** Of the others; one failure that several targets run into is in here once. */
  readonly failures: readonly OcidslError[];
}

/** Analyses several targets, whatever becomes of each. Only bugs are thrown. */
export function analyzeEach(analysis: Analysis, labels: Iterable<string>, platform: Platform): AnalyzedTargets {
  const configured: ConfiguredTarget[] = [];
  const failures = new Set<OcidslError>();
  for (const label of labels) {
    try {
      configured.push(analysis.analyze(label, platform));
    } catch (error) {
      if (!isOcidslError(error)) throw error;
      failures.add(error);
    }
  }
  return { configured, failures: [...failures] };
}

/** Analyses several targets and reports the failures of all of them together. */
export function analyzeAll(analysis: Analysis, labels: Iterable<string>, platform: Platform): readonly ConfiguredTarget[] {
  const { configured, failures } = analyzeEach(analysis, labels, platform);
  if (failures.length > 0) throw combineErrors(failures);
  return configured;
}

// Which sink target a name on the command line means: the target itself, or the one of a macro or image of that name.
import { OcidslError } from '../base/errors.ts';
import { reachable } from '../graph/closure.ts';
import { formatLabel } from '../graph/label.ts';
import type { Target } from '../graph/target.ts';
import { unknownTarget } from '../plan/analyze.ts';

/** The label of the sink that `label` means; `provider` is what sinks of the wanted kind provide. */
export function findSink(label: string, provider: 'LoadInfo' | 'PushInfo', targets: ReadonlyMap<string, Target>): string {
  const isSink = (target: Target) => target.rule.provides.includes(provider);
  const exact = targets.get(label);
  if (exact !== undefined && isSink(exact)) return label;
  const sinks = [...targets.values()].filter(isSink);
  const made = sinks.filter((target) => target.macros.some((call) => formatLabel({ package: target.package, name: call.name }) === label));
  const found =
    made.length > 0
      ? made
      : exact === undefined
        ? []
        : sinks.filter((target) => reachable([target.label], (each) => targets.get(each)).includes(label));
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only.label;
  const rule = provider === 'LoadInfo' ? 'ociLoad' : 'ociPush';
  if (only !== undefined) {
    throw new OcidslError({
      code: 'OCIDSL_SINK_AMBIGUOUS',
      message: `Cannot choose what to ${rule === 'ociLoad' ? 'load' : 'push'} for "${label}": ${found.map((target) => `"${target.label}"`).join(' and ')} use it`,
      hint: 'Name one of them',
    });
  }
  if (exact === undefined) throw unknownTarget(label, [...targets.keys(), ...macroNames(targets)]);
  throw new OcidslError({
    code: 'OCIDSL_SINK_MISSING',
    message: `Cannot ${rule === 'ociLoad' ? 'load' : 'push'} "${label}": no ${rule} uses it`,
    label,
    hint: `Declare ${rule}({ name: '${exact.name}_${rule === 'ociLoad' ? 'load' : 'push'}', image: …, … })`,
  });
}

function macroNames(targets: ReadonlyMap<string, Target>): string[] {
  return [...targets.values()].flatMap((target) => target.macros.map((call) => formatLabel({ package: target.package, name: call.name })));
}

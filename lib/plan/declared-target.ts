// What a workspace declares once for all its packages, such as its Go toolchain: by a target of the root package.
import { OcidslError } from '../base/errors.ts';
import type { Target } from '../graph/target.ts';

/**
 * The label of the root package's target that provides `provider`.
 * @throws OCIDSL_DECLARED_TWICE where several do
 */
export function declaredBy(provider: string, targets: ReadonlyMap<string, Target>): string | undefined {
  const found = [...targets.values()].filter((target) => target.package === '' && target.rule.provides.includes(provider));
  const [first, second] = found;
  if (first === undefined || second === undefined) return first?.label;
  throw new OcidslError({
    code: 'OCIDSL_DECLARED_TWICE',
    message: `Cannot use ${second.rule.name} "${second.label}": the workspace has "${first.label}" already, expected one ${second.rule.name}`,
    label: second.label,
    hint: 'Remove one of the two',
  });
}

/**
 * Adds to the references of every target what it takes from the root package's declarations, so that a change of those is a change of it.
 * @throws what declaredBy() throws
 */
export function linkDeclared(targets: Map<string, Target>): void {
  for (const target of targets.values()) {
    const declared = (target.rule.usesDeclared ?? []).flatMap((provider) => declaredBy(provider, targets) ?? []);
    const added = declared.filter((label) => !target.references.includes(label));
    if (added.length > 0) targets.set(target.label, { ...target, references: [...target.references, ...added] });
  }
}

// What the root package declares for all packages.
import { expect, test } from 'vitest';
import { optional, string } from '../../../lib/graph/attribute.ts';
import { defineProvider } from '../../../lib/graph/provider.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import { createAnalysis } from '../../../lib/plan/analyze.ts';
import { declaredBy, linkDeclared } from '../../../lib/plan/declared-target.ts';
import { defineRule, provide } from '../../../lib/plan/define-rule.ts';
import { declareIn } from '../graph/rig.ts';

const CompilerInfo = defineProvider<string>()('CompilerInfo');
const compiler = defineRule({
  name: 'compiler',
  attributes: { version: optional(string()) },
  provides: [CompilerInfo],
  analyze: ({ values }) => [provide(CompilerInfo, values.version ?? 'newest')],
});
const UsedInfo = defineProvider<string | undefined>()('UsedInfo');
const program = defineRule({
  name: 'program',
  attributes: {},
  provides: [UsedInfo],
  usesDeclared: [CompilerInfo],
  analyze: (context) => [provide(UsedInfo, context.useDeclared(CompilerInfo))],
});

const usedBy = (targets: ReturnType<typeof declareIn>['targets'], label: string) =>
  createAnalysis({ targets }).analyze(label, parsePlatform('linux/amd64')).providers.get('UsedInfo');

test("is used by every package's targets, which refer to it", () => {
  const workspace = declareIn('', () => [compiler({ name: 'go', version: '1' }), program({ name: 'p' })]);
  const { targets } = declareIn('apps/a', () => program({ name: 'p' }), workspace);
  linkDeclared(targets);
  expect(['p', 'apps/a:p'].map((label) => usedBy(targets, label))).toEqual(['1', '1']);
  expect(['go', 'p', 'apps/a:p'].map((label) => targets.get(label)!.references)).toEqual([[], ['go'], ['go']]);
  linkDeclared(targets);
  expect(targets.get('p')!.references).toEqual(['go']);
});

test('is nothing where only another package has it', () => {
  const { targets } = declareIn('apps/a', () => [compiler({ name: 'go' }), program({ name: 'p' })]);
  linkDeclared(targets);
  expect(usedBy(targets, 'apps/a:p')).toBeUndefined();
  expect(targets.get('apps/a:p')!.references).toEqual([]);
});

test('is one', () => {
  const { targets } = declareIn('', () => [compiler({ name: 'go' }), compiler({ name: 'other' }), program({ name: 'p' })]);
  expect(() => declaredBy('CompilerInfo', targets)).toThrow(
    'Cannot use compiler "other": the workspace has "go" already, expected one compiler',
  );
  expect(() => linkDeclared(targets)).toThrow('expected one compiler');
});

// Analysis of targets that a test declares, and what their actions turn out to be.
import { createAnalysis, type Analysis } from '../../../lib/plan/analyze.ts';
import type { ActionDescription, ActionInput, ActionNode, OutputArtifact } from '../../../lib/plan/action-node.ts';
import type { Discovered } from '../../../lib/plan/discovery.ts';
import type { Provider } from '../../../lib/graph/provider.ts';
import type { Workspace } from '../../../lib/graph/workspace.ts';
import { parsePlatform } from '../../../lib/oci/platform.ts';
import { declare } from '../graph/rig.ts';

/** An analysis of what `body` declares in the root package. */
export function analysisOf(body: () => unknown, sourceDate?: string): Analysis {
  return analysisIn(declare(body), sourceDate);
}

/** An analysis of a workspace. */
export function analysisIn({ targets }: Workspace, sourceDate?: string): Analysis {
  return createAnalysis({ targets, sourceDate });
}

/** The provider of a target under a platform; throws where it has none. */
export function provided<T>(analysis: Analysis, label: string, provider: Provider<string, T>, platform = 'linux/amd64'): T {
  const { providers } = analysis.analyze(label, parsePlatform(platform));
  if (!providers.has(provider.name)) throw new Error(`${label} provides ${[...providers.keys()].join(', ')}, not ${provider.name}`);
  return providers.get(provider.name) as T;
}

/** The action behind an artifact, which must be an output. */
export function actionOf(artifact: { readonly kind: string }): ActionNode {
  if (artifact.kind !== 'output') throw new Error('A source file has no action');
  return (artifact as OutputArtifact).action;
}

/** The paths of an action's inputs, sorted, with what their content is: `a = source x`, `b = Tar:archive.tar`, `c = bytes`. */
export function inputsOf(description: ActionDescription): string[] {
  return description.inputs
    .map((input) => `${input.path} = ${contentOf(input)}${input.isExecutable === true ? ' (executable)' : ''}`)
    .sort();
}

function contentOf({ content }: ActionInput): string {
  if (content.kind === 'bytes') return 'bytes';
  if (content.kind === 'source') return content.path;
  if (content.kind === 'discovered') return `${content.discovery.discoverer}: ${content.name}`;
  return `${content.action.mnemonic} of ${content.action.label} for ${content.action.platform}: ${content.path}`;
}

/** The JSON that an action has at an input path. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the type of the spec
export function specOf<T>(description: ActionDescription, path = 'spec.json'): T {
  const input = description.inputs.find((each) => each.path === path);
  if (input?.content.kind !== 'bytes') throw new Error(`There is no spec at ${path}`);
  return JSON.parse(Buffer.from(input.content.bytes).toString('utf8')) as T;
}

/** What a discovery found: files by name, their path where that differs, and facts. */
export function found(files: Readonly<Record<string, string>> | readonly string[], facts: Discovered['facts'] = null): Discovered {
  const entries = Array.isArray(files)
    ? (files as readonly string[]).map((path) => [path, path] as const)
    : Object.entries(files as Readonly<Record<string, string>>);
  return { files: entries.map(([name, path]) => ({ name, path })), watched: [], facts };
}

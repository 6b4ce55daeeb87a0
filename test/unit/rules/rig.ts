// Rules on real folders: discoveries are run, so that a test sees the action as the engine would describe it.
import { NO_NETWORK } from '../no-network.ts';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadDiscoverer } from '../../../lib/cli/tools.ts';
import type { ActionDescription, ActionNode } from '../../../lib/plan/action-node.ts';
import { filesOfGroup } from '../../../lib/tar/file-groups.ts';
import type { LayerSpec } from '../../../lib/tar/layer-spec.ts';
import { TarInfo } from '../../../lib/rules/providers.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import type { PkgTarAttributes } from '../../../lib/rules/pkg-tar-attributes.ts';
import type { Workspace } from '../../../lib/graph/workspace.ts';
import { declareIn, problemsOf } from '../graph/rig.ts';
import { actionOf, analysisIn, provided, specOf } from '../plan/rig.ts';

/** A folder with files, gone after the test; a path that ends in `/` is an empty folder. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'ocidsl-rules-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(path.endsWith('/') ? join(root, path) : dirname(join(root, path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(root, path), content);
  }
  return root;
}

/** What an action is, with its discoveries run in `root`. */
export async function describeIn(root: string, action: ActionNode): Promise<ActionDescription> {
  const io = { workspaceRoot: root, environment: {}, signal: new AbortController().signal };
  const found = await Promise.all(
    action.discoveries.map(async ({ discoverer, args }) => await (await loadDiscoverer(discoverer, NO_NETWORK)).run(args, io)),
  );
  return action.describe(found);
}

/** Attributes of a pkgTar, with handles made where it is declared. */
export type PkgTarCall = Omit<PkgTarAttributes, 'name'> | (() => Omit<PkgTarAttributes, 'name'>);

/** A pkgTar "t" of a package, declared and analysed. */
export function pkgTarOf(call: PkgTarCall, packageName = '', platform = 'linux/amd64') {
  const workspace: Workspace = declareIn(packageName, () => pkgTar({ name: 't', ...(typeof call === 'function' ? call() : call) }));
  if (workspace.problems.length > 0) throw workspace.problems[0]!.error;
  return provided(analysisIn(workspace), packageName === '' ? 't' : `${packageName}:t`, TarInfo, platform);
}

/** The spec of the archive of such a pkgTar, over the files of a folder, with each file by itself. */
export async function pkgTarSpec(files: Readonly<Record<string, string>> | string, call: PkgTarCall, packageName = ''): Promise<LayerSpec> {
  const root = typeof files === 'string' ? files : folderOf(files);
  const spec = specOf<LayerSpec>(await describeIn(root, actionOf(pkgTarOf(call, packageName).archive)));
  return { ...spec, entries: spec.entries.flatMap((entry) => (entry.type === 'files' ? [...filesOfGroup(entry)] : [entry])) };
}

/** The messages about wrong attributes of a call of a rule, written as without types. */
export function problemsWith(rule: (attributes: never) => unknown, attributes: object): string[] {
  return problemsOf(() => rule({ name: 't', ...attributes } as never));
}

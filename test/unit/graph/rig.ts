// A workspace for one test: rule calls made in `body` register there, as if a config of `packageName` were being evaluated.
import { currentWorkspace, setCurrentWorkspace, Workspace, type LoadProblem } from '../../../lib/graph/workspace.ts';
import type { Target } from '../../../lib/graph/target.ts';

/** Runs `body` in a package of a new or given workspace. */
export function declareIn(packageName: string, body: () => unknown, workspace = new Workspace()): Workspace {
  const before = currentWorkspace();
  setCurrentWorkspace(workspace);
  workspace.enterPackage(packageName);
  try {
    body();
    return workspace;
  } finally {
    workspace.leavePackage();
    setCurrentWorkspace(before);
  }
}

/** The same for the root package, where no problem is expected. */
export function declare(body: () => unknown): Workspace {
  const workspace = declareIn('', body);
  if (workspace.problems.length > 0) throw new Error(messages(workspace.problems).join('\n'));
  return workspace;
}

/** The messages of what is wrong with the rule calls of `body`. */
export function problemsOf(body: () => unknown, packageName = ''): string[] {
  return messages(declareIn(packageName, body).problems);
}

function messages(problems: readonly LoadProblem[]): string[] {
  return problems.map(({ error }) => error.message);
}

/** A target that was declared. */
export function targetOf(workspace: Workspace, label: string): Target {
  const target = workspace.targets.get(label);
  if (target === undefined) throw new Error(`There is no target ${label}, only ${[...workspace.targets.keys()].join(', ')}`);
  return target;
}

// Facts of this machine that a Go build needs and that never enter a key: they say where things are, not what they are.
import type { Json } from '../base/json.ts';

/** Absolute paths. A type, not an interface, so that it is Json. */
export type GoLocal = {
  /** The `go` command. */
  readonly goBinary: string;
  /** Folder of the module's go.mod: go runs there. */
  readonly moduleRoot: string;
  /** Root of the workspace, to which paths in messages are relative. */
  readonly workspaceRoot: string;
  readonly goCache: string;
  readonly goModCache: string;
  readonly goPath: string;
  /** HOME of the user; '' where there is none. */
  readonly home: string;
  /** Folder for temporary files. */
  readonly temporary: string;
  /** PATH of the user, where cgo finds its C compiler unless the target sets PATH. */
  readonly path: string;
};

const KEYS: readonly (keyof GoLocal)[] = [
  'goBinary',
  'moduleRoot',
  'workspaceRoot',
  'goCache',
  'goModCache',
  'goPath',
  'home',
  'temporary',
  'path',
];

/** The facts in `value`, undefined where something is missing. */
export function readGoLocal(value: Json | undefined): GoLocal | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, Json | undefined>>;
  return KEYS.every((key) => typeof fields[key] === 'string') ? (value as unknown as GoLocal) : undefined;
}

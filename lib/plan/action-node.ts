// Action nodes and artifacts: actions as analysis plans them, and the files that they read and make; each is defined by the
// other, hence one file. An ActionNode becomes a REAPI Action when its discoveries have run and its
// inputs' digests are known; the two are never mixed.
import type { Json } from '../base/json.ts';
import type { Discovered, Discovery } from './discovery.ts';

/** A file of the user's tree. */
export interface SourceArtifact {
  readonly kind: 'source';
  /** Relative to the workspace root; absolute only for files that a discovery found outside of it. */
  readonly path: string;
}

/** One declared output of an action. */
export interface OutputArtifact {
  readonly kind: 'output';
  readonly action: ActionNode;
  readonly path: string;
}

/** A file that a discovery fetched: the blob of that name. */
export interface DiscoveredArtifact {
  readonly kind: 'discovered';
  readonly discovery: Discovery;
  readonly name: string;
  /** Target that it belongs to, where a failure is reported: for messages only, never in a key. */
  readonly label?: string;
}

/** A file, by where it comes from. */
export type Artifact = SourceArtifact | OutputArtifact | DiscoveredArtifact;

/** One file of an action's input root. */
export interface ActionInput {
  /** Path in the input root: relative, `/` between segments. */
  readonly path: string;
  /** A source file, another action's output, or bytes made by analysis (a spec). */
  readonly content: Artifact | { readonly kind: 'bytes'; readonly bytes: Uint8Array };
  /** Overrides the executable bit; by default that of the source file or output. */
  readonly isExecutable?: boolean;
}

/** An action whose command is one of our tools. */
export interface ToolDescription {
  readonly kind: 'tool';
  readonly tool: { readonly name: string; readonly version: string };
  /** Arguments after the tool's name and version, as they enter the key. */
  readonly args: readonly string[];
  readonly inputs: readonly ActionInput[];
  /** Facts of this machine that a local run needs and that must not enter the key: absolute paths. */
  readonly local?: Json;
}

/** An action that runs a program of the user in a sandbox. */
export interface CommandDescription {
  readonly kind: 'command';
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly inputs: readonly ActionInput[];
  readonly timeoutSeconds?: number;
}

/** What an action does. */
export type ActionDescription = ToolDescription | CommandDescription;

/** A planned action. */
export interface ActionNode {
  /** Target and platform that it belongs to: for messages only, never in a key. */
  readonly label: string;
  readonly platform: string;
  /** One camel-case word for logs: `GoBuild`, `Layer`. */
  readonly mnemonic: string;
  /** What is being done, as a progress line: `Compiling ./apps/hello for linux/arm64`. */
  readonly message: string;
  /** Declared output files, relative, sorted. */
  readonly outputs: readonly string[];
  readonly discoveries: readonly Discovery[];
  /** What the user calls inputs, by their path in the input root: for messages only, never in a key. */
  readonly inputNames?: ReadonlyMap<string, string>;
  /**
   * Describes the action from what the discoveries found, in their order. Pure; may throw an OcidslError, which is reported at
   * the target.
   */
  describe(found: readonly Discovered[]): ActionDescription;
}

/** The output `path` of an action. */
export function outputOf(action: ActionNode, path: string): OutputArtifact {
  if (!action.outputs.includes(path)) throw new Error(`The action ${action.mnemonic} of ${action.label} has no output ${path}`);
  return { kind: 'output', action, path };
}

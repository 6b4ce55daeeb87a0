// Artifacts: the files that actions read and make, before anyone knows their digests.
import type { ActionNode } from './action-node.ts';

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

/** A file, by where it comes from. */
export type Artifact = SourceArtifact | OutputArtifact;

// Inputs of an action when everything that they depend on has been made.
import type { Digest } from '../base/digest.ts';

/** One file of an input root, and where its bytes are. */
export interface ResolvedInput {
  /** Path in the input root. */
  readonly path: string;
  readonly isExecutable: boolean;
  readonly sizeBytes: number;
  readonly content:
    | { readonly kind: 'file'; /** As in the file index. */ readonly path: string }
    | { readonly kind: 'blob'; readonly digest: Digest }
    | { readonly kind: 'bytes'; readonly digest: Digest; readonly bytes: Uint8Array };
}

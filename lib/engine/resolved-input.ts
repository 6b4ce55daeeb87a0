// Inputs of an action when everything that they depend on has been made.
import type { Digest } from '../base/digest.ts';
import type { IndexedFile } from './file-index.ts';

/** One file of an input root, and where its bytes are. */
export interface ResolvedInput {
  /** Path in the input root. */
  readonly path: string;
  readonly isExecutable: boolean;
  readonly sizeBytes: number;
  readonly content:
    | IndexedFile
    | { readonly kind: 'blob'; readonly digest: Digest }
    | { readonly kind: 'bytes'; readonly digest: Digest; readonly bytes: Uint8Array };
}

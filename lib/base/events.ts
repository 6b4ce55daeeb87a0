// What happens during a command, as one union. The engine and the sinks emit; lib/report turns events into text.
import type { OcidslError } from './errors.ts';

/** One thing that happened. */
export type BuildEvent =
  | { readonly type: 'action-started'; readonly id: number; readonly label: string; readonly mnemonic: string; readonly message: string }
  | {
      readonly type: 'action-finished';
      readonly id: number;
      readonly label: string;
      readonly mnemonic: string;
      readonly outcome: 'executed' | 'cached' | 'shared' | 'failed' | 'cancelled';
      readonly durationMs: number;
      /** What the action printed; replayed on a cache hit so that warnings are not lost. */
      readonly output?: string;
    }
  | { readonly type: 'transfer-started'; readonly id: number; readonly message: string; readonly totalBytes?: number }
  | { readonly type: 'transfer-progress'; readonly id: number; readonly bytes: number }
  | {
      readonly type: 'transfer-finished';
      readonly id: number;
      readonly message: string;
      readonly outcome: 'done' | 'skipped' | 'mounted' | 'failed';
    }
  | { readonly type: 'note'; readonly message: string; readonly label?: string }
  | { readonly type: 'warning'; readonly message: string; readonly label?: string; readonly hint?: string }
  | { readonly type: 'error'; readonly error: OcidslError };

/** Receives events, synchronously and in order. */
export type EventListener = (event: BuildEvent) => void;

// Loads what requests are made with, in a way that suits a process of a second.
import { setFlagsFromString } from 'node:v8';

/** Loads the HTTP client; several calls load it once. */
export async function loadHttpClient(): Promise<void> {
  // undici parses headers by WebAssembly with one large function, which V8 would optimise beside us: a tenth of a second of a processor for a few kilobytes
  // of headers, and the process waits for it at its end.
  setFlagsFromString('--liftoff-only');
  const { loadAgent } = await import('../registry/dispatcher.ts');
  await loadAgent();
}

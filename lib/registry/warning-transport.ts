// Shows the warnings that registries send along, each once.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings
import type { BuildEvent } from '../base/events.ts';
import { printable } from '../base/printable.ts';
import type { Transport } from './http.ts';

const MAX_WARNINGS = 20;

/** Emits the `Warning: 299 - "…"` headers of what `inner` answers. */
export function createWarningTransport(inner: Transport, emit: (event: BuildEvent) => void): Transport {
  const seen = new Set<string>();
  return async (request) => {
    const response = await inner(request);
    for (const text of parseWarnings(response.headers.get('warning') ?? '')) {
      const message = `${request.url.host} says: ${printable(text, 256)}`;
      if (seen.has(message) || seen.size >= MAX_WARNINGS) continue;
      seen.add(message);
      emit({ type: 'warning', message });
    }
    return response;
  };
}

/** The texts of warnings with code 299 and agent `-`; others are of proxies and caches. */
export function parseWarnings(header: string): string[] {
  return [...header.slice(0, 8192).matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!.replace(/\\(.)/g, '$1'));
}

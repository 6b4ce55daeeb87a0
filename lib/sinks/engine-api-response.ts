// Reading the answers of Docker's HTTP API: errors in every form in which engines give them.
import type { OcidslError } from '../base/errors.ts';
import { engineError } from './engine-error.ts';
import type { EngineResponse } from './engine-http.ts';

/** The failure behind a status: Docker answers `{message}`, podman `{cause, message}`, of which message is the longer. */
export function failed(doing: string, engine: string, response: EngineResponse): OcidslError {
  const body = tryParse(response.text);
  const said = [body?.['message'], body?.['cause'], response.text.slice(0, 8_192)].find((text) => typeof text === 'string' && text !== '');
  return engineError(doing, engine, `HTTP ${response.status}: ${(said as string | undefined) ?? ''}`);
}

/**
 * The error in the body of a load that was answered with 200: a stream of JSON lines, one of which may have `error` or
 * `errorDetail` (moby#34416). Lines that are not JSON are progress.
 */
export function loadStreamError(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const message = tryParse(line);
    if (message === undefined) continue;
    const { error, errorDetail } = message;
    if (error === undefined && errorDetail === undefined) continue;
    const detail = (errorDetail as { message?: unknown } | undefined)?.message;
    return String(detail ?? error);
  }
  return undefined;
}

function tryParse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The JSON object of a response. */
export function parseObject(response: EngineResponse, doing: string, engine: string): Record<string, unknown> {
  const value = tryParse(response.text);
  if (value === undefined) throw engineError(doing, engine, `not JSON: ${response.text.slice(0, 100)}`);
  return value;
}

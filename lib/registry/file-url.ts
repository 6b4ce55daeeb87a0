// Which URLs a file may be downloaded from.
import { isLoopbackHost } from './registry-host.ts';

/**
 * What is wrong with a URL as the place of a file; undefined where nothing is. The answer does not repeat the URL, which may hold a secret.
 * @param isPinned whether the file's digest is known beforehand: only then may somebody on the way change what is sent
 */
export function fileUrlProblem(text: string, isPinned: boolean): string | undefined {
  const url = parse(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'it is no https or http URL';
  if (url.username !== '' || url.password !== '') return 'it has a user name or password, which would be in every copy of the config';
  if (url.hash !== '') return 'it has a fragment, which is never sent';
  if (url.protocol === 'http:' && !isPinned && !isLoopbackHost(url.hostname)) return 'it is plain http, which needs a digest';
  return undefined;
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

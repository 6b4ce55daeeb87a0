// The tags of a repository, page by page.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
import { OcidslError } from '../base/errors.ts';
import { readBounded } from './http.ts';
import type { HttpResponse } from './http.ts';
import { parseLocation } from './redirecting-transport.ts';
import { sameOrigin } from './registry-host.ts';
import { quoted, refusal, repositoryUrl, sendTo } from './repository-context.ts';
import type { RepositoryContext } from './repository-context.ts';

const MAX_PAGES = 1000;
const MAX_PAGE_BYTES = 8 << 20;

/**
 * All tags, in the registry's order; empty where the repository does not exist.
 * @param pageSize tags that are asked for at once; the registry decides where it is absent
 */
export async function listTags(context: RepositoryContext, pageSize?: number): Promise<string[]> {
  const doing = `list the tags of ${quoted(context)}`;
  const tags: string[] = [];
  let url: URL | undefined = repositoryUrl(context, 'tags/list');
  if (pageSize !== undefined) url.search = `?n=${pageSize}`;
  for (let page = 0; url !== undefined; page++) {
    if (page === MAX_PAGES) throw pageError(doing, `it has more than ${MAX_PAGES} pages`);
    const response = await sendTo(context, 'pull', { method: 'GET', url });
    if (response.status === 404) {
      await response.dispose();
      return tags;
    }
    if (response.status !== 200) throw await refusal(doing, response);
    const found = parseTags(await readBounded(response, MAX_PAGE_BYTES));
    if (found === undefined) throw pageError(doing, 'its answer is not a list of tags');
    tags.push(...found);
    const next: URL | undefined = nextPage(context, response);
    url = next?.href === url.href ? undefined : next;
  }
  return tags;
}

/**
 * The next page by the Link header: only of the registry's own origin (ggcr #2332), since it gets the credentials.
 * @throws OCIDSL_REGISTRY_PAGE
 */
export function nextPage(context: RepositoryContext, response: HttpResponse): URL | undefined {
  const target = /<([^<>]*)>\s*;(?:[^,]*;)?\s*rel="?next"?/i.exec(response.headers.get('link') ?? '')?.[1];
  if (target === undefined) return undefined;
  const url = parseLocation(target, response.url);
  if (url === undefined || !sameOrigin(url, context.origin)) {
    throw pageError(`read on in ${quoted(context)}`, 'its next page is on another server');
  }
  return url;
}

function parseTags(bytes: Buffer | undefined): string[] | undefined {
  try {
    const { tags } = JSON.parse(bytes?.toString('utf8') ?? '') as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined;
  } catch {
    return undefined;
  }
}

function pageError(doing: string, is: string): OcidslError {
  return new OcidslError({ code: 'OCIDSL_REGISTRY_PAGE', kind: 'network', message: `Cannot ${doing}: ${is}` });
}

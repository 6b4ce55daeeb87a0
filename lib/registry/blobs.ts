// Blobs of a repository: existence, mounting and uploading. Reading them is blob-download.ts.
import { isOcidslError } from '../base/errors.ts';
import { uploadBlob } from './blob-upload.ts';
import type { BlobUpload } from './blob-upload.ts';
import { quoted, refusal, repositoryUrl, sendTo } from './repository-context.ts';
import type { RepositoryContext } from './repository-context.ts';
import { cancelUpload, tryMount } from './upload-session.ts';
import type { UploadSession } from './upload-session.ts';

// Each refused candidate costs two requests, and the first one is nearly always right.
const MAX_MOUNT_CANDIDATES = 3;

/**
 * Whether the repository has a blob of this digest and size.
 * @throws OCIDSL_REGISTRY_…
 */
export async function hasBlob(
  context: RepositoryContext,
  digest: string,
  size: number,
  signal?: AbortSignal,
  access: 'pull' | 'pull,push' = 'pull,push',
): Promise<boolean> {
  const url = repositoryUrl(context, `blobs/${digest}`);
  const response = await sendTo(context, access, { method: 'HEAD', url, signal });
  await response.dispose();
  switch (response.status) {
    case 200: {
      const stated = response.headers.get('content-length');
      // A damaged blob of another size is uploaded again; CDNs that encode leave the length out.
      return stated === undefined || Number(stated) === size;
    }
    case 404:
      return false;
    case 400:
    case 405:
      return false; // HEAD is not known here: uploading a blob that exists is allowed, only slower
    default: {
      // An answer to HEAD has no body, so the reason has to be asked for.
      const reason = await sendTo(context, access, { method: 'GET', url, headers: { range: 'bytes=0-0' }, signal });
      const doing = `look for blob "${digest}" in ${quoted(context)}`;
      if (reason.status === 200 || reason.status === 206) {
        await reason.dispose();
        return true;
      }
      throw await refusal(doing, reason);
    }
  }
}

/**
 * Puts a blob into the repository: mounted from one of `mountFrom` (repositories of the same registry) where that works,
 * else uploaded.
 */
export async function putBlob(
  context: RepositoryContext,
  blob: BlobUpload,
  mountFrom: readonly string[] = [],
): Promise<'mounted' | 'uploaded'> {
  let session: UploadSession | undefined;
  for (const from of mountFrom.filter((name) => name !== context.name.repository).slice(0, MAX_MOUNT_CANDIDATES)) {
    if (session !== undefined) await cancelUpload(context, session);
    const outcome = await mountOrSession(context, blob.digest, from);
    if (outcome === 'mounted') return 'mounted';
    session = outcome;
  }
  await uploadBlob(context, blob, session);
  return 'uploaded';
}

async function mountOrSession(context: RepositoryContext, digest: string, from: string) {
  try {
    return await tryMount(context, digest, from);
  } catch (error) {
    // Token servers refuse the scope of a repository that may not be read: that must not keep the blob from being uploaded.
    if (isOcidslError(error) && error.kind === 'credentials') return undefined;
    throw error;
  }
}

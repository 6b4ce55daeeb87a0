// How each kind of pin is resolved: what is there now.
import { formatDigest } from '../base/digest.ts';
import type { FetchContext } from './fetch-context.ts';
import { lockImage } from './lock-image.ts';
import type { LockResolvers } from './lock-update.ts';

/** One entry for each kind. Its code is loaded when there is something of that kind to pin. */
export function createLockResolvers(context: FetchContext): LockResolvers {
  return {
    image: async (request, signal) => await lockImage(request, await context.registry(), signal),
    file: async ({ urls }, signal) => {
      const { downloadFile } = await import('./download-file.ts');
      const digest = await downloadFile({ urls }, context, signal);
      return { digest: formatDigest(digest), size: digest.sizeBytes };
    },
    'go-toolchain': async ({ version, urls }, signal) => {
      const { lockGoToolchain } = await import('./lock-go-toolchain.ts');
      return await lockGoToolchain(version, context, signal, urls);
    },
  };
}

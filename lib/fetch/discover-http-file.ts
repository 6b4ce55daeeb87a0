// The discoverer `http-file`: a file by URL and digest, brought into the store.
import { downloadFile } from './download-file.ts';
import type { FetchContext } from './fetch-context.ts';
import type { Discoverer } from '../plan/discoverer.ts';
import { HTTP_FILE_DISCOVERER, type HttpFileArguments } from '../plan/http-file-arguments.ts';

/** Arguments: HttpFileArguments; one blob, named `name`. */
export function createHttpFileDiscoverer(context: FetchContext): Discoverer {
  return {
    name: HTTP_FILE_DISCOVERER,
    version: '1',
    environment: [],
    async run(args, { signal }) {
      const { urls, digest, size, name, isExecutable } = args as unknown as HttpFileArguments;
      const found = await downloadFile({ urls, digest, size }, context, signal);
      return { files: [], watched: [], blobs: [{ name, digest: found, isExecutable }] };
    },
  };
}

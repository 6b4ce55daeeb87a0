// A process that downloads one file, for the tests that need several of them or one that is killed. Prints the digest, or the error's code.
import { formatDigest } from '../../../lib/base/digest.ts';
import { isOcidslError } from '../../../lib/base/errors.ts';
import { downloadFile } from '../../../lib/fetch/download-file.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';

const [cacheDirectory = '', url = '', digest = ''] = process.argv.slice(2);
const { cas } = openDiskStore({ directory: cacheDirectory });
const registry = () => Promise.reject(new Error('no registry here'));
try {
  const context = { cas, registry, environment: {}, cacheDirectory, emit: () => undefined };
  const found = await downloadFile({ urls: [url], digest }, context, new AbortController().signal);
  process.stdout.write(formatDigest(found));
} catch (error) {
  process.stdout.write(isOcidslError(error) ? error.code : String(error));
}

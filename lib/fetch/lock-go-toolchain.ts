// Pins of a Go distribution for the platforms that people and CI work on.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatDigest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import { GoSum } from '../go/go-sum.ts';
import { GO_TOOLCHAIN_MODULE, goToolchainModuleVersion } from '../go/go-toolchain.ts';
import type { LockedGoArchive } from '../plan/lock.ts';
import { downloadFile } from './download-file.ts';
import type { FetchContext } from './fetch-context.ts';
import { DistributionError, filesOfModuleZip } from './go-distribution-files.ts';
import { downloadGoZip } from './go-download.ts';
import { ZipError } from './go-module-zip.ts';
import { lookupGoSum } from './go-sums.ts';

const HOSTS = ['darwin/amd64', 'darwin/arm64', 'linux/amd64', 'linux/arm64'] as const;

/**
 * The pins of Go `version` by host platform: from the checksum database in a few small requests. Archives in `urls` are downloaded to be
 * pinned, and so are module zips where GOSUMDB is off.
 * @param urls as in GoToolchainInfo
 * @throws OCIDSL_GO_TOOLCHAIN_UNKNOWN; integrity and network failures
 */
export async function lockGoToolchain(
  version: string,
  context: FetchContext,
  signal: AbortSignal,
  urls: Readonly<Record<string, readonly string[]>> = {},
): Promise<Readonly<Record<string, LockedGoArchive>>> {
  const fromProxy = HOSTS.filter((host) => !Object.hasOwn(urls, host));
  const pins: (readonly [string, LockedGoArchive])[] = await Promise.all([
    ...fromProxy.map(async (host) => [host, { h1: await sumOf(version, host, context, signal) }] as const),
    ...Object.entries(urls).map(async ([host, each]) => {
      const digest = formatDigest(await downloadFile({ urls: each }, context, signal));
      return [host, { digest }] as const;
    }),
  ]);
  return Object.fromEntries(pins);
}

async function sumOf(version: string, host: string, context: FetchContext, signal: AbortSignal): Promise<string> {
  return (await lookupGoSum(version, host, context, signal)) ?? (await sumOfDownload(version, host, context, signal));
}

// Without a database the first download is trusted, as go.sum does it then.
async function sumOfDownload(version: string, host: string, context: FetchContext, signal: AbortSignal): Promise<string> {
  const toolchains = join(context.cacheDirectory, 'toolchains');
  await mkdir(toolchains, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(toolchains, 'lock-'));
  try {
    const zip = join(folder, 'zip');
    const from = await downloadGoZip(version, host, zip, context, signal);
    const sum = new GoSum();
    const prefix = `${GO_TOOLCHAIN_MODULE}@${goToolchainModuleVersion(version, host)}/`;
    try {
      for await (const _ of filesOfModuleZip(zip, prefix, sum)) signal.throwIfAborted();
    } catch (error) {
      if (!(error instanceof DistributionError) && !(error instanceof ZipError)) throw error;
      throw new OcidslError({
        code: 'OCIDSL_GO_TOOLCHAIN_INTEGRITY',
        kind: 'integrity',
        message: `Cannot lock Go "${version}" for ${host} from ${from}: ${error.message}, expected the module zip of a toolchain`,
      });
    }
    return sum.sum();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// A declared Go on this machine: fetched, checked against its pin or the checksum database, and unpacked into the cache, once.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentError, isOcidslError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { shortName } from '../base/short-name.ts';
import { GoSum } from '../go/go-sum.ts';
import {
  GO_TOOLCHAIN_MODULE,
  goToolchainModuleVersion,
  type GoArchivePin,
  type GoToolchainRequest,
  type InstalledGo,
} from '../go/go-toolchain.ts';
import { writeAtomically } from '../store/temporary-files.ts';
import { downloadFile } from './download-file.ts';
import type { FetchContext } from './fetch-context.ts';
import { DistributionError, filesOfGoTar, filesOfModuleZip } from './go-distribution-files.ts';
import { downloadGoZip } from './go-download.ts';
import { ZipError } from './go-module-zip.ts';
import { goSetting } from './go-settings.ts';
import { lookupGoSum } from './go-sums.ts';
import { unpackGo } from './go-unpack.ts';

/** Runs a task while no other process holds the lock in that file. Its folder exists. */
export type Exclusively = <T>(lockFile: string, signal: AbortSignal, task: () => Promise<T>) => Promise<T>;

/** What is asked for and where. */
export interface GoInstallation {
  readonly request: GoToolchainRequest;
  /** The platform that it has to run on: `linux/amd64`. */
  readonly host: string;
  readonly context: FetchContext;
  readonly exclusively: Exclusively;
  readonly signal: AbortSignal;
}

/**
 * The distribution in `<cache>/toolchains`, which is fetched where it is not there yet. What is there is not checked again.
 * @throws OCIDSL_GO_TOOLCHAIN_INTEGRITY; OCIDSL_GO_TOOLCHAIN_UNPINNED, OCIDSL_GO_TOOLCHAIN_UNKNOWN; network and environment failures. Of an
 * archive that is wrong nothing stays
 */
export async function installGoToolchain(installation: GoInstallation): Promise<InstalledGo> {
  const { request, host, context, exclusively, signal } = installation;
  const toolchains = join(context.cacheDirectory, 'toolchains');
  try {
    mkdirSync(toolchains, { recursive: true, mode: 0o700 });
    const pin = await pinOf(installation, toolchains);
    const name = `go${request.version}.${host.replace('/', '-')}-${shortDigest(pin.h1 ?? pin.digest ?? '')}`;
    const folder = join(toolchains, name);
    const installed = { goRoot: folder, goBinary: join(folder, 'bin', host.startsWith('windows/') ? 'go.exe' : 'go') };
    if (existsSync(installed.goBinary)) return installed;
    await exclusively(`${folder}.lock`, signal, async () => {
      // Another process may have brought it while this one waited.
      if (existsSync(installed.goBinary)) return;
      await rm(folder, { recursive: true, force: true });
      if (pin.h1 === undefined) await unpackArchive(installation, folder, pin.digest ?? '');
      else await unpackModule(installation, folder, pin.h1);
    });
    return installed;
  } catch (error) {
    throw isOcidslError(error) || (error as NodeJS.ErrnoException).syscall === undefined
      ? error
      : environmentError(`unpack Go ${request.version} below "${toolchains}"`, error);
  }
}

// What the archive has to be. A pin of a zip is no pin of an archive from a URL, and the other way round.
async function pinOf({ request, host, context, signal }: GoInstallation, toolchains: string): Promise<GoArchivePin> {
  const { version, archives, urls } = request;
  const locked = Object.hasOwn(archives, host) ? archives[host]! : {};
  if (Object.hasOwn(urls, host)) {
    if (locked.digest !== undefined) return { digest: locked.digest };
    throw unpinned(version, host, 'archives from URLs need one');
  }
  if (locked.h1 !== undefined) return { h1: locked.h1 };
  // What the database says of a version never changes, so it is asked once.
  const database = goSetting('GOSUMDB', context.environment);
  const file = join(toolchains, `go${version}.${host.replace('/', '-')}.${shortName(database)}.sum`);
  const known = readIfPresent(file);
  if (known !== undefined && /^h1:[A-Za-z0-9+/]{43}=\n$/.test(known)) return { h1: known.trim() };
  const h1 = await lookupGoSum(version, host, context, signal);
  if (h1 === undefined) throw unpinned(version, host, 'GOSUMDB=off leaves nothing else to check it with');
  writeAtomically(toolchains, file, Buffer.from(`${h1}\n`), 0o700);
  return { h1 };
}

async function unpackModule({ request, host, context, signal }: GoInstallation, folder: string, h1: string): Promise<void> {
  const zip = `${folder}.zip`;
  const moduleVersion = goToolchainModuleVersion(request.version, host);
  const sizeBefore = await stat(zip).then(
    ({ size }) => size,
    () => 0,
  );
  // What an interrupted download left may be of another file: then a whole one gets its chance.
  for (let isContinued = sizeBefore > 0; ; isContinued = false) {
    const from = await downloadGoZip(request.version, host, zip, context, signal);
    const sum = new GoSum();
    try {
      await unpackGo({
        files: filesOfModuleZip(zip, `${GO_TOOLCHAIN_MODULE}@${moduleVersion}/`, sum),
        folder,
        version: request.version,
        check: () => {
          if (sum.sum() !== h1) throw new DistributionError(`its checksum is ${sum.sum()}`);
        },
        signal,
      });
      await rm(zip, { force: true });
      return;
    } catch (error) {
      if (!(error instanceof DistributionError) && !(error instanceof ZipError)) throw error;
      await rm(zip, { force: true });
      if (!isContinued) throw mismatch(request.version, host, from, error, h1);
    }
  }
}

async function unpackArchive({ request, host, context, signal }: GoInstallation, folder: string, digest: string): Promise<void> {
  const { version, urls } = request;
  const [from = ''] = urls[host]!;
  const archive = await downloadFile({ urls: urls[host]!, digest }, context, signal);
  try {
    await unpackGo({ files: filesOfGoTar(context.cas.read(archive), from), folder, version, check: () => undefined, signal });
  } catch (error) {
    if (!(error instanceof DistributionError)) throw error;
    // Its bytes are the pinned ones, so it is the pin that is wrong.
    throw new OcidslError({
      code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN',
      message: `Cannot use "${printable(from)}" as Go ${version}: ${error.message}, expected a distribution as on https://go.dev/dl/`,
      hint: 'Correct urls, and run "ocidsl lock"',
    });
  }
}

function shortDigest(pin: string): string {
  return createHash('sha256').update(pin).digest('hex').slice(0, 12);
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function unpinned(version: string, host: string, why: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_TOOLCHAIN_UNPINNED',
    message: `Cannot use Go "${version}" for ${host}: ocidsl.lock.json has no pin of it, and ${why}`,
    hint: 'Run "ocidsl lock", and commit the file',
  });
}

function mismatch(version: string, host: string, from: string, error: Error, h1: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_TOOLCHAIN_INTEGRITY',
    kind: 'integrity',
    message: `Cannot use Go "${version}" for ${host} from ${from}: ${error.message}, expected the module zip with checksum ${h1}`,
    hint: 'Find out who changes it on the way before you change a pin',
  });
}

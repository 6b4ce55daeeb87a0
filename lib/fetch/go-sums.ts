// Checksums of Go distributions from the checksum database.
import { OcidslError } from '../base/errors.ts';
import { GO_TOOLCHAIN_MODULE, goToolchainModuleVersion } from '../go/go-toolchain.ts';
import type { FetchContext } from './fetch-context.ts';
import { parseGoProxies } from './go-proxies.ts';
import { goServersOf } from './go-servers.ts';
import { goSetting } from './go-settings.ts';
import { openGoSumDatabase, type GoSumDatabase } from './go-sum-database.ts';

const databases = new WeakMap<FetchContext['environment'], { readonly database: GoSumDatabase | undefined }>();

/**
 * The `h1:` of a distribution's module zip; undefined where GOSUMDB is off. GONOSUMDB and GOPRIVATE do not matter: the go command
 * too asks the database for every toolchain.
 * @throws OCIDSL_GO_TOOLCHAIN_UNKNOWN where the database knows no such Go; what GoSumDatabase.lookup() throws
 */
export async function lookupGoSum(version: string, host: string, context: FetchContext, signal: AbortSignal): Promise<string | undefined> {
  const { environment } = context;
  let opened = databases.get(environment);
  if (opened === undefined) {
    const setting = goSetting('GOSUMDB', environment);
    const proxies = setting.trim() === 'off' ? [] : parseGoProxies(goSetting('GOPROXY', environment));
    opened = { database: openGoSumDatabase(setting, proxies, goServersOf(context)) };
    databases.set(environment, opened);
  }
  if (opened.database === undefined) return undefined;
  const sum = await opened.database.lookup(GO_TOOLCHAIN_MODULE, goToolchainModuleVersion(version, host), signal);
  if (sum !== undefined) return sum;
  throw unknownGo(version, host);
}

/** OCIDSL_GO_TOOLCHAIN_UNKNOWN: there is no Go of that version for that platform. */
export function unknownGo(version: string, host: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_TOOLCHAIN_UNKNOWN',
    message: `Cannot find Go "${version}" for ${host}: neither a server of GOPROXY nor the checksum database has it, expected a released version`,
    hint: 'Versions are listed on https://go.dev/dl/',
  });
}

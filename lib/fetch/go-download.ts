// Downloads the module zip of a Go distribution from the proxies that GOPROXY names.
import { GO_TOOLCHAIN_MODULE, goToolchainModuleVersion } from '../go/go-toolchain.ts';
import { printableUrl } from '../registry/printable-url.ts';
import type { FetchContext } from './fetch-context.ts';
import { goProxiesOf, tryGoProxies } from './go-proxies.ts';
import { goServersOf } from './go-servers.ts';
import { unknownGo } from './go-sums.ts';

// Between the numbers of uploads, which count up, and those of other downloads, which count down.
const FIRST_TRANSFER = 1e9;
const PROGRESS_STEP_BYTES = 1024 * 1024;
let transfers = 0;

/**
 * Brings the zip to `file`, going on with what is there; where it came from.
 * @throws OCIDSL_GO_TOOLCHAIN_UNKNOWN where no proxy has it; network failures
 */
export async function downloadGoZip(
  version: string,
  host: string,
  file: string,
  context: FetchContext,
  signal: AbortSignal,
): Promise<string> {
  const { emit } = context;
  const servers = goServersOf(context);
  const id = FIRST_TRANSFER + transfers++;
  const message = `Downloading Go ${version} for ${host}`;
  let told = 0;
  const progress = (bytes: number) => {
    if (bytes - told < PROGRESS_STEP_BYTES) return;
    told = bytes;
    emit({ type: 'transfer-progress', id, bytes });
  };
  emit({ type: 'transfer-started', id, message });
  try {
    const path = `${GO_TOOLCHAIN_MODULE}/@v/${goToolchainModuleVersion(version, host)}.zip`;
    const from = await tryGoProxies(goProxiesOf(context), async (base) => {
      const url = new URL(path, base);
      return (await servers.download(url, file, signal, progress)) ? printableUrl(url) : undefined;
    });
    if (from === undefined) throw unknownGo(version, host);
    emit({ type: 'transfer-finished', id, message: `Downloaded Go ${version} for ${host}`, outcome: 'done' });
    return from;
  } catch (error) {
    emit({ type: 'transfer-finished', id, message, outcome: 'failed' });
    throw error;
  }
}

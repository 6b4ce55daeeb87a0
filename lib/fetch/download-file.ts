// Brings a file from the network into the store: the one way in which files come in. What is known by its digest is downloaded once on a
// machine, by one process at a time, and goes on where a killed process stopped.
import { parseSha256, type Digest } from '../base/digest.ts';
import type { OcidslError } from '../base/errors.ts';
import { fileUrlProblem } from '../registry/file-url.ts';
import { printableUrl } from '../registry/printable-url.ts';
import type { ContentAddressableStorage } from '../store/content-addressable-storage.ts';
import { RestartableBlobWriter } from '../store/restartable-blob-writer.ts';
import type { ResumableBlobWriter } from '../store/resumable-blob-writer.ts';
import type { FetchContext } from './fetch-context.ts';
import { downloadFromUrl, type DownloadLimits, type WantedFile } from './http-download.ts';
import { asUrlFailure, combineFailures, urlError } from './http-failure.ts';
import { httpTransportOf, type HttpTransport } from './http-transport.ts';

/** A file to download. */
export interface FileDownload {
  /** One or more, tried in order. Plain http only with a digest, or on this machine. */
  readonly urls: readonly string[];
  /** `sha256:<hex>`; without it whatever the first URL gives is taken, which is for locking only. */
  readonly digest?: string | undefined;
  /** In bytes. */
  readonly size?: number | undefined;
  readonly limits?: Partial<DownloadLimits>;
}

const DEFAULT_LIMITS: DownloadLimits = { maxBytes: 2 ** 35, progressBytes: 1 << 20 };
const LOOK_AGAIN_MS = 250;
const PROGRESS_STEP_BYTES = 1 << 20;

/**
 * Downloads a file into the store, unless it is there.
 * @param transport replaced in tests
 * @returns its digest: the wanted one, where one was given
 * @throws OCIDSL_DOWNLOAD_URL, OCIDSL_DIGEST_SYNTAX; where no URL gives the file, the failure of the only one or one that lists them all, of
 * kind `integrity` where one of them gave other bytes
 */
export async function downloadFile(
  { urls, digest, size, limits }: FileDownload,
  context: FetchContext,
  signal: AbortSignal,
  transport: HttpTransport = httpTransportOf(context),
): Promise<Digest> {
  const { cas, emit } = context;
  const file: WantedFile = {
    hash: digest === undefined ? undefined : parseSha256(digest),
    sizeBytes: size,
    limits: { ...DEFAULT_LIMITS, ...limits },
  };
  const parsed = urls.map((text) => parseUrl(text, digest !== undefined));
  if (parsed.length === 0) throw urlError('', 'it has no URL');
  const opened = await storedOrWriter(file, cas, transport, signal);
  if ('hash' in opened) return opened;
  const transfer = startTransfer(emit, parsed[0]!, size);
  const failures: OcidslError[] = [];
  try {
    for (const url of parsed) {
      try {
        const found = await downloadFromUrl(url, file, opened, transport, transfer.progress, signal);
        await opened.commit(found);
        transfer.finish('done');
        return found;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(asUrlFailure(error));
      }
    }
    throw combineFailures(failures);
  } catch (error) {
    transfer.finish('failed');
    throw error;
  } finally {
    await opened.suspend();
  }
}

/** The file, where the store has it or another process has just brought it; else what it is written with. */
async function storedOrWriter(
  { hash, sizeBytes }: WantedFile,
  cas: ContentAddressableStorage,
  { clock }: HttpTransport,
  signal: AbortSignal,
): Promise<Digest | ResumableBlobWriter> {
  if (hash === undefined) return new RestartableBlobWriter(cas);
  for (;;) {
    const stored = sizeBytes === undefined ? await cas.find?.(hash) : { hash, sizeBytes };
    if (stored !== undefined && (await cas.findMissing([stored])).length === 0) return stored;
    const writer = await cas.openResumableWriter?.(hash);
    if (writer === undefined) return new RestartableBlobWriter(cas);
    if (writer !== 'busy') return writer;
    // Another download of the same file: who waits for it gets it for nothing, and goes on with it where that one fails.
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

function parseUrl(text: string, isPinned: boolean): URL {
  const problem = fileUrlProblem(text, isPinned);
  if (problem !== undefined) throw urlError(text, problem);
  return new URL(text);
}

// Below zero, apart from the numbers of uploads.
let lastTransfer = 0;

function startTransfer(emit: FetchContext['emit'], url: URL, totalBytes: number | undefined) {
  const id = --lastTransfer;
  const message = `Downloading ${printableUrl(url)}`;
  let told = 0;
  emit({ type: 'transfer-started', id, message, ...(totalBytes === undefined ? {} : { totalBytes }) });
  return {
    progress: (bytes: number) => {
      if (Math.abs(bytes - told) < PROGRESS_STEP_BYTES) return;
      told = bytes;
      emit({ type: 'transfer-progress', id, bytes });
    },
    finish: (outcome: 'done' | 'failed') => emit({ type: 'transfer-finished', id, message, outcome }),
  };
}

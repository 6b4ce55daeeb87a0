// One file from one URL: asked for, continued where the connection broke off, and compared with what was wanted.
import { formatDigest, type Digest } from '../base/digest.ts';
import { isTransient } from '../registry/connection-error.ts';
import type { HttpResponse } from '../registry/http.ts';
import type { ResumableBlobWriter } from '../store/resumable-blob-writer.ts';
import { cutError, describeBytes, mismatchError, statusError, tooLargeError, unboundedError } from './http-failure.ts';
import { endsVisibly, readFileAnswer, type FileAnswer } from './http-file-answer.ts';
import type { HttpTransport } from './http-transport.ts';

/** What is known of a file, and how much of it is taken. */
export interface WantedFile {
  /** SHA-256 in hex. */
  readonly hash: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly limits: DownloadLimits;
}

/** Limits of a download, in bytes. */
export interface DownloadLimits {
  /** Largest file that is taken. Default: 32 GiB. */
  readonly maxBytes: number;
  /** What must arrive before an attempt counts as progress, which attempts are not limited by. Default: 1 MiB. */
  readonly progressBytes: number;
}

/** Who is told how far it is. */
export type DownloadProgress = (bytes: number, totalBytes: number | undefined) => void;

/**
 * Downloads into `writer`, going on with what is there, and gives the digest of the whole: the wanted one.
 * @throws OCIDSL_DOWNLOAD_…, OCIDSL_CONNECTION_…, OCIDSL_REDIRECT_REFUSED; what is in the writer then may be continued from another URL
 */
export async function downloadFromUrl(
  url: URL,
  file: WantedFile,
  writer: ResumableBlobWriter,
  transport: HttpTransport,
  onProgress: DownloadProgress,
  signal: AbortSignal,
): Promise<Digest> {
  return await new UrlDownload(url, file, writer, transport, onProgress, signal).run();
}

class UrlDownload {
  readonly #url: URL;
  readonly #file: WantedFile;
  readonly #writer: ResumableBlobWriter;
  readonly #transport: HttpTransport;
  readonly #onProgress: DownloadProgress;
  readonly #signal: AbortSignal;
  /** Of the answer that what is there came from. */
  #validator: string | undefined;
  /** Whether all that is there certainly came from one version of what this URL gives. */
  #isOfOnePiece: boolean;
  #mayStartOver = true;

  constructor(
    url: URL,
    file: WantedFile,
    writer: ResumableBlobWriter,
    transport: HttpTransport,
    onProgress: DownloadProgress,
    signal: AbortSignal,
  ) {
    this.#url = url;
    this.#file = file;
    this.#writer = writer;
    this.#transport = transport;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#isOfOnePiece = writer.sizeBytes === 0;
  }

  async run(): Promise<Digest> {
    const { backoff } = this.#transport;
    const { progressBytes } = this.#file.limits;
    const writer = this.#writer;
    // A process that was killed between the last byte and the end left all of it.
    if (writer.sizeBytes > 0 && this.#isWanted(writer.digest())) return writer.digest();
    let milestone = writer.sizeBytes + progressBytes;
    for (let failures = 0; ;) {
      let failure: unknown;
      try {
        const asked = await this.#ask();
        const outcome = asked === undefined ? 'cut' : await this.#take(asked);
        if (outcome === 'again') continue;
        if (outcome !== 'cut') return outcome;
        failure = cutError(this.#url, writer.sizeBytes, this.#file.sizeBytes);
      } catch (error) {
        if (!isTransient(error)) throw error;
        failure = error;
      }
      if (writer.sizeBytes >= milestone) {
        failures = 0;
        milestone = writer.sizeBytes + progressBytes;
        continue; // A server that gives that much may be asked for more at once.
      }
      if (++failures >= backoff.attempts) throw failure;
      await backoff.pause(failures, this.#url, undefined, this.#signal);
    }
  }

  /** The answer with the file or its rest; undefined where the rest cannot be had, and the next request is for the whole. */
  async #ask(): Promise<{ readonly response: HttpResponse; readonly answer: FileAnswer } | undefined> {
    // Without a digest only a validator tells whether the rest is of the same file.
    if (this.#validator === undefined && this.#file.hash === undefined && this.#writer.sizeBytes > 0) await this.#startOver();
    const offset = this.#writer.sizeBytes;
    const headers: Record<string, string> = { accept: '*/*' };
    if (offset > 0) {
      headers['range'] = `bytes=${offset}-`;
      if (this.#validator !== undefined) headers['if-range'] = this.#validator;
    }
    const response = await this.#transport.send({ method: 'GET', url: this.#url, headers, keepsEncoding: true, signal: this.#signal });
    const answer = readFileAnswer(response, offset);
    if (answer !== undefined) return { response, answer };
    await response.dispose();
    if (offset === 0 || (response.status !== 206 && response.status !== 400 && response.status !== 416 && response.status !== 501))
      throw statusError(response);
    await this.#startOver();
    return undefined;
  }

  /** Writes an answer's bytes; the file's digest where it is complete, 'again' where it has to be had as a whole. */
  async #take({ response, answer }: { readonly response: HttpResponse; readonly answer: FileAnswer }): Promise<Digest | 'cut' | 'again'> {
    const writer = this.#writer;
    try {
      const total = this.#totalOf(response, answer);
      // A server that was asked with If-Range, and sends the rest, vouches for it, also where it does not repeat the validator.
      const seen = answer.start > 0 ? (answer.validator ?? this.#validator) : answer.validator;
      const isSameFile = this.#validator === undefined || seen === this.#validator;
      if (writer.sizeBytes > 0 && !isSameFile) {
        await this.#startOver();
        if (answer.start > 0) return 'cut';
      }
      if (writer.sizeBytes > 0 && this.#validator === undefined) this.#isOfOnePiece = false;
      this.#validator = seen;
      // The whole file again: what is there is passed over.
      let skip = writer.sizeBytes - answer.start;
      const limit = total ?? this.#file.limits.maxBytes;
      for await (const chunk of response.body) {
        const news = chunk.subarray(Math.min(skip, chunk.byteLength));
        skip -= chunk.byteLength - news.byteLength;
        if (news.byteLength === 0) continue;
        if (writer.sizeBytes + news.byteLength > limit) throw await this.#tooLong(response, total);
        await writer.write(news);
        this.#onProgress(writer.sizeBytes, total);
      }
      if (total !== undefined) return writer.sizeBytes === total ? await this.#compare(response) : 'cut';
      if (endsVisibly(response)) return await this.#compare(response);
      if (this.#file.hash === undefined) throw unboundedError(response.url);
      // The connection was closed, after the last byte or before it: only the digest tells.
      return this.#isWanted(writer.digest()) ? writer.digest() : 'cut';
    } finally {
      await response.dispose();
    }
  }

  async #compare(response: HttpResponse): Promise<Digest | 'again'> {
    const digest = this.#writer.digest();
    if (this.#isWanted(digest)) return digest;
    const mayBeMixed = !this.#isOfOnePiece && this.#mayStartOver;
    await this.#startOver();
    if (mayBeMixed) {
      this.#mayStartOver = false;
      return 'again';
    }
    const { hash, sizeBytes } = this.#file;
    throw mismatchError(response.url, describeBytes(digest), hash === undefined ? `${sizeBytes} bytes` : `sha256:${hash}`, response);
  }

  #totalOf(response: HttpResponse, { totalBytes }: FileAnswer): number | undefined {
    const { hash, sizeBytes, limits } = this.#file;
    if (totalBytes !== undefined && sizeBytes !== undefined && totalBytes !== sizeBytes) {
      const expected = hash === undefined ? '' : ` with digest ${formatDigest({ hash, sizeBytes })}`;
      throw mismatchError(response.url, `it has ${totalBytes} bytes`, `${sizeBytes} bytes${expected}`, response);
    }
    const total = totalBytes ?? sizeBytes;
    if (total !== undefined && total > limits.maxBytes) throw tooLargeError(response.url, limits.maxBytes);
    return total;
  }

  async #tooLong(response: HttpResponse, total: number | undefined) {
    await this.#startOver();
    return total === undefined
      ? tooLargeError(response.url, this.#file.limits.maxBytes)
      : mismatchError(response.url, `it has more than ${total} bytes`, `${total} bytes`, response);
  }

  async #startOver(): Promise<void> {
    await this.#writer.restart();
    this.#validator = undefined;
    this.#isOfOnePiece = true;
  }

  #isWanted({ hash, sizeBytes }: Digest): boolean {
    const wanted = this.#file;
    if (wanted.hash === undefined && wanted.sizeBytes === undefined) return true;
    return (wanted.hash === undefined || wanted.hash === hash) && (wanted.sizeBytes === undefined || wanted.sizeBytes === sizeBytes);
  }
}

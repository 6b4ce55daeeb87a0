// Takes one response from undici. Its own request() gives a Node stream, which drops what it holds when the connection breaks: on a
// line that breaks often that is downloaded twice. Here everything that arrived is given out before the failure is.
import type { Dispatcher } from 'undici';

/** The head of a response. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

// What may wait for the reader: enough that the connection does not stand still while it is at work.
const MOST_WAITING_BYTES = 512 * 1024;

/** An undici handler for one request. */
export class ResponseReceiver implements Dispatcher.DispatchHandler {
  /** Rejected where there is no answer. */
  readonly head: Promise<ResponseHead>;
  readonly #signal: AbortSignal | undefined;
  #answer!: (head: ResponseHead) => void;
  #fail!: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** `signal` ends the request, whatever it has come to. */
  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.head = new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
    });
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /**
   * The body; to be read once.
   * @throws what the connection failed with, after everything that had arrived
   */
  async *body(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#waiting.shift();
        if (piece !== undefined) {
          this.#waitingBytes -= piece.byteLength;
          if (this.#controller!.paused && this.#waitingBytes < MOST_WAITING_BYTES / 2) this.#controller!.resume();
          yield piece;
        } else if (this.#error !== undefined) {
          throw this.#error;
        } else if (this.#isEnded) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.#close();
    }
  }

  /** Reads a short rest, so that the connection can be used again; a long one costs less to cut. Never throws. */
  async dump(limitBytes: number): Promise<void> {
    try {
      let bytes = 0;
      for await (const piece of this.body()) {
        bytes += piece.byteLength;
        if (bytes > limitBytes) return;
      }
    } catch {
      // Nobody waits for the rest.
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal?.aborted) this.#abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHead['headers']): void {
    if (status >= 200) this.#answer({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.byteLength;
    if (this.#waitingBytes >= MOST_WAITING_BYTES) controller.pause();
    this.#wakeUp();
  }

  onResponseEnd(): void {
    this.#isEnded = true;
    this.#detach();
    this.#wakeUp();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#error = error;
    this.#detach();
    this.#fail(error);
    this.#wakeUp();
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    const error = reason instanceof Error ? reason : new Error('The request was cancelled');
    // Who cancels does not want what has arrived, nor wait for a connection.
    this.#waiting.length = 0;
    this.#controller?.abort(error);
    this.#fail(error);
  };

  // Left before its end: the connection cannot be used any more.
  #close(): void {
    if (this.#isEnded || this.#error !== undefined) return;
    this.#controller?.abort(new Error('The rest of the answer is not wanted'));
    this.#detach();
  }

  #detach(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

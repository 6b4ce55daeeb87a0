// A secret that does not get into texts by accident: every way of printing it gives a placeholder.
import { inspect } from 'node:util';

/** A password or token. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself: only for a header or body that goes to the server it belongs to. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

// The checksum that go.sum and the checksum database have for a module zip: a digest of its names and contents, whatever the zip's
// own bytes are. https://go.dev/ref/mod#go-sum-files and golang.org/x/mod/sumdb/dirhash
import { createHash } from 'node:crypto';
import { compareUtf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/digest.ts';

/** Collects the files of a module zip. */
export class GoSum {
  readonly #digests: [name: string, hex: string][] = [];

  /** Adds a file by its whole name in the zip: `<module>@<version>/<path>`, without a newline. */
  add(name: string, content: Uint8Array): void {
    this.#digests.push([name, sha256Hex(content)]);
  }

  /** `h1:<base64>` of everything that was added, in any order. */
  sum(): string {
    const hash = createHash('sha256');
    for (const [name, hex] of this.#digests.sort(([a], [b]) => compareUtf8(a, b))) hash.update(`${hex}  ${name}\n`);
    return `h1:${hash.digest('base64')}`;
  }
}

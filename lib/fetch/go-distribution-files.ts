// The files of a Go distribution as they come from an archive: a module zip, or a tar of https://go.dev/dl/.
import { setImmediate } from 'node:timers/promises';
import { printable } from '../base/printable.ts';
import type { GoSum } from '../go/go-sum.ts';
import type { Chunks } from '../tar/open-archive.ts';
import { readTar } from '../tar/read-tar.ts';
import { readModuleZip } from './go-module-zip.ts';

/** One file of a distribution. */
export interface GoDistributionFile {
  /** Below GOROOT, `/` between segments: checked, so it stays below. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly isExecutable: boolean;
}

/** What is wrong with the content of an archive. Whoever unpacks one knows where it came from. */
export class DistributionError extends Error {}

const MAX_FILE_BYTES = 512 * 1024 * 1024;
// Often enough that a progress line moves and a cancelled build ends.
const FILES_AT_A_TIME = 64;

/**
 * The files of a module zip, and through `sum` its checksum, which is complete after the last one.
 * @param prefix what every name has to begin with: `golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/`
 * @throws DistributionError, ZipError
 */
export async function* filesOfModuleZip(zip: string, prefix: string, sum: GoSum): AsyncGenerator<GoDistributionFile> {
  let count = 0;
  for (const { name, content } of readModuleZip(zip)) {
    if (++count % FILES_AT_A_TIME === 0) await setImmediate();
    sum.add(name, content);
    const path = pathBelow(prefix, name);
    yield { path, content, isExecutable: isProgram(path) };
    // A module has no other modules in it, so those of the standard library have another name in the zip: see Exec() in
    // cmd/go/internal/toolchain, which renames them too.
    if (/(^|\/)_go\.mod$/.test(path)) yield { path: path.replace(/_go\.mod$/, 'go.mod'), content, isExecutable: false };
  }
}

/**
 * The files of a `.tar.gz` of https://go.dev/dl/.
 * @throws DistributionError, OCIDSL_ARCHIVE_COMPRESSION, OCIDSL_ARCHIVE_CORRUPT; what reading `chunks` throws
 */
export async function* filesOfGoTar(chunks: Chunks, origin: string): AsyncGenerator<GoDistributionFile> {
  for await (const { name, type, sizeBytes, mode, content } of readTar(chunks, origin)) {
    if (type === 'directory') continue;
    if (type !== 'file' && type !== 'contiguous-file') throw new DistributionError(`"${printable(name)}" is neither a file nor a folder`);
    if (sizeBytes > MAX_FILE_BYTES) throw new DistributionError(`"${printable(name)}" is too large`);
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    yield { path: pathBelow('go/', name), content: Buffer.concat(parts, sizeBytes), isExecutable: (mode & 0o111) !== 0 };
  }
}

// Zips of modules have no modes: what runs is known by its place. As Exec() in cmd/go/internal/toolchain does.
function isProgram(path: string): boolean {
  return /^(?:bin|pkg\/tool)\//.test(path) || /^lib\/(?:.*\/)?go_[^/]+_[^/]+_exec$/.test(path);
}

function pathBelow(prefix: string, name: string): string {
  const path = name.slice(prefix.length);
  const isPlain = path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
  // oxlint-disable-next-line no-control-regex -- a checksum's lines end with a newline, and no file of Go has such a name
  if (!name.startsWith(prefix) || !isPlain || /[\u0000-\u001f\\:\u007f]/.test(path)) {
    throw new DistributionError(`"${printable(name)}" is no path of a file below "${printable(prefix)}"`);
  }
  return path;
}

// Files that a push reads when it runs: of the workspace, or made by targets.
import type { Digest } from '../base/digest.ts';
import { OcidslError } from '../base/errors.ts';
import type { SourceInput, SourcePlan } from '../rules/source-inputs.ts';
import { DOCUMENT_LIMIT_BYTES } from '../oci/strict-json.ts';
import type { Maker } from './make.ts';

/** What reading them needs. */
export interface PushFilesOptions {
  readonly maker: Maker;
  readonly signal: AbortSignal;
}

/** A file in the store. */
export interface StoredFile {
  /** Without folders. */
  readonly name: string;
  readonly digest: Digest;
}

/**
 * Makes the files that a plan stands for and puts them into the store.
 * @throws OCIDSL_INPUT_KIND where one is no regular file, and what making them throws
 */
export async function storeFiles(plan: SourcePlan, options: PushFilesOptions): Promise<StoredFile[]> {
  const { maker, signal } = options;
  const found = await Promise.all(plan.discoveries.map((discovery) => maker.discoveries.find(discovery, signal)));
  const stored: StoredFile[] = [];
  for (const input of plan.resolve(found).inputs) stored.push(...(await storeInput(input, options)));
  return stored;
}

/**
 * The lines of the one file that a plan stands for, without white space around them and without empty ones.
 * @throws OCIDSL_PUSH_FILE where it is not one file of text
 */
export async function readLines(plan: SourcePlan, what: string, options: PushFilesOptions): Promise<string[]> {
  const files = await storeFiles(plan, options);
  const [file] = files;
  const fail = (is: string, expected: string) =>
    new OcidslError({ code: 'OCIDSL_PUSH_FILE', message: `Cannot use ${what}: ${is}, expected ${expected}` });
  if (file === undefined || files.length > 1) throw fail(`it stands for ${files.length} files`, 'exactly one');
  if (file.digest.sizeBytes > DOCUMENT_LIMIT_BYTES) throw fail(`"${file.name}" has ${file.digest.sizeBytes} bytes`, 'a short text');
  const text = (await options.maker.store.cas.readBytes(file.digest)).toString('utf8').replace(/^\uFEFF/, '');
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '');
}

async function storeInput({ input, path }: SourceInput, { maker }: PushFilesOptions): Promise<StoredFile[]> {
  const { content } = input;
  if (content.kind === 'output' || content.kind === 'discovered') {
    const made = await maker.engine.make(content);
    // What an output folder has is named by its own files.
    return made.map((file) => ({ name: baseName(made.length === 1 ? path : file.path), digest: file.digest }));
  }
  const digest = content.kind === 'bytes' ? await maker.store.cas.write(content.bytes) : await storeSource(content.path, maker);
  return [{ name: baseName(path), digest }];
}

async function storeSource(path: string, { store, files }: Maker): Promise<Digest> {
  const writer = await store.cas.openWriter();
  try {
    for (const chunk of files.chunks(path)) await writer.write(chunk);
    return await writer.commit();
  } finally {
    await writer.abort();
  }
}

function baseName(path: string): string {
  return path.slice(path.replace(/\/$/, '').lastIndexOf('/') + 1);
}

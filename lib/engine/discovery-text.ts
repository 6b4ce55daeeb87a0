// Remembered discoveries as text. A file whose name is its path, as nearly every one of a glob's 100,000 is, takes one string.
import type { DiscoveredFile } from '../plan/discovery.ts';
import type { DiscoveryRecord } from './snapshot.ts';

type PackedFile = string | DiscoveredFile;
type PackedRecord = Omit<DiscoveryRecord, 'result'> & {
  readonly result: Omit<DiscoveryRecord['result'], 'files'> & { readonly files: readonly PackedFile[] };
};

const FILES_AT_ONCE = 1000;

/** The text of `records` in pieces. */
export function* discoveryTexts(records: readonly DiscoveryRecord[]): Generator<string, void, undefined> {
  yield '[';
  for (const [i, { id, result }] of records.entries()) {
    const { files, ...rest } = result;
    yield `${i === 0 ? '' : ','}{"id":${JSON.stringify(id)},"result":{"files":[`;
    for (let from = 0; from < files.length; from += FILES_AT_ONCE) {
      const some = JSON.stringify(files.slice(from, from + FILES_AT_ONCE).map((file) => packed(file)));
      yield `${from === 0 ? '' : ','}${some.slice(1, -1)}`;
    }
    // What is left has one property at least, `watched`.
    yield `],${JSON.stringify(rest).slice(1)}}`;
  }
  yield ']';
}

/** The records in the text that discoveryTexts() makes. @throws where it is damaged */
export function decodeDiscoveries(text: string): DiscoveryRecord[] {
  return (JSON.parse(text) as readonly PackedRecord[]).map(({ id, result }) => ({
    id,
    result: { ...result, files: result.files.map((file) => (typeof file === 'string' ? { name: file, path: file } : file)) },
  }));
}

function packed(file: DiscoveredFile): PackedFile {
  const { name, path, isExecutable, digest } = file;
  return name === path && isExecutable === undefined && digest === undefined ? name : file;
}

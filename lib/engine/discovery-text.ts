// Remembered discoveries as text. A file whose name is its path, as nearly every one of a glob's 100,000 is, takes one string.
import type { DiscoveredFile } from '../plan/discovery.ts';
import type { DiscoveryRecord } from './snapshot.ts';

type PackedFile = string | DiscoveredFile;
type PackedRecord = Omit<DiscoveryRecord, 'result'> & {
  readonly result: Omit<DiscoveryRecord['result'], 'files'> & { readonly files: readonly PackedFile[] };
};

/** The text of `records`. */
export function encodeDiscoveries(records: readonly DiscoveryRecord[]): string {
  return JSON.stringify(
    records.map(({ id, result }): PackedRecord => ({ id, result: { ...result, files: result.files.map((file) => packed(file)) } })),
  );
}

/** The records in a text that encodeDiscoveries() made. @throws where it is damaged */
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

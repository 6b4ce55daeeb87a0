import { chmodSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256Hex, type Digest } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { openDiskStore } from '../../../lib/store/disk-store.ts';
import { SegmentIndex } from '../../../lib/store/segment-index.ts';
import type { Segment } from '../../../lib/tar/segment-cache.ts';
import { HOSTILE_HASHES } from '../../conformance/content-addressable-storage.ts';
import { damage, temporaryFolder } from './rig.ts';

const key = (name: string) => sha256Hex(`key of ${name}`);

/** A cache directory with one stored archive of the given segments. */
async function stored(texts: readonly string[], directory = temporaryFolder()) {
  const { cas } = openDiskStore({ directory });
  const archive = await cas.write(Buffer.from(`head${texts.join('')}`));
  const segments: Segment[] = [];
  let offset = 4;
  for (const text of texts) {
    segments.push({ key: key(text), offset, sizeBytes: text.length, sha256: sha256Hex(text) });
    offset += text.length;
  }
  const layout = diskLayout(directory);
  new SegmentIndex(layout).keep(archive, segments);
  return { directory, layout, archive, segments, find: (text: string) => foundText(new SegmentIndex(layout), text) };
}

function foundText(index: SegmentIndex, text: string): string | undefined {
  const found = index.find(key(text));
  return found && Buffer.from(found.bytes).toString();
}

describe('SegmentIndex', () => {
  test('finds the bytes of what was kept, here or by another process, and nothing else', async () => {
    const { find, layout, archive, segments } = await stored(['first', 'second']);
    expect(find('first')).toBe('first');
    expect(find('second')).toBe('second');
    expect(find('third')).toBeUndefined();
    const index = new SegmentIndex(layout);
    expect(index.find(segments[1]!.key)?.sha256).toBe(segments[1]!.sha256);
    index.keep(archive, segments.slice(0, 1));
    expect(foundText(index, 'second')).toBeUndefined();
  });

  test('a damaged blob gives no segment, and the others of it still', async () => {
    const { find, layout, archive } = await stored(['first', 'second']);
    damage(layout.blob(archive), (bytes) => Buffer.from(bytes.toString().replace('first', 'fxrst')));
    expect(find('first')).toBeUndefined();
    expect(find('second')).toBe('second');
  });

  test('a blob that was cut off or removed gives no segment', async () => {
    const { find, layout, archive } = await stored(['first', 'second']);
    damage(layout.blob(archive), (bytes) => bytes.subarray(0, 12));
    expect(find('first')).toBe('first');
    expect(find('second')).toBeUndefined();
    rmSync(layout.blob(archive));
    expect(find('first')).toBeUndefined();
  });

  test('a note that does not match its checksum, or is of another archive, is no note', async () => {
    const { find, layout, archive } = await stored(['first']);
    damage(layout.segments(archive), (bytes) => Buffer.from(bytes.toString().replace(',5,', ',4,')));
    expect(find('first')).toBeUndefined();
    const other = await stored(['first']);
    const elsewhere: Digest = { hash: sha256Hex('elsewhere'), sizeBytes: 9 };
    damage(other.layout.segments(other.archive), () => Buffer.from('{}'));
    expect(other.find('first')).toBeUndefined();
    new SegmentIndex(other.layout).keep(elsewhere, other.segments);
    expect(other.find('first')).toBeUndefined();
  });

  test('may be deleted at any time', async () => {
    const { directory, layout, archive, segments, find } = await stored(['first']);
    rmSync(join(directory, 'v1', 'segments'), { recursive: true });
    expect(find('first')).toBeUndefined();
    new SegmentIndex(layout).keep(archive, segments);
    expect(find('first')).toBe('first');
  });

  test('keeps the archives that were stored last', async () => {
    const { directory, layout, archive, segments, find } = await stored(['first']);
    utimesSync(layout.segments(archive), 1, 1);
    const index = new SegmentIndex(layout);
    for (let i = 0; i < 40; i++) index.keep({ hash: sha256Hex(String(i)), sizeBytes: 1 }, segments);
    expect(readdirSync(join(directory, 'v1', 'segments'))).toHaveLength(32);
    expect(find('first')).toBeUndefined();
  });

  test('does not fail where nothing can be written or read', () => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'v1'), 'not a folder');
    chmodSync(directory, 0o500);
    const index = new SegmentIndex(diskLayout(directory));
    index.keep({ hash: sha256Hex(''), sizeBytes: 0 }, []);
    expect(index.find(key('first'))).toBeUndefined();
  });

  test.each(HOSTILE_HASHES)('writes nothing for an archive %j', (hash) => {
    const directory = temporaryFolder();
    new SegmentIndex(diskLayout(directory)).keep({ hash, sizeBytes: 0 }, []);
    expect(readdirSync(directory)).toEqual([]);
  });
});

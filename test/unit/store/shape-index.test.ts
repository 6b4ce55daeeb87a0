import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../lib/base/digest.ts';
import { diskLayout } from '../../../lib/store/disk-layout.ts';
import { ShapeIndex } from '../../../lib/store/shape-index.ts';
import { HOSTILE_HASHES } from '../../conformance/content-addressable-storage.ts';
import { temporaryFolder } from './rig.ts';

const shape = sha256Hex('shape');

describe('ShapeIndex', () => {
  test('knows what was added, here or by another process, and nothing else', () => {
    const layout = diskLayout(temporaryFolder());
    const index = new ShapeIndex(layout);
    expect(index.has(shape)).toBe(false);
    index.add(shape);
    index.add(shape);
    expect(index.has(shape)).toBe(true);
    expect(new ShapeIndex(layout).has(shape)).toBe(true);
    expect(index.has(sha256Hex('other'))).toBe(false);
  });

  test('may be deleted at any time', () => {
    const directory = temporaryFolder();
    const index = new ShapeIndex(diskLayout(directory));
    index.add(shape);
    rmSync(join(directory, 'v1'), { recursive: true });
    expect(index.has(shape)).toBe(false);
    index.add(shape);
    expect(index.has(shape)).toBe(true);
  });

  test('does not fail where nothing can be written', () => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'v1'), 'not a folder');
    chmodSync(directory, 0o500);
    const index = new ShapeIndex(diskLayout(directory));
    index.add(shape);
    expect(index.has(shape)).toBe(false);
  });

  test.each(HOSTILE_HASHES)('refuses %j', (hash) => {
    const index = new ShapeIndex(diskLayout(temporaryFolder()));
    expect(() => index.has(hash)).toThrow(expect.objectContaining({ code: 'OCIDSL_DIGEST_SYNTAX' }));
    expect(() => index.add(hash)).toThrow(expect.objectContaining({ code: 'OCIDSL_DIGEST_SYNTAX' }));
  });
});

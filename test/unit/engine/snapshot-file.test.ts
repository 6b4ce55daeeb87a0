import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Json } from '../../../lib/base/json.ts';
import { DeclarationTable, presentDeclarations } from '../../../lib/engine/declaration-table.ts';
import { FileIndex } from '../../../lib/engine/file-index.ts';
import type { Fingerprint } from '../../../lib/engine/fingerprint.ts';
import { readSnapshotFile } from '../../../lib/engine/read-snapshot-file.ts';
import type { DeclarationRecord, Snapshot, TargetRecord } from '../../../lib/engine/snapshot.ts';
import { checkUpToDate } from '../../../lib/engine/up-to-date.ts';
import { writeSnapshotFile } from '../../../lib/engine/write-snapshot-file.ts';
import { folderOf, put } from './rig.ts';

const VERSION = { identity: 'v1', settings: 'umask ä\n' };
const figure = fc.double({ min: 0, max: 2 ** 52, noNaN: true });
const fingerprints: fc.Arbitrary<Fingerprint> = fc.record({
  kind: fc.constantFrom('file', 'directory', 'symlink', 'other', 'absent'),
  sizeBytes: fc.maxSafeNat(),
  mtimeMs: figure,
  ctimeMs: figure,
  ino: fc.maxSafeNat(),
  mode: fc.nat(0o7777),
});
const hex = fc.stringMatching(/^[1-9a-f][0-9a-f]{63}$/);
const text = fc.string({ unit: 'grapheme', maxLength: 10 }).filter((each) => !each.includes('\0'));
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);

const snapshots: fc.Arbitrary<Snapshot> = fc
  .record({
    paths: fc.uniqueArray(
      fc.record({ path: text, fingerprint: fc.option(fingerprints, { nil: undefined }), hash: fc.option(hex, { nil: undefined }) }),
      { maxLength: 5, selector: ({ path }) => path },
    ),
    discoveries: fc.array(
      fc.record({ id: text, result: fc.record({ files: fc.constant([]), watched: fc.array(text, { maxLength: 2 }), facts: json }) }),
      { maxLength: 2 },
    ),
    declarations: fc
      .array(text, { minLength: 1, maxLength: 4 })
      .map((texts) => texts.map((each, i): DeclarationRecord => ({ text: `${each}\nrule`, uses: Array.from({ length: i }, (_, k) => k) }))),
    drafts: fc.array(fc.record({ key: text, declaration: fc.nat(), paths: fc.array(fc.nat(), { maxLength: 4 }), results: json }), {
      maxLength: 3,
    }),
  })
  .map(({ drafts, ...rest }) => ({
    ...rest,
    targets: drafts.map(({ key, declaration, paths, results }): TargetRecord => ({
      key,
      declaration: declaration % rest.declarations.length,
      paths: Uint32Array.from(rest.paths.length === 0 ? [] : paths.map((index) => index % rest.paths.length)),
      results,
    })),
  }));

const EXAMPLE: Snapshot = {
  paths: [
    {
      path: 'a/ä.txt',
      fingerprint: { kind: 'file', sizeBytes: 5, mtimeMs: 1.25, ctimeMs: 2.5, ino: 2 ** 53 - 1, mode: 0o644 },
      hash: 'ab'.repeat(32),
    },
    { path: '', fingerprint: undefined, hash: undefined },
  ],
  discoveries: [{ id: 'x', result: { files: [{ name: 'n', path: 'p' }], watched: ['w'], facts: { a: 1 } } }],
  declarations: [
    { text: 'a\nrule\n{}', uses: [] },
    { text: 'b\nrule\n{}', uses: [0] },
  ],
  targets: [{ key: 'a linux/amd64', declaration: 1, paths: Uint32Array.from([0, 1]), results: [{ label: 'a' }] }],
};

function written(snapshot: Snapshot = EXAMPLE): string {
  const file = join(folderOf(), 'snapshot');
  writeSnapshotFile(file, VERSION, snapshot);
  return file;
}

describe('the file of a snapshot', () => {
  test('gives back what was written', () => {
    const file = join(folderOf(), 'snapshot');
    fc.assert(
      fc.property(snapshots, (snapshot) => {
        writeSnapshotFile(file, VERSION, snapshot);
        expect(readSnapshotFile(file, VERSION.identity)!.unpack()).toEqual(snapshot);
      }),
    );
  });

  test('gives single records without unpacking', () => {
    const packed = readSnapshotFile(written(), VERSION.identity)!;
    expect([packed.targetKeys, packed.targetDeclarations, packed.pathCount, packed.path(0), packed.path(1)]).toEqual([
      ['a linux/amd64'],
      [1],
      2,
      'a/ä.txt',
      '',
    ]);
    expect([...packed.pathsOf(0)]).toEqual([0, 1]);
    expect(packed.resultsOf(0)).toEqual([{ label: 'a' }]);
  });

  test.each(['sizeBytes', 'mtimeMs', 'ctimeMs', 'ino', 'mode'] as const)('tells a state that differs in %s', (column) => {
    const packed = readSnapshotFile(written(), VERSION.identity)!;
    const { fingerprint } = EXAMPLE.paths[0]!;
    expect(packed.isUnchanged(0, fingerprint!)).toBe(true);
    expect(packed.isUnchanged(0, { ...fingerprint!, [column]: fingerprint![column] - 1 })).toBe(false);
  });

  test('trusts no state that was too fresh to be recorded, nor another kind', () => {
    const packed = readSnapshotFile(written(), VERSION.identity)!;
    const absent: Fingerprint = { kind: 'absent', sizeBytes: 0, mtimeMs: 0, ctimeMs: 0, ino: 0, mode: 0 };
    expect(packed.isUnchanged(1, absent)).toBe(false);
    expect(packed.isUnchanged(0, { ...EXAMPLE.paths[0]!.fingerprint!, kind: 'symlink' })).toBe(false);
  });

  test('is none where there is no file, or one of another version', () => {
    const file = written();
    expect(readSnapshotFile(`${file}.gone`, VERSION.identity)).toBeUndefined();
    expect(readSnapshotFile(file, 'v2')).toBeUndefined();
    expect(readSnapshotFile(file, VERSION.identity)?.settings).toBe(VERSION.settings);
  });

  test('is none wherever it is cut, and with anything after its end', () => {
    const file = written();
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; length++) {
      truncateSync(file, length);
      expect(readSnapshotFile(file, VERSION.identity), `cut at ${length}`).toBeUndefined();
      writeFileSync(file, whole);
    }
    writeFileSync(file, Buffer.concat([whole, Buffer.from([0])]));
    expect(readSnapshotFile(file, VERSION.identity)).toBeUndefined();
  });

  test('never throws, whatever byte is damaged', () => {
    const file = written();
    const whole = readFileSync(file);
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0xff, whole[at]! ^ 0x10]) {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        writeFileSync(file, damaged);
        const packed = readSnapshotFile(file, VERSION.identity);
        packed?.unpack();
        if (packed !== undefined) checkUpToDate(packed, '/nowhere', ['a linux/amd64'], () => 'a\nrule\n{}');
      }
    }
  });

  test('is none when its end was lost to zeros, as after a power failure', () => {
    const file = written();
    const whole = readFileSync(file);
    for (let at = whole.indexOf(10); at < whole.length - 1; at += 7) {
      writeFileSync(file, Buffer.from(whole).fill(0, at));
      expect(readSnapshotFile(file, VERSION.identity)?.unpack(), `zeros from ${at}`).toBeUndefined();
    }
  });

  test('that cannot be written leaves what was there, and no temporary file', () => {
    const file = written();
    mkdirSync(`${file}.${process.pid}.tmp`);
    expect(() => writeSnapshotFile(file, VERSION, EXAMPLE)).toThrow('EISDIR');
    expect(readSnapshotFile(file, VERSION.identity)).toBeDefined();
    const folder = join(file, '..');
    expect(readdirSync(folder).filter((name) => name !== 'snapshot' && !name.endsWith('.tmp'))).toEqual([]);
  });

  test('is written beside what killed commands left, which goes after a day', () => {
    const file = written();
    const folder = join(file, '..');
    const others = ['other.1.tmp', 'snapshot.x'];
    for (const name of [...others, 'snapshot.1.tmp', 'snapshot.2.tmp']) writeFileSync(join(folder, name), 'half');
    writeSnapshotFile(file, VERSION, EXAMPLE);
    expect(readdirSync(folder).sort()).toEqual([...others, 'snapshot', 'snapshot.1.tmp', 'snapshot.2.tmp'].sort());
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 25 * 60 * 60 * 1000);
    try {
      writeSnapshotFile(file, VERSION, EXAMPLE);
    } finally {
      clock.mockRestore();
    }
    expect(readdirSync(folder).sort()).toEqual([...others, 'snapshot'].sort());
    expect(readSnapshotFile(file, VERSION.identity)).toBeDefined();
  });
});

describe('declarations', () => {
  const records: DeclarationRecord[] = [
    { text: 'base\nrule\n1', uses: [] },
    { text: 'user\nrule\n1', uses: [0] },
    { text: 'other\nrule\n1', uses: [] },
  ];
  const now = (texts: Readonly<Record<string, string>>) => (label: string) => texts[label];

  test('are present where they and all that they use are declared just so', () => {
    const present = (texts: Readonly<Record<string, string>>) => [...presentDeclarations(records, now(texts))];
    const all = Object.fromEntries(records.map(({ text: each }) => [each.split('\n')[0]!, each]));
    expect(present(all)).toEqual([1, 1, 1]);
    expect(present({ ...all, base: 'base\nrule\n2' })).toEqual([0, 0, 1]);
    expect(present({ ...all, user: 'user\nother\n1' })).toEqual([1, 0, 1]);
    const { base: _, ...withoutBase } = all;
    expect(present(withoutBase)).toEqual([0, 0, 1]);
  });

  test('of the same text and uses are one record; others are adopted with what they use', () => {
    const table = new DeclarationTable();
    expect([table.add('base\nrule\n1', []), table.add('base\nrule\n1', []), table.add('base\nrule\n2', [])]).toEqual([0, 0, 1]);
    const places = table.adopt(records, [1]);
    expect([...places]).toEqual([
      [0, 0],
      [1, 2],
    ]);
    expect(table.records).toEqual([
      { text: 'base\nrule\n1', uses: [] },
      { text: 'base\nrule\n2', uses: [] },
      { text: 'user\nrule\n1', uses: [0] },
    ]);
  });
});

describe('checkUpToDate()', () => {
  const KEY = 'a linux/amd64';
  /** A snapshot of a target that read `a` and `gone` and wrote `out/x`, taken when nothing was fresh. */
  function rig() {
    const root = folderOf({ a: '1', 'out/x': '2' });
    const files = new FileIndex(root);
    const paths = ['a', 'gone', 'out/x'];
    files.lookSince(paths, Date.now() + 3_600_000);
    const snapshot: Snapshot = {
      paths: paths.map((path) => files.record(path)),
      discoveries: [],
      declarations: [{ text: 'a\nrule\n{}', uses: [] }],
      targets: [{ key: KEY, declaration: 0, paths: Uint32Array.from([0, 1, 2]), results: ['line'] }],
    };
    const check = (wanted = [KEY], declared: string | undefined = 'a\nrule\n{}') =>
      checkUpToDate(readSnapshotFile(written(snapshot), VERSION.identity)!, root, wanted, () => declared);
    return { root, check };
  }

  test('gives the recorded results where nothing changed, in the order asked for', () => {
    const { check } = rig();
    expect(check()).toEqual([['line']]);
    expect(check([])).toEqual([]);
  });

  test.each<[string, (root: string) => void]>([
    ['an input changed', (root) => put(root, 'a', '22')],
    ['an output changed', (root) => put(root, 'out/x', '33')],
    ['what was not there appeared', (root) => put(root, 'gone', '')],
  ])('is undefined where %s', (_, change) => {
    const { root, check } = rig();
    change(root);
    expect(check()).toBeUndefined();
  });

  test('is undefined for another platform, another declaration and an unknown target', () => {
    const { check } = rig();
    expect(check(['a linux/arm64'])).toBeUndefined();
    expect(check([KEY, 'b linux/amd64'])).toBeUndefined();
    expect(check([KEY], 'a\nrule\n{"x":1}')).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openNote, parseNoteKey } from '../../../lib/go/signed-note.ts';
import { isInLog, parseLogRecord, parseLogTree, type ReadTile } from '../../../lib/go/transparency-log.ts';
import { FakeSumDatabase } from '../fetch/go-rig.ts';

// An answer of sum.golang.org of 22 November 2026.
const KEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
const ANSWER = `61743986
golang.org/toolchain v0.0.1-go1.26.8.linux-amd64 h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=
golang.org/toolchain v0.0.1-go1.26.8.linux-amd64/go.mod h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=

go.sum database tree
61744056
lygJPVk1GothwxHy0ttLmWqpQzSwa+CXOtLULeC/x1Y=

— sum.golang.org Az3grjlHXVppE8ZwNu7pCQcTVUOAur74F9II3UzqnDnlKOtb4XixvoXasY7HCMJkcYkEy99MEApdbwNWmHPHmQFtawQ=
`;

describe('signed notes', () => {
  const key = parseNoteKey(KEY)!;
  const { note } = parseLogRecord(ANSWER)!;

  test("the checksum database's own answer", () => {
    expect(parseLogRecord(ANSWER)).toMatchObject({ id: 61743986, text: ANSWER.split('\n').slice(1, 3).join('\n') + '\n' });
    expect(key).toMatchObject({ name: 'sum.golang.org', id: '033de0ae' });
    expect(parseLogTree(openNote(note, key)!)).toEqual({
      size: 61744056,
      root: Buffer.from('lygJPVk1GothwxHy0ttLmWqpQzSwa+CXOtLULeC/x1Y=', 'base64'),
    });
  });

  test('signatures of others beside it are passed over', () => {
    expect(openNote(note.replace('\n\n', '\n\n— other.example.org AAAAAAAA\n'), key)).toBe(openNote(note, key));
  });

  test.each([
    ['another size', note.replace('61744056', '61744057')],
    ['another root', note.replace('lygJ', 'lygK')],
    ['another signature', note.replace('Az3grjlH', 'Az3grjlI')],
    ['another key of that name', note.replace('Az3grj', 'Az3grk')],
    ['no signature', note.slice(0, note.indexOf('\n\n') + 2)],
    ['a signature of another name only', note.replace('— sum.golang.org', '— sum.golang.com')],
    ['no last newline', note.slice(0, -1)],
    ['a line that is no signature', `${note}x\n`],
    ['a control character', note.replace('\n\n', '\n\r\n\n')],
    ['nothing', ''],
  ])('%s is not trusted', (_, text) => {
    expect(openNote(text, key)).toBeUndefined();
  });

  test.each([
    ['another id', KEY.replace('033de0ae', '033de0af')],
    ['another name', KEY.replace('golang.org', 'example.org')],
    ['another algorithm', KEY.replace('+Ac4z', '+As4z')],
    ['a short key', KEY.slice(0, -4)],
    ['a word', 'off'],
  ])('a key with %s is none', (_, text) => {
    expect(parseNoteKey(text)).toBeUndefined();
  });
});

describe('texts of the database', () => {
  test.each(['', 'x', '5', '5\n\nnote', '-1\na\n\n', '05\na\n\n', '99999999999999999\na\n\n', '5\na\n'])('%j is no record', (text) => {
    expect(parseLogRecord(text)).toBeUndefined();
  });

  test.each([
    '',
    'go.sum database tree\n5\n',
    'go.sum database tree\n05\nlygJPVk1GothwxHy0ttLmWqpQzSwa+CXOtLULeC/x1Y=\n',
    'other tree\n5\nlygJPVk1GothwxHy0ttLmWqpQzSwa+CXOtLULeC/x1Y=\n',
  ])('%j is no tree', (text) => {
    expect(parseLogTree(text)).toBeUndefined();
  });
});

describe('proofs', () => {
  // Records of the smallest tree whose tiles have three levels would be 65,536: this one has two, and all shapes of the right edge.
  const database = new FakeSumDatabase().fill(700);
  const treeOf = (size: number) => ({ size, root: database.hash(0, size) });
  const readTile: ReadTile = async (path, partial, width) =>
    Buffer.from(database.answer(partial ?? path) ?? database.answer(path)!).subarray(0, width * 32);
  const sizeAndId = fc.integer({ min: 1, max: 700 }).chain((size) => fc.tuple(fc.constant(size), fc.nat({ max: size - 1 })));

  test('every record of every tree is in it', async () => {
    await fc.assert(
      fc.asyncProperty(sizeAndId, async ([size, id]) => {
        expect(await isInLog(treeOf(size), id, database.records[id]!, readTile)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(sizeAndId, fc.nat({ max: 699 }), async ([size, id], other) => {
        fc.pre(other !== id);
        expect(await isInLog(treeOf(size), id, database.records[other]!, readTile)).toBe(false);
      }),
      { numRuns: 150 },
    );
    expect(await isInLog(treeOf(10), 10, database.records[10]!, readTile)).toBe(false);
  });

  test('a tile with a wrong hash proves nothing, wherever it is wrong', async () => {
    const tree = treeOf(700);
    let asked = 0;
    await isInLog(tree, 300, database.records[300]!, async (...tile) => (asked++, await readTile(...tile)));
    expect(asked).toBeGreaterThan(5);
    for (let wrong = 0; wrong < asked; wrong++) {
      let count = 0;
      const lying: ReadTile = async (...tile) => {
        const hashes = Buffer.from(await readTile(...tile));
        if (count++ === wrong) for (let i = 0; i < hashes.length; i += 32) hashes[i]! ^= 1;
        return hashes;
      };
      expect(await isInLog(tree, 300, database.records[300]!, lying)).toBe(false);
    }
  });

  test('the numbers of tiles', async () => {
    const asked = new Set<string>();
    await isInLog({ size: 61744056, root: Buffer.alloc(32) }, 61743986, '', async (path, partial, width) => {
      asked.add(partial ?? path);
      return Buffer.alloc(width * 32);
    });
    // As the go command asks for them: cmd/go/internal/modfetch, tlog.Tile.Path().
    expect([...asked].sort()).toEqual(['tile/8/0/x241/187.p/184', 'tile/8/1/942.p/35', 'tile/8/2/003.p/174', 'tile/8/3/000.p/3']);
  });
});

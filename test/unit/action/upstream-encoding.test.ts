import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAction, encodeAction } from '../../../lib/action/action.ts';
import { decodeActionResult, encodeActionResult } from '../../../lib/action/action-result.ts';
import { decodeCommand, encodeCommand } from '../../../lib/action/command.ts';
import { decodeDirectory, encodeDirectory } from '../../../lib/action/directory.ts';
import { writePlatform } from '../../../lib/action/platform.ts';
import { decodeTree, encodeTree } from '../../../lib/action/tree.ts';
import { encodeMessage } from '../../../lib/action/wire.ts';
import { compareUtf8, sortedUtf8 } from '../../../lib/base/bytes.ts';
import { digestOf } from '../../../lib/base/digest.ts';
import { actionJson, actionResultJson, testDigest, upstreamBytes } from './upstream.ts';
import type { Action } from '../../../lib/action/action.ts';
import type { ActionResult } from '../../../lib/action/action-result.ts';
import type { Command } from '../../../lib/action/command.ts';
import type { Directory } from '../../../lib/action/directory.ts';

// One of each message, with whatever may go wrong: empty elements, non-ASCII text, sizes above 4 GiB, long lengths.
const command: Command = {
  arguments: ['ocidsl', 'tool', 'tar', '1', '', 'spec.json', 'ü'.repeat(100)],
  environmentVariables: [
    { name: 'EMPTY', value: '' },
    { name: 'PATH', value: '/bin' },
  ],
  outputPaths: ['layer.tar', 'layer/🦭', 'z'],
  workingDirectory: 'work',
};
const directory: Directory = {
  files: [
    { name: 'big', digest: testDigest('a', 9 * 2 ** 30), isExecutable: false },
    { name: 'run', digest: testDigest('b', 0), isExecutable: true },
    { name: '\u{ffee}', digest: testDigest('c', 127), isExecutable: false },
    { name: '🦭', digest: testDigest('d', 128), isExecutable: false },
  ],
  directories: [{ name: 'lib', digest: testDigest('e', 300) }],
  symlinks: [{ name: 'link', target: '../elsewhere' }],
};
const empty: Directory = { files: [], directories: [], symlinks: [] };
const tree = { root: directory, children: [empty, directory] };
const platform = {
  properties: [
    { name: 'ISA', value: 'x86-64' },
    { name: 'OSFamily', value: 'linux' },
  ],
};
const action: Action = {
  commandDigest: testDigest('1', 10),
  inputRootDigest: testDigest('2', 0),
  timeout: { seconds: 90, nanos: 500_000_000 },
  doNotCache: true,
  salt: Buffer.from([0, 255]),
  platform,
};
const plainAction: Action = { commandDigest: testDigest('1', 10), inputRootDigest: testDigest('2', 20) };
const result: ActionResult = {
  outputFiles: [
    { path: 'a', digest: testDigest('3', 33_000_000), isExecutable: true },
    { path: 'a/b', digest: testDigest('4', 1), isExecutable: false },
  ],
  outputDirectories: [{ path: 'dir', treeDigest: testDigest('5', 5) }],
  outputSymlinks: [{ path: 'link', target: '/absolute' }],
  exitCode: -1,
  stdout: Buffer.from('warning: ü\n'),
  stderr: Buffer.alloc(0),
};

const ours: Record<string, Buffer> = {
  Command: encodeCommand(command),
  Directory: encodeDirectory(directory),
  'Directory, empty': encodeDirectory(empty),
  Tree: encodeTree(tree),
  Platform: encodeMessage(platform, writePlatform),
  Action: encodeAction(action),
  'Action, defaults': encodeAction(plainAction),
  ActionResult: encodeActionResult(result),
};
const json: Record<string, unknown> = {
  Command: command,
  Directory: directory,
  'Directory, empty': empty,
  Tree: tree,
  Platform: platform,
  Action: actionJson(action),
  'Action, defaults': actionJson(plainAction),
  ActionResult: actionResultJson(result),
};

interface Golden {
  readonly name: string;
  readonly message: string;
  readonly json: unknown;
  readonly sizeBytes: number;
  readonly sha256: string;
}

// A digest here changes only with the wire format, and then every cache in the world is cold: think twice.
const golden = JSON.parse(readFileSync(new URL('../../golden/action-digests.json', import.meta.url), 'utf8')) as Golden[];

describe('golden digests', () => {
  test('there is one of each message', () => {
    expect(golden.map((entry) => entry.name)).toEqual(Object.keys(ours));
  });

  test.each(golden)('$name', ({ name, message, json: goldenJson, sizeBytes, sha256 }) => {
    expect(goldenJson).toEqual(JSON.parse(JSON.stringify(json[name])));
    expect(digestOf(ours[name] as Buffer)).toEqual({ hash: sha256, sizeBytes });
    expect(digestOf(upstreamBytes(message, goldenJson))).toEqual({ hash: sha256, sizeBytes });
  });
});

const digests = fc.record({
  hash: fc.stringMatching(/^[0-9a-f]{64}$/),
  sizeBytes: fc.oneof(fc.nat(300), fc.maxSafeNat()),
});
// Whole code points, so that the text has a UTF-8 form.
const text = fc.string({ unit: 'binary', maxLength: 200 });
const segment = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 150 })
  .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..');
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const bytes = fc.uint8Array({ maxLength: 300 });

function byKey<T>(values: readonly T[], key: (value: T) => string): T[] {
  const unique = new Map(values.map((value) => [key(value), value]));
  return [...unique.values()].sort((a, b) => compareUtf8(key(a), key(b)));
}

const commands: fc.Arbitrary<Command> = fc.record({
  arguments: fc.array(text, { minLength: 1, maxLength: 5 }),
  environmentVariables: fc.array(fc.record({ name: text, value: text })).map((all) => byKey(all, ({ name }) => name)),
  outputPaths: fc.array(path).map((all) => sortedUtf8(new Set(all))),
  workingDirectory: fc.oneof(fc.constant(''), path),
});
const directories: fc.Arbitrary<Directory> = fc
  .array(fc.record({ name: segment, digest: digests, isExecutable: fc.boolean(), target: segment, kind: fc.nat(2) }), { maxLength: 8 })
  .map((all) => {
    const nodes = byKey(all, ({ name }) => name);
    return {
      files: nodes.filter(({ kind }) => kind === 0).map(({ name, digest, isExecutable }) => ({ name, digest, isExecutable })),
      directories: nodes.filter(({ kind }) => kind === 1).map(({ name, digest }) => ({ name, digest })),
      symlinks: nodes.filter(({ kind }) => kind === 2).map(({ name, target }) => ({ name, target })),
    };
  });
const platforms = fc
  .array(fc.record({ name: text, value: text }))
  .map((all) => ({ properties: byKey(all, ({ name, value }) => `${name}\0${value}`) }))
  .filter(({ properties }) => properties.every(({ name }) => !name.includes('\0')));
const actions: fc.Arbitrary<Action> = fc.record(
  {
    commandDigest: digests,
    inputRootDigest: digests,
    timeout: fc.record({ seconds: fc.nat(1_000_000), nanos: fc.nat(999_999_999) }),
    doNotCache: fc.boolean(),
    salt: bytes,
    platform: platforms,
  },
  { requiredKeys: ['commandDigest', 'inputRootDigest'] },
);
const results: fc.Arbitrary<ActionResult> = fc.record({
  outputFiles: fc.array(fc.record({ path, digest: digests, isExecutable: fc.boolean() })).map((all) => byKey(all, (file) => file.path)),
  outputDirectories: fc.array(fc.record({ path, treeDigest: digests })).map((all) => byKey(all, (output) => output.path)),
  outputSymlinks: fc.array(fc.record({ path, target: segment })).map((all) => byKey(all, (output) => output.path)),
  exitCode: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  stdout: bytes,
  stderr: bytes,
});

// Gives the digests' sizes as JSON text: a JSON number above 2^53 is not exact.
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, item: unknown) => (key === 'sizeBytes' ? String(item) : item)));
const canonicalBytes = (value: Uint8Array) => Buffer.from(value).toString('hex');

describe('every message is byte for byte what upstream makes of it, and reads back as it was', () => {
  test('Command', () => {
    fc.assert(
      fc.property(commands, (value) => {
        const encoded = encodeCommand(value);
        expect(encoded).toEqual(upstreamBytes('Command', plain(value)));
        expect(decodeCommand(encoded)).toEqual(value);
      }),
    );
  });

  test('Directory', () => {
    fc.assert(
      fc.property(directories, (value) => {
        const encoded = encodeDirectory(value);
        expect(encoded).toEqual(upstreamBytes('Directory', plain(value)));
        expect(decodeDirectory(encoded)).toEqual(value);
      }),
    );
  });

  test('Tree', () => {
    fc.assert(
      fc.property(fc.record({ root: directories, children: fc.array(directories, { maxLength: 3 }) }), (value) => {
        const encoded = encodeTree(value);
        expect(encoded).toEqual(upstreamBytes('Tree', plain(value)));
        expect(decodeTree(encoded)).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  test('Action', () => {
    fc.assert(
      fc.property(actions, (value) => {
        const encoded = encodeAction(value);
        expect(encoded).toEqual(upstreamBytes('Action', plain(actionJson(value))));
        expect(encodeAction(decodeAction(encoded))).toEqual(encoded);
      }),
    );
  });

  test('ActionResult', () => {
    fc.assert(
      fc.property(results, (value) => {
        const encoded = encodeActionResult(value);
        expect(encoded).toEqual(upstreamBytes('ActionResult', plain(actionResultJson(value))));
        const decoded = decodeActionResult(encoded);
        expect({ ...decoded, stdout: canonicalBytes(decoded.stdout), stderr: canonicalBytes(decoded.stderr) }).toEqual({
          ...value,
          stdout: canonicalBytes(value.stdout),
          stderr: canonicalBytes(value.stderr),
        });
      }),
    );
  });
});

describe('what is not canonical is refused', () => {
  test('values do not run into one another', () => {
    const variants: Command[] = [
      { arguments: ['a', 'b'], environmentVariables: [], outputPaths: [], workingDirectory: '' },
      { arguments: ['ab'], environmentVariables: [], outputPaths: [], workingDirectory: '' },
      { arguments: ['a', 'b', ''], environmentVariables: [], outputPaths: [], workingDirectory: '' },
      { arguments: ['a'], environmentVariables: [], outputPaths: ['b'], workingDirectory: '' },
      { arguments: ['a'], environmentVariables: [], outputPaths: [], workingDirectory: 'b' },
      { arguments: ['a'], environmentVariables: [{ name: 'b', value: '' }], outputPaths: [], workingDirectory: '' },
      { arguments: ['a'], environmentVariables: [{ name: '', value: 'b' }], outputPaths: [], workingDirectory: '' },
    ];
    expect(new Set(variants.map((variant) => digestOf(encodeCommand(variant)).hash)).size).toBe(variants.length);
  });

  test.each<[string, () => unknown, string]>([
    ['no arguments', () => encodeCommand({ ...command, arguments: [] }), 'it has no arguments'],
    ['unsorted output paths', () => encodeCommand({ ...command, outputPaths: ['b', 'a'] }), 'it comes after "b"'],
    ['UTF-16 order', () => encodeCommand({ ...command, outputPaths: ['🦭', '\u{ffee}'] }), 'it comes after "🦭"'],
    ['an output path twice', () => encodeCommand({ ...command, outputPaths: ['a', 'a'] }), 'it is there twice'],
    ['an output path outside', () => encodeCommand({ ...command, outputPaths: ['a/../../b'] }), '".." segment'],
    ['an absolute working directory', () => encodeCommand({ ...command, workingDirectory: '/tmp' }), 'it is absolute'],
    ['a lone surrogate', () => encodeCommand({ ...command, arguments: ['a\ud800'] }), 'lone surrogate'],
    [
      'a variable twice',
      () =>
        encodeCommand({
          ...command,
          environmentVariables: [
            { name: 'A', value: '1' },
            { name: 'A', value: '2' },
          ],
        }),
      'it is there twice',
    ],
    ['a name with a slash', () => encodeDirectory({ ...empty, symlinks: [{ name: 'a/b', target: 'c' }] }), 'it has a slash'],
    ['a name in two lists', () => encodeDirectory({ ...directory, symlinks: [{ name: 'big', target: 'c' }] }), '"big": it is there twice'],
    [
      'an unsorted platform',
      () => encodeAction({ ...plainAction, platform: { properties: [...platform.properties].reverse() } }),
      'Platform',
    ],
    ['too much output', () => encodeActionResult({ ...result, stdout: Buffer.alloc(256 * 1024 + 1) }), 'at most 262144'],
  ])('encoding %s', (_, encode, message) => {
    expect(encode).toThrow(message);
  });

  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
  test.each<[string, (bytes: Buffer) => unknown, Buffer, string]>([
    ['fields in another order', decodeCommand, hex('32 01 77 0a 01 61'), 'not in canonical form'],
    ['a written default', decodeCommand, hex('0a 01 61 32 00'), 'not in canonical form'],
    ['an unknown field', decodeCommand, hex('0a 01 61 f2 01 00'), 'not in canonical form'],
    ['unsorted output paths', decodeCommand, hex('0a 01 61 3a 01 62 3a 01 61'), 'it comes after "b"'],
    ['a path outside', decodeCommand, hex('0a 01 61 3a 04 2e 2e 2f 61'), '".." segment'],
    ['a cut text', decodeCommand, hex('0a 05 61'), 'it ends within a field'],
    ['a cut number', decodeCommand, hex('0a 80'), 'it ends within a number'],
    ['an overlong number', decodeCommand, hex('0a 81 00 61'), 'is overlong'],
    ['a number above 64 bits', decodeCommand, hex('38 ff ff ff ff ff ff ff ff ff 02'), 'is overlong'],
    ['field number zero', decodeCommand, hex('02 00'), 'it has a field 0'],
    ['a group', decodeCommand, hex('0b'), 'wire type 3'],
    ['another wire type', decodeCommand, hex('08 01'), 'has wire type 0'],
    ['bytes that are not UTF-8', decodeCommand, hex('0a 01 ff'), 'is not UTF-8'],
    ['a digest that is not one', decodeAction, hex('0a 03 0a 01 61 12 03 0a 01 61'), 'its digest has another form'],
    ['no digest', decodeAction, hex(''), 'it has no digest'],
    ['node properties', decodeDirectory, hex('2a 00'), 'it has a field 5'],
    ['no root', decodeTree, hex(''), 'it has no root'],
    ['stdout by digest', decodeActionResult, upstreamBytes('ActionResult', { stdoutDigest: testDigest('a', 1) }), 'it has a field 6'],
    [
      'old symlinks',
      decodeActionResult,
      upstreamBytes('ActionResult', { outputFileSymlinks: [{ path: 'a', target: 'b' }] }),
      'it has a field 10',
    ],
    [
      'a result with ".."',
      decodeActionResult,
      upstreamBytes('ActionResult', { outputFiles: [{ path: '../a', digest: testDigest('a', 1) }] }),
      '".." segment',
    ],
    [
      'an output twice',
      decodeActionResult,
      upstreamBytes('ActionResult', {
        outputSymlinks: [
          { path: 'a', target: 'b' },
          { path: 'a', target: 'c' },
        ],
      }),
      'it is there twice',
    ],
  ])('decoding %s', (_, decode, encoded, message) => {
    expect(() => decode(encoded)).toThrow(message);
    expect(() => decode(encoded)).toThrow(expect.objectContaining({ code: 'OCIDSL_MESSAGE_SYNTAX', kind: 'integrity' }));
  });

  test('decoding cut or changed bytes fails or gives another value, but never throws anything else', () => {
    fc.assert(
      fc.property(results, fc.nat(), fc.nat(255), fc.boolean(), (value, where, byte, cut) => {
        const encoded = encodeActionResult(value);
        const at = encoded.length === 0 ? 0 : where % encoded.length;
        const changed = cut ? encoded.subarray(0, at) : Buffer.from(encoded).fill(byte, at, at + 1);
        try {
          decodeActionResult(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 'OCIDSL_MESSAGE_SYNTAX' });
        }
      }),
    );
  });

  test('a result that a server has annotated and reordered is read, with its lists sorted', () => {
    const annotated = upstreamBytes('ActionResult', {
      outputFiles: [...result.outputFiles].reverse().map((file) => ({ ...file, contents: 'AAAA' })),
      executionMetadata: { worker: 'w', queuedTimestamp: '2026-01-01T00:00:00Z' },
      exitCode: 0,
    });
    const decoded = decodeActionResult(annotated);
    expect(decoded.outputFiles).toEqual(result.outputFiles);
  });
});

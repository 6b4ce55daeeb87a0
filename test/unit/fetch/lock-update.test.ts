// Updating a lock in memory: what targets want together, what is kept, what failed, what changed, what is missing.
import { describe, expect, it } from 'vitest';
import { OcidslError } from '../../../lib/base/errors.ts';
import { lockChangeText, lockPinText } from '../../../lib/fetch/lock-change-text.ts';
import { lockChanges } from '../../../lib/fetch/lock-changes.ts';
import { wantedPins } from '../../../lib/fetch/lock-kinds.ts';
import { lockProblems } from '../../../lib/fetch/lock-problems.ts';
import { updateLock, type LockResolvers } from '../../../lib/fetch/lock-update.ts';
import { OCI } from '../../../lib/oci/media-types.ts';
import { EMPTY_LOCK, type Lock, type LockedImage, type LockRequest } from '../../../lib/plan/lock.ts';
import { failureOf } from '../registry/rig.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const manifest = (letter: string) => ({ mediaType: OCI.manifest, digest: digest(letter), size: 1 });
const imagePin = (letter: string, platforms: Record<string, string> = { 'linux/amd64': letter }): LockedImage => ({
  mediaType: OCI.index,
  digest: digest(letter),
  size: 1,
  platforms: Object.fromEntries(Object.entries(platforms).map(([platform, each]) => [platform, manifest(each)])),
});
const image = (reference: string, platforms?: string[]): LockRequest => ({ kind: 'image', reference, platforms });
const file = (...urls: string[]): LockRequest => ({ kind: 'file', urls });
const go = (version: string): LockRequest => ({ kind: 'go-toolchain', version });
const asked = (requests: Record<string, LockRequest[]>) =>
  wantedPins(Object.entries(requests).flatMap(([label, each]) => each.map((request) => ({ label, request }))));

describe('wantedPins()', () => {
  it('asks for each pin once, with everything that targets want of it', () => {
    expect(
      asked({
        a: [image('r/x:1', ['linux/amd64']), file('https://a', 'https://b')],
        b: [image('r/x:1', ['linux/arm64', 'linux/amd64']), go('1.26.8')],
        c: [file('https://a', 'https://c'), go('1.26.8')],
      }),
    ).toEqual([
      { request: image('r/x:1', ['linux/amd64', 'linux/arm64']), name: 'r/x:1', labels: ['a', 'b'] },
      { request: file('https://a', 'https://b', 'https://c'), name: 'https://a', labels: ['a', 'c'] },
      { request: { ...go('1.26.8'), urls: {} }, name: '1.26.8', labels: ['b', 'c'] },
    ]);
  });

  it('keeps the platforms of one target where another is content with any', () => {
    expect(asked({ a: [image('r/x:1')], b: [image('r/x:1', ['linux/amd64'])] })[0]!.request).toEqual(image('r/x:1', ['linux/amd64']));
    expect(asked({ a: [image('r/x:1')], b: [image('r/x:1')] })[0]!.request).toEqual(image('r/x:1'));
  });
});

const RESOLVERS: LockResolvers = {
  image: async ({ reference }) => {
    if (reference.includes('unknown')) throw new OcidslError({ code: 'OCIDSL_IMAGE_UNKNOWN', message: `Cannot find ${reference}` });
    return imagePin('b');
  },
  file: async () => ({ digest: digest('f'), size: 3 }),
  'go-toolchain': async () => ({ 'linux/amd64': { h1: 'h1:x' } }),
};
const signal = new AbortController().signal;

describe('updateLock()', () => {
  const kept: Lock = { ...EMPTY_LOCK, images: { 'r/x:1': imagePin('a'), 'r/y:1': imagePin('a') } };

  it('puts what is wanted beside what is kept', async () => {
    const wanted = asked({ a: [image('r/x:1'), file('https://a'), go('1.26.8')] });
    expect(await updateLock({ wanted, kept, resolvers: RESOLVERS, signal })).toEqual({
      images: { 'r/x:1': imagePin('b'), 'r/y:1': imagePin('a') },
      files: { 'https://a': { digest: digest('f'), size: 3 } },
      goToolchains: { '1.26.8': { 'linux/amd64': { h1: 'h1:x' } } },
    });
    expect(kept.images['r/x:1']).toEqual(imagePin('a'));
  });

  it('tells every failure, each with the first target that asks', async () => {
    const wanted = asked({ a: [image('r/fine:1')], b: [image('r/unknown:1')], c: [image('r/unknown:2'), image('r/unknown:1')] });
    expect(await failureOf(updateLock({ wanted, kept, resolvers: RESOLVERS, signal }))).toMatchObject({
      errors: [
        { message: 'Cannot find r/unknown:1', label: 'b' },
        { message: 'Cannot find r/unknown:2', label: 'c' },
      ],
    });
  });

  it('resolves a few at a time', async () => {
    let running = 0;
    let most = 0;
    const resolvers: LockResolvers = {
      ...RESOLVERS,
      image: async () => {
        most = Math.max(most, ++running);
        await new Promise((next) => setImmediate(next));
        running--;
        return imagePin('b');
      },
    };
    const wanted = asked({ a: Array.from({ length: 40 }, (_, i) => image(`r/x:${i}`)) });
    expect(Object.keys((await updateLock({ wanted, kept: EMPTY_LOCK, resolvers, signal })).images)).toHaveLength(40);
    expect(most).toBe(8);
  });

  it('ends with the interruption, not with what it caused', async () => {
    const stop = new AbortController();
    const resolvers: LockResolvers = {
      ...RESOLVERS,
      image: async () => {
        stop.abort(new OcidslError({ code: 'OCIDSL_INTERRUPTED', kind: 'interrupted', message: 'Cannot go on' }));
        throw new OcidslError({ code: 'OCIDSL_REGISTRY_GONE', message: 'Cannot reach it' });
      },
    };
    const wanted = asked({ a: [image('r/x:1'), image('r/y:1')] });
    expect(await failureOf(updateLock({ wanted, kept, resolvers, signal: stop.signal }))).toMatchObject({ code: 'OCIDSL_INTERRUPTED' });
  });
});

describe('lockChanges() and lockChangeText()', () => {
  const lines = (before: Partial<Lock>, after: Partial<Lock>) =>
    lockChanges({ ...EMPTY_LOCK, ...before }, { ...EMPTY_LOCK, ...after }).map((change) => lockChangeText(change));
  const [a, b] = ['sha256:aaaaaaaaaaaa…', 'sha256:bbbbbbbbbbbb…'];

  it('shows pins that are new, have moved or are gone, and no other', () => {
    const before = { images: { 'r/gone:1': imagePin('a'), 'r/moved:1': imagePin('a'), 'r/same:1': imagePin('a') } };
    const after = {
      images: {
        'r/same:1': imagePin('a'),
        'r/new:1': imagePin('b', { 'linux/arm64': 'b', 'linux/amd64': 'b' }),
        'r/moved:1': imagePin('b'),
      },
    };
    expect(lines(before, after)).toEqual([
      `r/gone:1  ${a} → (none)`,
      `r/moved:1  ${a} → ${b}`,
      `r/new:1  (none) → ${b}, linux/arm64 linux/amd64`,
    ]);
    expect(lines(after, after)).toEqual([]);
  });

  it('shows sizes of files, and platforms of Go', () => {
    const [before, after] = [
      { digest: digest('a'), size: 1 },
      { digest: digest('b'), size: 2 },
    ];
    expect(lines({ files: { 'https://x/y': before } }, { files: { 'https://x/y': after } })).toEqual([
      `https://x/y  ${a} → ${b}, 1 → 2 bytes`,
    ]);
    const pins = (h1: string) => ({ goToolchains: { '1.26.8': { 'linux/amd64': { h1 } } } });
    expect(lines({}, pins('h1:x'))).toEqual(['Go 1.26.8  (none) → linux/amd64']);
    expect(lines(pins('h1:x'), pins('h1:y'))).toEqual(['Go 1.26.8  linux/amd64 → linux/amd64, other archives for linux/amd64']);
  });

  it.each([
    [{ layersAdded: 1, layersRemoved: 0 }, '+1 layer'],
    [{ layersAdded: 2, layersRemoved: 1 }, '+2 -1 layers'],
    [{ layersAdded: 0, layersRemoved: 2 }, '-2 layers'],
    [{ layersAdded: 0, layersRemoved: 0 }, 'same layers'],
    [
      { layersAdded: 1, layersRemoved: 0, createdFrom: '2026-10-01T01:00:00Z', createdTo: '2026-11-01T02:00:00Z' },
      '+1 layer, created 2026-10-01 → 2026-11-01',
    ],
    [
      { layersAdded: 1, layersRemoved: 0, createdFrom: '2026-10-01T01:00:00Z', createdTo: '2026-10-01T02:00:00Z' },
      '+1 layer, created 2026-10-01T01:00:00Z → 2026-10-01T02:00:00Z',
    ],
    [{ layersAdded: 1, layersRemoved: 0, createdFrom: '2026-10-01', createdTo: '2026-10-01' }, '+1 layer'],
  ])('describes %o', (contents, text) => {
    const [change] = lockChanges({ ...EMPTY_LOCK, images: { x: imagePin('a') } }, { ...EMPTY_LOCK, images: { x: imagePin('b') } });
    const platforms = [
      { platform: 'linux/amd64', from: 'a', to: 'b', contents },
      { platform: 'linux/arm64', to: 'b' },
      { platform: 'linux/386', from: 'a' },
      { platform: 'linux/s390x', from: 'a', to: 'b' },
    ];
    expect(lockChangeText(change!, platforms)).toBe(`x  ${a} → ${b}, linux/amd64: ${text}; +linux/arm64 -linux/386`);
  });

  it('shows no secret of a URL, and no control character of a registry', () => {
    const [secret] = lockChanges(EMPTY_LOCK, { ...EMPTY_LOCK, files: { 'https://u:pw@x/y?token=abc': { digest: digest('a'), size: 1 } } });
    expect(lockChangeText(secret!)).toBe(`https://x/y?token=REDACTED  (none) → ${a}`);
    expect(lockPinText(secret!)).not.toContain('pw');
    const [strange] = lockChanges(EMPTY_LOCK, { ...EMPTY_LOCK, images: { x: imagePin('a', { 'linux/\u001b[31m': 'a' }) } });
    expect(lockChangeText(strange!)).not.toContain('\u001b');
  });
});

describe('lockProblems()', () => {
  const lock: Lock = { ...EMPTY_LOCK, images: { 'r/x:1': imagePin('a', { 'linux/arm64': 'a', 'windows:10.0.1/amd64': 'a' }) } };

  it('has none for a lock as it should be', () => {
    expect(lockProblems(lock, asked({ a: [image('r/x:1', ['linux/arm64/v8', 'windows/amd64'])] }), true)).toEqual([]);
    expect(lockProblems(EMPTY_LOCK, [], true)).toEqual([]);
  });

  it('compares the archives of Go with where they come from', () => {
    const archives = (pin: object): Lock => ({ ...EMPTY_LOCK, goToolchains: { '1.26.8': pin as Lock['goToolchains'][string] } });
    const problems = (pin: object, urls?: Record<string, string[]>) =>
      lockProblems(archives(pin), asked({ a: [{ ...go('1.26.8'), ...(urls === undefined ? {} : { urls }) } as LockRequest] }), true).map(
        ({ is }) => is,
      );
    expect(problems({ 'linux/amd64': { h1: 'h1:x' } })).toEqual([]);
    expect(problems({ 'linux/amd64': { digest: digest('a') } }, { 'linux/amd64': ['https://a'] })).toEqual([]);
    expect(problems({})).toEqual(['its pin has no archive']);
    for (const [pin, urls] of [
      [{ 'linux/amd64': { digest: digest('a') } }, undefined],
      [{ 'linux/amd64': { h1: 'h1:x' } }, { 'linux/amd64': ['https://a'] }],
      [{}, { 'linux/amd64': ['https://a'] }],
    ] as const) {
      expect(problems(pin, urls as Record<string, string[]> | undefined)).toEqual(['its pin is of other archives for linux/amd64']);
    }
  });

  it('finds pins that are missing, lack a platform, or that nobody wants', () => {
    const wanted = asked({ a: [image('r/x:1', ['linux/arm64', 'linux/s390x']), file('https://a')], b: [image('constructor')] });
    const more: Lock = { ...lock, goToolchains: { '1.26.8': {} } };
    const unused = {
      kind: 'go-toolchain',
      name: '1.26.8',
      problem: 'unused',
      is: 'it is pinned, and no target asks for it',
      labels: [],
    };
    const others = [
      {
        kind: 'image',
        name: 'r/x:1',
        problem: 'incomplete',
        is: 'its pin lacks linux/s390x, it has linux/arm64, windows:10.0.1/amd64',
        labels: ['a'],
      },
      { kind: 'file', name: 'https://a', problem: 'missing', is: 'it has no pin', labels: ['a'] },
      { kind: 'image', name: 'constructor', problem: 'missing', is: 'it has no pin', labels: ['b'] },
    ];
    expect(lockProblems(more, wanted, true)).toEqual([...others, unused]);
    expect(lockProblems(more, wanted, false)).toEqual(others);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { suggest } from '../../../lib/graph/suggest.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), maxLength: 8 });

describe('suggest()', () => {
  test.each([
    ['helo', ['hello', 'world'], ['hello']],
    ['hello', ['hello'], ['hello']],
    ['entrypont', ['entrypoint', 'env'], ['entrypoint']],
    ['hello_imgae', ['hello_image', 'hello_index'], ['hello_image']],
    ['x', ['abcd'], []],
    ['ab', ['aB', 'ax', 'ay', 'az'], ['aB', 'ax', 'ay']],
    ['abc', ['abd', 'abc'], ['abc', 'abd']],
    ['anything', [], []],
  ])('of %j among %j is %j', (name, candidates, near) => expect(suggest(name, candidates)).toEqual(near));

  test('gives names that exist, at most three, and finds every single edit', () => {
    fc.assert(
      fc.property(word, fc.uniqueArray(word, { maxLength: 6 }), fc.nat(8), fc.constantFrom('a', 'z'), (name, candidates, at, letter) => {
        const edited = name.slice(0, at) + letter + name.slice(at + 1);
        const near = suggest(edited, [...candidates, name]);
        expect(near.length).toBeLessThanOrEqual(3);
        for (const each of near) expect([...candidates, name]).toContain(each);
        expect(near.length).toBeGreaterThan(0);
      }),
    );
  });
});

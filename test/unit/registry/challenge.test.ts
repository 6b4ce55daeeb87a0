import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseChallenges } from '../../../lib/registry/challenge.ts';

const plain = (header: string) => parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe('parseChallenges()', () => {
  it.each([
    ['Basic realm="x"', [['basic', { realm: 'x' }]]],
    ['BEARER Realm="https://a/t",Service="s"', [['bearer', { realm: 'https://a/t', service: 's' }]]],
    [
      'Bearer realm="https://a/t",service="reg:5000",scope="repository:a/b:pull,push repository:c:pull"',
      [['bearer', { realm: 'https://a/t', service: 'reg:5000', scope: 'repository:a/b:pull,push repository:c:pull' }]],
    ],
    [
      'Basic realm="a", Bearer realm="b" , service = "c"',
      [
        ['basic', { realm: 'a' }],
        ['bearer', { realm: 'b', service: 'c' }],
      ],
    ],
    [
      'Negotiate, Basic realm="a"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    [
      'Negotiate oRQwEqADCgEA==, Basic realm="a"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'a' }],
      ],
    ],
    ['Basic realm="quo\\"ted, \\\\x"', [['basic', { realm: 'quo"ted, \\x' }]]],
    ['Bearer realm=https://a/t,service=s', [['bearer', { realm: 'https://a/t', service: 's' }]]],
    ['Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
    [', ,Basic realm="a"', [['basic', { realm: 'a' }]]],
    ['Basic realm="never closed', [['basic', {}]]],
    ['', []],
    ['"', []],
  ])('A12 reads %s', (header, expected) => {
    expect(plain(header)).toEqual(expected);
  });

  it('A12 ends, quickly, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 200, unit: fc.constantFrom('a', 'B', '=', '"', ',', '\\', ' ', '/', ':') }),
        (text) => void parseChallenges(text),
      ),
      { numRuns: 2000 },
    );
    const start = performance.now();
    for (const text of ['a='.repeat(1e6), 'a '.repeat(1e6), ','.repeat(1e6), `a "${'\\'.repeat(1e6)}`, 'a,'.repeat(1e6)])
      parseChallenges(text);
    expect(performance.now() - start).toBeLessThan(200);
  });
});

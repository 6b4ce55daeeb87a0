import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { declarationText, reachable } from '../../../lib/graph/closure.ts';
import { findCycle } from '../../../lib/graph/cycles.ts';
import type { Target } from '../../../lib/graph/target.ts';

type Graph = Readonly<Record<string, readonly string[]>>;

const edgesOf = (graph: Graph) => (label: string) => graph[label] ?? [];
const rule = { name: 'rule', attributes: {}, provides: [], analyze: () => [] };
const target = (label: string, references: readonly string[], attributes: Target['attributes'] = {}, name = 'rule'): Target => ({
  label,
  package: '',
  name: label,
  rule: { ...rule, name },
  attributes,
  references,
  site: {},
  macros: [],
});
const lookupIn = (graph: Graph) => (label: string) => (graph[label] === undefined ? undefined : target(label, graph[label]));

/** Graphs of up to eight targets. */
const graphs: fc.Arbitrary<Graph> = fc
  .array(fc.uniqueArray(fc.nat(7), { maxLength: 4 }), { maxLength: 8 })
  .map((rows) => Object.fromEntries(rows.map((row, i) => [`t${i}`, row.map((to) => `t${to}`)])));
const CHAIN = 100_000;

const chain = (last: readonly string[]): Graph =>
  Object.fromEntries(Array.from({ length: CHAIN }, (_, i) => [`t${i}`, i === CHAIN - 1 ? last : [`t${i + 1}`]]));

describe('findCycle()', () => {
  test.each<[Graph, string[], string[] | undefined]>([
    [{ a: ['b'], b: [] }, ['a'], undefined],
    [{ a: ['a'] }, ['a'], ['a', 'a']],
    [{ a: ['b'], b: ['c'], c: ['a'] }, ['a'], ['a', 'b', 'c', 'a']],
    [{ a: ['b'], b: ['c'], c: ['b'] }, ['a'], ['b', 'c', 'b']],
    [{ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }, ['a'], undefined],
    [{ a: ['b'], b: [], c: ['c'] }, ['a'], undefined],
    [{ a: [], c: ['c'] }, ['a', 'c'], ['c', 'c']],
    [{ a: ['gone'] }, ['a'], undefined],
    [{}, [], undefined],
  ])('case %#', (graph, roots, cycle) => expect(findCycle(roots, edgesOf(graph))).toEqual(cycle));

  test('finds a cycle exactly where one target reaches itself, and what it finds is one', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const labels = Object.keys(graph);
        const cycle = findCycle(labels, edgesOf(graph));
        const isCyclic = labels.some((label) => edgesOf(graph)(label).some((next) => reachable([next], lookupIn(graph)).includes(label)));
        expect(cycle !== undefined).toBe(isCyclic);
        cycle?.slice(1).forEach((label, i) => expect(edgesOf(graph)(cycle[i]!)).toContain(label));
        if (cycle !== undefined) expect(cycle[0]).toBe(cycle.at(-1));
      }),
      { numRuns: 500 },
    );
  });

  test('goes through 100,000 targets in a row', () => {
    expect(findCycle(['t0'], edgesOf(chain([])))).toBeUndefined();
    expect(findCycle(['t0'], edgesOf(chain(['t0'])))).toHaveLength(CHAIN + 1);
  });
});

describe('reachable()', () => {
  test('gives dependencies before what uses them, each once, and labels that nobody declared', () => {
    const graph = { a: ['b', 'c'], b: ['d'], c: ['d', 'gone'], d: [], unrelated: ['a'] };
    const order = reachable(['a', 'b'], lookupIn(graph));
    expect([...order].sort()).toEqual(['a', 'b', 'c', 'd', 'gone']);
    for (const [user, uses] of Object.entries(graph))
      for (const used of uses) if (user !== 'unrelated') expect(order.indexOf(used)).toBeLessThan(order.indexOf(user));
  });

  test('ends in cycles, and gives everything that a walk by hand gives', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const seen = new Set<string>();
        const walk = (label: string): void => {
          if (seen.has(label)) return;
          seen.add(label);
          edgesOf(graph)(label).forEach(walk);
        };
        walk('t0');
        const order = reachable(['t0'], lookupIn(graph));
        expect(new Set(order)).toEqual(seen);
        expect(order).toHaveLength(seen.size);
      }),
    );
  });

  test('goes through 100,000 targets in a row', () => {
    const graph = chain([]);
    const lookup = lookupIn(graph);
    const order = reachable(['t0'], lookup);
    expect(order).toHaveLength(CHAIN);
    expect([order[0], order.at(-1)]).toEqual([`t${CHAIN - 1}`, 't0']);
  });
});

describe('declarationText()', () => {
  const declared = target('a', ['b'], { src: { $target: 'b' }, n: 1 });

  test.each<[string, Target]>([
    ['another label', { ...declared, label: 'x' }],
    ['another rule', { ...declared, rule: { ...rule, name: 'other' } }],
    ['another value', { ...declared, attributes: { ...declared.attributes, n: 2 } }],
    ['one more attribute', { ...declared, attributes: { ...declared.attributes, more: null } }],
  ])('differs for %s', (_, other) => expect(declarationText(other)).not.toBe(declarationText(declared)));

  test('does not differ with the place of the call, and begins with the label', () => {
    const moved = { ...declared, site: { stack: 'elsewhere' }, macros: [{ macro: 'm', name: 'n', site: {} }] };
    expect(declarationText(moved)).toBe(declarationText(declared));
    expect(declarationText(declared).split('\n')[0]).toBe('a');
  });
});

// docs/reference/ is made from the sources and must be up to date; whatever users see must be documented.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publicSurface, referencePages } from '../../../scripts/reference/pages.ts';
import { projectRoot } from '../../source-files.ts';

const { rules, macros } = publicSurface(projectRoot);
const surface = [...rules, ...macros];

describe('the public surface', () => {
  it('has a docstring on every export', () => {
    expect(surface.filter(({ docs }) => docs.text === '').map(({ name }) => name)).toEqual([]);
  });

  it('has a docstring on every attribute', () => {
    const undocumented = surface.flatMap(({ name: owner, attributes }) =>
      attributes.filter(({ docs }) => docs.text === '').map(({ name }) => `${owner}.${name}`),
    );
    expect(undocumented).toEqual([]);
  });

  it('names the default of every optional attribute', () => {
    const silent = surface.flatMap(({ name: owner, attributes }) =>
      attributes
        .filter(({ required, docs }) => !required && !docs.tags.some((tag) => tag.name === 'default'))
        .map(({ name }) => `${owner}.${name}`),
    );
    expect(silent).toEqual([]);
  });
});

describe('docs/reference/', () => {
  for (const [path, text] of referencePages(projectRoot)) {
    it(`${path} is what npm run docs writes`, () => {
      const file = join(projectRoot, path);
      expect(existsSync(file) ? readFileSync(file, 'utf8') : 'missing').toBe(text);
    });
  }
});

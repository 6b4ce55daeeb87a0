import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectExports } from '../../../scripts/reference/collect.ts';
import { compilerOptions } from '../../../scripts/reference/pages.ts';
import { renderModule } from '../../../scripts/reference/render.ts';
import { projectRoot } from '../../source-files.ts';

const [exports = []] = collectExports([join(import.meta.dirname, 'fixtures/index.ts')], compilerOptions(projectRoot));
const named = (name: string) => exports.find((item) => item.name === name);

describe('collectExports()', () => {
  it('lists exports in the order of the module, namespaces by member', () => {
    expect(exports.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      'box: attributed',
      'CrateAttributes: type',
      'units.kilograms: value',
      'Level: type',
      'levelOf: value',
      'undocumented: value',
    ]);
  });

  it('joins the attributes of a union and requires what every member requires', () => {
    expect(named('box')?.attributes.map(({ name, type, required }) => [name, type, required])).toEqual([
      ['height', 'number', false],
      ['name', 'string', true],
      ['srcs', 'readonly string[]', false],
      ['silent', 'boolean', false],
      ['lid', "string | 'none'", false],
    ]);
  });

  it('reads documentation, tags on their own line or not, and links', () => {
    const attributes = named('box')?.attributes ?? [];
    expect(attributes.find(({ name }) => name === 'srcs')?.docs).toEqual({
      text: 'What goes in, see `levelOf`\nand [the specification](https://example.com/spec).',
      tags: [
        { name: 'default', text: '[]' },
        { name: 'merge', text: "appended to the base's" },
        { name: 'example', text: "srcs: ['a', 'b']" },
        { name: 'throws', text: 'OCIDSL_CRATE_FULL when nothing fits' },
        { name: 'see', text: 'https://example.com/crates' },
      ],
    });
    expect(attributes.find(({ name }) => name === 'lid')?.docs.tags).toEqual([{ name: 'default', text: 'the usual' }]);
    expect(named('undocumented')?.docs.text).toBe('');
  });
});

describe('renderModule()', () => {
  const page = renderModule('Title', 'Introduction.', exports);

  it('shows every fact of an attribute', () => {
    expect(page).toContain(`### box.srcs

\`readonly string[]\`

What goes in, see \`levelOf\`
and [the specification](https://example.com/spec).

- Default: \`[]\`
- Merged: appended to the base's
- Errors: OCIDSL_CRATE_FULL when nothing fits
- See: https://example.com/crates

\`\`\`ts
srcs: ['a', 'b']
\`\`\``);
  });

  it('has a table with escaped types, and an index of first sentences', () => {
    expect(page).toContain("| [lid](#boxlid) | `string \\| 'none'` | the usual |");
    expect(page).toContain('| [name](#boxname) | `string` | required |');
    expect(page).toContain('- [box](#box): Packs things\n');
  });

  it('shows functions with their signature and types with their sentence', () => {
    expect(page).toContain(
      '### levelOf\n\n```ts\nlevelOf(crate: object): Level\n```\n\nTells the level.\n\n- Errors: OCIDSL_LEVEL when it leaks',
    );
    expect(page).toContain('- `Level`: How full a crate is.');
  });
});

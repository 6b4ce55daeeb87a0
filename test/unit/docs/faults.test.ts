// docs/faults.md names a test for every fault, or says why there is none.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../source-files.ts';

interface Row {
  readonly ids: readonly string[];
  readonly tests: readonly { readonly file: string; readonly title: string }[];
  /** What is said beside tests. */
  readonly reason: string;
}

const page = readFileSync(join(projectRoot, 'docs/faults.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| |') && !line.startsWith('| ---'))
  .map(readRow);

function readRow(line: string): Row {
  const [, ids = '', , cell = ''] = line.split(/(?<!\\)\|/).map((part) => part.trim());
  const parts = cell.replaceAll('\\|', '|').split('<br>');
  const tests = parts.flatMap((part) => {
    const [, file, titles] = /^(\S+\.ts): (“.*”)$/.exec(part) ?? [];
    return file === undefined
      ? []
      : titles!
          .slice(1, -1)
          .split('”, “')
          .map((title) => ({ file, title }));
  });
  return { ids: ids.split(' '), tests, reason: parts.filter((part) => !part.includes('“')).join(' ') };
}

const numbered = (letter: string, last: number) => Array.from({ length: last }, (_, i) => `${letter}${i + 1}`);

describe('docs/faults.md', () => {
  it.each([numbered('N', 48), numbered('A', 14), numbered('L', 10), numbered('O', 6)])('has a row for each of %s to the last', (...ids) => {
    expect(ids.filter((id) => !rows.some((row) => row.ids.includes(id)))).toEqual([]);
  });

  it('has a test or a reason in every row', () => {
    expect(rows.filter(({ tests, reason }) => tests.length === 0 && reason === '').map(({ ids }) => ids)).toEqual([]);
  });

  it('names only tests that exist', () => {
    const sources = new Map<string, string>();
    const source = (file: string) => {
      const path = join(projectRoot, 'test', file);
      if (!sources.has(file)) sources.set(file, existsSync(path) ? readFileSync(path, 'utf8') : '');
      return sources.get(file)!;
    };
    const exists = (file: string, title: string) => ["'", '"', '`'].some((quote) => source(file).includes(quote + title));
    const missing = rows.flatMap(({ ids, tests }) =>
      tests.filter(({ file, title }) => !exists(file, title)).map(({ file, title }) => `${ids.join(' ')}: ${file}: ${title}`),
    );
    expect(missing).toEqual([]);
    expect(rows.flatMap(({ tests }) => tests).length).toBeGreaterThan(150);
  });
});

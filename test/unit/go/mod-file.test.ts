import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatModFile, localReplacements, modulePathOf, readModFile, usedFolders } from '../../../lib/go/mod-file.ts';

const GO_MOD = [
  '// a comment',
  'module "example.com/quoted" // deprecated?',
  '',
  'go 1.24',
  'toolchain go1.26.8',
  'require (',
  '\tgithub.com/google/uuid v1.6.0 // indirect',
  '\t// nothing',
  ')',
  'exclude golang.org/x/net v1.2.3',
  'retract [v1.0.0, v1.9.9]',
  'replace (',
  '\tgithub.com/a/b => ../b',
  '\tgithub.com/c/d v1.2.3 => "./with space/d"',
  '\tgithub.com/e/f => github.com/g/h v1.0.0',
  ')',
  'replace github.com/i/j => /abs//j',
  'replace github.com/k/l => `../raw`',
  'ignore ./node_modules',
].join('\n');

describe('readModFile', () => {
  test('module and replacements by folders', () => {
    const directives = readModFile(GO_MOD);
    expect(modulePathOf(directives)).toBe('example.com/quoted');
    expect(localReplacements(directives)).toEqual([
      { modulePath: 'github.com/a/b', version: '', folder: '../b' },
      { modulePath: 'github.com/c/d', version: 'v1.2.3', folder: './with space/d' },
      { modulePath: 'github.com/i/j', version: '', folder: '/abs' },
      { modulePath: 'github.com/k/l', version: '', folder: '../raw' },
    ]);
  });

  test('folders of a workspace', () => {
    expect(usedFolders(readModFile('go 1.24\nuse .\nuse (\n\t./a // x\n\t"./b c"\n)\n'))).toEqual(['.', './a', './b c']);
  });

  test('nonsense gives nothing and does not hang', () => {
    expect(readModFile('use "unclosed\n)\n(\n')).toBeDefined();
    expect(modulePathOf(readModFile('require x v1'))).toBeUndefined();
    const start = performance.now();
    readModFile('"\\'.repeat(200_000));
    readModFile(`replace ${'a=> '.repeat(50_000)}`);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  const hasGo = (() => {
    try {
      execFileSync('go', ['version']);
      return true;
    } catch {
      return false;
    }
  })();

  test.skipIf(!hasGo)('says the same as go mod edit and go work edit, and so does what is written again (needs go)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ocidsl-mod-'));
    const environment = { ...process.env, GOFLAGS: '', GOTOOLCHAIN: 'local' };
    try {
      const edit = (kind: 'mod' | 'work', text: string) => {
        const path = join(folder, `go.${kind}`);
        writeFileSync(path, text);
        return JSON.parse(execFileSync('go', [kind, 'edit', '-json', path], { encoding: 'utf8', env: environment })) as {
          Module: { Path: string };
          Replace: { Old: { Path: string; Version?: string }; New: { Path: string; Version?: string } }[];
          Use: { DiskPath: string }[];
        };
      };
      // Raw strings are in the specification, but Go's own parser refuses them here.
      const mod = GO_MOD.replace('`../raw`', '../raw');
      const theirs = edit('mod', mod);
      const ours = readModFile(mod);
      expect(modulePathOf(ours)).toBe(theirs.Module.Path);
      expect(localReplacements(ours)).toEqual(
        theirs.Replace.filter(({ New }) => New.Version === undefined).map(({ Old, New }) => ({
          modulePath: Old.Path,
          version: Old.Version ?? '',
          folder: New.Path,
        })),
      );
      const work = 'go 1.24\n\nuse (\n\t.\n\t./a\n)\n\nuse "./b c"\n\nreplace x.y/z v1.0.0 => ./z\n';
      const { Use, Replace } = edit('work', work);
      expect(usedFolders(readModFile(work))).toEqual(Use.map(({ DiskPath }) => DiskPath));
      expect(edit('work', formatModFile(readModFile(work)))).toMatchObject({ Use, Replace });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

import { describe, expect, test } from 'vitest';
import { importFingerprint } from '../../../lib/go/import-fingerprint.ts';

const of = (text: string, name = 'a.go') => importFingerprint(name, Buffer.from(text));

const FILE = [
  '//go:build linux',
  '',
  '// Package a does something.',
  'package a',
  '',
  '/*',
  '#cgo LDFLAGS: -lm',
  '*/',
  'import "C"',
  'import (',
  '\t_ "embed"',
  '\t. `fmt`',
  '\tx "example.com/x" // why',
  ')',
  '',
  '// F does.',
  'func F() string {',
  '\treturn "a" + `b` + string(\'c\') // d',
  '}',
  '',
  '//go:embed data/*.txt',
  'var data string',
  '',
].join('\n');

describe('importFingerprint', () => {
  test.each([
    ['an edit inside a function', FILE.replace('"a"', '"b"')],
    ['a new function', `${FILE}\nfunc G() {}\n`],
    ['a comment after the imports', FILE.replace('// F does.', '// F does more.')],
    ['a string that looks like a directive', FILE.replace('"a"', '"//go:embed x"')],
    ['a raw string that looks like a directive', FILE.replace('`b`', '`\n//go:embed x\n`')],
    ['a directive that the compiler alone reads', FILE.replace('func F()', '//go:noinline\nfunc F()')],
    ['an escaped quote', FILE.replace('"a"', '"\\"//go:embed x"')],
  ])('stays with %s', (_, changed) => {
    expect(changed).not.toBe(FILE);
    expect(of(changed)).toBe(of(FILE));
  });

  test.each([
    ['the build constraint', FILE.replace('linux', 'darwin')],
    ['the package', FILE.replace('package a', 'package b')],
    ['an import', FILE.replace('`fmt`', '`os`')],
    ['a new import', FILE.replace(')\n', ')\nimport "os"\n')],
    ['cgo flags', FILE.replace('-lm', '-lz')],
    ['an embed pattern', FILE.replace('*.txt', '*.md')],
    ['an embed pattern behind a comment sign', FILE.replace('//go:embed', '// //go:embed')],
    ['an embed pattern inside a comment', FILE.replace('//go:embed data/*.txt', '/*\n//go:embed data/*.txt\n*/')],
    ['an embed pattern inside a raw string', FILE.replace('//go:embed data/*.txt', 'var y = `\n//go:embed data/*.txt\n`')],
    ['one more embed pattern', `${FILE}\n//go:embed other\nvar o string\n`],
    ['a byte order mark', `\ufeff${FILE}`],
  ])('changes with %s', (_, changed) => {
    expect(changed).not.toBe(FILE);
    expect(of(changed)).not.toBe(of(FILE));
  });

  test('embeds count only where "embed" is imported, however that is written', () => {
    const plain = 'package a\n\nimport "fmt"\n\n//go:embed x\nvar x = fmt.Sprint()\n';
    expect(of(plain.replace('embed x', 'embed y'))).toBe(of(plain));
    const escaped = plain.replace('"fmt"', '"\\x65mbed"');
    expect(of(escaped.replace('embed x', 'embed y'))).not.toBe(of(escaped));
  });

  test.each([
    'package a\nimport "fmt\nvar x = 1',
    'package a\n/* open',
    'var x',
    'package a\nint x',
    'package a\nimport (',
    "package a\nimport 'x'",
    `${FILE}var z = "open\n`,
  ])('a file that is not clear counts as a whole: %j', (text) => {
    expect(of(`${text} `)).not.toBe(of(text));
  });

  test('files in other languages: the leading comments', () => {
    const asm = '//go:build amd64\n\n/* x */ #include "textflag.h"\nTEXT ·f(SB)\n';
    expect(of(asm.replace('TEXT', 'DATA'), 'a.s')).toBe(of(asm, 'a.s'));
    expect(of(asm.replace('amd64', 'arm64'), 'a.s')).not.toBe(of(asm, 'a.s'));
    expect(of('', 'a.h')).not.toBe(of('// x', 'a.h'));
  });

  test('a large file costs linear time', () => {
    const large = `package a\nimport "embed"\nvar e embed.FS\n${'func f() { g("x", `y`, \'z\') } // c\n'.repeat(200_000)}//go:embed x\n`;
    const start = performance.now();
    of(large);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

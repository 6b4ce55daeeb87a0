import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { formatReference, formatRepository, parseReference, parseRepository } from '../../../lib/registry/reference.ts';
import { isOcidslError } from '../../../lib/base/errors.ts';

const HEX = 'a'.repeat(64);

describe('parseReference()', () => {
  // From distribution/reference: reference_test.go and normalize_test.go.
  it.each([
    ['debian', 'docker.io/library/debian'],
    ['debian:12', 'docker.io/library/debian:12'],
    ['acme/hello', 'docker.io/acme/hello'],
    ['docker.io/debian', 'docker.io/library/debian'],
    ['index.docker.io/library/debian', 'docker.io/library/debian'],
    ['registry-1.docker.io/acme/x', 'docker.io/acme/x'],
    ['localhost/x', 'localhost/x'],
    ['localhost:5000/x/y:tag', 'localhost:5000/x/y:tag'],
    ['127.0.0.1:5000/x', '127.0.0.1:5000/x'],
    ['[::1]:5000/x', '[::1]:5000/x'],
    ['[2001:db8::1]/x', '[2001:db8::1]/x'],
    ['ghcr.io/acme/hello:1.0_a-b', 'ghcr.io/acme/hello:1.0_a-b'],
    ['GHCR.io/acme/hello', 'ghcr.io/acme/hello'],
    ['test.com/a__b/c---d/e.f', 'test.com/a__b/c---d/e.f'],
    ['a.b:80/c', 'a.b:80/c'],
    [`x@sha256:${HEX}`, `docker.io/library/x@sha256:${HEX}`],
    [`ghcr.io/x:t@sha256:${HEX}`, `ghcr.io/x:t@sha256:${HEX}`],
    [`x@sha512:${HEX}${HEX}`, `docker.io/library/x@sha512:${HEX}${HEX}`],
    ['ghcr.io/tags/blobs/manifests', 'ghcr.io/tags/blobs/manifests'],
    [`x:${'t'.repeat(128)}`, `docker.io/library/x:${'t'.repeat(128)}`],
    [`h.io/${'a'.repeat(255)}`, `h.io/${'a'.repeat(255)}`],
  ])('reads %s', (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
    expect(formatReference(parseReference(full))).toBe(full);
  });

  it.each([
    ['', 'it is empty', undefined],
    ['Debian', '"Debian" has upper-case letters', 0],
    ['ghcr.io/Acme/x', '"Acme" has upper-case letters', 8],
    ['a:b:c', 'its tag is "b:c"', 2],
    ['a:', 'its tag is empty', 2],
    [`a:${'t'.repeat(129)}`, 'its tag has 129 characters', undefined],
    ['a:.b', 'its tag is ".b"', 2],
    [`a:sha256:${HEX}`, 'its tag is "sha256:', 2],
    ['a//b', 'a part of its path is empty', 2],
    ['/a', 'a part of its path is empty', 0],
    ['a/', 'a part of its path is empty', 2],
    ['ghcr.io/', 'a part of its path is empty', 8],
    ['a_.b', 'a part of its path is "a_.b"', 0],
    ['a___b', 'a part of its path is "a___b"', 0],
    ['-a', 'a part of its path is "-a"', 0],
    ['a b', 'a part of its path is "a b"', 1],
    ['a@sha256:abc', 'its digest has 3 hex digits', 9],
    [`a@sha256:${'A'.repeat(64)}`, 'its digest has the character "A"', 9],
    ['a@md5:abc', 'its digest starts with "md5"', 2],
    ['a@', 'its digest starts with ""', 2],
    [HEX, 'it is 64 hex digits', 0],
    ['a.b:0/x', 'its port is "0"', 4],
    ['a.b:99999/x', 'its port is "99999"', 4],
    ['a..b/x', 'its registry is "a..b"', 0],
    ['-a.b/x', 'its registry is "-a.b"', 0],
    ['https://ghcr.io/x', 'it is a URL', 0],
    [`h.io/${'a'.repeat(256)}`, 'its path has 256 characters', undefined],
    ['a\u202e\u0000b', 'a part of its path is "a\\u{202e}\\u{0}b"', undefined],
  ])('B11 refuses %j', (text, why, position) => {
    const error = catching(() => parseReference(text));
    expect(error).toMatchObject({ code: 'OCIDSL_REFERENCE_SYNTAX', kind: 'config' });
    expect(error.message).toContain(why);
    if (position === undefined || text.length > 60) return;
    const [shown, caret] = error.output!.split('\n');
    expect(shown).toBe(`  ${text}`);
    expect(caret).toBe(`  ${' '.repeat(position)}^`);
  });

  it.each(['c4nary@ghcr.io/x', 'me:c4nary@ghcr.io/x:t', 'me:c4n/ary@ghcr.io/x', 'https://me:c4nary@ghcr.io/x'])(
    'A10 refuses %j without showing what may be a password',
    (text) => {
      const error = catching(() => parseReference(text));
      expect(`${error.message} ${error.output} ${error.hint}`).not.toMatch(/c4n/);
      expect(error.message).toContain('@ghcr.io/x');
    },
  );

  it('B11 takes less than 50 ms for a megabyte of a-a-a-', () => {
    const texts = ['a-'.repeat(500_000), `h.io/${'a_'.repeat(500_000)}!`, `x:${'t'.repeat(1_000_000)}`];
    const start = performance.now();
    for (const text of texts) expect(() => parseReference(text)).toThrow('Cannot parse image reference');
    expect(performance.now() - start).toBeLessThan(50);
  });

  it('gives back what it reads, or a clear error, for any text', () => {
    const alphabet = fc.constantFrom(...'abzAZ019._-/:@[]\u00e9\u0000 '.split(''), 'sha256:', 'localhost', 'docker.io');
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 30 }), (parts) => {
        try {
          const full = formatReference(parseReference(parts.join('')));
          expect(formatReference(parseReference(full))).toBe(full);
        } catch (error) {
          if (!isOcidslError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseRepository()', () => {
  it('reads a repository', () => {
    expect(formatRepository(parseRepository('ghcr.io/acme/hello'))).toBe('ghcr.io/acme/hello');
  });

  it.each([
    ['ghcr.io/acme/hello:latest', 'it has the tag "latest"'],
    [`ghcr.io/acme/hello@sha256:${HEX}`, 'it has a digest'],
  ])('refuses %s', (text, why) => {
    expect(() => parseRepository(text)).toThrow(why);
  });
});

function catching(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (isOcidslError(error)) return error;
    throw error;
  }
  throw new Error('expected an error');
}

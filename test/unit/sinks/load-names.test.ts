import { describe, expect, it } from 'vitest';
import { loadNames } from '../../../lib/sinks/load-names.ts';

describe('loadNames()', () => {
  it.each([
    ['hello', 'docker.io/library/hello:latest', 'localhost/hello:latest'],
    ['acme/hello:1.0', 'docker.io/acme/hello:1.0', 'localhost/acme/hello:1.0'],
    ['docker.io/library/hello:1', 'docker.io/library/hello:1', undefined],
    ['index.docker.io/acme/hello:1', 'docker.io/acme/hello:1', undefined],
    ['localhost/hello', 'localhost/hello:latest', undefined],
    ['localhost:5000/hello:1', 'localhost:5000/hello:1', undefined],
    ['ghcr.io/acme/hello', 'ghcr.io/acme/hello:latest', undefined],
  ])('%s is %s, and podman prefers %s', (typed, full, local) => {
    expect(loadNames([typed])).toEqual([{ typed, full, local }]);
  });

  it('keeps two spellings of one name, since both are to work, and each once', () => {
    expect(loadNames(['hello', 'docker.io/library/hello', 'hello']).map((name) => name.typed)).toEqual([
      'hello',
      'docker.io/library/hello',
    ]);
  });

  it('refuses names that no engine takes', () => {
    expect(() => loadNames(['Hello'])).toThrow('upper-case');
    expect(() => loadNames([`hello@sha256:${'0'.repeat(64)}`])).toThrow('it has a digest, expected a name with at most a tag');
  });
});

// The lock file: what is read back, what is refused, and that its text depends on nothing but the pins.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeLock, readLock } from '../../../lib/fetch/lock-file.ts';
import { DOCKER, OCI } from '../../../lib/oci/media-types.ts';
import { EMPTY_LOCK, type Lock } from '../../../lib/plan/lock.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;
const H1 = `h1:${'A'.repeat(43)}=`;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ocidsl-lock-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function readText(text: string | Uint8Array): Lock {
  writeFileSync(join(root, 'ocidsl.lock.json'), text);
  return readLock(root);
}

const FULL: Lock = {
  images: {
    'gcr.io/distroless/static:nonroot': {
      mediaType: OCI.index,
      digest: A,
      size: 1200,
      platforms: {
        'linux/arm64/v8': { mediaType: OCI.manifest, digest: B, size: 500 },
        'linux/amd64': { mediaType: OCI.manifest, digest: A, size: 501 },
      },
    },
    'docker.io/library/debian:12': {
      mediaType: DOCKER.manifest,
      digest: B,
      size: 7,
      platforms: { 'linux/amd64': { mediaType: DOCKER.manifest, digest: B, size: 7 } },
    },
  },
  files: { 'https://example.org/a.tar.gz': { digest: B, size: 0 } },
  goToolchains: { '1.26.8': { 'linux/amd64': { h1: H1 }, 'darwin/arm64': { digest: A } } },
};

describe('encodeLock()', () => {
  it('writes one value a line, sorted, the version first', () => {
    expect(encodeLock(FULL)).toBe(`{
  "version": 1,
  "files": {
    "https://example.org/a.tar.gz": {
      "digest": "${B}",
      "size": 0
    }
  },
  "goToolchains": {
    "1.26.8": {
      "darwin/arm64": {
        "digest": "${A}"
      },
      "linux/amd64": {
        "h1": "${H1}"
      }
    }
  },
  "images": {
    "docker.io/library/debian:12": {
      "digest": "${B}",
      "mediaType": "${DOCKER.manifest}",
      "platforms": {
        "linux/amd64": {
          "digest": "${B}",
          "mediaType": "${DOCKER.manifest}",
          "size": 7
        }
      },
      "size": 7
    },
    "gcr.io/distroless/static:nonroot": {
      "digest": "${A}",
      "mediaType": "${OCI.index}",
      "platforms": {
        "linux/amd64": {
          "digest": "${A}",
          "mediaType": "${OCI.manifest}",
          "size": 501
        },
        "linux/arm64/v8": {
          "digest": "${B}",
          "mediaType": "${OCI.manifest}",
          "size": 500
        }
      },
      "size": 1200
    }
  }
}
`);
  });

  it('leaves sections without pins out', () => {
    expect(encodeLock(EMPTY_LOCK)).toBe('{\n  "version": 1\n}\n');
  });

  it('reads back as the same pins and writes the same text, whatever the order', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => `sha256:${text}`);
    const descriptor = fc.record({ mediaType: fc.constantFrom(OCI.manifest, DOCKER.manifest), digest: hex, size: fc.nat() });
    const image = fc.record({
      mediaType: fc.constantFrom(OCI.index, DOCKER.index, OCI.manifest),
      digest: hex,
      size: fc.nat(),
      platforms: fc.dictionary(fc.stringMatching(/^linux\/[a-z0-9]{1,6}$/), descriptor),
    });
    const key = fc
      .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', 'toString'))
      .map((text) => `x/${text}`);
    const lock = fc.record({
      images: fc.dictionary(key, image),
      files: fc.dictionary(fc.webUrl(), fc.record({ digest: hex, size: fc.nat() })),
      goToolchains: fc.dictionary(
        fc.stringMatching(/^1\.\d{1,2}\.\d$/),
        fc.dictionary(fc.constantFrom('linux/amd64'), fc.constant({ h1: H1 })),
      ),
    });
    fc.assert(
      fc.property(lock, (made) => {
        const text = encodeLock(made);
        const again = readText(text);
        expect(again).toEqual(made);
        const reversed = (value: object): object => Object.fromEntries(Object.entries(value).toReversed());
        expect(
          encodeLock({ ...again, images: reversed(again.images) as Lock['images'], files: reversed(again.files) as Lock['files'] }),
        ).toBe(text);
      }),
      { numRuns: 30 },
    );
  });
});

describe('readLock()', () => {
  it('has no pins where there is no file, or one that only marks the root', () => {
    expect(readLock(root)).toEqual(EMPTY_LOCK);
    expect(readText('{ "version": 1 }')).toEqual(EMPTY_LOCK);
    expect(readText('{}\n')).toEqual(EMPTY_LOCK);
  });

  it('has no pins by the names of the prototype', () => {
    const { images } = readText('{ "version": 1 }');
    expect(images['constructor']).toBeUndefined();
    expect(images['__proto__']).toBeUndefined();
    const own = readText(`{ "version": 1, "files": { "__proto__": { "digest": "${A}", "size": 1 } } }`);
    expect(Object.keys(own.files)).toEqual(['__proto__']);
    expect(own.files['__proto__']).toEqual({ digest: A, size: 1 });
  });

  it('says line and column of broken JSON', () => {
    const text = '{\n  "version": 1,\n  "images": }\n';
    expect(() => readText(text)).toThrow(
      expect.objectContaining({
        code: 'OCIDSL_LOCK_SYNTAX',
        kind: 'config',
        message: 'Cannot parse ocidsl.lock.json: there is "}", expected a value',
        locations: [{ file: 'ocidsl.lock.json', line: 3, column: 13 }],
      }),
    );
    expect(() => readText('{ "version": 1, "version": 1 }')).toThrow('the key "version" appears twice');
    expect(() => readText(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(expect.objectContaining({ code: 'OCIDSL_LOCK_SYNTAX' }));
  });

  it.each(['<<<<<<< HEAD', '=======', '>>>>>>> theirs', '||||||| base'])('says the line of the conflict marker %s', (marker) => {
    for (const newline of ['\n', '\r\n']) {
      expect(() => readText(['{', '  "version": 1,', marker, '}', ''].join(newline))).toThrow(
        expect.objectContaining({
          code: 'OCIDSL_LOCK_SYNTAX',
          message: 'Cannot read ocidsl.lock.json: it has a conflict marker of a merge, expected JSON',
          hint: 'Keep one side of each conflict, either will do, then run "ocidsl lock"',
          locations: [{ file: 'ocidsl.lock.json', line: 3, column: 1 }],
        }),
      );
    }
  });

  it('takes an empty file for a damaged one', () => {
    for (const text of ['', '\n']) expect(() => readText(text)).toThrow('Cannot read ocidsl.lock.json: it is empty, expected JSON');
  });

  it.each([
    ['2', 'its version is 2, expected 1', 'It is of a newer ocidsl: install the version that the project uses'],
    ['"1"', 'its version is "1", expected 1', 'Restore it'],
    ['null', 'its version is null, expected 1', 'Restore it'],
  ])('refuses version %s', (version, message, hint) => {
    expect(() => readText(`{ "version": ${version}, "images": {} }`)).toThrow(
      expect.objectContaining({
        code: 'OCIDSL_LOCK_SYNTAX',
        message: `Cannot read ocidsl.lock.json: ${message}`,
        hint: expect.stringContaining(hint),
      }),
    );
  });

  it('refuses pins without a version', () => {
    expect(() => readText('{ "images": {} }')).toThrow('its version is absent, expected 1');
  });

  const image = (fields: object) => ({ images: { 'a/b:1': { mediaType: OCI.index, digest: A, size: 1, platforms: {}, ...fields } } });
  it.each<[string, object, string]>([
    [
      'a section that it does not know',
      { packages: {} },
      'packages is an unknown field, expected only version, images, files, goToolchains',
    ],
    ['a list of images', { images: [] }, 'images is a list, expected an object'],
    ['a pin that is a string', { images: { 'a/b:1': A } }, 'images."a/b:1" is "sha256:a'],
    ['an unknown field of a pin', image({ tag: 'x' }), 'images."a/b:1".tag is an unknown field'],
    ['a digest in upper case', image({ digest: A.toUpperCase() }), 'images."a/b:1".digest is no digest'],
    ['a digest of another algorithm', image({ digest: `sha512:${'a'.repeat(128)}` }), 'images."a/b:1".digest is no digest'],
    ['a negative size', image({ size: -1 }), 'images."a/b:1".size is -1, expected an integer from 0 on'],
    ['a fraction for a size', image({ size: 1.5 }), 'size is 1.5'],
    ['another media type', image({ mediaType: OCI.config }), `images."a/b:1".mediaType is "${OCI.config}"`],
    ['a pin without platforms', image({ platforms: undefined }), 'images."a/b:1".platforms is absent, expected an object'],
    [
      'an index for a platform',
      image({ platforms: { 'linux/amd64': { mediaType: OCI.index, digest: A, size: 1 } } }),
      '"linux/amd64".mediaType is',
    ],
    ['a file without a size', { files: { 'https://a': { digest: A } } }, 'files."https://a".size is absent'],
    ['a Go archive without a checksum', { goToolchains: { '1.26.0': { 'linux/amd64': {} } } }, '"linux/amd64".digest is absent'],
    [
      'a checksum of another form',
      { goToolchains: { '1.26.0': { 'linux/amd64': { h1: 'h1:x' } } } },
      '"linux/amd64".h1 is no checksum of go.sum',
    ],
  ])('refuses %s', (_, fields, message) => {
    expect(() => readText(JSON.stringify({ version: 1, ...fields }))).toThrow(
      expect.objectContaining({ code: 'OCIDSL_LOCK_SYNTAX', kind: 'config', message: expect.stringContaining(message) }),
    );
  });

  it('fails as the environment does where the file cannot be read', () => {
    mkdirSync(join(root, 'ocidsl.lock.json'));
    expect(() => readLock(root)).toThrow(expect.objectContaining({ code: 'OCIDSL_SYSTEM_EISDIR', kind: 'environment' }));
  });
});

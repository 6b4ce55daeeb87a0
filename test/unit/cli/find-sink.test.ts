import { describe, expect, test } from 'vitest';
import { findSink } from '../../../lib/cli/find-sink.ts';
import { defineMacro } from '../../../lib/graph/define-macro.ts';
import { multiArch } from '../../../lib/rules/multi-arch.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { ociImageIndex } from '../../../lib/rules/oci-image-index.ts';
import { ociLoad } from '../../../lib/rules/oci-load.ts';
import { ociPush } from '../../../lib/rules/oci-push.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { declareIn } from '../graph/rig.ts';

const imageMacro = defineMacro('imageMacro', ({ name }: { name: string }) => {
  const image = ociImage({ name: `${name}_image`, os: 'linux', architecture: 'amd64', tars: [pkgTar({ name: `${name}_pkg` })] });
  ociLoad({ name: `${name}_load`, image, repoTags: [name] });
  ociPush({ name: `${name}_push`, image: ociImageIndex({ name: `${name}_index`, images: [image] }), repository: 'r.example/x' });
});

const workspace = declareIn('p', () => {
  imageMacro({ name: 'macro' });
  const plain = ociImage({ name: 'plain', os: 'linux', architecture: 'amd64', tars: [pkgTar({ name: 'tar' })] });
  ociLoad({ name: 'load_plain', image: plain, repoTags: ['plain'] });
  ociPush({
    name: 'push_plain',
    image: ociImageIndex({ name: 'plain_index', images: [multiArch({ name: 'all', target: plain, platforms: ['linux/amd64'] })] }),
    repository: 'r.example/x',
  });
  const twice = ociImage({ name: 'twice', os: 'linux', architecture: 'amd64' });
  for (const i of [1, 2]) ociLoad({ name: `load${i}`, image: twice, repoTags: ['x'] });
  ociImage({ name: 'alone', os: 'linux', architecture: 'amd64' });
});

describe('findSink()', () => {
  test.each([
    ['p:macro_load', 'LoadInfo', 'p:macro_load'],
    ['p:macro_push', 'PushInfo', 'p:macro_push'],
    ['p:macro', 'LoadInfo', 'p:macro_load'],
    ['p:macro', 'PushInfo', 'p:macro_push'],
    ['p:macro_image', 'LoadInfo', 'p:macro_load'],
    ['p:macro_image', 'PushInfo', 'p:macro_push'],
    ['p:macro_index', 'PushInfo', 'p:macro_push'],
    ['p:plain', 'LoadInfo', 'p:load_plain'],
    ['p:plain', 'PushInfo', 'p:push_plain'],
    ['p:plain_index', 'PushInfo', 'p:push_plain'],
    ['p:tar', 'LoadInfo', 'p:load_plain'],
  ] as const)('takes %s for %s as %s', (label, provider, sink) => expect(findSink(label, provider, workspace.targets)).toBe(sink));

  test.each([
    [
      'p:alone',
      'LoadInfo',
      {
        code: 'OCIDSL_SINK_MISSING',
        label: 'p:alone',
        message: 'Cannot load "p:alone": no ociLoad uses it',
        hint: "Declare ociLoad({ name: 'alone_load', image: …, … })",
      },
    ],
    ['p:alone', 'PushInfo', { code: 'OCIDSL_SINK_MISSING', message: 'Cannot push "p:alone": no ociPush uses it' }],
    [
      'p:twice',
      'LoadInfo',
      { code: 'OCIDSL_SINK_AMBIGUOUS', message: 'Cannot choose what to load for "p:twice": "p:load1" and "p:load2" use it' },
    ],
    ['p:load1', 'PushInfo', { code: 'OCIDSL_SINK_MISSING' }],
    ['p:macr', 'LoadInfo', { code: 'OCIDSL_TARGET_UNKNOWN', hint: 'Did you mean "p:macro" or "p:tar"?' }],
    ['p:plian', 'PushInfo', { code: 'OCIDSL_TARGET_UNKNOWN', hint: expect.stringContaining('"p:plain"') as string }],
    ['macro', 'LoadInfo', { code: 'OCIDSL_TARGET_UNKNOWN' }],
  ] as const)('refuses %s for %s', (label, provider, error) => {
    expect(() => findSink(label, provider, workspace.targets)).toThrow(expect.objectContaining(error) as Error);
  });
});

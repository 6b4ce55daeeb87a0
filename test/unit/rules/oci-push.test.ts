// ociPush: where and under which tags, attachments, and what of it analysis depends on.
import { describe, expect, test } from 'vitest';
import { glob } from '../../../lib/rules/glob.ts';
import { command } from '../../../lib/rules/command.ts';
import { ociImage } from '../../../lib/rules/oci-image.ts';
import { ociPush } from '../../../lib/rules/oci-push.ts';
import { pkgTar } from '../../../lib/rules/pkg-tar.ts';
import { PushInfo } from '../../../lib/rules/push-info.ts';
import { select } from '../../../lib/rules/select.ts';
import { declarationText } from '../../../lib/graph/closure.ts';
import { functionOf, type FunctionReference } from '../../../lib/graph/value.ts';
import { declare, targetOf } from '../graph/rig.ts';
import { analysisOf, provided } from '../plan/rig.ts';
import { problemsWith } from './rig.ts';

const image = () => ociImage({ name: 'i', os: 'linux', architecture: 'amd64' });
const at = { repository: 'r.example/a' };
const infoOf = (body: () => unknown, platform?: string) => provided(analysisOf(body), 'push', PushInfo, platform);

describe('destinations', () => {
  test('are one repository or several', () => {
    expect(infoOf(() => ociPush({ name: 'push', image: image(), ...at })).repositories).toEqual(['r.example/a']);
    const repositories = ['r.example/a', 'other.example:5000/b'];
    expect(infoOf(() => ociPush({ name: 'push', image: image(), repositories })).repositories).toEqual(repositories);
  });

  test('may depend on the platform', () => {
    const repository = select({ 'linux/amd64': 'r.example/amd64', default: 'r.example/other' });
    const info = (platform: string) => infoOf(() => ociPush({ name: 'push', image: image(), repository }), platform);
    expect(info('linux/amd64').repositories).toEqual(['r.example/amd64']);
    expect(info('linux/arm64').repositories).toEqual(['r.example/other']);
  });

  test('may be in a file of the package or of a target', () => {
    const info = infoOf(() => {
      const made = command({ name: 'made', argv: ['true'], outputs: ['o'] });
      return ociPush({ name: 'push', image: image(), repositoryFile: 'where.txt', remoteTagsFile: made });
    });
    expect(info.repositories).toEqual([]);
    expect(info.repositoryFile!.discoveries).toEqual([{ discoverer: 'paths', args: { paths: ['where.txt'] } }]);
    expect(info.remoteTagsFile!.resolve([]).inputs.map(({ path }) => path)).toEqual(['made/o']);
  });
});

describe('tags', () => {
  test.each<[object, unknown[]]>([
    [{}, ['latest']],
    [{ remoteTags: [] }, []],
    [{ remoteTagsFile: 'tags.txt' }, []],
    [{ remoteTagsFile: 'tags.txt', remoteTags: ['x'] }, ['x']],
    [{ remoteTags: ['{{git.tag}}', 'v1'] }, ['{{git.tag}}', 'v1']],
  ])('of %j are %j', (attributes, tags) => {
    expect(infoOf(() => ociPush({ name: 'push', image: image(), ...at, ...attributes })).remoteTags).toEqual(tags);
  });

  test('may be functions, which are no part of the declaration', () => {
    const make = () => 'x';
    const declared = (tags: readonly (() => string)[]) =>
      declarationText(
        targetOf(
          declare(() => ociPush({ name: 'push', image: ':i', ...at, remoteTags: tags })),
          'push',
        ),
      );
    const [tag] = infoOf(() => ociPush({ name: 'push', image: image(), ...at, remoteTags: [make] })).remoteTags;
    expect(functionOf(tag as FunctionReference)).toBe(make);
    expect(declared([() => 'y'])).toBe(declared([make]));
    expect(declared([make, make])).not.toBe(declared([make]));
  });
});

describe('attachments', () => {
  test('have the media type of their target, else their own', () => {
    const info = infoOf(() => {
      const tar = pkgTar({ name: 'tar' });
      return ociPush({
        name: 'push',
        image: image(),
        ...at,
        attachments: [
          { artifactType: 'application/spdx+json', file: 'sbom.json', annotations: { b: '1', a: '2' } },
          { artifactType: 'application/vnd.acme.sources', file: tar },
          { artifactType: 'application/vnd.acme.notes', files: ['a.txt', glob(['docs/*'])], mediaType: 'text/plain' },
        ],
      });
    });
    expect(info.attachments.map(({ artifactType, mediaType, annotations }) => [artifactType, mediaType, annotations])).toEqual([
      ['application/spdx+json', 'application/spdx+json', { b: '1', a: '2' }],
      ['application/vnd.acme.sources', 'application/x-tar', {}],
      ['application/vnd.acme.notes', 'text/plain', {}],
    ]);
    expect(info.attachments[2]!.files.discoveries.map(({ discoverer }) => discoverer)).toEqual(['paths', 'glob']);
  });

  test('are uses of their targets', () => {
    const workspace = declare(() => ociPush({ name: 'push', image: ':i', ...at, attachments: [{ artifactType: 'a/b', file: ':sbom' }] }));
    expect(targetOf(workspace, 'push').references).toEqual(['i', 'sbom']);
  });
});

test.each<[object, string]>([
  [{}, 'attribute "repository" of ociPush "t": it is missing, expected one of repository, repositories, repositoryFile'],
  [{ ...at, repositories: ['r.example/b'] }, '"repositories" of ociPush "t": it is given beside repository'],
  [{ ...at, repositoryFile: 'x' }, '"repositoryFile" of ociPush "t": it is given beside repository'],
  [{ repositories: [] }, 'it is empty, expected one or more'],
  [{ repositories: ['r.example/a:v1'] }, 'attribute "repositories[0]"'],
  [{ repositoryFile: glob(['*']) }, 'attribute "repositoryFile" of ociPush "t": it is glob(…)'],
  [{ ...at, remoteTags: ['{{git.sha}}'] }, 'there is no {{git.sha}}'],
  [{ ...at, remoteTags: [1] }, 'attribute "remoteTags[0]"'],
  [{ ...at, attachments: ['x'] }, 'attribute "attachments[0]"'],
  [{ ...at, attachments: [{ file: 'x' }] }, 'attribute "attachments[0].artifactType" of ociPush "t": it is missing'],
  [{ ...at, attachments: [{ artifactType: 'sbom', file: 'x' }] }, 'attribute "attachments[0].artifactType"'],
  [{ ...at, attachments: [{ artifactType: 'application/vnd.oci.empty.v1+json', file: 'x' }] }, 'it does not say what the document is'],
  [{ ...at, attachments: [{ artifactType: 'a/b' }] }, 'it is without a file, expected either file or files'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: 'x', files: ['y'] }] }, 'it is given both file and files'],
  [{ ...at, attachments: [{ artifactType: 'a/b', files: [] }] }, 'it is empty, expected one or more files'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: glob(['*']) }] }, 'attribute "attachments[0].file"'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: '../../x' }] }, 'it leaves the workspace'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: 'x', mediaType: 'text' }] }, 'attribute "attachments[0].mediaType"'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: 'x', annotations: { '': 'y' } }] }, 'its key is empty'],
  [{ ...at, attachments: [{ artifactType: 'a/b', file: 'x', title: 'y' }] }, 'attribute "attachments[0].title"'],
])('refuses %j', (attributes, is) => expect(problemsWith(ociPush, { image: ':i', ...attributes })[0]).toContain(is));

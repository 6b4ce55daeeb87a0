// Pushing: several repositories, tags that say which commit it is, documents attached to an image, several targets at once.
import { command, glob, ociImage, ociImageIndex, ociPush, pkgTar, select } from 'ocidsl';

const registry = process.env['REGISTRY'] ?? 'localhost:5000';

const image = ociImage({
  name: 'image',
  os: 'linux',
  architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }),
  tars: [pkgTar({ name: 'files', srcs: [glob(['site/**'])], packageDir: '/srv' })],
});

const index = ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });

// Any file can be attached; this one is made by a command, as a scanner's report would be.
const contents = command({
  name: 'contents',
  argv: ['sh', '-c', 'cd site && sha256sum * > ../contents.txt'],
  inputs: [glob(['site/**'])],
  outputs: ['contents.txt'],
});

ociPush({
  name: 'release',
  image: index,
  // The second one mounts what the first one got.
  repositories: [`${registry}/acme/site`, `${registry}/mirror/site`],
  // Evaluated by the push: the image is the same whichever commit it is pushed from.
  remoteTags: ['{{git.shortCommit}}{{git.dirty}}', ({ git }) => (git.tag === undefined ? 'edge' : [git.tag, 'latest'])],
  attachments: [{ artifactType: 'application/vnd.example.contents', file: contents, mediaType: 'text/plain' }],
});

// Where this one goes is said by a file, which another step of a pipeline may write.
ociPush({ name: 'preview', image, repositoryFile: 'preview.txt', remoteTagsFile: 'preview-tags.txt' });

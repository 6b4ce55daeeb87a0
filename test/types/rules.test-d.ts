// What must and must not compile in a build.config.ts. Checked by `npm run types`: a line after `@ts-expect-error` that
// compiles is an error, too. Nothing here is run.
import {
  command,
  glob,
  goBinary,
  goCrossBinary,
  httpFile,
  multiArch,
  ociImage,
  ociImageIndex,
  ociLoad,
  ociPush,
  pkgTar,
  select,
  type Handle,
} from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

const binary = goBinary({ name: 'b', package: './' });
const tar = pkgTar({ name: 't', srcs: [binary, 'file', glob(['assets/**'])] });
const image = ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [tar, ':label', 'rootfs.tar'], entrypoint: ['/b'] });
const index = ociImageIndex({ name: 'x', images: [image], platforms: ['linux/amd64', 'linux/arm64/v8'] });

// Valid: every form of a base, values from files, and values that depend on the platform.
ociImage({ name: 'i', base: image, env: { A: '1' }, labels: 'labels.json', annotations: ['a.env', ':generated'] });
ociImage({ name: 'i', base: ':label' });
ociImage({ name: 'i', base: 'oci:folder' });
ociImage({ name: 'i', os: 'linux', architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }), variant: '' });
ociImage({
  name: 'i',
  os: 'linux',
  architecture: 'arm',
  variant: select({ 'linux/arm/v6': 'v6', default: 'v7' }),
  entrypoint: select({ linux: ['/a'], default: [] }),
});
ociImageIndex({ name: 'x', images: [image, multiArch({ name: 'm', target: image, platforms: ['linux/arm64'] }), ':label'] });
goBinary({ name: 'b', package: './', tags: select({ 'linux/arm64': ['neon'], default: [] }), buildmode: 'pie' });
goCrossBinary({ name: 'c', target: binary, platform: 'darwin/arm64' });
command({ name: 'c', argv: ['sh'], inputs: [binary, glob(['**'])], outputs: ['o'] });
ociLoad({ name: 'l', image, repoTags: ['a:b'] });
const download = httpFile({ name: 'f', urls: ['https://example.com/f'], executable: true });
pkgTar({ name: 't', srcs: [download] });
httpFile({ name: 'f', urls: select({ linux: ['https://example.com/f'] }), digest: select({ linux: 'sha256:…' }) });
// @ts-expect-error -- several URLs are a list
httpFile({ name: 'f', urls: 'https://example.com/f' });
ociPush({ name: 'p', image: index, repository: 'r.example/a' });
ociPush({ name: 'p', image, repository: 'r.example/a' });

// A target goes only where what it provides is wanted.
// @ts-expect-error a binary is no layer
ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [binary] });
// @ts-expect-error an image is no layer
ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [image] });
// @ts-expect-error a layer is no base
ociImage({ name: 'i', base: tar });
// @ts-expect-error an image is no file
pkgTar({ name: 't', srcs: [image] });
// @ts-expect-error a binary is no archive
pkgTar({ name: 't', deps: [binary] });
// @ts-expect-error a layer is no image
ociImageIndex({ name: 'x', images: [tar] });
// @ts-expect-error an index is not for one platform
ociLoad({ name: 'l', image: index, repoTags: ['a'] });
// @ts-expect-error a layer cannot be pushed
ociPush({ name: 'p', image: tar, repository: 'r.example/a' });
// @ts-expect-error a layer is no binary
goCrossBinary({ name: 'c', target: tar, platform: 'darwin/arm64' });
// @ts-expect-error a binary for several platforms is still no layer
ociImage({ name: 'i', os: 'linux', architecture: 'amd64', tars: [multiArch({ name: 'm', target: binary, platforms: ['linux/amd64'] })] });

// The platform of an image.
// @ts-expect-error os and architecture are mandatory without a base
ociImage({ name: 'i' });
// @ts-expect-error architecture is mandatory without a base
ociImage({ name: 'i', os: 'linux' });
// @ts-expect-error os comes from the base
ociImage({ name: 'i', base: image, os: 'linux' });
// @ts-expect-error architecture comes from the base
ociImage({ name: 'i', base: image, architecture: 'amd64' });
// @ts-expect-error variant comes from the base
ociImage({ name: 'i', base: image, variant: 'v8' });
// @ts-expect-error Go calls it amd64
ociImage({ name: 'i', os: 'linux', architecture: 'x86_64' });
// @ts-expect-error there is no such platform
multiArch({ name: 'm', target: image, platforms: ['linux/amd65'] });
// @ts-expect-error a platform has an architecture
ociImageIndex({ name: 'x', images: [image], platforms: ['linux'] });
// @ts-expect-error there is no such platform
goCrossBinary({ name: 'c', target: binary, platform: 'macos/arm64' });

// select().
// @ts-expect-error there is no such platform
select({ 'linux/amd65': 1 });
// @ts-expect-error it is written default
select({ otherwise: 1 });
// @ts-expect-error its cases have the type of the attribute
goBinary({ name: 'b', package: './', tags: select({ linux: 'neon' }) });
// @ts-expect-error what decides the shape of the graph cannot depend on the platform
ociImage({ name: 'i', base: select({ linux: image }) });
// @ts-expect-error what decides the shape of the graph cannot depend on the platform
multiArch({ name: 'm', target: image, platforms: select({ default: ['linux/amd64'] }) });

// Values.
// @ts-expect-error exec form only
ociImage({ name: 'i', os: 'linux', architecture: 'amd64', entrypoint: '/b' });
// @ts-expect-error exec form only
ociImage({ name: 'i', os: 'linux', architecture: 'amd64', cmd: 'serve' });
// @ts-expect-error a mode is text: 0755 and 0o755 would not be told apart
pkgTar({ name: 't', mode: 0o755 });
// @ts-expect-error there is no such extension
pkgTar({ name: 't', extension: 'tar.bz2' });
// @ts-expect-error there is no such attribute
pkgTar({ name: 't', packageDirectory: '/opt' });
// @ts-expect-error every rule has a name
pkgTar({ srcs: [] });
// @ts-expect-error a push needs a repository
ociPush({ name: 'p', image });
ociPush({ name: 'p', image, repositories: ['r.example/a', 'r.example/b'], remoteTags: ['{{git.tag}}', ({ git }) => git.tag ?? []] });
ociPush({ name: 'p', image, repositoryFile: binary, attachments: [{ artifactType: 'a/b', file: 'x' }] });
// @ts-expect-error one way to say where
ociPush({ name: 'p', image, repository: 'r.example/a', repositoryFile: 'where.txt' });
// @ts-expect-error a function returns tags
ociPush({ name: 'p', image, repository: 'r.example/a', remoteTags: [() => 1] });
// @ts-expect-error an attachment says what it is
ociPush({ name: 'p', image, repository: 'r.example/a', attachments: [{ file: 'x' }] });
goOciImage({ name: 'hello', srcs: [binary], push: { repositories: ['r.example/a'], attachments: [{ artifactType: 'a/b', file: 'x' }] } });
// @ts-expect-error patterns are an array
glob('**');

// A handle has no value while the config is evaluated.
// @ts-expect-error a handle is no string
const text: string = binary;
// @ts-expect-error a handle is no string
text.concat(binary);
// @ts-expect-error a handle has no properties
void binary.path;
// @ts-expect-error a handle is no list
void [...binary];

// The macro passes on what the rules take, and nothing else.
const made = goOciImage({
  name: 'hello',
  srcs: [binary],
  image: { workdir: '/app' },
  pkg: { packageDir: '/opt' },
  push: { remoteTags: ['v1'] },
  repository: 'r.example/a',
});
const handles: readonly [Handle<'ImageInfo'>, Handle<'IndexInfo'>, Handle<'PushInfo'> | undefined] = [made.image, made.index, made.push];
void handles;
goOciImage({ name: 'hello', srcs: [binary], base: image });
// @ts-expect-error a layer is no file of the layer
goOciImage({ name: 'hello', srcs: [image] });
// @ts-expect-error the names of targets are the macro's
goOciImage({ name: 'hello', srcs: [], image: { name: 'other' } });
// @ts-expect-error there is no such platform
goOciImage({ name: 'hello', srcs: [], platforms: ['linux/amd65'] });
// @ts-expect-error exec form only
goOciImage({ name: 'hello', srcs: [], entrypoint: '/b' });
// @ts-expect-error there is no such attribute of pkgTar
goOciImage({ name: 'hello', srcs: [], pkg: { packageDirectory: '/opt' } });

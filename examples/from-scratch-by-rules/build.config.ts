// What goOciImage does, written out: every rule between a Go program and a pushed index.
import { goBinary, multiArch, ociImage, ociImageIndex, ociLoad, ociPush, pkgTar, select } from 'ocidsl';

const greet = goBinary({
  name: 'greet',
  package: './cmd/greet',
  xDefs: { Version: '1.2.3' },
});

// One layer for the program and one for its configuration: a new greeting leaves the larger layer as it is.
const program = pkgTar({ name: 'program', srcs: [greet], packageDir: '/usr/bin' });
const config = pkgTar({ name: 'config', srcs: ['etc/greeting.txt'], packageDir: '/etc/greet', mode: '0444' });

// No platform is built here yet: which one is a matter of who asks for the image.
const image = ociImage({
  name: 'image',
  os: 'linux',
  architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64' }),
  tars: [program, config],
  entrypoint: ['/usr/bin/greet'],
  user: '65532:65532',
});

const everywhere = multiArch({ name: 'everywhere', target: image, platforms: ['linux/amd64', 'linux/arm64'] });
const index = ociImageIndex({ name: 'index', images: [everywhere] });

ociLoad({ name: 'load', image, repoTags: ['greet:1.2.3', 'greet:latest'] });
ociPush({ name: 'push', image: index, repository: '127.0.0.1:5000/acme/greet', remoteTags: ['1.2.3', 'latest'] });

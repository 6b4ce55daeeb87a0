// Values that depend on the platform, CPU variants, and binaries for machines that images do not run on.
import { goBinary, goCrossBinary, ociImage, ociImageIndex, pkgTar, select } from 'ocidsl';

// The variant becomes GOARM or GOAMD64. The most specific case wins: platform with variant, platform, operating system, default.
const agent = goBinary({
  name: 'agent',
  package: './cmd/agent',
  xDefs: select({
    'linux/amd64/v3': { Profile: 'fast' },
    'linux/arm': { Profile: 'small' },
    darwin: { Profile: 'developer' },
    default: { Profile: 'standard' },
  }),
});

const layer = pkgTar({
  name: 'layer',
  srcs: [agent],
  files: select({
    'linux/arm': { 'etc/agent.conf': 'config/small.conf' },
    default: { 'etc/agent.conf': 'config/standard.conf' },
  }),
});

const image = ociImage({
  name: 'image',
  os: 'linux',
  architecture: select({ 'linux/amd64': 'amd64', 'linux/arm64': 'arm64', 'linux/arm': 'arm' }),
  variant: select({ 'linux/amd64/v3': 'v3', 'linux/arm/v6': 'v6', 'linux/arm/v7': 'v7', default: '' }),
  tars: [layer],
  entrypoint: ['/agent'],
});

ociImageIndex({
  name: 'index',
  images: [image],
  platforms: ['linux/amd64', 'linux/amd64/v3', 'linux/arm64', 'linux/arm/v6', 'linux/arm/v7'],
});

goCrossBinary({ name: 'agent_mac', target: agent, platform: 'darwin/arm64' });

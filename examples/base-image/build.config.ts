// An image on an OCI layout folder, and another one on top of that image.
import { goBinary, ociImage, ociImageIndex, ociLoad, pkgTar } from 'ocidsl';

// foundation/ is what "skopeo copy --all docker://… oci:foundation" leaves: an index of two platforms. The right one is taken.
const runtime = ociImage({
  name: 'runtime',
  base: 'oci:foundation',
  tars: [pkgTar({ name: 'runtime_folders', emptyDirs: ['opt/app/bin', 'opt/app/data'] })],
  env: { PATH: '/opt/app/bin:$PATH' }, // what the base has, with one more folder before it
  labels: { 'org.opencontainers.image.title': 'runtime' }, // replaces the base's title, keeps its other labels
});

// User, working directory and environment come from below. The base's cmd does not: there is an entrypoint now.
const image = ociImage({
  name: 'image',
  base: runtime,
  tars: [pkgTar({ name: 'layer', srcs: [goBinary({ name: 'whoami', package: './cmd/whoami' })], packageDir: '/opt/app/bin' })],
  entrypoint: ['whoami'],
});

ociImageIndex({ name: 'index', images: [image], platforms: ['linux/amd64', 'linux/arm64'] });
ociLoad({ name: 'load', image, repoTags: ['acme/whoami:latest'] });

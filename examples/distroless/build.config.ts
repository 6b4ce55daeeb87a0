import { goBinary, ociPull } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

const base = ociPull({
  name: 'distroless_static',
  image: 'gcr.io/distroless/static-debian12',
  tag: 'nonroot', // pinned by digest in ocidsl.lock.json
  platforms: ['linux/amd64', 'linux/arm64/v8'],
});

goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './cmd/hello' })],
  base,
  entrypoint: ['/hello_bin'],
  repository: '127.0.0.1:5000/acme/hello',
});

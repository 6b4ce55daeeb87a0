// This repository's own image: the example program from scratch, for two platforms. No registry is needed to build it.
import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', module: 'examples/hello', package: './apps/hello' })],
  entrypoint: ['/hello_bin'],
  repoTags: ['ocidsl/hello:latest'],
});

import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './apps/hello' })],
  entrypoint: ['/hello_bin'],
  repoTags: ['hello:latest'],
  repository: '127.0.0.1:5000/acme/hello',
});

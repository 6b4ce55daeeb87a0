// An image that GitHub Actions builds for every pull request, and pushes to GitHub's registry from main.
import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goOciImage({
  name: 'hello',
  srcs: [goBinary({ name: 'hello_bin', package: './cmd/hello' })],
  entrypoint: ['/hello_bin'],
  repository: 'ghcr.io/acme/hello',
});

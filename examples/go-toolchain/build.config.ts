import { goBinary, goToolchain } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goToolchain({ name: 'go', version: '1.26.8' });

goOciImage({
  name: 'greet',
  srcs: [goBinary({ name: 'greet_bin', package: './cmd/greet' })],
  entrypoint: ['/greet_bin'],
});

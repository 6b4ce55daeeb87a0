// The package apps/worker. It exports nothing: others name its targets by label.
import { goBinary } from 'ocidsl';
import { goOciImage } from 'ocidsl/macros';

goOciImage({
  name: 'worker',
  srcs: [goBinary({ name: 'worker_bin', package: '.' })],
  entrypoint: ['/worker_bin'],
});

// `npm run soak:pull -- [MiB] [SEED]`: 1 GiB through a proxy that ends the connection every 1 to 5 MiB.
import { soakPull } from './pull-soak.ts';

const sizeBytes = Number(process.argv[2] ?? 1024) << 20;
const seed = Number(process.argv[3] ?? 1);
const started = performance.now();
const { isRight, cuts, twice, peakBytes } = await soakPull({ sizeBytes, seed });
console.log(
  `${sizeBytes >> 20} MiB, seed ${seed}, ${((performance.now() - started) / 1000).toFixed(1)} s: ${isRight ? 'right' : 'WRONG'}, ${cuts} cuts, ` +
    `${(twice * 100).toFixed(3)} % twice, ${(peakBytes / 1e6).toFixed(0)} MB of memory`,
);
if (!isRight || twice > 0.01) process.exitCode = 1;

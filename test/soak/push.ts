// `npm run soak:push -- [PUSHES] [SEED]`: 1,000 pushes to a fake registry of which every fifth request fails, and as many to Debian's
// docker-registry behind a proxy that ends connections. Prints what came of it; fails where anything is wrong.
import { isInstalled } from '../conformance/real-registries.ts';
import { soakDockerRegistry, soakFakeRegistry } from './push-soak.ts';

const pushes = Number(process.argv[2] ?? 1000);
const seed = Number(process.argv[3] ?? 1);

for (const [name, soak] of [
  ['fake registry', soakFakeRegistry],
  ['docker-registry behind a proxy', soakDockerRegistry],
] as const) {
  if (soak === soakDockerRegistry && !isInstalled('docker-registry')) {
    console.log(`${name}: skipped, docker-registry is not installed`);
    continue;
  }
  const started = performance.now();
  const result = await soak({ pushes, seed });
  console.log(`${name}, seed ${seed}, ${((performance.now() - started) / 1000).toFixed(1)} s: ${JSON.stringify(result)}`);
  if (result.wrongBlobs + result.wrongTags + result.incomplete > 0) process.exitCode = 1;
}

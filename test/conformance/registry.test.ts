// The conformance suite on the fake registry and on every real one that is installed.
import { describe, it } from 'vitest';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { registryConformance } from './registry.ts';
import { isInstalled, REAL_REGISTRIES } from './real-registries.ts';

registryConformance('fake registry', () => startFakeRegistry());
registryConformance('fake registry with relative locations', () => startFakeRegistry({ location: 'relative' }));
for (const registry of REAL_REGISTRIES) {
  if (isInstalled(registry.program)) registryConformance(registry.name, () => registry.start(), registry.gaps);
  else describe.skip(`registry conformance: ${registry.name} (skipped: ${registry.program} is not installed)`, () => it('runs'));
}

// A short soak; `npm run soak:push` is the long one.
import { describe, expect, it } from 'vitest';
import { soakDockerRegistry, soakFakeRegistry } from '../soak/push-soak.ts';
import { isInstalled } from './real-registries.ts';

const WHOLE = { wrongBlobs: 0, wrongTags: 0, incomplete: 0 };

describe('60 pushes through faults', () => {
  it('N10 N43 leave no wrong blob and no moved tag where every fifth request fails', { timeout: 120_000 }, async () => {
    const result = await soakFakeRegistry({ pushes: 60, seed: 3 });
    expect(result).toMatchObject(WHOLE);
    expect(result.pushed).toBeGreaterThan(30);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.faults / result.attempts).toBeGreaterThan(0.15);
  });

  const has = isInstalled('docker-registry');
  it.skipIf(!has)(
    `N10 N43 leave no wrong blob and no moved tag in a real registry whose connections break${has ? '' : ' (needs docker-registry)'}`,
    { timeout: 120_000 },
    async () => {
      const result = await soakDockerRegistry({ pushes: 60, seed: 3 });
      expect(result).toMatchObject(WHOLE);
      expect(result.pushed).toBeGreaterThan(30);
      expect(result.faults).toBeGreaterThan(30);
    },
  );
});

import { describe } from 'vitest';
import { MemoryActionCache } from '../../../lib/store/memory-action-cache.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { actionCacheConformance } from '../../conformance/action-cache.ts';
import { contentAddressableStorageConformance } from '../../conformance/content-addressable-storage.ts';

describe('MemoryCas', () => {
  contentAddressableStorageConformance(() => new MemoryCas());
});

describe('MemoryActionCache', () => {
  actionCacheConformance(() => ({ actionCache: new MemoryActionCache(), cas: new MemoryCas() }));
});

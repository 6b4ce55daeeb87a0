// Which of its two image stores a Docker daemon uses.
import type { EngineInfo } from './engine-interface.ts';

/** The store, by `GET /info` or `docker info`: containerd's has `["driver-type", "io.containerd.snapshotter.v1"]` in DriverStatus. */
export function dockerStore(info: { readonly DriverStatus?: unknown }): EngineInfo['store'] {
  return JSON.stringify(info.DriverStatus ?? []).includes('io.containerd.snapshotter') ? 'content' : 'layers';
}

// Pins for a command.
import { EMPTY_LOCK, type Lock } from '../plan/lock.ts';
import type { Network } from './network.ts';
import type { Settings } from './settings.ts';
import type { WorkspaceSession } from './workspace-session.ts';

export async function openLock(_session: WorkspaceSession, _settings: Settings, _network: Network): Promise<Lock> {
  return EMPTY_LOCK;
}

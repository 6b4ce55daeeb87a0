// Downloads the modules of a Go module when a discovery misses them: a fetch, before any action runs.
import { isOcidslError } from '../base/errors.ts';
import type { EventListener } from '../base/events.ts';

const running = new Map<string, Promise<void>>();

/** Whether the failure was that modules were missing, and they are there now. */
export async function recoverGoModules(
  error: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  emit: EventListener,
  signal: AbortSignal,
): Promise<boolean> {
  if (!isOcidslError(error) || error.code !== 'OCIDSL_GO_MODULES_MISSING') return false;
  const { moduleDirectory, goBinary } = error.cause as { readonly moduleDirectory: string; readonly goBinary: string };
  let download = running.get(moduleDirectory);
  if (download === undefined) {
    emit({ type: 'note', message: 'Downloading Go modules' });
    const run = async () => {
      try {
        const { downloadGoModules } = await import('../fetch/go-modules.ts');
        await downloadGoModules({ moduleDirectory, environment, goBinary, signal });
      } finally {
        // Platforms miss them at the same time; who misses them later, after an edit, needs another download.
        running.delete(moduleDirectory);
      }
    };
    download = run();
    running.set(moduleDirectory, download);
  }
  await download;
  return true;
}

// Ctrl-C and its relatives: the first asks the command to stop, the second ends it at once.
import { OcidslError } from '../base/errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `body` with a signal that is aborted when the process is told to stop. */
export async function interruptible<T>(body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new OcidslError({ code: 'OCIDSL_INTERRUPTED', kind: 'interrupted', message: `Cannot go on: interrupted by ${name}` }));
  };
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await body(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, stop);
  }
}

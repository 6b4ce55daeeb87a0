// Tasks that stand or fall together.

/**
 * Waits until all tasks have ended. The first failure aborts `stop`, so that the others end soon.
 * @throws the failure that came first
 */
export async function together<T>(tasks: readonly Promise<T>[], stop: AbortController): Promise<T[]> {
  const failures: unknown[] = [];
  const guarded = tasks.map((task) =>
    task.catch((error: unknown) => {
      failures.push(error);
      stop.abort(error);
      throw error;
    }),
  );
  const settled = await Promise.allSettled(guarded);
  if (failures.length > 0) throw failures[0];
  return settled.map((each) => (each as PromiseFulfilledResult<T>).value);
}

// Runs the user's config so that nothing it does ends the process or mixes with results: process.exit() throws, what it prints
// goes to stderr, rejections and an evaluation that never ends become failures. Everything is put back afterwards.

/** The config called process.exit(). */
export class ExitCalled extends Error {
  constructor(status: unknown) {
    super(`process.exit(${typeof status === 'number' || typeof status === 'string' ? status : ''})`);
  }
}

/** Nothing is left to do, but the evaluation has not ended: a top-level await waits for ever. */
export class NeverSettled extends Error {}

/** A value that user code threw or rejected with, told apart from failures of the loader. */
export class Escaped extends Error {
  readonly reason: unknown;
  constructor(reason: unknown) {
    super('a rejection that nobody handled');
    this.reason = reason;
  }
}

/** Whether a failure comes from the guard itself, not from what it ran. */
export function isGuardFailure(failure: unknown): boolean {
  return failure instanceof ExitCalled || failure instanceof NeverSettled || failure instanceof Escaped;
}

// Enough to see a call in the config from inside of macros that call macros.
const STACK_FRAMES = 30;

/**
 * Awaits `evaluate()` under guard.
 * @throws what it threw; ExitCalled, NeverSettled or Escaped
 */
export async function guardEvaluation(evaluate: () => Promise<void>): Promise<void> {
  let fail: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => (fail = reject));
  failure.catch(() => {});
  let exit: ExitCalled | undefined;
  const restore = [
    replaceProperty(process, 'exit', {
      value: (status?: unknown): never => {
        exit ??= new ExitCalled(status);
        fail(exit); // also where the config catches it
        throw exit;
      },
    }),
    replaceProperty(process, 'stdout', { get: () => process.stderr }),
    // The global console keeps the stream that it first met.
    replaceProperty(console, '_stdout', { get: () => process.stderr }),
    replaceProperty(Error, 'stackTraceLimit', { value: Math.max(STACK_FRAMES, Error.stackTraceLimit), writable: true }),
    listen('beforeExit', () => fail(new NeverSettled('a top-level await never ends'))),
    listen('unhandledRejection', (reason) => fail(new Escaped(reason))),
    listen('uncaughtException', (reason) => fail(new Escaped(reason))),
  ];
  try {
    await Promise.race([evaluate(), failure]);
    // One turn of the event loop: Node reports unhandled rejections at the end of the current one.
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), failure]);
    if (exit !== undefined) throw exit;
  } finally {
    for (const each of restore.reverse()) each();
  }
}

function replaceProperty(object: object, name: string, property: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  if (before !== undefined && before.configurable !== true) return () => {};
  Object.defineProperty(object, name, { ...property, configurable: true, enumerable: before?.enumerable ?? true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}

// Alone: what the command does otherwise about such an event must not come first.
function listen(event: 'beforeExit' | 'unhandledRejection' | 'uncaughtException', listener: (reason: unknown) => void): () => void {
  const others = process.rawListeners(event) as ((reason: unknown) => void)[];
  for (const other of others) process.off(event, other);
  process.on(event, listener);
  return () => {
    process.off(event, listener);
    for (const other of others) process.on(event, other);
  };
}

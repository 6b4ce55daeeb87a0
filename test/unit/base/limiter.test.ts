import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLimiter } from '../../../lib/base/limiter.ts';

interface Task {
  readonly started: boolean;
  end(error?: Error): void;
  readonly done: Promise<unknown>;
}

/** Starts a task in a limiter that runs until it is told to end. */
function task(limit: ReturnType<typeof createLimiter>, order: number[], id: number): Task {
  let end!: (error?: Error) => void;
  const gate = new Promise<void>((resolve, reject) => (end = (error) => (error === undefined ? resolve() : reject(error))));
  const state = { started: false };
  const done = limit(async () => {
    state.started = true;
    order.push(id);
    await gate;
    return id;
  });
  return {
    get started() {
      return state.started;
    },
    end,
    done: done.catch((error: unknown) => error),
  };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('createLimiter()', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s slots', (slots) =>
    expect(() => createLimiter(slots)).toThrow(RangeError),
  );

  test('gives slots in the order of the calls, and never more than there are, whatever ends or fails when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 12 }),
        async (slots, endings) => {
          const order: number[] = [];
          const limit = createLimiter(slots);
          const running = endings.map((_, id) => task(limit, order, id));
          let ended = 0;
          for (const [pick, fails] of endings) {
            await settle();
            const open = running.filter((each) => each.started);
            expect(open.length).toBe(Math.min(running.length, slots));
            const chosen = open[pick % open.length]!;
            running.splice(running.indexOf(chosen), 1);
            chosen.end(fails ? new Error('failed') : undefined);
            const result = await chosen.done;
            expect(result instanceof Error).toBe(fails);
            ended++;
          }
          expect(ended).toBe(endings.length);
          expect(order).toEqual(endings.map((_, id) => id));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('gives the slot of a task that throws at once to the next', async () => {
    const limit = createLimiter(1);
    const first = limit(() => {
      throw new Error('at once');
    });
    await expect(first).rejects.toThrow('at once');
    expect(await limit(() => Promise.resolve('next'))).toBe('next');
  });
});

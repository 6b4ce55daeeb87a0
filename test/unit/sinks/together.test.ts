import { expect, test } from 'vitest';
import { together } from '../../../lib/sinks/together.ts';
import { Turns } from '../../../lib/sinks/turns.ts';

/** A task that ends when it is told to. */
function task() {
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test('together() gives the results in the order of the tasks', async () => {
  const [a, b] = [task(), task()];
  const all = together([a.promise, b.promise], new AbortController());
  b.resolve('b');
  a.resolve('a');
  expect(await all).toEqual(['a', 'b']);
});

test('together() stops the others at the first failure, waits for them, and throws what came first', async () => {
  const [a, b, c] = [task(), task(), task()];
  const stop = new AbortController();
  let hasEnded = false;
  const all = together([a.promise, b.promise, c.promise], stop).finally(() => (hasEnded = true));
  const first = new Error('first');
  b.reject(first);
  await new Promise((next) => setImmediate(next));
  expect(stop.signal.reason).toBe(first);
  expect(hasEnded).toBe(false);
  a.reject(new Error('second'));
  c.resolve('c');
  await expect(all).rejects.toBe(first);
});

test('Turns runs tasks of one key one after the other, also after a failure, and does not hold others up', async () => {
  const turns = new Turns();
  const [a, b] = [task(), task()];
  const started: string[] = [];
  const run = (key: string, name: string, promise: Promise<string>) =>
    turns.take(key, async () => {
      started.push(name);
      return await promise;
    });
  const first = run('x', 'a', a.promise);
  const second = run('x', 'b', b.promise);
  expect(await run('y', 'c', Promise.resolve('c'))).toBe('c');
  expect(started).toEqual(['a', 'c']);
  a.reject(new Error('failed'));
  await expect(first).rejects.toThrow('failed');
  b.resolve('b');
  expect(await second).toBe('b');
  expect(started).toEqual(['a', 'c', 'b']);
});

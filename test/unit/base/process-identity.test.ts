import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ownIdentity, parseProcessIdentity, processState } from '../../../lib/base/process-identity.ts';
import type { Json } from '../../../lib/base/json.ts';

const own = ownIdentity();

describe('processState()', () => {
  test('of this process is alive', () => expect(processState(own)).toBe('alive'));

  test('tells a process that has taken over the pid of a dead one', () => {
    expect(processState({ ...own, start: `${own.start}1` })).toBe('dead');
  });

  test('of a process of an earlier boot is dead, of another machine or container unknown', () => {
    expect(processState({ ...own, boot: 'another' })).toBe('dead');
    expect(processState({ ...own, host: 'another' })).toBe('unknown');
    expect(processState({ ...own, namespace: 'another' })).toBe('unknown');
  });

  test('of a process that has ended is dead', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const identity = { ...own, pid: child.pid!, start: '' };
    await once(child, 'close');
    expect(processState(identity)).toBe('dead');
  });
});

describe('parseProcessIdentity()', () => {
  test('reads back what JSON keeps', () => expect(parseProcessIdentity(JSON.parse(JSON.stringify(own)) as Json)).toEqual(own));

  test.each([
    null,
    [],
    'text',
    {},
    { ...own, pid: 0 },
    { ...own, pid: -1 },
    { ...own, pid: 1.5 },
    { ...own, pid: '1' },
    { ...own, start: 1 },
    { ...own, host: null },
  ])('refuses %j', (value) => {
    expect(parseProcessIdentity(value as unknown as Json)).toBeUndefined();
  });
});

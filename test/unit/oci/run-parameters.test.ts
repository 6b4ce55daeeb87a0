// How attributes are merged over a base: one row for each rule.
import { describe, expect, it } from 'vitest';
import { mergeRunParameters, type RunAttributes } from '../../../lib/oci/merge-run-parameters.ts';
import type { RunParameters } from '../../../lib/oci/run-parameters.ts';

const base: RunParameters = {
  User: 'root',
  ExposedPorts: { '80/tcp': {} },
  Env: ['PATH=/bin'],
  Entrypoint: ['/base'],
  Cmd: ['--base'],
  Volumes: { '/base': {} },
  WorkingDir: '/base',
  Labels: { a: 'base', b: 'base' },
  StopSignal: 'SIGINT',
  ArgsEscaped: true,
};

const merge = (attributes: RunAttributes, over: RunParameters = base) => mergeRunParameters(over, attributes, 'linux');

describe('mergeRunParameters()', () => {
  it('inherits everything', () => {
    expect(merge({})).toEqual(base);
    expect(merge({}, {})).toEqual({});
  });

  const { Cmd: _cmd, Entrypoint: _entrypoint, ArgsEscaped: _escaped, ...rest } = base;
  it.each<[string, RunAttributes, RunParameters]>([
    ['an entrypoint resets the command', { entrypoint: ['/x'] }, { ...rest, Entrypoint: ['/x'] }],
    ['an entrypoint with keepCmd keeps it', { entrypoint: ['/x'], keepCmd: true }, { ...rest, Entrypoint: ['/x'], Cmd: ['--base'] }],
    ['an entrypoint with a command', { entrypoint: ['/x'], cmd: ['y'] }, { ...rest, Entrypoint: ['/x'], Cmd: ['y'] }],
    ['a command alone keeps the entrypoint', { cmd: ['y'] }, { ...rest, Entrypoint: ['/base'], Cmd: ['y'] }],
    ['null takes the entrypoint away, and the command with it', { entrypoint: null }, rest],
    ['null takes the command away', { cmd: null }, { ...rest, Entrypoint: ['/base'] }],
    ['an empty list stays an empty list', { cmd: [] }, { ...rest, Entrypoint: ['/base'], Cmd: [] }],
    ['null entrypoint with a command', { entrypoint: null, cmd: ['sh'] }, { ...rest, Cmd: ['sh'] }],
    ['an empty command wins over keepCmd', { entrypoint: ['/x'], cmd: [], keepCmd: true }, { ...rest, Entrypoint: ['/x'], Cmd: [] }],
    ['user', { user: '65532:65532' }, { ...base, User: '65532:65532' }],
    ['workdir', { workdir: '/app' }, { ...base, WorkingDir: '/app' }],
    ['stopSignal', { stopSignal: 'SIGTERM' }, { ...base, StopSignal: 'SIGTERM' }],
    [
      'ports are added, with their protocol',
      { exposedPorts: ['8080', '53/udp', '80'] },
      { ...base, ExposedPorts: { '80/tcp': {}, '8080/tcp': {}, '53/udp': {} } },
    ],
    ['volumes are added', { volumes: ['/data', '/base'] }, { ...base, Volumes: { '/base': {}, '/data': {} } }],
    [
      'labels are merged, the last one wins',
      {
        labels: [
          ['b', '1'],
          ['c', '1'],
          ['c', '2'],
        ],
      },
      { ...base, Labels: { a: 'base', b: '1', c: '2' } },
    ],
    ['env is merged', { env: [['X', '$PATH']] }, { ...base, Env: ['PATH=/bin', 'X=/bin'] }],
    [
      'further fields are added',
      { extraConfig: { Healthcheck: { Test: ['NONE'] } } },
      { ...base, Healthcheck: { Test: ['NONE'] } } as RunParameters,
    ],
  ])('%s', (_, attributes, expected) => {
    expect(merge(attributes)).toEqual(expected);
  });

  it("keeps the base's unknown fields, and replaces them where the image has its own", () => {
    const docker = { ...base, Healthcheck: { Test: ['CMD', 'x'] }, Shell: ['sh'] } as RunParameters;
    expect(merge({ extraConfig: { Healthcheck: { Test: ['NONE'] } } }, docker)).toMatchObject({
      Healthcheck: { Test: ['NONE'] },
      Shell: ['sh'],
    });
  });

  it('changes nothing of the base', () => {
    const copy = structuredClone(base);
    merge({ env: [['PATH', '/x']], labels: [['a', '1']], exposedPorts: ['1'], volumes: ['/v'], entrypoint: ['/x'] });
    expect(base).toEqual(copy);
  });

  it('takes special keys as data', () => {
    const merged = merge({ labels: [['__proto__', 'x']], volumes: ['/__proto__'] }, {});
    expect(Object.entries(merged.Labels!)).toEqual([['__proto__', 'x']]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it.each<[string, RunAttributes]>([
    ['user', { user: '-1' }],
    ['workdir', { workdir: 'app' }],
    ['stopSignal', { stopSignal: 'TERM' }],
    ['port', { exposedPorts: ['80-90'] }],
    ['volume', { volumes: ['data'] }],
    ['label', { labels: [['', 'x']] }],
    ['env', { env: [['', 'x']] }],
    ['entrypoint', { entrypoint: [''] }],
    ['entrypoint with NUL', { entrypoint: ['/a', '\0'] }],
    ['cmd that is no string', { cmd: [1 as unknown as string] }],
    ['further field with an attribute', { extraConfig: { User: '0' } }],
  ])('refuses a bad %s', (_, attributes) => {
    expect(() => merge(attributes)).toThrowError(expect.objectContaining({ code: 'OCIDSL_IMAGE_VALUE' }) as Error);
  });
});

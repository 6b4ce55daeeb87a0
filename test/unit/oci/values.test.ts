// The grammar of every value that a user writes into an image's configuration (B7 of the fault matrix).
import { describe, expect, it } from 'vitest';
import { checkStringMap, inheritedAnnotations } from '../../../lib/oci/annotations.ts';
import { checkContainerPath } from '../../../lib/oci/container-path.ts';
import { checkEnvironmentName, mergeEnvironment } from '../../../lib/oci/environment.ts';
import { parsePort } from '../../../lib/oci/port.ts';
import { checkRefName } from '../../../lib/oci/ref-name.ts';
import { checkStopSignal } from '../../../lib/oci/stop-signal.ts';
import { checkTimestamp, timestampOfSeconds } from '../../../lib/oci/timestamp.ts';
import { parseUser } from '../../../lib/oci/user.ts';

const REFUSED = expect.objectContaining({ code: 'OCIDSL_IMAGE_VALUE', kind: 'config' }) as Error;

describe('parsePort()', () => {
  it.each([
    ['8080', '8080/tcp'],
    ['8080/tcp', '8080/tcp'],
    ['53/udp', '53/udp'],
    ['1', '1/tcp'],
    ['65535/sctp', '65535/sctp'],
  ])('%s is %s', (text, expected) => {
    expect(parsePort(text)).toBe(expected);
  });
  it.each([
    '',
    '0',
    '65536',
    '08',
    '-1',
    '8080-8090',
    '8080-8090/tcp',
    '80:8080',
    '8080/TCP',
    '8080/',
    '8080/http',
    ' 80',
    '80\n',
    '1e3',
    '127.0.0.1:80',
  ])('refuses %j', (text) => {
    expect(() => parsePort(text)).toThrowError(REFUSED);
  });
  it('says what is wrong with a range', () => {
    expect(() => parsePort('8080-8090')).toThrow('Cannot use port "8080-8090": it is a range, expected a port');
  });
});

describe('parseUser()', () => {
  it.each([
    ['0', { user: 0 }],
    ['65532', { user: 65532 }],
    ['65532:65532', { user: 65532, group: 65532 }],
    ['2147483647:0', { user: 2147483647, group: 0 }],
    ['nonroot', { user: 'nonroot' }],
    ['nonroot:staff', { user: 'nonroot', group: 'staff' }],
    ['1000:staff', { user: 1000, group: 'staff' }],
    ['_apt', { user: '_apt' }],
    ['machine$', { user: 'machine$' }],
  ])('%s', (text, expected) => {
    expect(parseUser(text)).toEqual(expected);
  });
  it.each([
    '',
    ':',
    '0:',
    ':0',
    '-1',
    '+5',
    '007',
    '2147483648',
    '0:4294967296',
    '1:2:3',
    'a b',
    'a/b',
    '5x',
    'ünï',
    'a\0',
    '1.5',
    '../etc',
    'x\n',
  ])('refuses %j', (text) => {
    expect(() => parseUser(text)).toThrowError(REFUSED);
  });
  it('knows the names of Windows', () => {
    expect(parseUser('NT AUTHORITY\\SYSTEM', 'windows')).toEqual({ user: 'NT AUTHORITY\\SYSTEM' });
    expect(() => parseUser('NT AUTHORITY\\SYSTEM')).toThrowError(REFUSED);
  });
});

describe('checkEnvironmentName()', () => {
  it.each(['PATH', 'a', '_x1', 'my.dotted-name', 'ProgramFiles(x86)', '1'])('takes %s', (name) => {
    expect(() => checkEnvironmentName(name)).not.toThrow();
  });
  it.each(['', 'A=B', 'A B', 'A\0', 'A\n', '\ud800'])('refuses %j', (name) => {
    expect(() => checkEnvironmentName(name)).toThrowError(REFUSED);
  });
});

describe('mergeEnvironment()', () => {
  const base = ['PATH=/usr/bin:/bin', 'A=1', 'EMPTY=', 'NOVALUE', 'URL=a=b'];
  it.each<[string, [string, string][], string[]]>([
    ['appends', [['B', '2']], [...base, 'B=2']],
    ['replaces in place', [['A', '3']], ['PATH=/usr/bin:/bin', 'A=3', 'EMPTY=', 'NOVALUE', 'URL=a=b']],
    ['splits the base at the first =', [['X', '$URL']], [...base, 'X=a=b']],
    ['expands $NAME and ${NAME} of the base', [['X', '/app:$PATH:${A}0']], [...base, 'X=/app:/usr/bin:/bin:10']],
    ['expands a reference to itself', [['PATH', '/app:$PATH']], ['PATH=/app:/usr/bin:/bin', 'A=1', 'EMPTY=', 'NOVALUE', 'URL=a=b']],
    [
      'expands earlier entries as merged',
      [
        ['A', '5'],
        ['B', '$A'],
        ['A', '6'],
      ],
      ['PATH=/usr/bin:/bin', 'A=6', 'EMPTY=', 'NOVALUE', 'URL=a=b', 'B=5'],
    ],
    [
      'does not expand twice',
      [
        ['B', '$$A'],
        ['C', '$B'],
      ],
      [...base, 'B=$A', 'C=$A'],
    ],
    ['takes $$ for a dollar sign', [['X', 'a$$b$$$$c']], [...base, 'X=a$b$$c']],
    ['expands empty values', [['X', '<$EMPTY$NOVALUE>']], [...base, 'X=<>']],
    ['keeps = and spaces in values', [['X', ' a = b ']], [...base, 'X= a = b ']],
    ['replaces an entry without value', [['NOVALUE', '1']], ['PATH=/usr/bin:/bin', 'A=1', 'EMPTY=', 'NOVALUE=1', 'URL=a=b']],
    [
      'takes braced names that $NAME cannot have',
      [
        ['a.b', '1'],
        ['X', '${a.b}'],
      ],
      [...base, 'a.b=1', 'X=1'],
    ],
    [
      'takes special names as data',
      [
        ['__proto__', '1'],
        ['X', '$__proto__'],
      ],
      [...base, '__proto__=1', 'X=1'],
    ],
  ])('%s', (_, additions, expected) => {
    expect(mergeEnvironment(base, additions)).toEqual(expected);
  });

  it.each([
    ['$UNDEFINED', '"UNDEFINED" has no value'],
    ['${UNDEFINED}', '"UNDEFINED" has no value'],
    ['$LATER', '"LATER" has no value'],
    ['$constructor', '"constructor" has no value'],
    ['a$', 'a "$" stands alone'],
    ['$1', 'a "$" stands alone'],
    ['${', 'a "$" stands alone'],
    ['${}', 'a "$" stands alone'],
    ['${A', 'a "$" stands alone'],
  ])('refuses %j', (value, message) => {
    expect(() =>
      mergeEnvironment(base, [
        ['X', value],
        ['LATER', '1'],
      ]),
    ).toThrow(`Cannot expand environment variable "X": ${message}`);
  });
  it('refuses NUL', () => {
    expect(() => mergeEnvironment([], [['X', 'a\0b']])).toThrowError(REFUSED);
  });
});

describe('checkStopSignal()', () => {
  it.each(['SIGTERM', 'SIGKILL', 'SIGRTMIN', 'SIGRTMIN+3', 'SIGRTMAX-14', '9', '64'])('takes %s', (text) => {
    expect(checkStopSignal(text)).toBe(text);
  });
  it.each(['', 'TERM', 'sigterm', 'SIGTREM', '0', '65', '-9', 'SIGRTMIN+99', 'SIGTERM ', 'SIGKILL+1'])('refuses %j', (text) => {
    expect(() => checkStopSignal(text)).toThrowError(REFUSED);
  });
  it('suggests the full name', () => {
    expect(() => checkStopSignal('term')).toThrowError(expect.objectContaining({ hint: 'Did you mean "SIGTERM"?' }) as Error);
  });
});

describe('checkTimestamp()', () => {
  it.each(['1970-01-01T00:00:00Z', '2024-02-29T23:59:59.123456789Z', '2024-05-01T12:00:00+02:00'])('takes %s', (text) => {
    expect(checkTimestamp(text)).toBe(text);
  });
  it.each([
    '',
    '2024',
    '2024-05-01',
    '2024-05-01 12:00:00Z',
    '2024-05-01T12:00:00',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01t00:00:00z',
    '1714564800',
  ])('refuses %j', (text) => {
    expect(() => checkTimestamp(text)).toThrowError(REFUSED);
  });
  it('is made of SOURCE_DATE_EPOCH', () => {
    expect(timestampOfSeconds(0)).toBe('1970-01-01T00:00:00Z');
    expect(timestampOfSeconds(1714564800)).toBe('2024-05-01T12:00:00Z');
    expect(timestampOfSeconds(253402300799)).toBe('9999-12-31T23:59:59Z');
    for (const bad of [-1, 1.5, Number.NaN, 253402300800]) expect(() => timestampOfSeconds(bad)).toThrowError(REFUSED);
  });
});

describe('checkContainerPath()', () => {
  it('takes absolute paths of the image', () => {
    expect(checkContainerPath('/data', 'volume')).toBe('/data');
    expect(checkContainerPath('C:\\data', 'volume', 'windows')).toBe('C:\\data');
  });
  it.each(['', 'data', './data', '/a/../b', 'C:\\data', '/a\0'])('refuses %j', (path) => {
    expect(() => checkContainerPath(path, 'volume')).toThrowError(REFUSED);
  });
});

describe('checkRefName()', () => {
  it.each(['latest', 'v1.2.3', 'ghcr.io/acme/hello:latest', 'a--b', 'x@sha256:abc', 'a+b_c'])('takes %s', (name) => {
    expect(checkRefName(name)).toBe(name);
  });
  it.each(['', '/', 'a/', '-a', 'a-', 'a..b', 'a b', 'ä', 'a---b', 'x'.repeat(513)])('refuses %j', (name) => {
    expect(() => checkRefName(name)).toThrowError(REFUSED);
  });
  it('is linear in the length', () => {
    expect(() => checkRefName(`${'a-'.repeat(100_000)}!`)).toThrowError(REFUSED);
  });
});

describe('checkStringMap()', () => {
  it('takes text, special keys included', () => {
    expect(() =>
      checkStringMap(
        [
          ['__proto__', ''],
          ['org.opencontainers.image.title', 'Ünïcode\nline'],
        ],
        'label',
      ),
    ).not.toThrow();
  });
  it.each([[['', 'x']], [['a\n', 'x']], [['a', 1]], [['a', null]], [['a', '\0']], [['a', '\ud800']]])('refuses %j', (entry) => {
    expect(() => checkStringMap([entry as unknown as [string, string]], 'label')).toThrowError(REFUSED);
  });
});

it('inheritedAnnotations() leaves out what is true of the base only', () => {
  const base = {
    'org.opencontainers.image.title': 'base',
    'org.opencontainers.image.base.name': 'debian',
    'org.opencontainers.image.base.digest': 'sha256:0',
    'org.opencontainers.image.created': '2001-01-01T00:00:00Z',
    'org.opencontainers.image.ref.name': 'latest',
  };
  expect(inheritedAnnotations(base)).toEqual([['org.opencontainers.image.title', 'base']]);
  expect(inheritedAnnotations(undefined)).toEqual([]);
});

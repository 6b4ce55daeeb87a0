import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeaderTemplate } from '../../../lib/tar/header-template.ts';

const require = createRequire(import.meta.url);
const { encode } = require(join(dirname(require.resolve('tar-stream')), 'headers.js')) as {
  readonly encode: (fields: Readonly<Record<string, unknown>>) => Buffer | null;
};

const OWNER = { type: 'file', uid: 1000, gid: 0o777777, linkname: '', uname: 'root', gname: '' };

const headerOf = (name: string, mode: number, size: number, mtime: number) =>
  encode({ ...OWNER, name, mode, size, mtime: new Date(mtime * 1000) });

const template = new HeaderTemplate(headerOf('a', 0, 0, 0)!);

const segment = fc.string({ unit: fc.constantFrom('a', '~', ' ', 'Z', 'é'), minLength: 1, maxLength: 90 });
const path = fc.oneof(
  fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join('/')),
  // Around the limits of 100 bytes and of 155 before them.
  fc.tuple(fc.integer({ min: 1, max: 160 }), fc.integer({ min: 95, max: 105 })).map(([a, b]) => `${'p'.repeat(a)}/${'n'.repeat(b)}`),
  fc.integer({ min: 95, max: 105 }).map((length) => 'n'.repeat(length)),
);

it('fills in what tar-stream writes, and leaves alone what that does not write in one block', () => {
  fc.assert(
    fc.property(
      path,
      fc.integer({ min: 0, max: 0o7777 }),
      fc.integer({ min: 0, max: 0o77777777777 }),
      fc.integer({ min: 0, max: 0x7fff_ffff }),
      (name, mode, size, mtime) => {
        expect(template.fill(name, mode, size, mtime)).toEqual(headerOf(name, mode, size, mtime) ?? undefined);
      },
    ),
    { numRuns: 500 },
  );
});

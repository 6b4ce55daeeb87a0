import { execPath } from 'node:process';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXECUTABLE_HEAD_SIZE, parseExecutableHeader } from '../../../lib/tar/executable-header.ts';

function head(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(EXECUTABLE_HEAD_SIZE);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/** An ELF header without program headers. */
function elf(machine: number, bits: 32 | 64, order: 'LE' | 'BE', osabi = 0): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes[4] = bits / 32;
  bytes[5] = order === 'LE' ? 1 : 2;
  bytes[6] = 1;
  bytes[7] = osabi;
  if (order === 'LE') bytes.writeUInt16LE(machine, 18);
  else bytes.writeUInt16BE(machine, 18);
  return bytes;
}

function pe(machine: number): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.write('MZ');
  bytes.writeUInt32LE(128, 60);
  bytes.write('PE\0\0', 128);
  bytes.writeUInt16LE(machine, 132);
  return bytes;
}

const words = (order: 'LE' | 'BE', ...values: number[]) => {
  const bytes = Buffer.alloc(64);
  values.forEach((value, i) => (order === 'LE' ? bytes.writeUInt32LE(value, 4 * i) : bytes.writeUInt32BE(value, 4 * i)));
  return bytes;
};

describe('parseExecutableHeader()', () => {
  it.each([
    [62, 64, 'LE', 'amd64'],
    [62, 32, 'LE', 'unknown'],
    [3, 32, 'LE', '386'],
    [183, 64, 'LE', 'arm64'],
    [40, 32, 'LE', 'arm'],
    [21, 64, 'LE', 'ppc64le'],
    [21, 64, 'BE', 'ppc64'],
    [22, 64, 'BE', 's390x'],
    [243, 64, 'LE', 'riscv64'],
    [258, 64, 'LE', 'loong64'],
    [8, 32, 'BE', 'mips'],
    [8, 32, 'LE', 'mipsle'],
    [8, 64, 'BE', 'mips64'],
    [8, 64, 'LE', 'mips64le'],
    [9999, 64, 'LE', 'unknown'],
  ] as const)('reads ELF machine %d of %d bits, %s, as %s', (machine, bits, order, architecture) => {
    expect(parseExecutableHeader(elf(machine, bits, order))).toEqual({ format: 'elf', os: 'linux', architecture });
  });

  it.each([
    [0, 'linux'],
    [3, 'linux'],
    [9, 'freebsd'],
    [2, 'netbsd'],
    [12, 'openbsd'],
    [6, 'solaris'],
    [97, 'unknown'],
  ])('reads ELF system ABI %d as %s', (osabi, os) => {
    expect(parseExecutableHeader(elf(62, 64, 'LE', osabi))?.os).toBe(os);
  });

  it.each([
    [0x8664, 'amd64'],
    [0xaa64, 'arm64'],
    [0x14c, '386'],
    [0x1c4, 'arm'],
    [1, 'unknown'],
  ])('reads PE machine %d as %s', (machine, architecture) => {
    expect(parseExecutableHeader(pe(machine))).toEqual({ format: 'pe', os: 'windows', architecture });
  });

  it.each([
    ['64-bit', words('LE', 0xfeedfacf, 0x100000c), 'arm64'],
    ['32-bit', words('LE', 0xfeedface, 7), '386'],
    ['big-endian', words('BE', 0xfeedface, 18), 'ppc'],
    ['universal', words('BE', 0xcafebabe, 2, 0x1000007), 'universal'],
    ['universal of one', words('BE', 0xcafebabe, 1, 0x1000007), 'amd64'],
  ])('reads a %s Mach-O', (_what, bytes, architecture) => {
    expect(parseExecutableHeader(bytes)).toEqual({ format: 'mach-o', os: 'darwin', architecture });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0x7f])],
    ['a script', Buffer.from('#!/bin/sh\n')],
    ['a Java class', words('BE', 0xcafebabe, 65, 1)],
    ['a cut ELF header', elf(62, 64, 'LE').subarray(0, 40)],
    ['a DOS program', Buffer.from(`MZ${'\0'.repeat(100)}`)],
    ['text that begins like a PE', Buffer.from('MZ is a magic number')],
  ])('finds no program in %s', (_what, bytes) => {
    expect(parseExecutableHeader(bytes)).toBeUndefined();
  });

  it('survives program headers that point anywhere', () => {
    const bytes = elf(62, 64, 'LE');
    bytes.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 32);
    bytes.writeUInt16LE(56, 54);
    bytes.writeUInt16LE(0xffff, 56);
    expect(parseExecutableHeader(bytes)?.interpreter).toBeUndefined();
    bytes.writeBigUInt64LE(0n, 32);
    expect(parseExecutableHeader(bytes)?.interpreter).toBeUndefined();
  });

  it.skipIf(process.platform !== 'linux' || !existsSync('/bin/sh'))('reads real programs with their loader (skipped off Linux)', () => {
    const architecture = { x64: 'amd64', arm64: 'arm64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string];
    expect(parseExecutableHeader(head(execPath))).toMatchObject({ format: 'elf', os: 'linux', architecture });
    expect(parseExecutableHeader(head('/bin/sh'))?.interpreter).toMatch(/^\/lib.*\/ld-/);
  });
});

// Which machine a program is for, from its first bytes: ELF, Mach-O or PE. Names are Go's GOOS and GOARCH, as in OCI.

/** What a program's header says. */
export interface ExecutableHeader {
  readonly format: 'elf' | 'mach-o' | 'pe';
  /** `linux`, `darwin`, `windows`, `freebsd`, …; `unknown` for a system ABI without a name in Go. */
  readonly os: string;
  /** `amd64`, `arm64`, `mips64le`, …; `universal` for a Mach-O of several; `unknown` for a machine without a name in Go. */
  readonly architecture: string;
  /** The loader that a dynamically linked ELF program asks for, such as `/lib64/ld-linux-x86-64.so.2`. */
  readonly interpreter?: string;
}

/** Bytes from the start of a file that parseExecutableHeader() looks at. */
export const EXECUTABLE_HEAD_SIZE = 4096;

/** Whether a file that begins like `head` (2 bytes suffice) may be a program; cheap, for a hundred thousand files. */
export function mayBeExecutable(head: Uint8Array): boolean {
  const first = head[0];
  if (first === 0x7f) return head[1] === 0x45;
  if (first === 0x4d) return head[1] === 0x5a;
  if (first === 0xca || first === 0xfe) return head[1] === 0xfe || head[1] === 0xed;
  return first === 0xce || first === 0xcf;
}

/** The header of the program that begins with `head` (at best EXECUTABLE_HEAD_SIZE bytes), or undefined for other files. */
export function parseExecutableHeader(head: Uint8Array): ExecutableHeader | undefined {
  if (!mayBeExecutable(head)) return undefined;
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  return parseElf(bytes) ?? parsePe(bytes) ?? parseMachO(bytes);
}

// e_ident[EI_OSABI]. Linux programs usually say "none".
const ELF_OS: Readonly<Record<number, string>> = { 0: 'linux', 3: 'linux', 2: 'netbsd', 6: 'solaris', 9: 'freebsd', 12: 'openbsd' };

// e_machine of machines with one ABI in Go, whatever their class and byte order.
const ELF_MACHINE: Readonly<Record<number, string>> = {
  3: '386',
  20: 'ppc',
  40: 'arm',
  43: 'sparc64',
  62: 'amd64',
  183: 'arm64',
  258: 'loong64',
};

function parseElf(bytes: Buffer): ExecutableHeader | undefined {
  if (bytes.length < 52 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const is64 = bytes[4] === 2;
  const isLittle = bytes[5] === 1;
  if ((!is64 && bytes[4] !== 1) || (!isLittle && bytes[5] !== 2) || (is64 && bytes.length < 64)) return undefined;
  const machine = isLittle ? bytes.readUInt16LE(18) : bytes.readUInt16BE(18);
  const interpreter = elfInterpreter(bytes, is64, isLittle);
  return {
    format: 'elf',
    os: ELF_OS[bytes[7] ?? 0] ?? 'unknown',
    architecture: elfArchitecture(machine, is64, isLittle),
    ...(interpreter === undefined ? undefined : { interpreter }),
  };
}

function elfArchitecture(machine: number, is64: boolean, isLittle: boolean): string {
  const little = isLittle ? 'le' : '';
  switch (machine) {
    case 8:
      return `mips${is64 ? '64' : ''}${little}`;
    case 21:
      return `ppc64${little}`;
    case 22:
      return is64 ? 's390x' : 's390';
    case 243:
      return is64 ? 'riscv64' : 'riscv';
    case 62:
      // The x32 ABI: 32-bit pointers on an amd64 machine, which Go and OCI have no name for.
      return is64 ? 'amd64' : 'unknown';
    default:
      return ELF_MACHINE[machine] ?? 'unknown';
  }
}

const PT_INTERP = 3;

// The segment PT_INTERP, where it lies within the head: linkers put it right after the program headers.
function elfInterpreter(bytes: Buffer, is64: boolean, isLittle: boolean): string | undefined {
  const u16 = (at: number) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const word = (at: number) => (is64 ? Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)) : u32(at));
  const table = word(is64 ? 32 : 28);
  const entrySize = u16(is64 ? 54 : 42);
  const count = u16(is64 ? 56 : 44);
  const minSize = is64 ? 56 : 32;
  for (let i = 0, at = table; i < count && entrySize >= minSize && at + minSize <= bytes.length; i++, at += entrySize) {
    if (u32(at) !== PT_INTERP) continue;
    const from = word(at + (is64 ? 8 : 4));
    const to = from + word(at + (is64 ? 32 : 16));
    if (to > bytes.length || to <= from) return undefined;
    return bytes.toString('utf8', from, to).replace(/\0.*$/s, '');
  }
  return undefined;
}

const PE_MACHINE: Readonly<Record<number, string>> = { 0x14c: '386', 0x1c0: 'arm', 0x1c4: 'arm', 0x8664: 'amd64', 0xaa64: 'arm64' };

function parsePe(bytes: Buffer): ExecutableHeader | undefined {
  if (bytes.length < 64 || bytes.readUInt16BE(0) !== 0x4d5a) return undefined;
  const at = bytes.readUInt32LE(60);
  if (at + 6 > bytes.length || bytes.readUInt32BE(at) !== 0x50450000) return undefined;
  return { format: 'pe', os: 'windows', architecture: PE_MACHINE[bytes.readUInt16LE(at + 4)] ?? 'unknown' };
}

const MACH_MACHINE: Readonly<Record<number, string>> = {
  7: '386',
  12: 'arm',
  18: 'ppc',
  0x1000007: 'amd64',
  0x100000c: 'arm64',
  0x1000012: 'ppc64',
};

// A Java class begins like a Mach-O of several architectures, but its version (45 and more) stands where their number does.
const MAX_UNIVERSAL = 40;

function parseMachO(bytes: Buffer): ExecutableHeader | undefined {
  if (bytes.length < 12) return undefined;
  const magic = bytes.readUInt32BE(0);
  const machO = (cpu: number) => ({ format: 'mach-o', os: 'darwin', architecture: MACH_MACHINE[cpu] ?? 'unknown' }) as const;
  switch (magic) {
    case 0xcefaedfe:
    case 0xcffaedfe:
      return machO(bytes.readUInt32LE(4));
    case 0xfeedface:
    case 0xfeedfacf:
      return machO(bytes.readUInt32BE(4));
    case 0xcafebabe:
    case 0xcafebabf: {
      const count = bytes.readUInt32BE(4);
      if (count === 0 || count > MAX_UNIVERSAL) return undefined;
      return count === 1 ? machO(bytes.readUInt32BE(8)) : { format: 'mach-o', os: 'darwin', architecture: 'universal' };
    }
    default:
      return undefined;
  }
}

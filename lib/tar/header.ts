// Header blocks of one archive entry: ustar where everything fits, else a PAX header before it. Encoded by tar-stream's
// own encoder, without its streams: they cap small files at half the speed.
import { HeaderTemplate } from './header-template.ts';
import { loadHeaderEncoder, type EncoderFields, type HeaderEncoder } from './load-header-encoder.ts';

/** What a header says. Paths are in their one spelling and all text is valid Unicode without NUL. */
export interface TarHeader {
  /** Relative, without a trailing slash. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink';
  /** Bytes of content that follow; 0 unless it is a file. */
  readonly sizeBytes: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
  /** Seconds since 1970; may be negative or fractional. */
  readonly mtime: number;
  readonly linkTarget?: string | undefined;
  /** More PAX records, such as `SCHILY.xattr.user.x`; written in this order after those that the header needs. */
  readonly pax?: Readonly<Record<string, string>> | undefined;
}

/** Unit of a tar archive; content is padded to it, and two of zeros end the archive. */
export const TAR_BLOCK = 512;

// Six octal digits, seven would be ustar too but tar-stream writes six.
const MAX_ID = 0o777777;
// tar-stream computes with 32-bit integers.
const MAX_MTIME = 0x7fff_ffff;
// Eleven octal digits: 8 GiB.
const MAX_SIZE = 0o77777777777;
// 32 bytes with the final NUL.
const MAX_OWNER_NAME = 31;
const MAX_LINK_NAME = 100;

/** Name in blocks whose entry is named by PAX records, and of those records: fixed, so that no process id gets in. */
const PAX_NAME = 'PaxHeader';

const PAX_TYPE = 'pax-header';
const TYPES = { file: 'file', directory: 'directory', symlink: 'symlink', hardlink: 'link' } as const;
const PRINTABLE_ASCII = /^[ -~]*$/;

/** The blocks before an entry's content: 512 bytes, or more with PAX records. Equal headers give equal bytes. */
export function encodeTarHeader(header: TarHeader): Buffer {
  return plainFile(header) ?? anyEntry(header);
}

let owner: Pick<TarHeader, 'uid' | 'gid' | 'uname' | 'gname'> | undefined;
let template: HeaderTemplate | undefined;

// Nearly every entry: a file whose numbers fit, of the same owner as the one before.
function plainFile(header: TarHeader): Buffer | undefined {
  const { type, path, mode, sizeBytes, mtime, uid, gid, uname, gname } = header;
  if (type !== 'file' || header.pax !== undefined || !fitsNumbers(header)) return undefined;
  if (owner?.uid !== uid || owner.gid !== gid || owner.uname !== uname || owner.gname !== gname) {
    owner = { uid, gid, uname, gname };
    const block = anyEntry({ ...owner, path: 'a', type, mode: 0, sizeBytes: 0, mtime: 0 });
    // More than a block where the owner needs PAX records.
    template = block.length === TAR_BLOCK ? new HeaderTemplate(block) : undefined;
  }
  return template?.fill(path, mode, sizeBytes, mtime);
}

function fitsNumbers({ sizeBytes, mtime }: TarHeader): boolean {
  return sizeBytes <= MAX_SIZE && mtime >= 0 && mtime <= MAX_MTIME && Number.isInteger(mtime);
}

function anyEntry(header: TarHeader): Buffer {
  const { uid, gid, mtime, sizeBytes, linkTarget = '', uname, gname } = header;
  const path = header.type === 'directory' ? `${header.path}/` : header.path;
  const fits = {
    owner: uid <= MAX_ID && gid <= MAX_ID && fitsOwnerField(uname) && fitsOwnerField(gname),
    link: fitsLinkField(linkTarget),
    numbers: fitsNumbers(header),
  };
  const fields: EncoderFields = {
    name: path,
    type: TYPES[header.type],
    mode: header.mode,
    uid: Math.min(uid, MAX_ID),
    gid: Math.min(gid, MAX_ID),
    size: sizeBytes > MAX_SIZE ? 0 : sizeBytes,
    mtime: dateOf(mtime < 0 || mtime > MAX_MTIME ? 0 : Math.floor(mtime)),
    linkname: fits.link ? linkTarget : '',
    uname: fitsOwnerField(uname) ? uname : '',
    gname: fitsOwnerField(gname) ? gname : '',
  };
  const block = headerEncoder().encode(fields);
  // A directory of 100 bytes splits into a prefix and an empty name, which POSIX does not foresee.
  const fitsName = block !== null && block[0] !== 0;
  if (fitsName && fits.owner && fits.link && fits.numbers && header.pax === undefined) return block;

  const pax: Record<string, string> = {};
  if (!fitsName) pax['path'] = path;
  if (!fits.link) pax['linkpath'] = linkTarget;
  if (!fitsOwnerField(uname)) pax['uname'] = uname;
  if (!fitsOwnerField(gname)) pax['gname'] = gname;
  if (uid > MAX_ID) pax['uid'] = String(uid);
  if (gid > MAX_ID) pax['gid'] = String(gid);
  if (sizeBytes > MAX_SIZE) pax['size'] = String(sizeBytes);
  if (mtime < 0 || mtime > MAX_MTIME || !Number.isInteger(mtime)) pax['mtime'] = decimal(mtime);
  Object.assign(pax, header.pax);
  const named = fitsName ? block : encodeOrFail({ ...fields, name: PAX_NAME });
  return Object.keys(pax).length === 0 ? named : Buffer.concat([paxBlocks(headerEncoder().encodePax({ pax })), named]);
}

/** Zeros that fill content of `sizeBytes` up to whole blocks. */
export function tarPadding(sizeBytes: number): number {
  return (TAR_BLOCK - (sizeBytes % TAR_BLOCK)) % TAR_BLOCK;
}

function paxBlocks(records: Buffer): Buffer {
  const header = encodeOrFail({
    name: PAX_NAME,
    type: PAX_TYPE,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: EPOCH,
    linkname: '',
    uname: '',
    gname: '',
  });
  return Buffer.concat([header, records, Buffer.alloc(tarPadding(records.length))]);
}

function fitsOwnerField(name: string): boolean {
  return name === '' || (name.length <= MAX_OWNER_NAME && PRINTABLE_ASCII.test(name));
}

// The encoder checks the length of a link's target, but writes it as UTF-8.
function fitsLinkField(target: string): boolean {
  return target === '' || (target.length <= MAX_LINK_NAME && PRINTABLE_ASCII.test(target));
}

/** Decimal digits without an exponent, at most nine of them after the point: nanoseconds. */
function decimal(seconds: number): string {
  if (Number.isInteger(seconds)) return String(seconds);
  return seconds.toFixed(9).replace(/\.?0+$/, '');
}

const EPOCH = new Date(0);
let lastDate = EPOCH;

// Nearly always the same date, a hundred thousand times.
function dateOf(seconds: number): Date {
  if (lastDate.getTime() !== seconds * 1000) lastDate = new Date(seconds * 1000);
  return lastDate;
}

function encodeOrFail(fields: EncoderFields): Buffer {
  const block = headerEncoder().encode(fields);
  if (block === null) throw new Error(`tar-stream cannot encode the header of ${JSON.stringify(fields.name)}`);
  return block;
}

let encoder: HeaderEncoder | undefined;

// On first use: most commands write no archive.
function headerEncoder(): HeaderEncoder {
  return (encoder ??= loadHeaderEncoder());
}

// The protobuf wire format, as far as REAPI messages need it. The writer is canonical by construction: callers write
// fields in tag order, defaults are left out, no field is unknown. Why by hand: docs/decisions/0002-canonical-encoding.md
// Format: https://protobuf.dev/programming-guides/encoding/
import { OcidslError } from '../base/errors.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Writes one message (and those nested in it) into a growing buffer. Fields must be written in tag order. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** A number; zero is the default and is left out. Negative numbers are sign-extended to 64 bits, as int32 wants. */
  varint(field: number, value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot encode ${value} as a varint: expected a safe integer`);
    if (value === 0) return;
    this.#reserve(20);
    this.#tag(field, VARINT);
    if (value > 0) return this.#raw(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#length++] = Number(rest);
  }

  /** A flag; false is the default and is left out. */
  bool(field: number, value: boolean): void {
    this.varint(field, value ? 1 : 0);
  }

  /** A text; the empty text is the default and is left out. */
  string(field: number, value: string): void {
    if (value !== '') this.element(field, value);
  }

  /** One element of a repeated text: written also where it is empty. */
  element(field: number, value: string): void {
    const size = Buffer.byteLength(value);
    // A lone surrogate has no UTF-8 form: it would become U+FFFD, and two different values one key.
    if (size !== value.length && /\p{Surrogate}/u.test(value)) {
      throw new RangeError(`Cannot encode the text ${JSON.stringify(value.slice(0, 100))}: it has a lone surrogate, expected Unicode`);
    }
    this.#reserve(size + 20);
    this.#tag(field, BYTES);
    this.#raw(size);
    this.#length += this.#buffer.write(value, this.#length);
  }

  /** Bytes; no bytes are the default and are left out. */
  bytes(field: number, value: Uint8Array): void {
    if (value.byteLength === 0) return;
    this.#reserve(value.byteLength + 20);
    this.#tag(field, BYTES);
    this.#raw(value.byteLength);
    this.#buffer.set(value, this.#length);
    this.#length += value.byteLength;
  }

  /** A nested message, written in place by `encode`. It is written also where it is empty: presence has a meaning. */
  message<T>(field: number, value: T, encode: (writer: WireWriter, value: T) => void): void {
    this.#reserve(20);
    this.#tag(field, BYTES);
    const start = this.#length + 1; // Most messages are shorter than 128 bytes: one byte holds their length.
    this.#length = start;
    encode(this, value);
    const size = this.#length - start;
    const more = varintSize(size) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#buffer.copyWithin(start + more, start, this.#length);
    }
    this.#length = start - 1;
    this.#raw(size);
    this.#length += size;
  }

  /** A copy of what was written; the writer is empty afterwards and may be used again. */
  finish(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return bytes;
  }

  #tag(field: number, type: number): void {
    this.#raw(field * 8 + type);
  }

  #raw(value: number): void {
    let rest = value;
    // Division, not shifts: sizes above 4 GiB do not fit into 32 bits.
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Encodes one value as a message of its own. */
export function encodeMessage<T>(value: T, encode: (writer: WireWriter, value: T) => void): Buffer {
  const writer = new WireWriter();
  encode(writer, value);
  return writer.finish();
}

/** One field of a message that is being read: its number and its value, not yet typed. */
export class WireField {
  readonly message: string;
  readonly number: number;
  readonly #type: number;
  readonly #varint: bigint;
  readonly #bytes: Uint8Array;

  constructor(message: string, number: number, type: number, varint: bigint, bytes: Uint8Array) {
    this.message = message;
    this.number = number;
    this.#type = type;
    this.#varint = varint;
    this.#bytes = bytes;
  }

  /** The value as bytes: a view of the message. */
  bytes(): Uint8Array {
    if (this.#type !== BYTES) throw wireError(this.message, `field ${this.number} has wire type ${this.#type}`, 'wire type 2');
    return this.#bytes;
  }

  /** The value as text; must be UTF-8. */
  string(): string {
    const bytes = this.bytes();
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw wireError(this.message, `field ${this.number} is not UTF-8`, 'text', cause);
    }
  }

  /** The value as a size: a safe integer, zero or more. */
  size(): number {
    const value = this.#number();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wireError(this.message, `field ${this.number} is ${value}`, 'a size below 2^53');
    return Number(value);
  }

  /** The value as an int32. */
  int32(): number {
    const value = BigInt.asIntN(64, this.#number());
    if (BigInt.asIntN(32, value) !== value) throw wireError(this.message, `field ${this.number} is ${value}`, 'an int32');
    return Number(value);
  }

  /** The value as a flag. */
  bool(): boolean {
    const value = this.#number();
    if (value > 1n) throw wireError(this.message, `field ${this.number} is ${value}`, '0 or 1');
    return value === 1n;
  }

  #number(): bigint {
    if (this.#type !== VARINT) throw wireError(this.message, `field ${this.number} has wire type ${this.#type}`, 'wire type 0');
    return this.#varint;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NO_BYTES = new Uint8Array(0);

/**
 * The fields of an encoded message, in their order. `message` names it in errors.
 * @throws OCIDSL_MESSAGE_SYNTAX where the bytes are cut short, overlong or of a form that protobuf no longer writes.
 */
export function* readFields(message: string, bytes: Uint8Array): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw wireError(message, `it ends within a number at byte ${at - 1}`, 'a whole message');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value >> 64n !== 0n || (byte === 0 && shift > 0n)) break;
        return value;
      }
    }
    throw wireError(message, `the number before byte ${at} is overlong`, 'the shortest form of at most 64 bits');
  };
  const take = (count: bigint): Uint8Array => {
    if (count > BigInt(bytes.length - at)) throw wireError(message, `it ends within a field at byte ${bytes.length}`, 'a whole message');
    at += Number(count);
    return bytes.subarray(at - Number(count), at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = Number(tag & 7n);
    const number = tag >> 3n;
    if (number < 1n || number > 0x1fffffffn) throw wireError(message, `it has a field ${number}`, 'a field number from 1 to 2^29-1');
    if (type === VARINT) yield new WireField(message, Number(number), type, varint(), NO_BYTES);
    else if (type === BYTES) yield new WireField(message, Number(number), type, 0n, take(varint()));
    else if (type === FIXED64) yield new WireField(message, Number(number), type, 0n, take(8n));
    else if (type === FIXED32) yield new WireField(message, Number(number), type, 0n, take(4n));
    else throw wireError(message, `field ${number} has wire type ${type}`, 'wire type 0, 1, 2 or 5');
  }
}

/** The error of a message that cannot be decoded. */
export function wireError(message: string, is: string, wanted: string, cause?: unknown): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_MESSAGE_SYNTAX',
    kind: 'integrity',
    message: `Cannot decode ${message}: ${is}, expected ${wanted}`,
    cause,
  });
}

/**
 * Decodes a message whose digest is a key. Only the canonical form is taken: `encode(decode(bytes))` must give `bytes`
 * again, so unknown fields, other orders and written defaults are errors.
 */
export function decodeCanonical<T>(
  message: string,
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
  encode: (writer: WireWriter, value: T) => void,
): T {
  const value = decode(bytes);
  let again: Buffer;
  try {
    again = encodeMessage(value, encode);
  } catch (cause) {
    throw wireError(message, `it is not in canonical form (${(cause as Error).message})`, 'sorted lists and relative paths', cause);
  }
  if (!again.equals(bytes)) throw wireError(message, 'it is not in canonical form', 'the bytes that encoding it again gives');
  return value;
}

// REAPI Action: the digest of this message is the key of the action cache.
import { invariant } from '../base/errors.ts';
import { digestOf } from '../base/digest.ts';
import { readDigest, writeDigest } from './digest-message.ts';
import { readPlatform, writePlatform } from './platform.ts';
import { decodeCanonical, encodeMessage, readFields } from './wire.ts';
import type { Digest } from '../base/digest.ts';
import type { Platform } from './platform.ts';
import type { WireWriter } from './wire.ts';

/** A span of time, as google.protobuf.Duration. */
export interface Duration {
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanos: number;
}

/** One unit of work. Whatever can change its outputs is in here, and nothing else is. */
export interface Action {
  /** Digest of the encoded Command. */
  readonly commandDigest: Digest;
  /** Digest of the encoded root Directory. */
  readonly inputRootDigest: Digest;
  /** In the key, because a result that took longer must not answer for a shorter limit. */
  readonly timeout?: Duration;
  /** The result must not be stored. In the key, as REAPI has it. */
  readonly doNotCache?: boolean;
  /** Separates results that must not be shared; changing it disowns all earlier ones. */
  readonly salt?: Uint8Array;
  /** What it needs of the machine. */
  readonly platform?: Platform;
}

/** Canonical bytes of an Action. */
export function encodeAction(action: Action): Buffer {
  return encodeMessage(action, writeAction);
}

/** Reads an Action in canonical form. Throws OCIDSL_MESSAGE_SYNTAX. */
export function decodeAction(bytes: Uint8Array): Action {
  return decodeCanonical('Action', bytes, readAction, writeAction);
}

/** The key of an Action in the action cache. */
export function actionDigest(action: Action): Digest {
  return digestOf(encodeAction(action));
}

function writeAction(writer: WireWriter, action: Action): void {
  writer.message(1, action.commandDigest, writeDigest);
  writer.message(2, action.inputRootDigest, writeDigest);
  if (action.timeout !== undefined) writer.message(6, action.timeout, writeDuration);
  writer.bool(7, action.doNotCache ?? false);
  if (action.salt !== undefined) writer.bytes(9, action.salt);
  if (action.platform !== undefined) writer.message(10, action.platform, writePlatform);
}

function writeDuration(writer: WireWriter, duration: Duration): void {
  invariant(
    duration.seconds >= 0 && duration.nanos >= 0 && duration.nanos < 1e9,
    'a timeout is not negative and has its nanoseconds below one second',
  );
  writer.varint(1, duration.seconds);
  writer.varint(2, duration.nanos);
}

function readAction(bytes: Uint8Array): Action {
  let command: Uint8Array | undefined;
  let inputRoot: Uint8Array | undefined;
  const rest: { -readonly [K in 'timeout' | 'doNotCache' | 'salt' | 'platform']?: Action[K] } = {};
  for (const field of readFields('Action', bytes)) {
    if (field.number === 1) command = field.bytes();
    else if (field.number === 2) inputRoot = field.bytes();
    else if (field.number === 6) rest.timeout = readDuration(field.bytes());
    else if (field.number === 7) rest.doNotCache = field.bool();
    else if (field.number === 9) rest.salt = Buffer.from(field.bytes());
    else if (field.number === 10) rest.platform = readPlatform(field.bytes());
  }
  return { commandDigest: readDigest('Action', command), inputRootDigest: readDigest('Action', inputRoot), ...rest };
}

function readDuration(bytes: Uint8Array): Duration {
  let seconds = 0;
  let nanos = 0;
  for (const field of readFields('Duration', bytes)) {
    if (field.number === 1) seconds = field.size();
    else if (field.number === 2) nanos = field.size();
  }
  return { seconds, nanos };
}

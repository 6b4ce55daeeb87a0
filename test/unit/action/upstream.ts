// The real messages of REAPI, from upstream's descriptors, encoded by @bufbuild/protobuf: what our encoder is held to.
import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Action } from '../../../lib/action/action.ts';
import type { ActionResult } from '../../../lib/action/action-result.ts';
import type { Digest } from '../../../lib/base/digest.ts';

const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(new URL('../../golden/proto/remote-execution.binpb', import.meta.url))),
);

function schema(message: string) {
  const found = registry.getMessage(`build.bazel.remote.execution.v2.${message}`);
  if (found === undefined) throw new Error(`upstream has no message ${message}`);
  return found;
}

/** What upstream's definition of `message` gives for `json` (protobuf's JSON form). */
export function upstreamBytes(message: string, json: unknown): Buffer {
  return Buffer.from(toBinary(schema(message), fromJson(schema(message), json as JsonValue)));
}

/** The JSON form of an Action. Command, Directory, Tree and Platform are their own JSON form. */
export function actionJson(action: Action): JsonValue {
  const { timeout, salt, ...rest } = action;
  return {
    ...(rest as unknown as Record<string, JsonValue>),
    ...(timeout === undefined ? {} : { timeout: `${timeout.seconds}.${String(timeout.nanos).padStart(9, '0')}s` }),
    ...(salt === undefined ? {} : { salt: Buffer.from(salt).toString('base64') }),
  };
}

/** The JSON form of an ActionResult. */
export function actionResultJson(result: ActionResult): JsonValue {
  const { stdout, stderr, ...rest } = result;
  return {
    ...(rest as unknown as Record<string, JsonValue>),
    stdoutRaw: Buffer.from(stdout).toString('base64'),
    stderrRaw: Buffer.from(stderr).toString('base64'),
  };
}

/** A digest for tests: the hash is `letter` 64 times. */
export function testDigest(letter: string, sizeBytes: number): Digest {
  return { hash: letter.repeat(64), sizeBytes };
}

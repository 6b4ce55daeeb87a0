// What the tests of fetching Go share: toolchains that are a few bytes, their zips, a checksum database, and a server for all of it.
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { BuildEvent } from '../../../lib/base/events.ts';
import type { FetchContext } from '../../../lib/fetch/fetch-context.ts';
import { GoSum } from '../../../lib/go/go-sum.ts';
import type { GoToolchainRequest } from '../../../lib/go/go-toolchain.ts';
import { MemoryCas } from '../../../lib/store/memory-cas.ts';
import { tree } from '../tools/go-fixtures.ts';

export const VERSION = '1.26.8';
export const HOST = 'linux/amd64';
export const MODULE_VERSION = 'v0.0.1-go1.26.8.linux-amd64';
export const PREFIX = `golang.org/toolchain@${MODULE_VERSION}/`;
export const ZIP_PATH = `golang.org/toolchain/@v/${MODULE_VERSION}.zip`;

/** Files of a distribution that does nothing, by path below GOROOT. */
export const TINY_GO: Readonly<Record<string, string>> = {
  VERSION: 'go1.26.8\ntime 2026-08-28T16:20:06Z\n',
  'bin/go': '#!/bin/sh\necho go version go1.26.8 linux/amd64\n',
  'bin/gofmt': '',
  'lib/wasm/go_js_wasm_exec': '',
  'lib/wasm/wasm_exec.js': '',
  'pkg/tool/linux_amd64/compile': 'x'.repeat(100_000),
  'src/_go.mod': 'module std\n',
  'src/fmt/print.go': 'package fmt\n',
};

/** Fields of a zip that a test may get wrong. */
export interface ZipOptions {
  readonly flags?: number;
  readonly method?: number;
  readonly mode?: number;
  readonly sizeBytes?: number;
  readonly comment?: string;
}

/** A zip as Go writes it: deflated, UTF-8 names, sizes in the directory. */
export function zip(files: Iterable<readonly [name: string, content: string]>, options: ZipOptions = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  let count = 0;
  for (const [text, content] of files) {
    const name = Buffer.from(text);
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(options.flags ?? 0x0800, 2);
    common.writeUInt16LE(options.method ?? 8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(options.sizeBytes ?? Buffer.byteLength(content), 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((options.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\0', 'latin1'), common, tail, name);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), common, name, packed]);
    parts.push(local);
    offset += local.length;
    count++;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 0, 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end, Buffer.from(options.comment ?? '')]);
}

/** The module zip of a distribution and its checksum. */
export function moduleZip(
  files: Readonly<Record<string, string>> = TINY_GO,
  prefix = PREFIX,
): { readonly bytes: Buffer; readonly h1: string } {
  const sum = new GoSum();
  const named = Object.entries(files).map(([path, content]) => [prefix + path, content] as const);
  for (const [name, content] of named) sum.add(name, Buffer.from(content));
  return { bytes: zip(named), h1: sum.sum() };
}

/** What is asked for: the tiny Go, pinned unless `pin` says otherwise. */
export function request(
  pin: GoToolchainRequest['archives'] = { [HOST]: { h1: moduleZip().h1 } },
  more: Partial<GoToolchainRequest> = {},
): GoToolchainRequest {
  return { version: VERSION, archives: pin, urls: {}, ...more };
}

/** A context with a cache of its own. */
export function fetchContext(
  environment: FetchContext['environment'],
  cacheDirectory: string = join(tree(), 'cache'),
): FetchContext & { readonly events: readonly BuildEvent[] } {
  const events: BuildEvent[] = [];
  return {
    cas: new MemoryCas(),
    registry: async () => {
      throw new Error('Go does not come from a registry');
    },
    environment,
    cacheDirectory,
    emit: (event) => void events.push(event),
    events,
  };
}

/** Answers a request; false where there is nothing. */
export type Answer = Buffer | string | undefined | ((incoming: IncomingMessage, response: ServerResponse) => void);

/** A server on this machine: `answers` by path. */
export async function serve(answers: (path: string) => Answer): Promise<{ readonly url: string; readonly requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    const path = decodeURIComponent(incoming.url!.slice(1));
    requests.push(path);
    const answer = answers(path);
    if (typeof answer === 'function') answer(incoming, response);
    else if (answer === undefined) response.writeHead(404).end('not found\n');
    else response.writeHead(200, { 'content-length': Buffer.byteLength(answer) }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A checksum database in memory. */
export class FakeSumDatabase {
  /** For GOSUMDB. */
  readonly key: string;
  readonly records: string[] = [];
  readonly #privateKey: KeyObject;
  readonly #name: string;
  readonly #keyId: Buffer;
  readonly #hashes = new Map<string, Buffer>();

  constructor(name = 'sum.example.org') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const bytes = Buffer.concat([Buffer.of(1), Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')]);
    this.#name = name;
    this.#privateKey = privateKey;
    this.#keyId = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4);
    this.key = `${name}+${this.#keyId.toString('hex')}+${bytes.toString('base64')}`;
  }

  /** Adds a module; its number. */
  add(modulePath: string, version: string, h1: string): number {
    return this.records.push(`${modulePath} ${version} ${h1}\n${modulePath} ${version}/go.mod ${h1}\n`) - 1;
  }

  /** Records of other modules. */
  fill(count: number): this {
    for (let i = 0; i < count; i++) this.records.push(`example.com/m${this.records.length} v1.0.0 h1:x\n`);
    return this;
  }

  /** The signed text of the tree with `size` records. */
  note(size = this.records.length): string {
    const text = `go.sum database tree\n${size}\n${this.hash(0, size).toString('base64')}\n`;
    const signature = Buffer.concat([this.#keyId, sign(null, Buffer.from(text), this.#privateKey)]);
    return `${text}\n— ${this.#name} ${signature.toString('base64')}\n`;
  }

  /** What is at a path of the database. */
  answer(path: string): string | Buffer | undefined {
    const [, module, version] = /^lookup\/(.*)@(.*)$/.exec(path) ?? [];
    if (module !== undefined) {
      const id = this.records.findIndex((record) => record.startsWith(`${module} ${version} `));
      return id < 0 ? undefined : `${id}\n${this.records[id]!}\n${this.note()}`;
    }
    const [, level, number, width] = /^tile\/8\/(\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path) ?? [];
    if (level === undefined) return path === 'supported' ? '' : undefined;
    const span = 256 ** Number(level);
    const first = Number(number!.replaceAll(/[x/]/g, '')) * 256;
    const available = Math.min(256, Math.floor(this.records.length / span) - first);
    // As the real one: a tile is served with the widths that it has had, the full one without a width.
    if (available < Number(width ?? 256)) return undefined;
    const hashes = Array.from({ length: Number(width ?? 256) }, (_, i) => this.hash((first + i) * span, (first + i + 1) * span));
    return Buffer.concat(hashes);
  }

  /** RFC 6962's hash of the records from `from` up to `to`, in the plainest way. */
  hash(from: number, to: number): Buffer {
    const range = `${from}-${to}`;
    let hash = this.#hashes.get(range);
    if (hash === undefined) {
      let half = 1;
      while (half * 2 < to - from) half *= 2;
      hash =
        to - from === 1
          ? sha256(Buffer.of(0), Buffer.from(this.records[from]!))
          : sha256(Buffer.of(1), this.hash(from, from + half), this.hash(from + half, to));
      this.#hashes.set(range, hash);
    }
    return hash;
  }
}

function sha256(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

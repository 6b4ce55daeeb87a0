// Writes an archive of one huge sparse file and a small one to stdout, and its own peak memory in MB to stderr. Run as a
// child process by huge-file.test.ts: `huge-file-child.ts PATH SIZE FORMAT`.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { encodeLayerSpec } from '../../../lib/tar/layer-spec.ts';
import { tarTool } from '../../../lib/tools/tar.ts';
import { layerSpec } from './layer-fixtures.ts';
import { MemoryInputs } from './memory-tool.ts';

const [path = '', size = '', format = 'none'] = process.argv.slice(2);
const spec = layerSpec({
  entries: [
    { path: 'huge', type: 'file', input: 'huge' },
    { path: 'last', type: 'file', input: 'last' },
  ],
  compression: format === 'gzip' ? { format: 'gzip', level: 1 } : { format: 'none' },
});
const inputs = new MemoryInputs({ 'spec.json': encodeLayerSpec(spec), huge: { content: '', sizeBytes: Number(size) }, last: 'the end' });
const inMemory = inputs.chunks.bind(inputs);
inputs.chunks = (input) => (input === 'huge' ? fileChunks() : inMemory(input));

function* fileChunks(): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(1 << 18);
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) yield chunk.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

const write = (chunk: Uint8Array) =>
  new Promise<void>((resolve, reject) => process.stdout.write(chunk, (error) => (error ? reject(error) : resolve())));
const output = { write, commit: () => Promise.resolve({ hash: '', sizeBytes: 0 }), abort: () => Promise.resolve() };
await tarTool.run({
  args: ['spec.json'],
  inputs,
  outputs: { create: () => Promise.resolve(output), take: () => Promise.reject(new Error('An archive is written by its tool')) },
  signal: new AbortController().signal,
  print: () => undefined,
});
writeSync(2, String(Math.round(process.resourceUsage().maxRSS / 1024)));

// Bytes that do not compress, so that sizes are what they seem. The same in every run.

/** 3 MiB of them. */
export const NOISE: Buffer = noise(3 * 1024 * 1024);

// By a linear congruential generator.
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 12_345;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 23;
  }
  return bytes;
}

// A small output of a tool, written at once.
import type { ToolContext } from './tool.ts';

/** Writes `bytes` as the output `path`. */
export async function writeDocument(context: ToolContext, path: string, bytes: Uint8Array): Promise<void> {
  const writer = await context.outputs.create(path);
  try {
    await writer.write(bytes);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

// The discoverer `text`, and pkgTar's packageDirFile through it.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { textDiscoverer } from '../../../lib/tools/discover-text.ts';

const inFolder = (files: Readonly<Record<string, string>>) => {
  const workspaceRoot = mkdtempSync(join(tmpdir(), 'ocidsl-text-'));
  onTestFinished(() => rmSync(workspaceRoot, { recursive: true }));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(workspaceRoot, path), text);
  mkdirSync(join(workspaceRoot, 'folder'));
  return { workspaceRoot, environment: {}, signal: new AbortController().signal };
};

test('gives the text of a file without white space at its ends, and depends on the file', async () => {
  const found = await textDiscoverer.run({ path: 'dir.txt' }, inFolder({ 'dir.txt': ' /opt/app\n\n' }));
  expect(found).toEqual({ files: [{ name: 'dir.txt', path: 'dir.txt' }], watched: [], facts: { text: '/opt/app' } });
});

test.each([
  ['absent.txt', 'it does not exist'],
  ['folder', 'it is no regular file'],
  ['large.txt', 'it has 65537 bytes'],
])('refuses %s: %s', async (path, is) => {
  const io = inFolder({ 'large.txt': 'x'.repeat(65_537) });
  await expect(textDiscoverer.run({ path }, io)).rejects.toMatchObject({
    code: 'OCIDSL_TEXT_FILE',
    message: expect.stringContaining(is) as string,
  });
});

// The docker config on disk: complete or as it was, with its owner, mode and links.
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigFile, replaceConfigFile } from '../../../lib/cli/auth-config-file.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocidsl-test-'));
  file = join(folder, 'config.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const accept = () => true;
const modeOf = (path: string) => statSync(path).mode & 0o777;
const replace = async (text: string, check: (written: string) => boolean = accept) =>
  await replaceConfigFile(await readConfigFile(file), text, check);

describe('replacing', () => {
  it('makes a file that only its owner reads, with its folder', async () => {
    file = join(folder, 'new/.docker/config.json');
    expect(await replace('new')).toBeUndefined();
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect([modeOf(file), modeOf(join(folder, 'new/.docker'))]).toEqual([0o600, 0o700]);
  });

  it.each([0o600, 0o640, 0o644])('keeps mode %o, for the copy too', async (mode) => {
    writeFileSync(file, 'old');
    chmodSync(file, mode);
    const backup = await replace('new');
    expect(backup).toBe(`${file}.backup-1`);
    expect([readFileSync(file, 'utf8'), readFileSync(backup!, 'utf8')]).toEqual(['new', 'old']);
    expect([modeOf(file), modeOf(backup!)]).toEqual([mode, mode]);
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'config.json.backup-1']);
  });

  it('never overwrites a copy', async () => {
    writeFileSync(file, '1');
    await replace('2');
    expect(await replace('3')).toBe(`${file}.backup-2`);
    expect([1, 2].map((number) => readFileSync(`${file}.backup-${number}`, 'utf8'))).toEqual(['1', '2']);
  });

  it.skipIf(process.getuid?.() !== 0)('keeps the owner, where root runs it (needs root)', async () => {
    const { chownSync } = await import('node:fs');
    writeFileSync(file, 'old');
    chownSync(file, 1234, 1234);
    const backup = await replace('new');
    expect([statSync(file).uid, statSync(backup!).gid]).toEqual([1234, 1234]);
  });

  it('writes through links, also dangling and relative ones', async () => {
    mkdirSync(join(folder, 'dotfiles'));
    symlinkSync('dotfiles/link.json', file);
    symlinkSync('docker.json', join(folder, 'dotfiles/link.json'));
    await replace('new');
    await replace('newer');
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(folder, 'dotfiles/link.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'dotfiles/docker.json'), 'utf8')).toBe('newer');
    expect(readFileSync(join(folder, 'dotfiles/docker.json.backup-1'), 'utf8')).toBe('new');
  });
});

describe('what goes wrong', () => {
  it('puts the old file back where the new one does not read back right', async () => {
    writeFileSync(file, 'old');
    await expect(replace('new', () => false)).rejects.toMatchObject({ kind: 'environment' });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['config.json']);
  });

  it('removes a new file where there was none', async () => {
    await expect(replace('new', () => false)).rejects.toThrow('does not read back');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('puts it back where the check itself fails', async () => {
    writeFileSync(file, 'old');
    const bug = new Error('bug');
    await expect(
      replace('new', () => {
        throw bug;
      }),
    ).rejects.toBe(bug);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it('leaves alone what another program wrote in the meantime', async () => {
    writeFileSync(file, 'old');
    const config = await readConfigFile(file);
    writeFileSync(file, 'by docker login');
    await expect(replaceConfigFile(config, 'new', accept)).rejects.toMatchObject({ code: 'OCIDSL_AUTH_FILE_CHANGED' });
    expect(readFileSync(file, 'utf8')).toBe('by docker login');
    expect(readdirSync(folder)).toEqual(['config.json']);
  });

  it('says what cannot be read or written', async () => {
    mkdirSync(file);
    await expect(readConfigFile(file)).rejects.toMatchObject({ code: 'OCIDSL_SYSTEM_EISDIR', kind: 'environment' });
    writeFileSync(join(folder, 'a-file'), '');
    await expect(readConfigFile(join(folder, 'a-file/config.json'))).rejects.toMatchObject({ code: 'OCIDSL_SYSTEM_ENOTDIR' });
  });
});

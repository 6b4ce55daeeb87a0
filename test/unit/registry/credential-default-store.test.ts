// The store that docker asks where its config names none.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCredentialStore } from '../../../lib/registry/credential-default-store.ts';
import { createCredentialStore } from '../../../lib/registry/credentials.ts';
import { auths, home, userFor } from './credentials-rig.ts';

describe("A8 docker's default store", () => {
  const helper = (user: string) => `#!/bin/sh\necho '{"Username":"${user}","Secret":"s"}'\n`;
  const program = '#!/bin/sh\n';
  const within = async (files: Record<string, unknown>, platform: NodeJS.Platform = 'linux') => {
    await using folder = await home(files);
    return await defaultCredentialStore({ PATH: `:${join(folder.path, 'bin')}` }, platform);
  };

  it('is that of the platform, where its helper is on PATH', async () => {
    expect(await within({})).toBeUndefined();
    expect(await within({ 'bin/docker-credential-secretservice': program })).toBe('secretservice');
    expect(await within({ 'bin/docker-credential-pass': program })).toBeUndefined();
    expect(await within({ 'bin/pass': program, 'bin/docker-credential-pass': program })).toBe('pass');
    // As in docker: with pass there is no falling back.
    expect(await within({ 'bin/pass': program, 'bin/docker-credential-secretservice': program })).toBeUndefined();
    expect(await within({ 'bin/docker-credential-osxkeychain': program }, 'darwin')).toBe('osxkeychain');
    expect(await within({ 'bin/docker-credential-wincred.exe': program }, 'win32')).toBe('wincred');
    expect(await within({ 'bin/docker-credential-secretservice': program }, 'freebsd')).toBeUndefined();
  });

  it.runIf(process.platform === 'linux').each([
    ['no config', {}, 'store'],
    ['an empty config', { '.docker/config.json': '{"auths":{}}' }, 'store'],
    ['a config with credentials of another registry', { '.docker/config.json': auths({ 'o.io': 'x' }) }, undefined],
    ['a config with a helper of another registry', { '.docker/config.json': { credHelpers: { 'o.io': 'x' } } }, undefined],
    ["podman's file", { 'run/containers/auth.json': auths({ 'h.io': 'podman' }) }, 'store'],
  ])('is asked where docker has %s (needs Linux)', async (_, files, user) => {
    await using folder = await home({ 'bin/docker-credential-secretservice': helper('store'), ...files });
    expect(await userFor({ ...folder.environment, PATH: join(folder.path, 'bin') }, 'h.io')).toBe(user);
  });

  it.runIf(process.platform === 'linux')('names itself, and where it is broken the next file is looked at (needs Linux)', async () => {
    await using folder = await home({
      'bin/docker-credential-secretservice': '#!/bin/sh\nexit 1\n',
      'run/containers/auth.json': auths({ 'h.io': 'podman' }),
    });
    const found = await createCredentialStore({ ...folder.environment, PATH: join(folder.path, 'bin') }).find({
      registry: 'h.io',
      repository: 'a',
    });
    expect(found.source).toContain('run/containers/auth.json');
    expect(found.steps[0]).toMatchObject({ result: 'failed', hint: expect.stringContaining("docker's default store in ") });
  });
});

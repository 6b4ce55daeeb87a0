// What the tests of credentials share: a home folder with files and helpers, and who is found in it.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createCredentialStore } from '../../../lib/registry/credentials.ts';
import { temporaryFolder } from './rig.ts';

export const base64 = (text: string) => Buffer.from(text).toString('base64');
/** A config with a password for each user by key. */
export const auths = (entries: Record<string, string>) => ({
  auths: Object.fromEntries(Object.entries(entries).map(([key, user]) => [key, { auth: base64(`${user}:pass-${user}`) }])),
});

/** A home folder with files by path, those of bin/ executable and on PATH. */
export async function home(files: Record<string, unknown>) {
  const folder = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    if (path.startsWith('bin/')) await chmod(file, 0o755);
  }
  const environment = { HOME: folder.path, XDG_RUNTIME_DIR: join(folder.path, 'run'), PATH: `${join(folder.path, 'bin')}:/usr/bin:/bin` };
  return { ...folder, environment };
}

/** Name of the user that is found, or the kind of the token. */
export async function userFor(environment: Record<string, string>, registry: string, repository = 'a') {
  const found = await createCredentialStore(environment).find({ registry, repository });
  return found.credential?.type === 'password' ? found.credential.username : found.credential?.type;
}

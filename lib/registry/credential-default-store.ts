// The credential store that docker uses where its config names none: the platform's, if its helper is on PATH.
// https://github.com/docker/cli/blob/v29.7.2/cli/config/credentials/default_store.go
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The part after `docker-credential-`, or undefined where docker would keep credentials in its config file. */
export async function defaultCredentialStore(
  environment: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  const isOnPath = async (program: string): Promise<boolean> => {
    const name = platform === 'win32' ? `${program}.exe` : program;
    // An empty part is the working directory, from which nobody wants programs; Go refuses it too.
    const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
    for (const folder of folders) {
      const isThere = await access(join(folder, name), constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return true;
    }
    return false;
  };
  const store = await platformStore(platform, isOnPath);
  return store !== undefined && (await isOnPath(`docker-credential-${store}`)) ? store : undefined;
}

async function platformStore(platform: NodeJS.Platform, isOnPath: (program: string) => Promise<boolean>): Promise<string | undefined> {
  if (platform === 'darwin') return 'osxkeychain';
  if (platform === 'win32') return 'wincred';
  if (platform !== 'linux') return undefined;
  return (await isOnPath('pass')) ? 'pass' : 'secretservice';
}

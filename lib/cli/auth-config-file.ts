// The docker config on disk: replaced as docker does it (links followed, owner and mode kept), with a copy of the old one beside it.
import { randomBytes } from 'node:crypto';
import { chmod, chown, link, lstat, mkdir, open, readFile, readlink, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OcidslError, environmentError } from '../base/errors.ts';
import { syncFolder } from '../sinks/replace-file.ts';

/** A config as it was found. */
export interface ConfigFile {
  /** The file itself, behind links. */
  readonly path: string;
  /** Undefined where there is none yet. */
  readonly text: string | undefined;
}

const MODE = 0o600;
const MOST_BACKUPS = 1000;

/** Reads a config; a file that is not there is none yet. */
export async function readConfigFile(file: string): Promise<ConfigFile> {
  try {
    const path = await followLinks(file);
    return { path, text: await readIfThere(path) };
  } catch (error) {
    throw environmentError(`read "${file}"`, error);
  }
}

/**
 * Replaces a config, keeping the old one beside it, and checks what is on disk then. Whatever goes wrong, the old one stays or is put back.
 * @returns the copy's path; undefined where there was no file
 * @throws OCIDSL_AUTH_FILE_CHANGED where somebody else wrote it in the meantime; environment failures
 */
export async function replaceConfigFile(
  config: ConfigFile,
  text: string,
  check: (written: string) => boolean,
): Promise<string | undefined> {
  const { path } = config;
  const backup = config.text === undefined ? undefined : await keepCopy(path, config.text);
  try {
    if ((await readIfThere(path)) !== config.text) throw changedError(path);
    await writeWhole(path, text);
    if (!check((await readIfThere(path)) ?? ''))
      throw environmentError(`write "${path}"`, new Error('it does not read back as it was written'));
    return backup;
  } catch (error) {
    if (!isChanged(error)) await putBack(config);
    if (backup !== undefined) await unlink(backup).catch(() => undefined);
    throw isSystemError(error) ? environmentError(`write "${path}"`, error) : error;
  }
}

// Docker writes through a link, also where its target is not there yet.
async function followLinks(file: string): Promise<string> {
  let path = resolve(file);
  for (let hops = 0; hops < 40; hops++) {
    const isLink = await lstat(path).then(
      (found) => found.isSymbolicLink(),
      () => false,
    );
    if (!isLink) break;
    path = resolve(await realpath(dirname(path)), await readlink(path));
  }
  return path;
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function keepCopy(path: string, text: string): Promise<string> {
  const temporary = await writeTemporary(path, text);
  try {
    for (let number = 1; number <= MOST_BACKUPS; number++) {
      const backup = `${path}.backup-${number}`;
      // A link, because it fails where there is a file already.
      const isFree = await link(temporary, backup).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      );
      if (isFree) return backup;
    }
    throw new Error(`there are ${MOST_BACKUPS} copies already`);
  } catch (error) {
    throw environmentError(`copy "${path}"`, error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = await writeTemporary(path, text);
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** A flushed file beside `path`, with the owner and mode of what is there. */
async function writeTemporary(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const old = await stat(path).catch(() => undefined);
  const handle = await open(temporary, 'wx', MODE);
  try {
    await handle.writeFile(text);
    await handle.sync();
    // Both may be refused, on file systems without them and to other users: then it is ours alone, which is never too open.
    if (old !== undefined) {
      await chown(temporary, old.uid, old.gid).catch(() => undefined);
      await chmod(temporary, old.mode & 0o777).catch(() => undefined);
    }
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}

async function putBack({ path, text }: ConfigFile): Promise<void> {
  const now = await readIfThere(path).catch(() => undefined);
  if (now === text) return;
  if (text === undefined) await unlink(path).catch(() => undefined);
  else await writeWhole(path, text).catch(() => undefined);
}

function changedError(path: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_AUTH_FILE_CHANGED',
    kind: 'environment',
    message: `Cannot edit "${path}": another program changed it in the meantime`,
    hint: 'Run the command again',
  });
}

const isChanged = (error: unknown): boolean => (error as OcidslError).code === 'OCIDSL_AUTH_FILE_CHANGED';
const isSystemError = (error: unknown): boolean => typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';

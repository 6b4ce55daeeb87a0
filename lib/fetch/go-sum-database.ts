// The checksum database: what a module's checksum is, as a log that everybody sees says it. https://go.dev/ref/mod#checksum-database
import { OcidslError } from '../base/errors.ts';
import { createLimiter } from '../base/limiter.ts';
import { printable } from '../base/printable.ts';
import { openNote, parseNoteKey, type NoteKey } from '../go/signed-note.ts';
import { isInLog, parseLogRecord, parseLogTree, type ReadTile } from '../go/transparency-log.ts';
import { tryGoProxies, type GoProxy } from './go-proxies.ts';
import type { GoServers } from './go-servers.ts';

/** A checksum database, as GOSUMDB names it. */
export interface GoSumDatabase {
  /**
   * The `h1:` of a module zip: signed, and proved to be in the log. Undefined where the database does not know the module.
   * No head of the log is kept between commands: what was found is pinned by its user.
   * @throws OCIDSL_GO_SUM_INTEGRITY for an answer that is not what was signed; network failures
   */
  lookup(modulePath: string, version: string, signal: AbortSignal): Promise<string | undefined>;
}

// cmd/go/internal/modfetch/key.go
const KNOWN_KEYS: Readonly<Record<string, string>> = {
  'sum.golang.org': 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8',
};
const ANSWER_LIMIT_BYTES = 1024 * 1024;
// A proof has some twenty parts: a few connections bring them as fast as many.
const READS_AT_A_TIME = 6;

/**
 * The database that `setting`, the value of GOSUMDB, names: `<key>` or `<key> <url>`. Undefined for `off`.
 * @throws OCIDSL_GO_SUM_DATABASE for what names none
 */
export function openGoSumDatabase(setting: string, proxies: readonly GoProxy[], servers: GoServers): GoSumDatabase | undefined {
  if (setting.trim() === 'off') return undefined;
  const { key, url } = parseSetting(setting);
  let base: Promise<URL> | undefined;
  const tiles = new Map<string, Promise<Buffer>>();
  const limit = createLimiter(READS_AT_A_TIME);

  const read = async (path: string, signal: AbortSignal): Promise<Buffer | undefined> => {
    base ??= url === undefined ? findBase(key.name, proxies, servers, signal) : Promise.resolve(url);
    const from = new URL(path, await base);
    return await limit(() => servers.read(from, ANSWER_LIMIT_BYTES, signal));
  };

  const readTile = async (path: string, partial: string | undefined, width: number, signal: AbortSignal): Promise<Buffer> => {
    const tile = (partial === undefined ? undefined : await read(partial, signal)) ?? (await read(path, signal));
    if (tile === undefined || tile.length < width * 32) throw mismatch(key.name, `it lacks a part of its log (${path})`);
    return tile.subarray(0, width * 32);
  };

  return {
    async lookup(modulePath, version, signal) {
      const answer = await read(`lookup/${modulePath}@${version}`, signal);
      if (answer === undefined) return undefined;
      const record = parseLogRecord(answer.toString('utf8'));
      const text = record && openNote(record.note, key);
      const tree = text === undefined ? undefined : parseLogTree(text);
      if (record === undefined || tree === undefined) throw mismatch(key.name, `its answer for ${modulePath}@${version} is not signed`);
      const cachedTile: ReadTile = async (path, partial, width) => {
        const name = partial ?? path;
        let tile = tiles.get(name);
        if (tile === undefined) {
          tile = readTile(path, partial, width, signal);
          tiles.set(name, tile);
          tile.catch(() => tiles.delete(name));
        }
        return await tile;
      };
      if (!(await isInLog(tree, record.id, record.text, cachedTile))) {
        throw mismatch(key.name, `its answer for ${modulePath}@${version} is not in its log`);
      }
      const prefix = `${modulePath} ${version} `;
      const sum = record.text
        .split('\n')
        .find((line) => line.startsWith(prefix))
        ?.slice(prefix.length);
      if (sum === undefined || !/^h1:[A-Za-z0-9+/]{43}=$/.test(sum)) {
        throw mismatch(key.name, `its answer for ${modulePath}@${version} is about something else`);
      }
      return sum;
    },
  };
}

// A proxy that passes requests for the database on is used for all of them; else the database itself.
async function findBase(name: string, proxies: readonly GoProxy[], servers: GoServers, signal: AbortSignal): Promise<URL> {
  const passesOn = async (proxy: URL): Promise<URL | undefined> => {
    const supported = await servers.read(new URL(`sumdb/${name}/supported`, proxy), ANSWER_LIMIT_BYTES, signal);
    return supported === undefined ? undefined : new URL(`sumdb/${name}/`, proxy);
  };
  return (
    (await tryGoProxies(
      proxies.filter(({ isOrigin }) => !isOrigin),
      passesOn,
    )) ?? new URL(`https://${name}/`)
  );
}

function parseSetting(setting: string): { readonly key: NoteKey; readonly url: URL | undefined } {
  const alias = setting.trim() === 'sum.golang.google.cn' ? 'sum.golang.org https://sum.golang.google.cn' : setting;
  const [name = '', address, ...more] = alias.trim().split(/\s+/);
  const key = parseNoteKey(Object.hasOwn(KNOWN_KEYS, name) ? KNOWN_KEYS[name]! : name);
  const url = address === undefined ? undefined : parseUrl(address);
  // The name becomes a URL: a host, perhaps with a path.
  const isHost = key !== undefined && /^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:\/[A-Za-z0-9][A-Za-z0-9._~-]*)*$/.test(key.name);
  if (!isHost || more.length > 0 || (address !== undefined && url === undefined)) {
    throw new OcidslError({
      code: 'OCIDSL_GO_SUM_DATABASE',
      kind: 'environment',
      message: `Cannot use GOSUMDB "${printable(setting, 120)}": it names no checksum database, expected "sum.golang.org", "<key> <url>" or "off"`,
    });
  }
  return { key, url };
}

function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text.endsWith('/') ? text : `${text}/`);
    return ['http:', 'https:', 'file:'].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

function mismatch(name: string, is: string): OcidslError {
  return new OcidslError({
    code: 'OCIDSL_GO_SUM_INTEGRITY',
    kind: 'integrity',
    message: `Cannot trust checksum database "${name}": ${is}, expected an answer that its key has signed`,
    hint: 'Something between here and the database changes what it says: find out what, and check GOPROXY and GOSUMDB',
  });
}

// Whether the program that an image starts is for the image's platform: the most common mistake of who builds on a Mac,
// and one that shows only as "exec format error" in the cluster.
import { OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { splitEnvironmentEntry } from './environment.ts';
import type { LayerDescription, LayerExecutable } from './layer-description.ts';
import { formatPlatform, type Platform } from './platform.ts';
import type { RunParameters } from './run-parameters.ts';

/** What is checked. */
export interface EntrypointCheck {
  readonly run: RunParameters;
  readonly platform: Platform;
  /** The image's own layers, lowest first. A program of the base is not checked: the base's platform was. */
  readonly layers: readonly Pick<LayerDescription, 'executables' | 'links'>[];
}

// What engines use where an image sets no PATH.
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Finds the program of the entrypoint (or of the command where there is none) in the layers, through symbolic links and
 * PATH, and compares its header with the platform. Does nothing where no layer has it, or where it is no binary.
 * @throws OCIDSL_ENTRYPOINT_PLATFORM
 */
export function checkEntrypoint(check: EntrypointCheck): void {
  const { run, platform } = check;
  const command = run.Entrypoint?.length ? run.Entrypoint : run.Cmd;
  const name = command?.[0];
  if (!name) return;
  for (const candidate of candidates(name, run, platform.os)) {
    const found = find(candidate, check.layers);
    if (!found) continue;
    if (!runsOn(found.program, platform)) throw mismatch(name, found, platform);
    return;
  }
}

function mismatch(name: string, found: { path: string; program: LayerExecutable }, platform: Platform): OcidslError {
  const isFor = `${found.program.os}/${found.program.architecture}`;
  return new OcidslError({
    code: 'OCIDSL_ENTRYPOINT_PLATFORM',
    message: `Cannot use entrypoint "${printable(name, 100)}": the program /${printable(found.path, 200)} is for ${isFor}, expected one for the image's platform ${formatPlatform(platform)}`,
    hint: `Build the program for ${formatPlatform(platform)} (a goBinary among the image's srcs is built for it), or build the image for ${isFor}`,
  });
}

// Absolute paths without the leading slash, in the order in which the engine tries them.
function candidates(name: string, run: RunParameters, os: string): string[] {
  const isWindows = os === 'windows';
  const plain = (path: string) => (isWindows ? path.replaceAll('\\', '/').replace(/^[A-Za-z]:/, '') : path);
  const program = plain(name);
  const workdir = plain(run.WorkingDir || '/');
  let folders: string[];
  if (program.startsWith('/')) folders = [''];
  else if (program.includes('/')) folders = [workdir];
  else
    folders = searchPath(run.Env ?? [], isWindows).map((folder) =>
      plain(folder).startsWith('/') ? plain(folder) : `${workdir}/${plain(folder)}`,
    );
  const paths = folders.map((folder) => normalize(`${folder}/${program}`));
  // A layer for Windows has the file system below Files/ and leaves the extension to the loader.
  return isWindows ? paths.flatMap((path) => [path, `${path}.exe`, `Files/${path}`, `Files/${path}.exe`]) : paths;
}

function searchPath(env: readonly string[], isWindows: boolean): string[] {
  const entry = env.map(splitEnvironmentEntry).findLast(([name]) => (isWindows ? name.toUpperCase() : name) === 'PATH');
  const path = entry?.[1] ?? (isWindows ? 'C:\\Windows\\System32;C:\\Windows' : DEFAULT_PATH);
  return path.split(isWindows ? ';' : ':').filter((folder) => folder !== '');
}

// `a//b/./c/../d` → `a/b/d`; `..` at the root stays at the root.
function normalize(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments.join('/');
}

// As many links as Linux follows.
const LINK_LIMIT = 40;

interface Found {
  readonly path: string;
  readonly program: LayerExecutable;
}

function find(path: string, layers: EntrypointCheck['layers'], linksLeft = LINK_LIMIT): Found | undefined {
  const segments = path.split('/');
  for (let i = 1; i <= segments.length; i++) {
    const prefix = segments.slice(0, i).join('/');
    const rest = segments.slice(i);
    const target = topmost(layers, (layer) => layer.links, prefix, rest.length === 0);
    if (target === undefined) continue;
    if (linksLeft === 0) return undefined;
    const folder = target.startsWith('/') ? [] : segments.slice(0, i - 1);
    const follow = (from: readonly string[]) => find(normalize([...from, target, ...rest].join('/')), layers, linksLeft - 1);
    // A hard link names its target from the root, a symbolic one from its own folder.
    return follow(folder) ?? (folder.length > 0 && rest.length === 0 ? follow([]) : undefined);
  }
  const program = topmost(layers, (layer) => layer.executables, path, false);
  return program && { path, program };
}

// The entry of the highest layer that has one; a program in a higher layer hides a link of the same path.
function topmost<T>(
  layers: EntrypointCheck['layers'],
  map: (layer: EntrypointCheck['layers'][number]) => Readonly<Record<string, T>>,
  path: string,
  isHiddenByProgram: boolean,
): T | undefined {
  for (const layer of layers.toReversed()) {
    const entries = map(layer);
    if (Object.hasOwn(entries, path)) return entries[path];
    if (isHiddenByProgram && Object.hasOwn(layer.executables, path)) return undefined;
  }
  return undefined;
}

// amd64 kernels run 386 programs. Other pairs need a machine that many are not (arm on arm64) or an emulator.
const ALSO_RUNS: ReadonlySet<string> = new Set(['386 on amd64']);

function runsOn(program: LayerExecutable, platform: Platform): boolean {
  return osMatches(program, platform.os) && architectureMatches(program.architecture, platform.architecture);
}

function osMatches(program: LayerExecutable, os: string): boolean {
  if (program.os === 'unknown' || program.os === os) return true;
  // An ELF header without an OS reads as Linux; other Unixes write none either.
  return program.format === 'elf' && program.os === 'linux' && os !== 'windows' && os !== 'darwin';
}

function architectureMatches(program: string, image: string): boolean {
  return program === image || program === 'unknown' || program === 'universal' || ALSO_RUNS.has(`${program} on ${image}`);
}

// Maps stack frames to places that users know: source files of their configs and of npm packages. Frames of the library
// and of the loader's own tools are dropped, except those of its macros: an inner line of the user's call.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { SourceLocation } from '../base/errors.ts';
import type { FrameLocator, RawFrame } from '../graph/call-site.ts';
import type { BundleMap } from './config-bundle.ts';
import { workspacePath } from './config-file.ts';
import { scriptPath } from './loader-registry.ts';

/** Where the locator looks things up. */
export interface FrameSources {
  /** The workspace root. */
  readonly root: string;
  /** The package folder of the running library. */
  readonly libraryRoot: string;
  /** Source maps of bundles, by the path of their script. */
  readonly maps: ReadonlyMap<string, ScriptMap>;
}

/** The source map of one script. */
export interface ScriptMap {
  /** What the map's sources are relative to. */
  readonly folder: string;
  /** The map as JSON; called once, when the first frame of the script is met. */
  read(): string;
}

const LIBRARY_FOLDERS = ['lib', 'dist', 'bin'];
const TOOLS = `${sep}node_modules${sep}tsx${sep}`;

/** Makes a locator. Source maps are parsed once, at the first frame that needs them. */
export function createFrameLocator(sources: FrameSources): FrameLocator {
  const commandLine = join(sources.libraryRoot, 'dist', 'cli.cjs'); // it holds the macros too
  const parsed = new Map<string, MapReader | undefined>();
  const readerOf = (script: string): MapReader | undefined => {
    const map =
      sources.maps.get(script) ??
      (script === commandLine ? { folder: dirname(script), read: () => readFileSync(`${script}.map`, 'utf8') } : undefined);
    if (map !== undefined && !parsed.has(script)) parsed.set(script, parseMap(map));
    return parsed.get(script);
  };
  return (frame) => {
    const script = scriptPath(frame.script);
    if (script.includes(TOOLS)) return undefined;
    const reader = readerOf(script);
    if (reader === undefined && sources.maps.has(script)) return undefined;
    const place = reader ? reader(frame) : { file: script, line: frame.line, column: frame.column };
    if (place === undefined || isLibrary(place.file, sources.libraryRoot)) return undefined;
    return { ...place, file: workspacePath(sources.root, place.file) ?? place.file };
  };
}

function isLibrary(file: string, libraryRoot: string): boolean {
  return LIBRARY_FOLDERS.some((folder) => {
    const below = join(libraryRoot, folder) + sep;
    return file.startsWith(below) && !file.startsWith(join(libraryRoot, 'dist', 'macros') + sep);
  });
}

type MapReader = (frame: RawFrame) => SourceLocation | undefined;

function parseMap(script: ScriptMap): MapReader | undefined {
  let payload: ConstructorParameters<typeof SourceMap>[0] & Partial<BundleMap>;
  let map: SourceMap;
  try {
    payload = JSON.parse(script.read()) as typeof payload;
    map = new SourceMap(payload);
  } catch {
    return undefined; // a source map that is gone or damaged costs places, never the error itself
  }
  const shifted = new Set(payload.shifted?.map((index) => payload.sources[index]));
  return (frame) => {
    const entry = map.findEntry(frame.line - 1, frame.column - 1);
    if (!('originalSource' in entry) || typeof entry.originalSource !== 'string' || isVirtual(entry.originalSource)) return undefined;
    const line = entry.originalLine + 1 - (shifted.has(entry.originalSource) ? 1 : 0);
    return line < 1 ? undefined : { file: join(script.folder, entry.originalSource), line, column: entry.originalColumn + 1 };
  };
}

/** Whether a source of a bundle is one that the loader made up. */
function isVirtual(source: string): boolean {
  return /(?:^|\/)ocidsl-(?:library|package):/.test(source);
}

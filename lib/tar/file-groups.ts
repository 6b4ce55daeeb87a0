// Groups of files in a layer spec: files that differ in nothing but their names are one entry, so that a spec of 100,000 of
// them is a list of their names.
import { folderPrefix } from './entry-path.ts';
import type { LayerEntry } from './layer-spec.ts';

/** A file that a group can hold. */
type PlainFile = Required<Pick<LayerEntry, 'path' | 'input' | 'origin'>>;

interface Group {
  readonly path: string;
  readonly input: string;
  readonly origin: string;
  readonly names: string[];
}

/** The entries, with neighbouring files that differ in their names only put together. Equal lists give equal groups. */
export function groupFiles(entries: Iterable<LayerEntry>): LayerEntry[] {
  const grouped: LayerEntry[] = [];
  let group: Group | undefined;
  for (const entry of entries) {
    const name = isPlainFile(entry) ? group && nameIn(group, entry) : undefined;
    if (group !== undefined && name !== undefined) {
      group.names.push(name);
      continue;
    }
    if (group !== undefined) grouped.push(entryOf(group));
    group = isPlainFile(entry) ? newGroup(entry) : undefined;
    if (group === undefined) grouped.push(entry);
  }
  if (group !== undefined) grouped.push(entryOf(group));
  return grouped;
}

/** The files of an entry of type `files`. */
export function* filesOfGroup({ path, input = '', origin = '', names = [] }: LayerEntry): Generator<LayerEntry, void, undefined> {
  const [paths, inputs, origins] = [folderPrefix(path), folderPrefix(input), folderPrefix(origin)];
  for (const name of names) yield { path: paths + name, type: 'file', input: inputs + name, origin: origins + name };
}

function entryOf({ path, input, origin, names }: Group): LayerEntry {
  const [first, second] = names;
  const isOne = first !== undefined && second === undefined;
  if (!isOne) return { path, type: 'files', input, origin, names };
  return { path: folderPrefix(path) + first, type: 'file', input: folderPrefix(input) + first, origin: folderPrefix(origin) + first };
}

function isPlainFile(entry: LayerEntry): entry is LayerEntry & PlainFile {
  const { type, input, origin, mode, uid, gid, uname, gname, mtime } = entry;
  const isPlain = [mode, uid, gid, uname, gname, mtime].every((attribute) => attribute === undefined);
  return type === 'file' && isPlain && input !== undefined && origin !== undefined;
}

// The name is as much of the end of the three paths as is the same in whole segments; undefined where even the last segment differs.
function newGroup({ path, input, origin }: PlainFile): Group | undefined {
  let name: string | undefined;
  for (let end = path.length; end > 0;) {
    const slash = path.lastIndexOf('/', end - 1);
    const longer = path.slice(slash + 1);
    if (!endsWithName(input, longer) || !endsWithName(origin, longer)) break;
    name = longer;
    end = slash;
  }
  if (name === undefined) return undefined;
  return { path: folderOf(path, name), input: folderOf(input, name), origin: folderOf(origin, name), names: [name] };
}

function endsWithName(path: string, name: string): boolean {
  return path === name || (path.endsWith(name) && path[path.length - name.length - 1] === '/');
}

function folderOf(path: string, name: string): string {
  return path === name ? '' : path.slice(0, -name.length - 1);
}

function nameIn(group: Group, { path, input, origin }: PlainFile): string | undefined {
  const name = nameBelow(group.path, path);
  return name !== undefined && nameBelow(group.input, input) === name && nameBelow(group.origin, origin) === name ? name : undefined;
}

function nameBelow(folder: string, path: string): string | undefined {
  if (folder === '') return path;
  return path[folder.length] === '/' && path.startsWith(folder) ? path.slice(folder.length + 1) : undefined;
}

// Layer specs for tests, and other programs' view of an archive.
import { spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerSpec } from '../../../lib/tar/layer-spec.ts';

/** A spec of pkgTar's defaults with `changes`. */
export function layerSpec(changes: Partial<LayerSpec> = {}): LayerSpec {
  return {
    defaults: { uid: 0, gid: 0, uname: '', gname: '', mtime: 946684800, fileMode: 0o555, directoryMode: 0o755 },
    entries: [],
    archives: [],
    createParents: true,
    allowDuplicates: { differentContent: false, fromArchives: false },
    compression: { format: 'none' },
    ...changes,
  };
}

/** Whether a program can be started. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** One member as Python's tarfile sees it. */
export interface ListedMember {
  readonly name: string;
  /** tarfile's letter: `0` file, `1` hard link, `2` symbolic link, `5` directory. */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly uname: string;
  readonly gname: string;
  readonly size: number;
  readonly mtime: number;
  readonly linkname: string;
  readonly pax: Readonly<Record<string, string>>;
  /** Content of files up to 1 MiB, as Latin-1. */
  readonly content: string | null;
}

const PYTHON = `
import json, sys, tarfile
out = []
with tarfile.open(sys.argv[1]) as t:
    for m in t:
        data = t.extractfile(m).read().decode('latin-1') if m.isreg() and m.size <= 1 << 20 else None
        out.append(dict(name=m.name, type=m.type.decode(), mode=m.mode, uid=m.uid, gid=m.gid, uname=m.uname, gname=m.gname,
                        size=m.size, mtime=m.mtime, linkname=m.linkname, pax=m.pax_headers, content=data))
print(json.dumps(out))
`;

let python: string | undefined;

// The interpreter itself: `python3` may be a script that looks for one, ten times slower to start.
function runPython(args: readonly string[]): SpawnSyncReturns<Buffer> {
  python ??= spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
  return spawnSync(python, ['-I', '-S', ...args], { maxBuffer: 1 << 28 });
}

/** The members of an archive, by Python. */
export function listWithPython(archive: Uint8Array): ListedMember[] {
  return withFile(archive, (path) => {
    const result = runPython(['-c', PYTHON, path]);
    if (result.status !== 0) throw new Error(result.stderr.toString());
    return JSON.parse(result.stdout.toString()) as ListedMember[];
  });
}

/** The listing of GNU tar: `MODE UID/GID SIZE DATE TIME NAME`, times in UTC. */
export function listWithGnuTar(archive: Uint8Array): string[] {
  return withFile(archive, (path) =>
    run('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', path])
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
  );
}

/** A tar that Python writes: a script that fills the TarFile `t`, with `io`, `tarfile` and `file(name, content, **fields)` at hand. */
export function tarByPython(script: string, mode = 'w'): Buffer {
  const prelude = `
import io, sys, tarfile
def file(name, content=b'', **fields):
    i = tarfile.TarInfo(name)
    i.size = len(content)
    for k, v in fields.items(): setattr(i, k, v)
    t.addfile(i, io.BytesIO(content))
buffer = io.BytesIO()
t = tarfile.open(fileobj=buffer, mode=sys.argv[1], format=tarfile.PAX_FORMAT)
`;
  const result = runPython(['-c', `${prelude}\n${script}\nt.close()\nsys.stdout.buffer.write(buffer.getvalue())`, mode]);
  if (result.status !== 0) throw new Error(result.stderr.toString());
  return result.stdout;
}

function withFile<T>(content: Uint8Array, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-tar-'));
  try {
    const path = join(folder, 'a.tar');
    writeFileSync(path, content);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): string {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  if (result.status !== 0) throw new Error(`${program}: ${result.stderr}`);
  return result.stdout;
}

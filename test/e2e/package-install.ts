// The package as users get it: packed from this checkout and installed into an empty folder by npm.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHECKOUT = join(import.meta.dirname, '../..');

/** A folder of a user with ocidsl installed in it. */
export interface Installation {
  /** Everything below is in here; for more of the test's files. */
  readonly folder: string;
  /** The user's folder: a package.json and node_modules. */
  readonly root: string;
  /** What `npx ocidsl` runs. */
  readonly binary: string;
  remove(): void;
}

/** `npm pack` and `npm install ./ocidsl-*.tgz`. Packages come from npm's cache, else from the registry. */
export function installPackage(...npmOptions: readonly string[]): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'ocidsl-install-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    // Its `prepare` would build dist/ below the feet of other tests; fresh-build.ts has just built it.
    npm(CHECKOUT, 'pack', '--ignore-scripts', '--pack-destination', folder);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!;
    const root = join(folder, 'user');
    mkdirSync(root);
    writeFileSync(join(root, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n');
    npm(root, 'install', ...npmOptions, join('..', tarball));
    return { folder, root, binary: join(root, 'node_modules/.bin/ocidsl'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The `node` of a major version from npm's packages of Node, in `folder`; undefined where there is none or no network. */
export function installNode(folder: string, major: number): string | undefined {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    mkdirSync(folder, { recursive: true });
    npm(folder, 'install', '--prefix', folder, '--ignore-scripts', '--no-save', '--no-package-lock', `${name}@${major}`);
    const program = join(folder, 'node_modules', name, 'bin/node');
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' });
    return version.startsWith(`v${major}.`) ? program : undefined;
  } catch {
    return undefined;
  }
}

function npm(cwd: string, ...args: readonly string[]): void {
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', [...args, ...options], { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 240_000 });
}

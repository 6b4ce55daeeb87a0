// Installs what we are compared with, at pinned versions. Nothing is installed that is there already.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOOLS_BIN } from './workbench.ts';

const GO_TOOLS = {
  ko: 'github.com/google/ko@v0.19.1',
  crane: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1',
  regctl: 'github.com/regclient/regclient/cmd/regctl@v0.11.7',
  registry: 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2',
} as const;

const PACKAGES = { umoci: 'umoci', buildah: 'buildah', skopeo: 'skopeo', git: 'git', python3: 'python3' } as const;

const TURBO = 'turbo@2.11.11';

/** A program of the peers. */
export type Peer = keyof typeof GO_TOOLS | keyof typeof PACKAGES;

/** Installs what is missing. @throws where a program cannot be had */
export function installPeers(peers: readonly Peer[]): void {
  for (const peer of peers) {
    if (peer in GO_TOOLS) installGoTool(peer as keyof typeof GO_TOOLS);
    else installPackage(peer as keyof typeof PACKAGES);
  }
}

// The version is in the stamp's name, as in scripts/setup-tests.sh, so that a new pin installs anew.
function installGoTool(name: keyof typeof GO_TOOLS): void {
  const module = GO_TOOLS[name];
  const stamp = join(TOOLS_BIN, '..', `${name}@${module.split('@')[1]!}`);
  if (existsSync(stamp) && existsSync(join(TOOLS_BIN, name))) return;
  process.stderr.write(`bench: installing ${module}\n`);
  mkdirSync(TOOLS_BIN, { recursive: true });
  execFileSync('go', ['install', module], { env: { ...process.env, GOBIN: TOOLS_BIN, GOFLAGS: '' }, stdio: 'inherit' });
  writeFileSync(stamp, '');
}

function installPackage(program: keyof typeof PACKAGES): void {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0) return;
  process.stderr.write(`bench: installing ${PACKAGES[program]}\n`);
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', PACKAGES[program]], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Installs turbo into a folder with a package.json. Returns its program, without the Node script around it. */
export function installTurbo(folder: string): string {
  // The workspaces of the folder's package.json are not npm's business here.
  const home = join(folder, '.turbo-cli');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', TURBO], { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] });
  const system = `${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`;
  for (const program of [`@turbo/${system}/bin/turbo`, `turbo-${system}/bin/turbo`]) {
    const path = join(home, 'node_modules', program);
    if (existsSync(path)) return path;
  }
  throw new Error(`There is no program of ${TURBO} for ${system}`);
}

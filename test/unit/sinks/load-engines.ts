// Real engines for the tests of loading, each with storage of its own in a temporary folder.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEngineApi } from '../../../lib/sinks/engine-api.ts';
import { connectEngineCli } from '../../../lib/sinks/engine-cli.ts';
import type { ContainerEngine } from '../../../lib/sinks/engine-interface.ts';

export const environment = { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] };

const isRoot = process.getuid?.() === 0;
const has = (program: string, ...args: string[]) => spawnSync(program, args.length > 0 ? args : ['--version']).status === 0;

/** Reasons for which a test of an engine cannot run here; undefined where it can. */
export const missing = {
  podman: has('podman') ? undefined : 'needs podman',
  dockerd: !has('dockerd')
    ? 'needs dockerd'
    : !isRoot
      ? 'needs root'
      : !has('unshare', '--mount', '--net', 'true')
        ? 'needs unshare'
        : undefined,
  docker: has('docker') ? undefined : 'needs the docker command',
  containerd: has('containerd') && has('ctr') && isRoot ? undefined : 'needs containerd, ctr and root',
  go: has('go', 'version') ? undefined : 'needs go',
};

/** An engine and how to be rid of it. */
export interface RunningEngine {
  readonly engine: ContainerEngine;
  /** The engine's own command, for what only its user does: `run`, `rmi`, `build`. */
  command(...args: string[]): string;
  /** Arguments of `run` without which containers do not start on a small machine. */
  readonly runArgs: readonly string[];
  stop(): Promise<void>;
}

const PODMAN_RUN = ['--runtime', 'runc', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--network=host'];

function podmanArgs(folder: string): string[] {
  return ['--root', join(folder, 'root'), '--runroot', join(folder, 'runroot'), '--storage-driver', 'vfs'];
}

function temporary(name: string): string {
  return mkdtempSync(join(tmpdir(), `ocidsl-test-${name}-`));
}

function runner(argv: readonly [string, ...string[]]): (...args: string[]) => string {
  const [program, ...leading] = argv;
  return (...args) => execFileSync(program, [...leading, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** podman without a service. */
export async function podmanCommand(): Promise<RunningEngine> {
  const folder = temporary('podman');
  const argv = ['podman', ...podmanArgs(folder)] as const;
  const engine = await connectEngineCli({
    name: 'podman',
    argv: ['podman', ...podmanArgs(folder)],
    environment,
    display: 'podman command',
  });
  return {
    engine,
    command: runner(['podman', ...argv.slice(1)]),
    runArgs: PODMAN_RUN,
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** podman's service on a socket. */
export async function podmanService(): Promise<RunningEngine> {
  const folder = temporary('podman-service');
  const socket = join(folder, 'podman.sock');
  const service = spawn('podman', [...podmanArgs(folder), 'system', 'service', '--time', '0', `unix://${socket}`], { stdio: 'ignore' });
  return start(service, folder, socket, ['podman', ...podmanArgs(folder)], PODMAN_RUN);
}

/** Docker's daemon; `viaCommand` reaches it through the docker command, as over ssh. */
export async function dockerDaemon(viaCommand = false): Promise<RunningEngine> {
  const folder = temporary('dockerd');
  const socket = join(folder, 'docker.sock');
  const folders = [`--data-root=${folder}/data`, `--exec-root=${folder}/exec`, `--pidfile=${folder}/pid`];
  const options = [...folders, `--host=unix://${socket}`, '--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs'];
  const script = 'ip link set lo up; mount -t tmpfs tmpfs /run; exec dockerd "$@"';
  const daemon = spawn('unshare', ['--mount', '--net', 'bash', '-c', script, 'dockerd', ...options], { stdio: 'ignore' });
  return start(daemon, folder, socket, ['docker', '--host', `unix://${socket}`], ['--network=none'], viaCommand);
}

async function start(
  daemon: ChildProcess,
  folder: string,
  socket: string,
  argv: [string, ...string[]],
  runArgs: readonly string[],
  viaCommand = false,
): Promise<RunningEngine> {
  const stop = async () => {
    if (daemon.exitCode === null && daemon.signalCode === null) {
      const exited = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill('SIGTERM');
      await exited;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const display = `unix://${socket}`;
  for (let tries = 0; ; tries++) {
    try {
      const engine = viaCommand
        ? await connectEngineCli({ name: 'docker', argv, environment, display: 'docker command' })
        : await connectEngineApi({ address: { type: 'socket', path: socket }, display, command: () => ({ argv, environment }) });
      return {
        engine,
        command: runner(argv),
        runArgs,
        stop: async () => {
          await engine.close();
          await stop();
        },
      };
    } catch (error) {
      if (tries >= 150 || daemon.exitCode !== null) {
        await stop();
        throw error;
      }
      await sleep(200);
    }
  }
}

/** containerd without any engine above it: runs `act` with a function that calls `ctr`. */
export async function withContainerd(act: (ctr: (...args: string[]) => string) => void): Promise<void> {
  const folder = temporary('containerd');
  const socket = join(folder, 'containerd.sock');
  writeFileSync(join(folder, 'config.toml'), 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
  const folders = ['--root', join(folder, 'root'), '--state', join(folder, 'state')];
  const daemon = spawn('containerd', ['--config', join(folder, 'config.toml'), ...folders, '--address', socket], { stdio: 'ignore' });
  const ctr = runner(['ctr', '--address', socket]);
  try {
    for (let tries = 0; ; tries++) {
      await sleep(100);
      if (spawnSync('ctr', ['--address', socket, 'version']).status === 0) break;
      if (tries > 200) throw new Error('containerd does not answer');
    }
    act(ctr);
  } finally {
    const exited = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A static program for images: prints its arguments; `cat` copies stdin; `wait` prints the signal that ends it; `ignore` heeds none. */
export function helloProgram(): Buffer {
  const folder = temporary('hello');
  try {
    mkdirSync(join(folder, 'hello'));
    writeFileSync(join(folder, 'hello/main.go'), HELLO);
    writeFileSync(join(folder, 'hello/go.mod'), 'module hello\n\ngo 1.18\n');
    const goEnvironment = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOTOOLCHAIN: 'local', GOWORK: 'off' };
    execFileSync('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', 'out', '.'], { cwd: join(folder, 'hello'), env: goEnvironment });
    return readFileSync(join(folder, 'hello/out'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const HELLO = `package main

import ("fmt"; "io"; "os"; "os/signal"; "strconv"; "syscall"; "time")

func main() {
	mode := ""
	if len(os.Args) > 1 { mode = os.Args[1] }
	switch mode {
	case "cat":
		io.Copy(os.Stdout, os.Stdin)
	case "exit":
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case "wait":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("waiting")
		fmt.Println("got", <-signals)
		os.Exit(7)
	case "ignore":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		fmt.Println("waiting")
		time.Sleep(time.Minute)
	case "terminal":
		info, _ := os.Stdout.Stat()
		fmt.Printf("terminal: %v\\n", info.Mode()&os.ModeCharDevice != 0)
	default:
		fmt.Println("hello", os.Args[1:])
	}
}
`;

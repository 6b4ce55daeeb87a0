// examples/github-actions: the workflow asks for no more rights than it needs, and runs commands that exist. Its push works with what
// docker/login-action writes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../lib/cli/program.ts';
import { startFakeRegistry } from '../../lib/testing/fake-registry.ts';
import { exampleFiles, exampleWorkspace } from './example-workspace.ts';
import { has } from './rig.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly if: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

const FILES = exampleFiles('github-actions');
const text = Buffer.from(FILES['.github/workflows/images.yml']!).toString('utf8');
const workflow = parse(text) as { permissions: object; jobs: Readonly<Record<'check' | 'publish', Job>> };
const { check, publish } = workflow.jobs;
const commands = (job: Job): string[] => job.steps.flatMap(({ run }) => (run === undefined ? [] : [run]));

describe('the workflow', () => {
  it('gives a job what it needs and no more', () => {
    expect(workflow.permissions).toEqual({});
    expect(check).toMatchObject({ if: "github.event_name == 'pull_request'", permissions: { contents: 'read' } });
    expect(publish).toMatchObject({ if: "github.event_name == 'push'", permissions: { contents: 'read', packages: 'write' } });
    expect(Object.keys(check.permissions)).toEqual(['contents']);
  });

  it('pins actions by major version, and hands the token to the login only', () => {
    const used = [...check.steps, ...publish.steps].flatMap(({ uses }) => (uses === undefined ? [] : [uses]));
    expect(used.filter((action) => !/^(actions\/(checkout|setup-node|setup-go)|docker\/login-action)@v\d+$/.test(action))).toEqual([]);
    const logins = publish.steps.filter(({ uses }) => uses?.startsWith('docker/login-action@') === true);
    expect(logins.map((step) => step.with)).toEqual([
      { registry: 'ghcr.io', username: '${{ github.actor }}', password: '${{ secrets.GITHUB_TOKEN }}' },
    ]);
    expect(text.match(/secrets\./g)).toHaveLength(1);
  });

  it('puts nothing of an event into a shell', () => {
    expect([...commands(check), ...commands(publish)].filter((command) => command.includes('${{'))).toEqual([]);
  });

  it('runs commands and options that exist, in their order', () => {
    const program = createProgram(
      () => {
        throw new Error('not to be run');
      },
      { onStarted: () => undefined, setExitCode: () => undefined },
    );
    const shown = commands(publish).flatMap((line) => /^npx ocidsl (.+)$/.exec(line)?.[1] ?? []);
    expect(shown.map((line) => line.split(' ')[0])).toEqual(['lock', 'build', 'auth', 'push']);
    for (const line of shown) {
      let command = program;
      const words = line.split(' ');
      for (let next; (next = command.commands.find((each) => each.name() === words[0])) !== undefined; command = next) words.shift();
      expect(command).not.toBe(program);
      expect(command.parseOptions(words).unknown, line).toEqual([]);
    }
    expect(commands(check)).toEqual(commands(publish).slice(0, commands(check).length));
  });
});

it.skipIf(!has('go'))('its commands work with what docker/login-action writes (needs go)', async () => {
  const token = 'ghs_c4nary';
  const registry = await startFakeRegistry({ auth: { type: 'token', username: 'octo', password: token } });
  onTestFinished(() => registry.close());
  const ws = exampleWorkspace('github-actions');
  onTestFinished(() => ws.remove());
  ws.write({ 'build.config.ts': ws.read('build.config.ts').replace('ghcr.io', registry.host) });
  mkdirSync(join(ws.home, '.docker'));
  const entry = { auth: Buffer.from(`octo:${token}`).toString('base64') };
  writeFileSync(join(ws.home, '.docker/config.json'), JSON.stringify({ auths: { [registry.host]: entry } }, undefined, '\t'));
  const env = { CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_SHA: 'a'.repeat(40), XDG_RUNTIME_DIR: '/nowhere' };
  for (const line of commands(publish)) {
    const [, words] = /^npx ocidsl (.+)$/.exec(line) ?? [];
    if (words === undefined) continue;
    const args = words.replace('"$GITHUB_SHA"', env.GITHUB_SHA).replace('ghcr.io', registry.host).split(' ');
    const run = await ws.ocidsl(args, { env });
    expect(`${line}: ${run.code}\n${run.stderr}`).toMatch(new RegExp(`: 0\\n`));
    expect(run.stdout + run.stderr).not.toContain(token);
  }
  expect([...registry.storage.repository('acme/hello').tags.keys()].sort()).toEqual(['a'.repeat(40), 'latest']);
});

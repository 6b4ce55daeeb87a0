// The rule command: a generic action.
import { boolean, integer, list, optional, record, required, source, string } from '../graph/attribute.ts';
import type { Glob } from '../graph/glob.ts';
import type { Handle } from '../graph/handle.ts';
import type { Configurable } from '../graph/select.ts';
import { sourcePath } from '../graph/source-path.ts';
import { outputOf } from '../plan/action-node.ts';
import { defineRule, provide } from '../plan/define-rule.ts';
import { FilesInfo } from './providers.ts';
import { planSources } from './source-inputs.ts';
import { sortedUtf8 } from '../base/bytes.ts';

/** Attributes of {@link command}. */
export interface CommandAttributes {
  /** Name of the target. */
  readonly name: string;
  /**
   * Program and arguments; no shell unless you name one. A program without `/` is found in the system's folders and its bytes are part of the key;
   * one with `/` must be an input.
   * @example argv: ['sh', '-c', 'tr a-z A-Z < greeting.txt > out/loud.txt']
   */
  readonly argv: Configurable<readonly string[]>;
  /** Files that the command sees, at their paths relative to this package: files, folders, `glob(…)`, and targets that make files. @default [] */
  readonly inputs?: Configurable<readonly (Handle<'FilesInfo'> | Glob | string)[]>;
  /** What the command makes, relative to its working directory; a path ending in `/` is a folder with everything in it. One or more. */
  readonly outputs: Configurable<readonly string[]>;
  /** The whole environment beside PATH, HOME, TMPDIR, TZ=UTC, LC_ALL=C.UTF-8 and SOURCE_DATE_EPOCH. @default {} */
  readonly env?: Configurable<Readonly<Record<string, string>>>;
  /** Seconds after which the command is stopped. @default no limit */
  readonly timeout?: Configurable<number>;
  /** Marks the outputs as executables. @default by the mode that the command gives them */
  readonly executable?: Configurable<boolean>;
}

const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: '/tmp',
  TMPDIR: '/tmp',
  TZ: 'UTC',
  LC_ALL: 'C.UTF-8',
  SOURCE_DATE_EPOCH: '946684800',
};

const relativePath = string('a relative path below the working directory', (path) => {
  const result = sourcePath(path, 'root');
  if ('problem' in result) return result.problem;
  if (!result.path.startsWith('root/')) return 'it leaves the working directory';
  // One spelling for each path, so that two outputs at one place are noticed.
  const spelling = `${result.path.slice('root/'.length)}${path.endsWith('/') ? '/' : ''}`;
  return path === spelling ? undefined : `write it as "${spelling}"`;
});
const environmentName = (name: string) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? undefined : 'expected letters, digits and _');

/**
 * Runs a program with declared inputs and outputs: in a sandbox without network where the machine has one (bubblewrap), so that it sees nothing
 * else, and never again while its inputs stay the same.
 *
 * @example
 * command({ name: 'loud', argv: ['sh', '-c', 'tr a-z A-Z < greeting.txt > loud.txt'], inputs: ['greeting.txt'], outputs: ['loud.txt'] });
 */
export const command: (attributes: CommandAttributes) => Handle<'FilesInfo'> = defineRule({
  name: 'command',
  attributes: {
    argv: required(list(string())),
    inputs: optional(list(source('FilesInfo'))),
    outputs: required(list(relativePath)),
    env: optional(record(string(), environmentName)),
    timeout: optional(integer(1, 86_400)),
    executable: optional(boolean()),
  },
  provides: [FilesInfo],
  check({ argv, outputs }, problem) {
    if (Array.isArray(argv) && (argv.length === 0 || argv[0] === '')) problem('argv', 'it names no program', 'a program and its arguments');
    if (!Array.isArray(outputs)) return;
    if (outputs.length === 0) problem('outputs', 'it is empty', 'one or more paths');
    const clean = outputs.map((path) => String(path).replace(/\/$/, ''));
    clean.forEach((path, i) => {
      const other = clean.findIndex((each, k) => k !== i && (each === path ? k < i : path.startsWith(`${each}/`)));
      if (other >= 0) problem(`outputs[${i}]`, `"${path}" and "${clean[other]}" overlap`, 'outputs that do not contain each other');
    });
  },
  analyze(context) {
    const { values } = context;
    const sources = planSources(context, values.inputs ?? [], 'in');
    const program = values.argv[0]!;
    const outputs = sortedUtf8(values.outputs);
    const action = context.action({
      mnemonic: 'Command',
      message: `Running ${program} for ${context.label}`,
      outputs,
      discoveries: [
        ...sources.discoveries,
        ...(program.includes('/') ? [] : [{ discoverer: 'host-program', args: { program, path: ENVIRONMENT.PATH } }]),
      ],
      describe(found) {
        const inputs = sources
          .resolve(found.slice(0, sources.discoveries.length))
          .inputs.map((each) => ({ ...each.input, path: relativeTo(context.package, each.path) }));
        const host = program.includes('/')
          ? []
          : found[found.length - 1]!.files.map((file) => ({
              path: `.host/${file.name}`,
              content: { kind: 'source', path: file.path } as const,
            }));
        return {
          kind: 'command',
          argv: values.argv,
          environment: { ...ENVIRONMENT, ...Object.fromEntries(values.env ?? []) },
          inputs: [...inputs, ...host],
          ...(values.timeout === undefined ? {} : { timeoutSeconds: values.timeout }),
        };
      },
    });
    return [
      provide(FilesInfo, {
        files: outputs.map((path) => ({
          path: `${context.name}/${path}`,
          artifact: outputOf(action, path),
          isExecutable: values.executable ?? false,
        })),
      }),
    ];
  },
});

// Inputs of other packages keep their path from the root, put beside this package's own.
function relativeTo(packageName: string, path: string): string {
  return packageName !== '' && path.startsWith(`${packageName}/`) ? path.slice(packageName.length + 1) : path;
}

// The tool `go-build`: compiles one Go program, in place, with the Go of this machine and the user's build cache.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { runProcess } from '../base/run-process.ts';
import { decodeGoBuildSpec } from '../go/decode-go-build-spec.ts';
import { goBuildArguments, goEnvironment } from '../go/go-build-arguments.ts';
import { GO_BUILD_TOOL, type GoBuildSpec } from '../go/go-build-spec.ts';
import { readGoLocal } from '../go/go-local.ts';
import { clickablePaths } from './clickable-paths.ts';
import { knownGoFailure } from './go-failure.ts';
import type { Tool } from './tool.ts';

/**
 * Arguments: the path of a GoBuildSpec. Inputs: that spec, and the source files, which go reads where they lie and which are
 * inputs for the key alone. Local: GoLocal.
 */
export const goBuildTool: Tool = {
  ...GO_BUILD_TOOL,
  async run(context) {
    const [specPath] = context.args;
    if (specPath === undefined) throw new TypeError('The tool go-build takes the path of a spec');
    const spec = decodeGoBuildSpec(await context.inputs.readBytes(specPath));
    const local = readGoLocal(context.local);
    if (local === undefined) {
      throw new OcidslError({
        code: 'OCIDSL_GO_REMOTE',
        kind: 'environment',
        message: `Cannot compile Go package "${printable(spec.package)}": this worker has neither the module's folder nor its Go, expected to run on the machine with the sources`,
        hint: 'Run Go builds locally: their results are shared through the cache all the same',
      });
    }
    if (spec.race && spec.environment['CGO_ENABLED'] !== '1') {
      throw new OcidslError({
        code: 'OCIDSL_GO_CGO',
        message: `Cannot compile Go package "${printable(spec.package)}": race needs cgo, expected cgo: true with it`,
      });
    }
    // Private, so that whatever go leaves behind when it is killed goes with it.
    const temporary = await mkdtemp(join(local.temporary, 'ocidsl-go-')).catch((error: unknown) => {
      throw environmentError(`create a temporary folder in "${local.temporary}"`, error);
    });
    try {
      const output = join(temporary, 'output');
      const { exitCode, stderr } = await runProcess({
        argv: [local.goBinary, ...goBuildArguments(spec, output)],
        cwd: local.moduleRoot,
        environment: goEnvironment(spec.environment, local, temporary),
        signal: context.signal,
      });
      const place = {
        package: spec.package,
        goBinary: local.goBinary,
        workspaceRoot: local.workspaceRoot,
        moduleDirectory: local.moduleRoot,
        cwd: local.moduleRoot,
      };
      const printed = stderr.toString('utf8').trimEnd();
      const shown = clickablePaths(printed, place).replaceAll(temporary, '$TMPDIR');
      if (exitCode !== 0) throw knownGoFailure(printed, place) ?? compileError(spec, exitCode, shown);
      for (const line of shown === '' ? [] : shown.split('\n')) context.print(line);
      context.signal.throwIfAborted();
      await context.outputs.take(spec.output, output, { isExecutable: true });
    } finally {
      await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
    }
  },
};

function compileError(spec: GoBuildSpec, exitCode: number, output: string): OcidslError {
  const { GOOS = '', GOARCH = '' } = spec.environment;
  return new OcidslError({
    code: 'OCIDSL_GO_COMPILE',
    kind: 'build',
    message: `Cannot compile Go package "${printable(spec.package)}" for ${GOOS}/${GOARCH}: go build ended with exit code ${exitCode}, expected code that builds`,
    output: output || undefined,
  });
}

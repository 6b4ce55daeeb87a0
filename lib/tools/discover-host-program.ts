// The discoverer `host-program`: which file a program of the system is, so that its bytes are part of what uses it.
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OcidslError } from '../base/errors.ts';
import type { Discoverer } from '../plan/discoverer.ts';

/** Arguments: `program`, a name without folders, and `path`, the folders to look in, separated by colons. */
export const hostProgramDiscoverer: Discoverer = {
  name: 'host-program',
  version: '1',
  environment: [],
  async run(args) {
    const program = args['program'] as string;
    const watched: string[] = [];
    for (const folder of (args['path'] as string).split(':')) {
      const candidate = join(folder, program);
      watched.push(candidate);
      if (!isProgram(candidate)) continue;
      return { files: [{ name: program, path: realpathSync(candidate), isExecutable: true }], watched };
    }
    throw new OcidslError({
      code: 'OCIDSL_PROGRAM_MISSING',
      kind: 'environment',
      message: `Cannot run "${program}": no folder of ${args['path'] as string} has a program of that name`,
      hint: 'Install it, or write a path with "/" for a program that is an input',
    });
  },
  // A new version of the program is a new input, not another program.
  stillValid: async (previous) => previous,
};

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

// The discoverer `text`: what a small text file says, where analysis has to know it.
import { lstatSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { environmentError, OcidslError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Discoverer } from '../plan/discoverer.ts';

const LIMIT_BYTES = 64 * 1024;

/** Argument: `path`, relative to the workspace root. Facts: `text`, without white space at its ends. */
export const textDiscoverer: Discoverer = {
  name: 'text',
  version: '1',
  environment: [],
  async run(args, io) {
    const path = args['path'] as string;
    const file = resolve(io.workspaceRoot, path);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    const fail = (is: string, expected: string) =>
      new OcidslError({ code: 'OCIDSL_TEXT_FILE', message: `Cannot read "${printable(path)}": ${is}, expected ${expected}` });
    if (stats === undefined) throw fail('it does not exist', 'a text file of the workspace');
    if (!stats.isFile()) throw fail('it is no regular file', 'a text file of the workspace');
    if (stats.size > LIMIT_BYTES) throw fail(`it has ${stats.size} bytes`, `at most ${LIMIT_BYTES}`);
    try {
      return { files: [{ name: path, path }], watched: [], facts: { text: readFileSync(file, 'utf8').trim() } };
    } catch (error) {
      throw environmentError(`read "${printable(path)}"`, error);
    }
  },
};

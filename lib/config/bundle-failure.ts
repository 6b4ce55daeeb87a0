// esbuild's messages as errors of ours: the user's place, the source line and a caret.
import { join } from 'node:path';
import type { Message } from 'esbuild';
import { combineErrors, isOcidslError, OcidslError, type SourceLocation } from '../base/errors.ts';
import { suggest } from '../graph/suggest.ts';
import { workspacePath } from './config-file.ts';
import type { ImportContext } from './import-plugin.ts';

/** One error for everything that esbuild reported; errors of our own plugin come out as they went in, with their place. */
export function bundleFailure(messages: readonly Message[], context: ImportContext): OcidslError {
  const errors: OcidslError[] = [];
  for (const message of messages) {
    const error = isOcidslError(message.detail) ? placed(message.detail, message, context) : fromMessage(message, context);
    if (!errors.some((each) => each.message === error.message && each.locations[0]?.line === error.locations[0]?.line)) errors.push(error);
  }
  return combineErrors(errors);
}

function placed(error: OcidslError, message: Message, context: ImportContext): OcidslError {
  // A failure of an imported config has its own places; the import is where it came from.
  return error.errors.length > 0 || error.locations.length > 0 ? error : withOutput(error, message, placesOf(message, context));
}

function withOutput(error: OcidslError, message: Message, locations: readonly SourceLocation[]): OcidslError {
  const { code, kind, label, hint, cause } = error;
  return new OcidslError({ code, kind, label, hint, cause, message: error.message, locations, output: error.output ?? excerpt(message) });
}

function fromMessage(message: Message, context: ImportContext): OcidslError {
  const locations = placesOf(message, context);
  const file = locations[0]?.file ?? context.file;
  const noExport = /^No matching export in "([^"]*)" for import "([^"]*)"$/.exec(message.text);
  if (noExport) return missingExport(noExport[1]!, noExport[2]!, message, locations, context);
  const notes = message.notes.map((note) => note.text).filter((text) => !text.includes('You can mark the path'));
  return new OcidslError({
    code: 'OCIDSL_CONFIG_SYNTAX',
    message: `Cannot read ${file}: ${message.text}`,
    locations,
    hint: notes[0],
    output: excerpt(message),
  });
}

function missingExport(
  from: string,
  name: string,
  message: Message,
  locations: readonly SourceLocation[],
  context: ImportContext,
): OcidslError {
  const [, kind, id] = /^(ocidsl-library|ocidsl-package):(.*)$/.exec(from) ?? [];
  const imported = kind === 'ocidsl-package' ? [...context.packages.values()].find((each) => each.name === id) : undefined;
  const names = kind === 'ocidsl-library' ? context.libraryExports(id!) : imported?.exports;
  const shown = imported ? (workspacePath(context.root, imported.file) ?? imported.file) : (id ?? from);
  const near = suggest(name, names ?? []);
  return new OcidslError({
    code: 'OCIDSL_CONFIG_IMPORT',
    message: `Cannot import "${name}" from "${shown}": it has no such export`,
    locations,
    hint: near.length > 0 ? `Did you mean ${near.map((each) => `"${each}"`).join(' or ')}?` : undefined,
    output: excerpt(message),
  });
}

function placesOf(message: Message, context: ImportContext): SourceLocation[] {
  if (message.location === null) return [];
  const { file, line, column, lineText } = message.location;
  const shift = context.shifted.has(join(context.root, file)) ? 1 : 0;
  return [{ file, line: Math.max(1, line - shift), column: charactersIn(lineText, column) + 1 }];
}

// esbuild counts columns in bytes.
function charactersIn(lineText: string, bytes: number): number {
  return Buffer.from(lineText).subarray(0, bytes).toString().length;
}

function excerpt(message: Message): string | undefined {
  if (message.location === null) return undefined;
  const { lineText, column, length } = message.location;
  const start = charactersIn(lineText, column);
  // A line of a generated file may be long; the place stays in view.
  const from = start > 100 ? start - 60 : 0;
  const line = lineText.slice(from, from + 140);
  const width = Math.max(1, Math.min(charactersIn(lineText, column + length) - start, line.length - (start - from)));
  const indent = line.slice(0, start - from).replace(/[^\t]/g, ' ');
  return `${line}\n${indent}${'^'.repeat(width)}`;
}

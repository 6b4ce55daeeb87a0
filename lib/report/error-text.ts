// Errors as text for people: what failed, where in the user's config, what to do.
import type { OcidslError, SourceLocation } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Style } from './style.ts';

/** Gives a line of a source file, for the excerpt under a location; undefined where it cannot be read. */
export type ReadLine = (location: SourceLocation) => string | undefined;

/** The lines of an error, without a final line feed. Errors that carry several are shown one after the other. */
export function formatError(error: OcidslError, style: Style, readLine: ReadLine = () => undefined): string {
  if (error.errors.length > 0) return error.errors.map((each) => formatError(each, style, readLine)).join('\n\n');
  const lines = [`${style.error('error')}: ${error.message}`];
  error.locations.forEach((location, i) => {
    const place = `${location.file}:${location.line}:${location.column}`;
    const label = i === 0 && error.label !== undefined ? ` (${error.label})` : '';
    lines.push(`  ${style.dim(i === 0 ? '-->' : 'in ')} ${place}${label}`);
    const source = i === 0 ? readLine(location) : undefined;
    if (source !== undefined && source.trim() !== '') {
      const shown = printable(source, 160);
      lines.push(`      ${shown}`, `      ${' '.repeat(Math.min(Math.max(location.column - 1, 0), 160))}${style.error('^')}`);
    }
  });
  if (error.locations.length === 0 && error.label !== undefined) lines.push(`  ${style.dim('-->')} target ${error.label}`);
  if (error.output !== undefined && error.output.trim() !== '') lines.push(error.output.trimEnd());
  if (error.hint !== undefined) lines.push(`  ${style.note('hint')}: ${error.hint}`);
  return lines.join('\n');
}

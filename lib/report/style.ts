// Colours, or none.

/** Marks of text that a terminal can show. */
export interface Style {
  error(text: string): string;
  warning(text: string): string;
  note(text: string): string;
  dim(text: string): string;
  good(text: string): string;
}

const same = (text: string): string => text;
const sgr = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;

/** No colours: for files, pipes and NO_COLOR. */
export const PLAIN_STYLE: Style = { error: same, warning: same, note: same, dim: same, good: same };

/** The colours of terminals with 8 colours. */
export const COLOR_STYLE: Style = { error: sgr(31, 39), warning: sgr(33, 39), note: sgr(36, 39), dim: sgr(2, 22), good: sgr(32, 39) };

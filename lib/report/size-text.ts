// Sizes for people.

const UNITS = ['kB', 'MB', 'GB', 'TB'];

/** A number of bytes to three digits with its decimal unit, and exactly: `12.3 MB (12345678 bytes)`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  let value = bytes;
  let unit = '';
  for (const next of UNITS) {
    // What rounds up to 1000 is written in the next unit.
    if (Number(value.toPrecision(3)) < 1000) break;
    value /= 1000;
    unit = next;
  }
  const short = value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);
  return `${short} ${unit} (${bytes} bytes)`;
}

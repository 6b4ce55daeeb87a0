// Paths of source files as users write them: relative to their package, inside the workspace, `/` between segments.

/** The path relative to the workspace root, or what is wrong with it. '' is the root itself. */
export function sourcePath(text: string, packageName: string): { readonly path: string } | { readonly problem: string } {
  if (text === '') return { problem: 'it is empty' };
  if (text.includes('\0')) return { problem: 'it has a NUL byte' };
  if (text.includes('\\')) return { problem: 'it has a backslash, write / between folders' };
  if (text.startsWith('/') || /^[A-Za-z]:/.test(text)) return { problem: 'it is absolute' };
  const segments = packageName === '' ? [] : packageName.split('/');
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') segments.push(segment);
    else if (segments.pop() === undefined) return { problem: 'it leaves the workspace' };
  }
  return { path: segments.join('/') };
}

// Codes of system errors.

/** `ENOENT`, `EACCES`, … of a thrown system error; undefined for others. */
export function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** Whether the error says that this place cannot be written by us, whatever is written. */
export function isReadOnlyError(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EROFS' || code === 'EACCES' || code === 'EPERM';
}

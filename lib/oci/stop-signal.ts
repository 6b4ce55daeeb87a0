// The signal that stops a container.
import { valueError } from './value-error.ts';

const NAMES = new Set(
  (
    'HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ ' +
    'VTALRM PROF WINCH IO POLL PWR SYS RTMIN RTMAX'
  ).split(' '),
);

/**
 * Checks `SIGTERM`, `SIGRTMIN+3` or a number from 1 to 64, and returns it unchanged.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkStopSignal(text: string): string {
  const expected = 'a name as SIGTERM or SIGRTMIN+3, or a number from 1 to 64';
  if (/^[1-9][0-9]?$/.test(text)) {
    if (Number(text) > 64) throw valueError('stop signal', text, 'it is above 64', expected);
    return text;
  }
  const match = /^SIG(?:([A-Z0-9]{2,9})|RTMIN\+([1-9][0-9]?)|RTMAX-([1-9][0-9]?))$/.exec(text);
  if (match?.[1] !== undefined && NAMES.has(match[1])) return text;
  if (match && match[1] === undefined && Number(match[2] ?? match[3]) <= 30) return text;
  const upper = text.toUpperCase().replace(/^SIG/, '');
  throw valueError('stop signal', text, 'it is not known', expected, NAMES.has(upper) ? `Did you mean "SIG${upper}"?` : undefined);
}

// Ports that an image declares: the keys of `ExposedPorts`.
import { valueError } from './value-error.ts';

const PORT = /^([1-9][0-9]{0,4})(?:\/(tcp|udp|sctp))?$/;

/**
 * Reads `8080`, `8080/tcp` or `53/udp` and writes it with its protocol, `8080/tcp`. One port each: engines take no ranges.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function parsePort(text: string): string {
  const match = PORT.exec(text);
  if (!match) {
    const expected = 'a port from 1 to 65535, then /tcp, /udp or /sctp unless it is TCP';
    if (/^\d+-\d+/.test(text)) throw valueError('port', text, 'it is a range', expected, 'List each port');
    if (/:/.test(text)) throw valueError('port', text, 'it maps a port of the host', expected, 'Name the port of the container only');
    throw valueError('port', text, 'it has another form', expected);
  }
  if (Number(match[1]) > 65535) throw valueError('port', text, 'it is above 65535', 'a port from 1 to 65535');
  return `${match[1]}/${match[2] ?? 'tcp'}`;
}

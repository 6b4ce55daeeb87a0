// Names of entries in an OCI layout: the annotation `org.opencontainers.image.ref.name`.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
import { valueError } from './value-error.ts';

const COMPONENT = '[A-Za-z0-9]+(?:(?:--|[-._:@+])[A-Za-z0-9]+)*';
const REF_NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const LIMIT = 512;

/**
 * Checks a name such as `latest`, `v1.2` or `ghcr.io/acme/hello:latest`, and returns it unchanged.
 * @throws OCIDSL_IMAGE_VALUE
 */
export function checkRefName(text: string): string {
  const expected = 'letters and digits, joined by one of -._:@+ and "/", as in latest or hello:v1';
  if (text.length > LIMIT) throw valueError('name in the layout', text, `it has ${text.length} characters`, `at most ${LIMIT}`);
  if (!REF_NAME.test(text)) throw valueError('name in the layout', text, 'it has another form', expected);
  return text;
}

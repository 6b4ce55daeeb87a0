// defineMacro(): a macro is a plain function of rule calls under one name. The wrapper only remembers the call, so that
// errors and listings show both the user's line and the line inside of the macro.
import { OcidslError } from '../base/errors.ts';
import { describeValue } from './describe-value.ts';
import { currentWorkspace } from './workspace.ts';

/**
 * Makes a macro: a function that takes one object with a `name` and calls rules and other macros.
 *
 * @example
 * export const helloImage = defineMacro('helloImage', ({ name }: { name: string }) =>
 *   ociImage({ name, os: 'linux', architecture: 'amd64', entrypoint: ['/hello'] }));
 */
export function defineMacro<A extends { readonly name: string }, R>(name: string, body: (attributes: A) => R): (attributes: A) => R {
  const macro = (attributes: A): R => {
    if (typeof attributes !== 'object' || attributes === null || typeof attributes.name !== 'string') {
      throw new OcidslError({
        code: 'OCIDSL_MACRO_USAGE',
        message: `Cannot call macro ${name}: got ${describeValue(attributes)}, expected one object with a "name"`,
      });
    }
    return currentWorkspace().runMacro(name, attributes.name, macro, () => body(attributes));
  };
  return macro;
}

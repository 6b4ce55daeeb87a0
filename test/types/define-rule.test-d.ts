// What authors of rules and macros get from types: attributes, values and providers are inferred from the definition.
import { attribute, defineMacro, defineProvider, defineRule, pkgTar, provide, select, type Handle } from 'ocidsl';

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the way to compare types
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only for two types that are the same. */
const same = <A, B>(..._: Equal<A, B> extends true ? [] : ['the types differ']): void => undefined;

const GreetingInfo = defineProvider<{ readonly text: string }>()('GreetingInfo');
const CountInfo = defineProvider<number>()('CountInfo');

const greeting = defineRule({
  name: 'greeting',
  attributes: {
    text: attribute.required(attribute.string()),
    level: attribute.optional(attribute.oneOf('low', 'high')),
    counts: attribute.optional(attribute.list(attribute.integer(0, 9))),
    pairs: attribute.optional(attribute.record(attribute.boolean())),
    below: attribute.optional(attribute.target('GreetingInfo')),
  },
  provides: [GreetingInfo],
  analyze(context) {
    const { values } = context;
    same<typeof values.text, string>();
    same<typeof values.level, 'low' | 'high' | undefined>();
    same<typeof values.counts, readonly number[] | undefined>();
    same<typeof values.pairs, ReadonlyArray<readonly [string, boolean]> | undefined>();
    same<typeof values.below, { readonly $target: string } | undefined>();
    // @ts-expect-error there is no such attribute
    void values.txt;
    if (values.below !== undefined) {
      const below = context.use(values.below, GreetingInfo);
      same<typeof below, { readonly text: string }>();
      same<ReturnType<typeof context.tryUse<number>>, number | undefined>();
    }
    return [provide(GreetingInfo, { text: values.text })];
  },
});

const handle = greeting({ name: 'g', text: 'x' });
same<typeof handle, Handle<'GreetingInfo'>>();

// Valid.
greeting({ name: 'g', text: select({ linux: 'a', default: 'b' }), level: 'low', counts: [1], pairs: { a: true }, below: handle });
greeting({ name: 'g', text: 'x', below: ':label', level: undefined });

// @ts-expect-error text is required
greeting({ name: 'g' });
// @ts-expect-error a name is required
greeting({ text: 'x' });
// @ts-expect-error there is no such level
greeting({ name: 'g', text: 'x', level: 'middle' });
// @ts-expect-error numbers are wanted
greeting({ name: 'g', text: 'x', counts: ['1'] });
// @ts-expect-error there is no such attribute
greeting({ name: 'g', text: 'x', txt: 'y' });
// @ts-expect-error the target provides something else
greeting({ name: 'g', text: 'x', below: pkgTar({ name: 't' }) });

defineRule({
  name: 'wrongProvider',
  attributes: {},
  provides: [GreetingInfo],
  // @ts-expect-error it returns a provider that it does not name
  analyze: () => [provide(CountInfo, 1)],
});
// @ts-expect-error the value is not that of the provider
provide(CountInfo, 'one');

// Macros keep the types of their attributes and result.
const twoGreetings = defineMacro('twoGreetings', ({ name, text }: { readonly name: string; readonly text: string }) => [
  greeting({ name: `${name}_1`, text }),
  greeting({ name: `${name}_2`, text }),
]);
same<ReturnType<typeof twoGreetings>, Handle<'GreetingInfo'>[]>();
twoGreetings({ name: 'm', text: 'x' });
// @ts-expect-error text is required
twoGreetings({ name: 'm' });
// @ts-expect-error a macro has a name
defineMacro('nameless', ({ text }: { readonly text: string }) => greeting({ name: text, text }));

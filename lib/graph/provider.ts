// Providers: the typed results of analysing a target. A rule names those it provides; other rules ask for them by token.

/** The token of a provider: its name is what handles carry in their type. */
export interface Provider<Name extends string, T> {
  readonly name: Name;
  /** Phantom: the type of the value. Never set. */
  readonly value?: T;
}

/** Makes a provider token. Two tokens with the same name are the same provider, also across copies of the library. */
export function defineProvider<T>(): <const Name extends string>(name: Name) => Provider<Name, T> {
  return (name) => ({ name });
}

/** Provider values by provider name. */
export type ProviderSet = ReadonlyMap<string, unknown>;

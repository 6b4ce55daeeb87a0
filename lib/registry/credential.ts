// What to identify oneself with at a registry.
import type { Secret } from './secret.ts';

/** A credential for a registry. */
export type Credential =
  | { readonly type: 'password'; readonly username: string; readonly password: Secret }
  /** A refresh token for the registry's authorization server; it goes nowhere else. */
  | { readonly type: 'identity token'; readonly token: Secret }
  /** A bearer token to send to the registry as it is. */
  | { readonly type: 'registry token'; readonly token: Secret };

// Where the blobs of a push are by now: what one repository of a registry has, the others can mount.
import type { RepositoryName } from '../registry/reference.ts';
import { Turns } from './turns.ts';

/** Blobs by registry, and the repositories that are known to have them. */
export class BlobPlaces {
  readonly #places = new Map<string, Set<string>>();
  readonly #turns = new Turns();

  /** Notes that a repository has a blob. */
  note({ registry, repository }: RepositoryName, digest: string): void {
    const key = `${registry} ${digest}`;
    const known = this.#places.get(key);
    if (known === undefined) this.#places.set(key, new Set([repository]));
    else known.add(repository);
  }

  /** Names of the other repositories of the same registry that have a blob, or may have it; the certain ones first. */
  mountFrom(to: RepositoryName, digest: string, candidates: readonly RepositoryName[]): string[] {
    const possible = candidates.filter(({ registry }) => registry === to.registry).map(({ repository }) => repository);
    const names = new Set([...(this.#places.get(`${to.registry} ${digest}`) ?? []), ...possible]);
    names.delete(to.repository);
    return [...names];
  }

  /** Runs `transfer` when no other one of this blob to the same registry is going on: whoever waits may then find it there. */
  async inTurn<T>({ registry }: RepositoryName, digest: string, transfer: () => Promise<T>): Promise<T> {
    return await this.#turns.take(`${registry} ${digest}`, transfer);
  }
}

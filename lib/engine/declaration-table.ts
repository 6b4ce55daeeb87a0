// The declarations of a snapshot: those of this command, and of former ones what their targets were made from.
import type { DeclarationRecord } from './snapshot.ts';

/** Collects declarations for a snapshot. What a declaration uses is added before it. */
export class DeclarationTable {
  readonly records: DeclarationRecord[] = [];
  readonly #places = new Map<string, number>();

  /** The index of a declaration. The same text with the same uses is one record. */
  add(text: string, uses: readonly number[]): number {
    const key = `${uses.join(' ')}\n${text}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.records.push({ text, uses }) - 1;
      this.#places.set(key, place);
    }
    return place;
  }

  /** Adds what `roots` of another table reach; returns the new index of each record that they do. */
  adopt(records: readonly DeclarationRecord[], roots: Iterable<number>): ReadonlyMap<number, number> {
    const needed = new Uint8Array(records.length);
    for (const root of roots) needed[root] = 1;
    for (let i = records.length - 1; i >= 0; i--) if (needed[i] === 1) for (const use of records[i]!.uses) needed[use] = 1;
    const places = new Map<number, number>();
    records.forEach(({ text, uses }, i) => {
      if (needed[i] === 1)
        places.set(
          i,
          this.add(
            text,
            uses.map((use) => places.get(use)!),
          ),
        );
    });
    return places;
  }
}

/**
 * Which records are still declared just so: `now` gives the present text of a label. A record is when its own text is and so are
 * all that it uses, since a text names what it uses.
 */
export function presentDeclarations(records: readonly DeclarationRecord[], now: (label: string) => string | undefined): Uint8Array {
  const present = new Uint8Array(records.length);
  records.forEach(({ text, uses }, i) => {
    const label = text.slice(0, text.indexOf('\n'));
    if (uses.every((use) => present[use] === 1) && now(label) === text) present[i] = 1;
  });
  return present;
}

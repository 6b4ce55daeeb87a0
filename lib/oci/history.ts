// The history of an image's layers: one entry a layer, plus entries of steps that made none.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
import { encodeObject, type OrderedField } from './encode-document.ts';
import { optionalBoolean, optionalString, withFields, type JsonObject } from './fields.ts';

/** How one layer came to be. */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True where the step made no layer. */
  readonly empty_layer?: boolean;
}

/** Reads one entry. @throws OCIDSL_DOCUMENT_FIELD */
export function parseHistoryEntry(object: JsonObject): HistoryEntry {
  return withFields<HistoryEntry>(object, {
    created: optionalString(object, 'created'),
    created_by: optionalString(object, 'created_by'),
    author: optionalString(object, 'author'),
    comment: optionalString(object, 'comment'),
    empty_layer: optionalBoolean(object, 'empty_layer'),
  });
}

const ORDER: readonly OrderedField[] = [['created'], ['created_by'], ['author'], ['comment'], ['empty_layer']];

/** JSON text of one entry. */
export function encodeHistoryEntry(entry: HistoryEntry): string {
  return encodeObject(entry, ORDER);
}

/** Number of layers that the entries describe. */
export function historyLayerCount(history: readonly HistoryEntry[]): number {
  return history.filter((entry) => entry.empty_layer !== true).length;
}

/**
 * A history that describes exactly `layerCount` layers, from one that may not: engines refuse or misattribute layers where the
 * numbers differ. Entries for missing layers are added at the end, because what leaves out history adds layers on top; a
 * history of more layers than there are describes another image and is replaced.
 */
export function alignHistory(history: readonly HistoryEntry[], layerCount: number, filler: HistoryEntry): HistoryEntry[] {
  const described = historyLayerCount(history);
  const kept = described > layerCount ? [] : [...history];
  for (let i = historyLayerCount(kept); i < layerCount; i++) kept.push(filler);
  return kept;
}

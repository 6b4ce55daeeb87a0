// Medians: the machines that benchmarks run on have slow moments, which a mean would keep.

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) throw new RangeError('There is no median of nothing');
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** The median of the ratios of samples that were taken next to each other: slow moments hit both and cancel out. */
export function pairedRatio(values: readonly number[], by: readonly number[]): number {
  return median(values.map((value, i) => value / by[i]!));
}

import { refuse } from './refuse.js';

/**
 * Percentiles (0 to 100) of an image's values, interpolated between neighbours as NumPy's `percentile` does. `codes` [pixels]
 * index `values`; codes that are padding do not count, unless all are.
 */
export function percentiles(
  codes: Uint8Array | Uint16Array,
  values: Float64Array,
  isPadding: (code: number) => boolean,
  [low, high]: readonly [number, number],
): readonly [number, number] {
  const counts = new Float64Array(values.length);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
  const occurring = [...counts.keys()].filter((code) => counts[code]! > 0);
  const inside = occurring.filter((code) => !isPadding(code));
  const levels = (inside.length > 0 ? inside : occurring)
    .map((code) => ({ value: values[code]!, count: counts[code]! }))
    .sort((a, b) => a.value - b.value);
  const total = levels.reduce((sum, { count }) => sum + count, 0);
  const at = (rank: number): number => {
    let before = 0;
    for (const { value, count } of levels) {
      before += count;
      if (rank < before) return value;
    }
    return levels.at(-1)?.value ?? refuse('the image has no pixels.');
  };
  const percentile = (share: number): number => {
    const rank = ((total - 1) * share) / 100;
    const below = at(Math.floor(rank));
    return below + (at(Math.ceil(rank)) - below) * (rank - Math.floor(rank));
  };
  return [percentile(low), percentile(high)];
}

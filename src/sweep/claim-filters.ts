import type { TrialSpec } from '../train/trial.js';
import type { Claim } from './claims-schema.js';
import type { ConfigMistake, ConfigPath } from './config-text.js';
import { absentValues, parseFilter } from './filter.js';

/** The filters of a claim with their place in it. */
export function claimFilters(claim: Claim): { readonly path: ConfigPath; readonly filter: string }[] {
  const listed = (key: 'side' | 'against', filters: readonly string[]) =>
    filters.map((filter, index) => ({ path: [key, index] as ConfigPath, filter }));
  const where = claim.where === undefined ? [] : [{ path: ['where'], filter: claim.where }];
  switch (claim.kind) {
    case 'comparison':
    case 'crossover':
      return [...where, { path: ['side'], filter: claim.side }, ...listed('against', claim.against)];
    case 'contrast':
      return [
        ...where,
        ...claim.terms.map(({ side }, index) => ({ path: ['terms', index, 'side'], filter: side })),
      ];
    case 'threshold':
      return [...where, ...listed('side', claim.side)];
    case 'plateau':
      return [...where, { path: ['side'], filter: claim.side }];
  }
}

/** A grid with more is not searched for misspelt values: that would take longer than a second. */
const MOST_TRIALS = 200_000;

/**
 * Values in the filters of claims that no trial of the config has: most likely misspelt. Sizes and seeds are let be, for a claim
 * may be about more patients than the config tries; it then stays undecided.
 */
export function claimMistakes(
  claims: Readonly<Record<string, Claim>>,
  specs: () => Iterable<TrialSpec>,
): ConfigMistake[] {
  const all = Object.entries(claims);
  if (all.length === 0) return [];
  const trials: TrialSpec[] = [];
  for (const spec of specs()) if (trials.push(spec) > MOST_TRIALS) return [];
  return all.flatMap(([name, claim]) =>
    claimFilters(claim).flatMap(({ path, filter }) =>
      parseFilter(filter)
        .filter(({ key }) => key !== 'n' && key !== 'seed')
        .flatMap((condition) => absentValues(trials, condition))
        .map((message) => ({ path: ['claims', name, ...path], message })),
    ),
  );
}

import { groupBy } from '../base/group-by.js';
import { meanOfDefined } from '../stats/summary.js';
import type { Observation, Size } from './experiment.js';

/** True when validation prefers `a`: higher macro AUROC, then lower log loss; the trial's id decides between equals. */
export function preferred(a: Observation, b: Observation): boolean {
  const auroc = (a.validation ?? -1) - (b.validation ?? -1);
  if (auroc !== 0) return auroc > 0;
  const loss =
    (a.row.result.validation.logLoss ?? Number.MAX_VALUE) -
    (b.row.result.validation.logLoss ?? Number.MAX_VALUE);
  return loss === 0 ? a.row.trial < b.row.trial : loss < 0;
}

/** For one size: of every seed's trials the one that validation prefers. The test set is not looked at. */
export function chosenForEachSeed(observations: readonly Observation[]): Observation[] {
  const bySeed = groupBy(observations, ({ seed }) => seed);
  return [...bySeed.values()].map((trials) =>
    trials.reduce((best, trial) => (preferred(trial, best) ? trial : best)),
  );
}

export interface ChosenConfiguration {
  readonly size: Size;
  readonly observations: readonly Observation[];
  readonly levels: readonly number[];
  /** How many configurations were compared. */
  readonly candidates: number;
}

/**
 * For one size: the configuration with the highest mean validation AUROC over seeds. Only configurations with as many
 * seeds as the most complete one take part, so that an unfinished sweep does not prefer a lucky seed.
 */
export function chosenConfiguration(observations: readonly Observation[]): ChosenConfiguration | undefined {
  const groups = [...groupBy(observations, ({ configuration }) => configuration).values()];
  const most = Math.max(...groups.map((group) => group.length));
  const complete = groups.filter((group) => group.length === most);
  let best: Observation[] | undefined;
  let bestMean = Number.NEGATIVE_INFINITY;
  for (const group of complete) {
    const mean = meanValidation(group);
    if (best === undefined || mean > bestMean) [best, bestMean] = [group, mean];
  }
  const first = best?.[0];
  if (best === undefined || first === undefined) return undefined;
  return { size: first.size, observations: best, levels: first.levels, candidates: complete.length };
}

function meanValidation(group: readonly Observation[]): number {
  return meanOfDefined(group.map(({ validation }) => validation)) ?? Number.NEGATIVE_INFINITY;
}

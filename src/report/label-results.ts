import { groupBy } from '../base/group-by.js';
import { type SeedSummary, summariseOverSeeds } from '../stats/aggregate.js';
import type { Panel, Size } from './experiment.js';
import { type ChosenConfiguration, chosenConfiguration } from './selection.js';

/** Test AUROC of one label of a multi-label task. */
export interface LabelResult {
  readonly label: string;
  /** Cases with the label known in the test set. */
  readonly positives: number;
  readonly negatives: number;
  /** [sizes] of `LabelResults` */
  readonly bySize: readonly SeedSummary[];
}

export interface LabelResults {
  readonly title: string;
  readonly sizes: readonly Size[];
  /** Best first at the largest N; labels without any defined value last. */
  readonly labels: readonly LabelResult[];
}

/** The configuration that validation chooses at each size, smallest size first. */
export function chosenBySize(panel: Panel): ChosenConfiguration[] {
  const bySize = groupBy(panel.observations, ({ size }) => size);
  return panel.sizes.flatMap((size) => chosenConfiguration(bySize.get(size) ?? []) ?? []);
}

/** Per-label test results of the chosen configurations; undefined for a task of one label. */
export function labelResults(panel: Panel): LabelResults | undefined {
  const chosen = chosenBySize(panel);
  const known = chosen[0]?.observations[0]?.row.result.test.labels ?? [];
  if (known.length < 2) return undefined;
  const labels = known.map(({ label, positives, negatives }, index): LabelResult => {
    const bySize = chosen.map(({ observations }) =>
      summariseOverSeeds(observations.map(({ row }) => row.result.test.labels[index]?.auroc ?? null)),
    );
    return { label, positives, negatives, bySize };
  });
  const order = (result: LabelResult) =>
    result.bySize.at(-1)?.mean ?? result.bySize.findLast(({ mean }) => mean !== null)?.mean ?? -1;
  return {
    title: panel.title,
    sizes: chosen.map(({ size }) => size),
    labels: labels.toSorted((a, b) => order(b) - order(a)),
  };
}

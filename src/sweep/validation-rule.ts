import { validationShare } from '../data/split.js';
import { foldsOf } from '../train/validation.js';
import type { SweepConfig } from './config.js';
import type { ConfigMistake } from './config-text.js';
import { expandTrials } from './expand.js';

/** A trial that is not cross-validated, on a data set whose split draws no validation images, has nothing to be chosen on. */
export function validationMistakes(config: SweepConfig): ConfigMistake[] {
  const without = Object.keys(config.data).filter((name) => {
    const { split } = config.data[name]!;
    // A table or folders may name validation images themselves.
    return split.kind !== 'given' && validationShare(split) === 0;
  });
  if (without.length === 0) return [];
  for (const { dataset, validation } of expandTrials(config)) {
    if (!without.includes(dataset) || foldsOf(validation) !== undefined) continue;
    const message = `expected \`validation: cv:K\` in \`training\` or the grid, as this split has no validation images, received \`${validation}\`.`;
    return [{ path: ['data', dataset, 'split'], message }];
  }
  return [];
}

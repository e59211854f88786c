import type { Task } from '../data/task.js';
import type { TrialSpec } from './trial.js';

/** β of the effective number of samples: above some 1 / (1 − β) samples, more of them count for little. */
const BETA = 0.999;

export type LabelWeights =
  | { readonly positiveWeights: Float32Array }
  | { readonly labelWeights: Float32Array }
  | Record<string, never>;

/**
 * Weights that balance a training subset; none for `none`. `inverse`: negatives / positives for the positive term of each label
 * (binary cross-entropy), or rows / (classes · rows of the class) for each class (softmax). `effective`: the same with
 * (1 − βⁿ) / (1 − β) in the place of every count n (Cui et al., "Class-balanced loss", CVPR 2019), β = 0.999, and class
 * weights whose mean over the rows is 1. Labels without positives or negatives keep 1.
 */
export function balancingWeights(
  rule: TrialSpec['labelWeights'],
  task: Task,
  rows: Uint32Array,
): LabelWeights {
  if (rule === 'none') return {};
  const outputs = task.outputNames.length;
  const positives = new Float64Array(outputs);
  const known = new Float64Array(outputs);
  for (const row of rows) {
    for (let output = 0; output < outputs; output++) {
      const target = task.targets[row * outputs + output] as number;
      if (Number.isNaN(target)) continue;
      known[output]!++;
      positives[output]! += target;
    }
  }
  const size = (count: number) => (rule === 'inverse' ? count : (1 - BETA ** count) / (1 - BETA));
  if (task.loss === 'softmax') {
    // Σ over rows of a row's weight is the number of rows.
    const scale = positives.reduce((sum, count) => sum + (count > 0 ? count / size(count) : 0), 0);
    const weights = Float32Array.from(positives, (count) =>
      count > 0
        ? rule === 'inverse'
          ? rows.length / (outputs * count)
          : rows.length / (scale * size(count))
        : 1,
    );
    return { labelWeights: weights };
  }
  const weights = Float32Array.from(positives, (present, output) => {
    const absent = (known[output] as number) - present;
    return present > 0 && absent > 0 ? size(absent) / size(present) : 1;
  });
  return { positiveWeights: weights };
}

/**
 * Targets with those of the given rows smoothed (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016):
 * y (1 − ε) + ε / 2 for labels, y (1 − ε) + ε / classes for classes; unknown ones stay so. Others keep theirs, so that losses on
 * validation images are those of the true labels.
 */
export function smoothedTargets(task: Task, rows: Iterable<number>, smoothing: number): Float32Array {
  if (smoothing === 0) return task.targets;
  const outputs = task.outputNames.length;
  const share = smoothing / (task.loss === 'softmax' ? outputs : 2);
  const targets = task.targets.slice();
  for (const row of rows)
    for (let index = row * outputs; index < (row + 1) * outputs; index++)
      targets[index] = (targets[index] as number) * (1 - smoothing) + share;
  return targets;
}

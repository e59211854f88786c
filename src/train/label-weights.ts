import type { Task } from '../data/task.js';

/**
 * Weights that balance a subset: negatives / positives for the positive term of each label (binary cross-entropy), or
 * rows / (classes · rows of the class) for each class (softmax). Labels without positives or negatives keep 1.
 */
export function inverseWeights(
  task: Task,
  rows: Uint32Array,
): { readonly positiveWeights: Float32Array } | { readonly labelWeights: Float32Array } {
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
  const weight = (output: number): number => {
    const present = positives[output] as number;
    const absent = (known[output] as number) - present;
    if (task.loss === 'softmax') return present > 0 ? rows.length / (outputs * present) : 1;
    return present > 0 && absent > 0 ? absent / present : 1;
  };
  const weights = Float32Array.from({ length: outputs }, (_, output) => weight(output));
  return task.loss === 'softmax' ? { labelWeights: weights } : { positiveWeights: weights };
}

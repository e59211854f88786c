import { ThawError } from '../base/errors.js';
import type { Graph } from './graph.js';

/**
 * Throws MODEL, naming the weight, when one is NaN or infinite: a ReLU that is fused into a convolution makes zeros of NaN, so
 * that it would not show in what the network computes.
 */
export function requireFiniteWeights(graph: Graph): void {
  for (const [name, { data }] of graph.parameters) {
    // A product with 0 is NaN for NaN and for infinities, and so is the sum.
    let sum = 0;
    for (const value of data) sum += value * 0;
    if (Number.isNaN(sum))
      throw new ThawError('MODEL', 'holds weights that are not finite numbers.', {
        node: name,
        hint: 'Export the model again from a training that did not diverge.',
      });
  }
}

import type { Strategy } from './trial.js';

/** Strategies that train layers of the backbone, in the engine's Network. */
export type NetworkStrategy = Exclude<Strategy, 'extractor'>;

/**
 * The freeze plan of a strategy: [steps] bit s = stage s is trained in that step, stages counted from the first one behind
 * the strategy's cut. What lies before the cut is frozen throughout and not part of the network.
 */
export function freezePlan(strategy: NetworkStrategy, stages: number, totalSteps: number): Uint32Array {
  switch (strategy) {
    case 'last-block':
    case 'full':
      return new Uint32Array(totalSteps).fill(2 ** stages - 1);
  }
}

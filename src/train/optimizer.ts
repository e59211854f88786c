import type { NativeOptimizer } from '../engine/addon.js';
import type { OptimizerSpec } from './trial.js';

/** An optimizer as the engine wants it: settings that a kind does not have are there, without a say. */
export function nativeOptimizer(spec: OptimizerSpec): NativeOptimizer {
  if (spec.kind === 'sgd') {
    return { kind: 'sgd', momentum: spec.momentum, nesterov: spec.nesterov, beta2: 0.999, epsilon: 1e-8 };
  }
  return { kind: spec.kind, momentum: spec.beta1, nesterov: false, beta2: spec.beta2, epsilon: spec.epsilon };
}

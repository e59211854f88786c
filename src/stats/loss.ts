import { logSumExp, softplus } from './probability.js';

/** Weights of the terms of a loss, [outputs] each; left out = 1. */
export interface LossWeights {
  readonly labelWeights?: Float32Array;
  /** Of the positive term, `bce` only. */
  readonly positiveWeights?: Float32Array;
}

/**
 * The loss that the engine trains on (native/engine/loss.h), over a whole set: logits and targets [rows × outputs], NaN =
 * unknown. `bce`: w ((1 − y) · softplus(z) + p · y · softplus(−z)), mean over the known targets; `softmax`:
 * −Σ w · y · ln softmax(z), mean over the rows. Weights do not change the divisor. NaN where nothing is known.
 */
export function meanLoss(
  loss: 'bce' | 'softmax',
  logits: Float32Array,
  targets: Float32Array,
  outputs: number,
  { labelWeights, positiveWeights }: LossWeights = {},
): number {
  let sum = 0;
  let known = 0;
  for (let index = 0; index < logits.length; index++) {
    const target = targets[index] as number;
    const output = index % outputs;
    if (Number.isNaN(target)) continue;
    known++;
    const logit = logits[index] as number;
    const weight = labelWeights?.[output] ?? 1;
    if (loss === 'bce') {
      const positive = positiveWeights?.[output] ?? 1;
      sum += weight * ((1 - target) * softplus(logit) + positive * target * softplus(-logit));
    } else if (target !== 0) {
      sum += weight * target * (logSumExp(logits, Math.floor(index / outputs), outputs) - logit);
    }
  }
  return sum / (loss === 'bce' ? known : logits.length / outputs);
}

import type { HeadWeights } from '../engine/head-bank.js';
import type { TrialSpec } from './trial.js';
import type { Fold } from './validation.js';

interface Sum {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
  heads: number;
}

/** Mean heads of cross-validated trials: a linear layer of the mean weights gives the mean of the logits. */
export class HeadMeans {
  private readonly sums = new Map<TrialSpec, Sum>();

  /** Takes note of one fold's head; with the last one of its trial the mean of all, undefined before. */
  add(spec: TrialSpec, { count }: Pick<Fold, 'count'>, head: HeadWeights): HeadWeights | undefined {
    const known = this.sums.get(spec);
    const { weight, bias } = head;
    const sum = known ?? {
      weight: new Float64Array(weight.length),
      bias: new Float64Array(bias.length),
      heads: 0,
    };
    this.sums.set(spec, sum);
    for (const [index, value] of weight.entries()) sum.weight[index]! += value;
    for (const [index, value] of bias.entries()) sum.bias[index]! += value;
    sum.heads++;
    if (sum.heads < count) return undefined;
    this.sums.delete(spec);
    const mean = (values: Float64Array) => Float32Array.from(values, (value) => value / count);
    return { weight: mean(sum.weight), bias: mean(sum.bias) };
  }
}

import type { NativePassResult, NativeTrainRequest } from '../engine/addon.js';
import type { NativeCallOptions } from '../engine/native-owner.js';
import type { Network } from '../engine/network.js';
import { passPart } from './pass-part.js';

/**
 * Learning rates by stage in proportion to the relative norm of the gradients, ‖g‖ / ‖w‖, the largest being 1 (Auto-RGN of Lee
 * et al., "Surgical fine-tuning improves adaptation to distribution shifts", ICLR 2023). As in the authors' code the ratio is
 * averaged over batches, is measured before the first epoch on up to five batches without an update, and leaves batch norms
 * out; these follow the rate of their stage. Here a stage is what a parameter tensor is there, later epochs take the mean over
 * all steps of the epoch before instead of five further batches, and the optimizer's moments are kept.
 */
export class RelativeGradientRates {
  /** [epochs begun][stages] factors. */
  readonly history: (readonly number[])[] = [];

  /** Begins with the factors that `measuredFactors` gives. */
  constructor(private factors: readonly number[]) {}

  /** The request of the next epoch with its rates scaled. */
  applied(request: NativeTrainRequest): NativeTrainRequest {
    const { factors } = this;
    this.history.push(factors);
    const learningRates = request.learningRates.map((rate, index) => rate * factors[index % factors.length]!);
    return { ...request, learningRates, recordNorms: true };
  }

  /** Takes note of the epoch's gradients, for the next one. */
  note(result: NativePassResult): void {
    this.factors = relativeFactors(result, this.factors.length);
  }
}

const BATCHES = 5;

/**
 * [stages] factors before the first epoch: over the first batches of its request, of `batch` rows each, at learning rates of
 * 0. The network is put back bit for bit.
 */
export async function measuredFactors(
  network: Network,
  request: NativeTrainRequest,
  batch: number,
  call: NativeCallOptions,
): Promise<readonly number[]> {
  const steps = Math.min(BATCHES, request.trainedStages.length);
  const stages = network.stages.length;
  const before = await network.snapshot();
  try {
    const result = await network.train(
      {
        ...passPart(request, { first: 0, count: steps, batch }),
        learningRates: new Float32Array(steps * stages),
        recordNorms: true,
      },
      call,
    );
    return relativeFactors(result, stages);
  } finally {
    await network.restore(before);
  }
}

/**
 * [stages] mean over the steps of ‖g‖ / ‖w‖, divided by the largest. A stage without weights of its own has 1, as all have
 * where no gradient is left.
 */
export function relativeFactors(
  { gradientNorms = new Float64Array(0), weightNorms = new Float64Array(0) }: NativePassResult,
  stages: number,
): readonly number[] {
  const steps = gradientNorms.length / stages;
  const means = Array.from({ length: stages }, (_, stage) => {
    let sum = 0;
    for (let step = 0; step < steps; step++) {
      const index = step * stages + stage;
      sum += gradientNorms[index]! / weightNorms[index]!;
    }
    return sum / steps;
  });
  const largest = Math.max(...means.filter(Number.isFinite), 0);
  return means.map((mean) => (Number.isFinite(mean) && largest > 0 ? mean / largest : 1));
}

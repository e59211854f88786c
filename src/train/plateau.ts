import type { PolicySpec } from './trial.js';

/**
 * The learning rate's factor of the policy `plateau`, epoch by epoch: PyTorch's ReduceLROnPlateau with an absolute threshold and
 * without cooldown. A loss that is no number counts as no improvement.
 */
export class Plateau {
  private best = Number.POSITIVE_INFINITY;
  private badEpochs = 0;
  private current = 1;

  constructor(private readonly policy: Extract<PolicySpec, { kind: 'plateau' }>) {}

  /** Of the next epoch; 0 when the training has ended. */
  get factor(): number {
    return this.current;
  }

  /** Takes note of an epoch's validation loss. */
  note(loss: number): void {
    const { factor, patience, threshold, minimum } = this.policy;
    if (loss < this.best - threshold) {
      this.best = loss;
      this.badEpochs = 0;
      return;
    }
    this.badEpochs++;
    if (this.badEpochs <= patience) return;
    this.badEpochs = 0;
    // A product of factors such as 0.1 ends a little above or below the minimum that it is meant to reach.
    const next = this.current * factor;
    this.current = next < minimum * (1 - 1e-9) ? 0 : next;
  }
}

import type { PolicySpec } from './trial.js';

/**
 * The learning rate's factor of the policy `plateau`, epoch by epoch: PyTorch's ReduceLROnPlateau with an absolute threshold and
 * without cooldown; or, with `against: previous`, the *regular* policy of Romero et al. 2020, which looks at the epoch before
 * instead of the best. A loss that is no number counts as no improvement.
 */
export class Plateau {
  /** The loss that the next one is compared with. */
  private reference = Number.POSITIVE_INFINITY;
  private badEpochs = 0;
  private current = 1;

  constructor(private readonly policy: Extract<PolicySpec, { kind: 'plateau' }>) {}

  /** Of the next epoch; 0 when the training has ended. */
  get factor(): number {
    return this.current;
  }

  /** Takes note of an epoch's validation loss. */
  note(loss: number): void {
    const { factor, patience, threshold, minimum, against } = this.policy;
    const isBetter = loss < this.reference - threshold;
    if (isBetter || (against === 'previous' && !Number.isNaN(loss))) this.reference = loss;
    if (isBetter) {
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

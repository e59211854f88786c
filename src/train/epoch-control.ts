import { Plateau } from './plateau.js';
import type { TrialSpec } from './trial.js';

/** Whether an epoch's criterion (lower is better) is better than the best so far; as a head bank compares them. */
export function isBetter(criterion: number, best: number): boolean {
  return Number.isNaN(criterion) ? Number.isNaN(best) : !(criterion >= best);
}

/** Ends a training whose criterion has not become better for `patience` epochs in a row; 0 = never. */
class EarlyStopping {
  private best: number | undefined;
  private waited = 0;

  constructor(private readonly patience: number) {}

  get ended(): boolean {
    return this.patience > 0 && this.waited >= this.patience;
  }

  /** Takes note of an epoch's criterion, lower is better. */
  note(criterion: number): void {
    if (this.best === undefined || isBetter(criterion, this.best)) {
      this.best = criterion;
      this.waited = 0;
    } else this.waited++;
  }
}

/** What epochs are chosen by, lower is better: the validation loss, or the AUROC negated where it is defined. */
function criterionOf(select: 'loss' | 'auroc', loss: number, auroc: number): number {
  return select === 'auroc' && !Number.isNaN(auroc) ? -auroc : loss;
}

type Controlled = Pick<TrialSpec, 'policy' | 'earlyStopping' | 'select'>;

/** What a trial makes of its epochs' validation: a factor of the next epoch's learning rates, 0 when its training has ended. */
export class EpochControl {
  private readonly plateau: Plateau | undefined;
  private readonly stopping: EarlyStopping;

  constructor(private readonly spec: Controlled) {
    this.plateau = spec.policy.kind === 'plateau' ? new Plateau(spec.policy) : undefined;
    this.stopping = new EarlyStopping(spec.earlyStopping ?? 0);
  }

  /** Whether epochs have a say at all in what the next ones do. */
  static isNeeded({ policy, earlyStopping }: Controlled): boolean {
    return policy.kind === 'plateau' || earlyStopping !== undefined;
  }

  get rateFactor(): number {
    return this.stopping.ended ? 0 : (this.plateau?.factor ?? 1);
  }

  /** Takes note of an epoch and returns its criterion, lower is better. */
  note(validationLoss: number, validationAuroc: number): number {
    const criterion = criterionOf(this.spec.select, validationLoss, validationAuroc);
    this.plateau?.note(validationLoss);
    this.stopping.note(criterion);
    return criterion;
  }
}

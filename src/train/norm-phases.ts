import { freezePlan, phasesOf } from './freeze.js';
import { type NetworkTrialInputs, type NetworkTrialSpec, networkOf } from './network-setup.js';
import type { NormPhase } from './trial.js';

/** A training as far as it went. */
export interface TrainedSoFar {
  /** Names of the stages that the freeze plan is of: the whole network's, or those behind the trial's cut. */
  readonly stages: readonly string[];
  /** Rows of an epoch. */
  readonly rows: number;
  readonly epochs: number;
}

/**
 * What a trial's batch norms did, phase by phase of its freeze plan: those of trained stages what the trial's mode says, those of
 * frozen ones, also of the stages before its cut, nothing (`fixed`).
 */
export function normPhases(
  inputs: Pick<NetworkTrialInputs, 'task' | 'model' | 'images'>,
  spec: NetworkTrialSpec,
  { stages, rows, epochs }: TrainedSoFar,
): NormPhase[] {
  // The stages of `full`, which begins at the image, are those of the source.
  const whole = networkOf(inputs, { ...spec, strategy: 'full' }).stages;
  const normed = whole.filter(({ nodes }) => nodes.some(({ op }) => op === 'batch-norm'));
  const steps = Math.ceil(rows / spec.batch);
  const plan = freezePlan(spec.strategy, stages, steps * spec.epochs, steps).subarray(0, steps * epochs);
  return phasesOf(plan).map(([first, end]) => {
    const trained = new Set(stages.filter((_, stage) => ((plan[first]! >>> stage) & 1) === 1));
    const modes = normed.map(({ name }) => [name, trained.has(name) ? spec.network.batchNorm : 'fixed']);
    return { first, end, modes: Object.fromEntries(modes) };
  });
}

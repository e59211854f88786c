import { freezePlan } from './freeze.js';
import { type NetworkTrialInputs, type NetworkTrialSpec, openNetwork, stageNames } from './network-setup.js';
import { PhasedNetwork } from './phased-network.js';
import { mayStartBehindCuts, phasesAt } from './phases.js';
import type { Checkpoint } from './shared-epochs.js';
import type { ReadyTrial } from './trial-rows.js';

/**
 * A trial's network, each phase of it from the best of the activations there are. `begin` is where a training that agrees with
 * the trial's until then has been. Throws as `openNetwork`.
 */
export function openPhased(
  inputs: NetworkTrialInputs,
  spec: NetworkTrialSpec,
  trial: ReadyTrial,
  begin?: Checkpoint,
): PhasedNetwork {
  const stages = stageNames(inputs, spec);
  const steps = Math.ceil(trial.subset.rows.length / spec.batch);
  const plan = freezePlan(spec.strategy, stages, steps * spec.epochs, steps);
  const hasCut = (cut: string) => mayStartBehindCuts(spec) && inputs.activations?.has(cut) === true;
  return new PhasedNetwork({
    stages,
    phases: phasesAt(plan, stages, hasCut),
    batch: spec.batch,
    open: (cut) => openNetwork(inputs, spec, trial, cut),
    start: begin === undefined ? undefined : { step: begin.epochs * steps, state: begin.state },
  });
}

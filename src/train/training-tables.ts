import { freezePlan, phasesOf, stageFactors } from './freeze.js';
import type { NetworkTrialSpec } from './network-setup.js';
import { learningRates, momenta, rateTable } from './schedule.js';
import { type ReadyTrial, rateOf } from './trial-rows.js';

/** What every step of a training of a network does, as far as it is known before the first one. */
export interface TrainingTables {
  /** Of an epoch. */
  readonly steps: number;
  /** [all steps] bit s = stage s is trained. */
  readonly trained: Uint32Array;
  /** [all steps × stages] learning rates. */
  readonly rates: Float32Array;
  /** [all steps] momentum or β1, where the policy moves it. */
  readonly momenta: Float32Array | undefined;
}

/** The tables of a trial whose whole network has the stages `names`. Throws MODEL, CONFIG as freeze plan and policy do. */
export function trainingTables(
  names: readonly string[],
  spec: NetworkTrialSpec,
  trial: Pick<ReadyTrial, 'spec' | 'subset' | 'found'>,
): TrainingTables {
  const steps = Math.ceil(trial.subset.rows.length / spec.batch);
  const totalSteps = steps * spec.epochs;
  const trained = freezePlan(spec.strategy, names, totalSteps, steps);
  const phases = spec.network.atUnfreeze === 'restart' ? phasesOf(trained) : ([[0, totalSteps]] as const);
  const lengths = phases.map(([first, end]) => end - first);
  const rates = rateTable(
    joined(lengths.map((length) => learningRates(spec.policy, rateOf(trial), length))),
    stageFactors(spec.network.discriminative, names),
  );
  const parts = lengths.map((length) => momenta(spec.policy, length));
  const moving = parts.some((part) => part === undefined) ? undefined : joined(parts as Float32Array[]);
  return { steps, trained, rates, momenta: moving };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => [...part]));
}
